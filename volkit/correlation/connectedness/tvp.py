"""Connectedness of a vector autoregression whose coefficients and covariance move with time."""

from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count, real_number
from volkit.correlation.connectedness.paths import ConnectednessPath, assemble_path
from volkit.correlation.connectedness.system import Decomposition, Kind, System, check_lags, check_system, kind_code
from volkit.correlation.connectedness.var import fit_var
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels
from volkit.results import Provenance

__all__ = ["tvp_var_connectedness"]

_KERNELS = "volkit.correlation.connectedness._filter"


def tvp_var_connectedness(
    changes: pd.DataFrame,
    *,
    lags: int,
    prior_window: int,
    horizon: int = 10,
    decomposition: Decomposition = "generalised",
    kappa_state: float = 0.99,
    kappa_noise: float = 0.99,
    demean: Literal["prior", "sample"] = "prior",
    keep_prior: bool = False,
    kind: Kind = "changes",
    missing: Literal["raise", "drop"] = "raise",
    provenance: Provenance | None = None,
) -> ConnectednessPath:
    """Return connectedness through time of a time-varying autoregression, without a window to choose.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        As for `connectedness`.
    lags, horizon, decomposition, kind, missing
        As for `connectedness`.
    prior_window : int
        First rows, on which the prior is estimated.
    kappa_state, kappa_noise : float
        Forgetting factors of the coefficients and of the covariance, above 0 and at most 1; 0.99 remembers about 100
        periods.
    demean : {"prior", "sample"}
        Rows whose mean is taken off: those of the prior, or the whole sample, which looks ahead and is what the
        published tables do.
    keep_prior : bool
        Whether to keep values inside the prior's rows. They rest on coefficients that were estimated on rows after
        them, so they are NaN by default; the published mean tables include them.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ConnectednessPath
        Frames with the complete rows of `changes` (UTC), per cent. `adjusted`, `floor` and limits are NaN: no
        correction for this filter is known to us. `status` is "explosive" where a root left the unit circle.

    Raises
    ------
    ArgumentError
        For a prior that does not fit, forgetting factors outside (0, 1], a bad horizon or choice.
    DataError
        As `connectedness`, and for a series that does not vary over the prior.

    Notes
    -----
    State b_t (coefficients, equation by equation), covariance S_t, noise Q_t. Prior: least squares on the first
    `prior_window` - 1 rows gives b_0, Q_0 (sums of squares over rows) and S_0 = I kron (Z'Z)^-1. Then
    Q_t = kappa_noise Q_{t-1} + (1 - kappa_noise) e_t e_t', P = S_{t-1} / kappa_state,
    gain P Z'(Z P Z' + Q_t)^-1 [1]_ [2]_. Where the largest root reaches 1 the coefficients before are decomposed
    and the state restarts from 0.99 of them.

    References
    ----------
    .. [1] Koop and Korobilis (2014), "A new index of financial conditions", European Economic Review 71, 101-116.
    .. [2] Antonakakis, Chatziantoniou and Gabauer (2020), "Refined measures of dynamic connectedness based on
       time-varying parameter vector autoregressions", Journal of Risk and Financial Management 13(4), 84.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=400, tz="UTC")
    >>> moves = pd.DataFrame(rng.standard_normal((400, 2)) @ [[1.0, 0.8], [0.0, 0.6]], times, ["BTC", "ETH"])
    >>> path = tvp_var_connectedness(moves, lags=1, prior_window=100)
    >>> round(float(path.latest["total"]), 1)
    37.7
    """
    code, steps = kind_code(decomposition), check_count(horizon, argument="horizon")
    factors = (_check_factor(kappa_state, "kappa_state"), _check_factor(kappa_noise, "kappa_noise"))
    system = check_system(changes, kind=kind, missing=missing)
    n_rows, K = system.values.shape
    width = check_count(prior_window, argument="prior_window")
    if width > n_rows:
        remedy = f"pass prior_window={n_rows} or less"
        raise ArgumentError("prior_window", f"must fit into the {n_rows} complete rows", str(width), remedy)
    p = check_lags(lags, width - 1 - check_count(lags, argument="lags"), K, where="the prior")
    mean = system.values[:width].mean(axis=0) if demean == "prior" else system.values.mean(axis=0)
    # In units of each series' own size the filter's matrices keep their digits. The source's prior covariance of the
    # coefficients is that of the units that came in: the scales enter there, and the numbers are the same.
    scales = system.values[:width].std(axis=0)
    if (still := np.ptp(system.values[:width], axis=0) == 0.0).any():
        got = f"one value of {system.names[still][0]} in the first {width} rows"
        raise DataError("changes", "must vary over the prior", got, "pass a longer prior_window, or leave it out")
    values = (system.values - mean) / scales
    b, S, Q = _prior(System(system.index[: width - 1], values[: width - 1], system.names, 0), p, scales)
    tables, status = np.empty((n_rows, K, K)), np.zeros(n_rows, dtype=np.int64)
    load_kernels(_KERNELS).follow(values, p, steps, code, *factors, b, S, Q, tables, status)
    first = 0 if keep_prior else width
    none = np.full(n_rows - first, np.nan)
    return assemble_path(
        system,
        tables=tables[first:],
        first=first,
        status=status[first:],
        adjusted=none,
        floor=none,
        band=(none, none),
        method=f"{decomposition}, TVP-VAR (forgetting {factors[0]:g} and {factors[1]:g}), prior of {width} periods",
        lags=p,
        horizon=steps,
        window=width,
        confidence=check_confidence(0.95),
        provenance=provenance,
    )


def _check_factor(value: float, argument: str) -> float:
    number = real_number(value, argument=argument)
    if not 0.0 < number <= 1.0:
        requirement = "must be a forgetting factor above 0 and at most 1"
        raise ArgumentError(argument, requirement, f"{value!r}", f"pass for example {argument}=0.99")
    return number


def _prior(system: System, lags: int, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return b_0, S_0 and Q_0 of least squares with a constant, on values over their scales."""
    fit = fit_var(system, lags)
    n, K = fit.n_obs, len(fit.sigma)
    rows = [system.values[lags - lag : lags - lag + n] for lag in range(1, lags + 1)]
    Z = np.hstack([np.ones((n, 1)), *rows])
    inverse = np.linalg.pinv(Z.T @ Z)[1:, 1:]
    b = np.concatenate([fit.A[:, i, :].ravel() for i in range(K)])
    Q = fit.sigma * (n - K * lags - 1) / n
    return b, np.kron(np.diag(scales**-2.0), inverse), np.ascontiguousarray(Q)
