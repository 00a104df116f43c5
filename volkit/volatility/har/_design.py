"""Regressors, targets and retransformations of the HAR models, on plain arrays.

y is the transformed realised variance (itself, its root or its logarithm), J the transformed jump part.
"""

from collections.abc import Sequence

import numpy as np

__all__ = [
    "autoregression",
    "design",
    "expected_path",
    "regressor_names",
    "target",
    "to_variance",
    "transform",
]


def transform(variance: np.ndarray, form: str) -> np.ndarray:
    """Return variances, shape (n,), as themselves, as roots or as natural logarithms.

    Examples
    --------
    >>> transform(np.array([0.04]), "root").tolist()
    [0.2]
    """
    if form == "variance":
        return variance
    return np.asarray(np.sqrt(variance) if form == "root" else np.log(variance))


def _transform_jumps(jumps: np.ndarray, form: str) -> np.ndarray:
    return np.asarray(np.log1p(jumps)) if form == "log" else transform(jumps, form)


def regressor_names(lags: Sequence[int], jumps: str) -> list[str]:
    """Return the names of the columns of `design` (no unit).

    Examples
    --------
    >>> regressor_names((1, 5), "added")
    ['const', 'RV 1', 'RV 5', 'J 1']
    """
    if jumps == "split":
        return ["const", *(f"C {lag}" for lag in lags), *(f"J {lag}" for lag in lags)]
    return ["const", *(f"RV {lag}" for lag in lags), *(["J 1"] if jumps == "added" else [])]


def design(variance: np.ndarray, jump_part: np.ndarray, *, lags: Sequence[int], form: str, jumps: str) -> np.ndarray:
    """Return one row of regressors for each period from the longest lag on, shape (n - max(lags) + 1, k).

    Row i knows the variances up to period max(lags) - 1 + i, inclusive, and none after.
    """
    rest = len(variance) - max(lags) + 1
    base = transform(variance - jump_part, form) if jumps == "split" else transform(variance, form)
    columns = [np.ones(rest), *(_trailing_mean(base, lag)[-rest:] for lag in lags)]
    if jumps == "added":
        columns.append(_transform_jumps(jump_part, form)[-rest:])
    if jumps == "split":
        sizes = _transform_jumps(jump_part, form)
        columns += [_trailing_mean(sizes, lag)[-rest:] for lag in lags]
    return np.column_stack(columns)


def _trailing_mean(values: np.ndarray, lag: int) -> np.ndarray:
    # On sliding views rather than running sums: a large value must not leave a trace after it.
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, lag).mean(axis=1))


def target(variance: np.ndarray, *, lags: Sequence[int], form: str, horizon: int) -> np.ndarray:
    """Return the transformed mean variance of the `horizon` periods after each row of `design`."""
    ahead = _trailing_mean(variance, horizon)[max(lags) :]
    return transform(ahead, form)


def autoregression(slopes: np.ndarray, lags: Sequence[int]) -> np.ndarray:
    """Return the coefficients of y_{t-1}, ..., y_{t-max(lags)} that the HAR slopes stand for.

    Examples
    --------
    >>> autoregression(np.array([0.5, 0.2]), (1, 2)).tolist()
    [0.6, 0.1]
    """
    phi = np.zeros(max(lags))
    for slope, lag in zip(slopes, lags, strict=True):
        phi[:lag] += slope / lag
    return phi


def expected_path(
    start: np.ndarray, constant: float, phi: np.ndarray, *, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return E[y_{T+k}], k = 1..horizon, and the moving-average weights psi_0, ..., psi_{horizon-1}.

    `start` holds the last max(lags) values of y, oldest first; phi is that of `autoregression`.

    Examples
    --------
    >>> [a.tolist() for a in expected_path(np.array([2.0]), 1.0, np.array([0.5]), horizon=3)]
    [[2.0, 2.0, 2.0], [1.0, 0.5, 0.25]]
    """
    longest, path = len(phi), np.concatenate([start, np.zeros(horizon)])
    # With a horizon of zeros before psi_0 the recursion needs no special first steps.
    psi = np.concatenate([np.zeros(longest), [1.0], np.zeros(horizon - 1)])
    backwards = phi[::-1]
    for k in range(longest, longest + horizon):
        path[k] = constant + backwards @ path[k - longest : k]
        if k > longest:
            psi[k] = backwards @ psi[k - longest : k]
    return path[longest:], psi[longest:]


def to_variance(
    means: np.ndarray,
    weights: np.ndarray,
    residuals: np.ndarray,
    residual_variance: float,
    *,
    form: str,
    retransformation: str,
) -> np.ndarray:
    """Return the expected variance for y = mean + sum_j weights_j e_j with independent errors e_j.

    The mean of the square needs the errors' variance only; that of the exponential their law: normal
    ("lognormal"), or that of the residuals themselves ("smearing").

    Examples
    --------
    >>> to_variance(np.zeros(1), np.ones(1), np.zeros(9), 0.5, form="log", retransformation="lognormal").round(4)
    array([1.284])
    """
    if form == "variance":
        return means
    if form == "root":
        return np.asarray(means**2 + residual_variance * float(weights @ weights))
    if retransformation == "lognormal":
        return np.asarray(np.exp(means + 0.5 * residual_variance * float(weights @ weights)))
    bias = sum(float(np.log(np.mean(np.exp(w * residuals)))) for w in weights)
    return np.asarray(np.exp(means + bias))
