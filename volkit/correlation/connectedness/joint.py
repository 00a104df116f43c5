"""Joint connectedness: what all the others together explain of a series, without counting shared shocks twice."""

from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.correlation.connectedness.results import Connectedness
from volkit.correlation.connectedness.system import Kind, check_system
from volkit.correlation.connectedness.var import VarFit, fit_var, moving_average
from volkit.correlation.connectedness.windows import percent_frame
from volkit.results import Provenance

__all__ = ["joint_connectedness", "joint_shares"]


def joint_shares(fit: VarFit, horizon: int) -> np.ndarray:
    """Return for each series the share of its forecast-error variance that all others' shocks explain, shape (K,).

        Examples
        --------
    >>> sigma = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> joint_shares(VarFit(np.zeros((1, 2, 2)), sigma, 100), 10).tolist()
    [0.25, 0.25]
    """
    K = len(fit.sigma)
    responses = moving_average(fit.A, horizon) @ fit.sigma
    variance = np.einsum("hik,hik->i", moving_average(fit.A, horizon), responses)
    shares = np.empty(K)
    for i in range(K):
        others = np.arange(K) != i
        seen = responses[:, i, others]
        explained = seen * np.linalg.solve(fit.sigma[np.ix_(others, others)], seen.T).T
        shares[i] = explained.sum() / variance[i]
    return shares


def joint_connectedness(
    changes: pd.DataFrame,
    *,
    lags: int,
    horizon: int = 10,
    kind: Kind = "changes",
    missing: Literal["raise", "drop"] = "raise",
    provenance: Provenance | None = None,
) -> Connectedness:
    """Return connectedness whose `from` counts the others' shocks jointly, so that shared ones count once.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        As for `connectedness`.
    lags, horizon, kind, missing
        As for `connectedness`.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    Connectedness
        Tables of shape (K, K) in per cent. Its `total` is the joint index. `adjusted_table`, `floor` and limits are
        NaN: the joint index is as biased upward as the plain one.

    Raises
    ------
    ArgumentError, DataError
        As `connectedness`.

    Notes
    -----
    From, with M_i the other series' columns of the identity, is
    sum_h e_i' Psi_h Sigma M_i (M_i' Sigma M_i)^-1 M_i' Sigma Psi_h' e_i / sum_h e_i' Psi_h Sigma Psi_h' e_i [1]_.
    Each row of the generalised table is scaled to that sum, which tells the senders apart (extended joint [2]_).

    References
    ----------
    .. [1] Lastrapes and Wiesen (2021), "The joint spillover index", Economic Modelling 94, 681-691.
    .. [2] Balcilar, Gabauer and Umar (2021), "Crude oil futures contracts and commodity markets: new evidence from a
       TVP-VAR extended joint connectedness approach", Resources Policy 73, 102219.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=500, tz="UTC")
    >>> moves = pd.DataFrame(rng.standard_normal((500, 2)) @ [[1.0, 0.8], [0.0, 0.6]], times, ["BTC", "ETH"])
    >>> round(joint_connectedness(moves, lags=1).total, 1)
    60.5
    """
    steps = check_count(horizon, argument="horizon")
    system = check_system(changes, kind=kind, missing=missing)
    fit = fit_var(system, lags)
    impulses = fit.sigma / np.sqrt(np.diag(fit.sigma))
    N = ((moving_average(fit.A, steps) @ impulses) ** 2).sum(axis=0)
    np.fill_diagonal(N, 0.0)
    received = joint_shares(fit, steps)
    sums = N.sum(axis=1)
    table = N * np.divide(received, sums, out=np.zeros_like(sums), where=sums > 0.0)[:, None]
    np.fill_diagonal(table, 1.0 - received)
    return Connectedness(
        table=percent_frame(table, system.names),
        adjusted_table=percent_frame(np.full_like(table, np.nan), system.names),
        decomposition="joint",
        lags=len(fit.A),
        horizon=steps,
        n_obs=fit.n_obs,
        n_missing=system.n_missing,
        is_stable=fit.is_stable,
        floor=np.nan,
        lower=np.nan,
        upper=np.nan,
        confidence=0.95,
        as_of=system.index[-1],
        provenance=provenance or Provenance(()),
    )
