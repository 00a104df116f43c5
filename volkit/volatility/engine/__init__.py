"""The estimation engine: compiled likelihoods with exact derivatives, and a Newton search that certifies its end.

Modules from the bottom up: `codes` and `design` (what is estimated), `_laws` (log-densities and their derivatives),
`_recursions` (states and variances), `_likelihood` (gradient and Hessian), `_information` and `_expectations`
(expected curvature), `_covariance`, `_programming` (quadratic programs), `_climb` (Newton with an active set),
`_fit` (many fits, from several starts or from the one before), `search` (kinks in the mean), `_units` and `problem`
(from returns to arrays and back), `_paths` (the recursion run forward).

Inside, returns are scaled to unit variance.
"""
