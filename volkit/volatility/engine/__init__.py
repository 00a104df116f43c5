"""The estimation engine: compiled likelihoods with exact derivatives, and a Newton search that certifies its end.

Modules from the bottom up: `codes` (what families, laws and start-ups are called inside), `_laws` (log-densities
and their derivatives), `_recursions` (variance and its derivatives), `_likelihood` (gradient, Hessian and
information), `_programming` (quadratic programs), `_search` (start points, Newton with an active set, kinks),
`_walk` (re-fits through time and over panels), `_paths` (simulation), `problem` (from a specification and data to
arrays, and back to natural units).

Inside, returns are scaled to about unit variance by a power of two, which loses no bit.
"""
