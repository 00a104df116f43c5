"""Marginal expected shortfall that moves: GJR volatilities, dynamic correlation, tails of the residuals as they are."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from volkit.checks import check_confidence, check_positive
from volkit.contagion.measures.expected_tail import MarginalShortfall
from volkit.contagion.measures.samples import check_panel
from volkit.correlation.dcc import Dcc
from volkit.errors import ArgumentError, ConvergenceError
from volkit.results import Provenance, freeze
from volkit.volatility import Garch

__all__ = ["dcc_marginal_expected_shortfall"]

Floats = npt.NDArray[np.float64]
# Residuals beyond a threshold whose mean still says something.
_LEAST_WEIGHT = 5.0


def dcc_marginal_expected_shortfall(
    returns: pd.DataFrame,
    *,
    asset: str,
    market: str,
    periods_per_year: float,
    confidence: float = 0.95,
    threshold: float | None = None,
    model: Dcc | None = None,
    provenance: Provenance | None = None,
) -> MarginalShortfall:
    """Return the marginal expected shortfall of each period and the next, given volatilities and correlation.

    Parameters
    ----------
    returns : DataFrame, shape (n_obs, n_series)
        Decimal returns on UTC times without NaN; at least 250 rows.
    asset, market : str
        Columns.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    confidence : float
        Without a threshold a period counts when the market falls into the tail that its own volatility leaves it: 0.95
        for the worst twentieth of its residuals.
    threshold : float, optional
        Loss of the market from which on a period counts, decimal; 0.02 in [1]_. In a calm market such a fall may lie
        beyond all that was seen.
    model : Dcc, optional
        GJR margins with normal likelihood by default.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MarginalShortfall
        `shortfall` is for the period after the last; no interval (NaN). The path is NaN where a given threshold leaves
        the weight of fewer than five residuals beyond it.

    Raises
    ------
    DataError
        For missing names or values.
    ArgumentError
        For the same name twice, a number out of range, or a threshold that is out of reach in the next period.
    ConvergenceError
        When the model did not converge.

    Notes
    -----
    With standardised residuals e of the market and x of the asset, correlation rho and xi = (x - rho e) / sqrt(1 -
    rho^2), the expected loss is [1]_

    .. math:: -\\mu_i - \\sigma_{it} \\rho_t E(e | e < c_t) - \\sigma_{it} \\sqrt{1 - \\rho_t^2} E(\\xi | e < c_t)

    with c the residuals' quantile, or c_t = (-threshold - mu_m) / sigma_mt, and tail means smoothed by a normal kernel
    of bandwidth n^(-1/5). The parameters are those of the whole sample: the path is a description, only the number for
    the next period looks at nothing later.

    References
    ----------
    .. [1] Brownlees and Engle (2017), SRISK: a conditional capital shortfall measure of systemic risk, Review of
       Financial Studies 30(1), 48-79; the estimator is that of their working paper of 2012.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> both = changes(load_prices(BundledSource(), ["SPX", "NASDAQ"])).iloc[-1000:]
    >>> dcc_marginal_expected_shortfall(both, asset="NASDAQ", market="SPX", periods_per_year=252).n_tail
    50
    """
    if asset == market:
        raise ArgumentError("asset", "must be another series than the market", repr(asset), "pass two different names")
    frame = check_panel(returns, [market, asset], minimum=250)
    level = check_confidence(confidence)
    loss = None if threshold is None else check_positive(threshold, argument="threshold", unit="decimal loss")
    spec = Dcc(margins=Garch(family="gjr", distribution="normal")) if model is None else model
    fit = spec.fit(frame, periods_per_year=periods_per_year)
    if fit.status != "converged":
        raise ConvergenceError(f"{fit.spec} did not converge in {fit.at_fault}; try a longer history")
    sigma = np.array([[*np.sqrt(m.variance), np.sqrt(m.next_variance)] for m in fit.margins])
    mean = np.array([_means(m.returns, m.standardized, m.variance, m.next_mean) for m in fit.margins])
    rho = np.array([*fit.path.iloc[:, 0], fit.next_correlation.iloc[0, 1]])
    z = fit.standardized.to_numpy()
    if loss is None:
        bound = np.full(len(rho), -float(np.quantile(-z[:, 0], level, method="weibull")))
    else:
        bound, level = (-loss - mean[0]) / sigma[0], float("nan")
    value = _shortfalls(z, sigma, mean, rho, bound)
    if not np.isfinite(value[-1]):
        got, remedy = f"{loss:g}, {-bound[-1]:.1f} times the market's volatility", "pass a smaller one, or a confidence"
        raise ArgumentError("threshold", "must be within reach of the next period", got, remedy)
    columns = {
        "shortfall": value[:-1],
        "market_volatility": sigma[0, :-1],
        "asset_volatility": sigma[1, :-1],
        "correlation": rho[:-1],
    }
    in_tail = z[:, 0] <= bound[:-1]
    return MarginalShortfall(
        asset=asset,
        market=market,
        shortfall=float(value[-1]),
        lower=float("nan"),
        upper=float("nan"),
        market_shortfall=float(-frame[market][in_tail].mean()) if in_tail.any() else float("nan"),
        threshold=float(-mean[0, -1] - sigma[0, -1] * bound[-1]),
        beta=float(rho[-1] * sigma[1, -1] / sigma[0, -1]),
        path=freeze(pd.DataFrame(columns, index=frame.index)),
        confidence=level,
        interval_confidence=float("nan"),
        n_tail=int(in_tail.sum()),
        method=fit.spec,
        as_of=frame.index[-1],
        n_obs=len(frame),
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _means(returns: pd.Series, z: pd.Series, variance: pd.Series, following: float) -> list[float]:
    """Return the model's mean of every period and of the next."""
    return [*(returns.to_numpy() - z.to_numpy() * np.sqrt(variance.to_numpy())), following]


def _shortfalls(z: Floats, sigma: Floats, mean: Floats, rho: Floats, bound: Floats) -> Floats:
    """Return the expected loss of the asset by period; row 0 of sigma and mean is the market."""
    e, x = z.T
    past = rho[: len(e)]
    root = np.sqrt(1.0 - past**2)
    xi = (x - past * e) / root
    width = len(e) ** -0.2
    tails = np.full((2, len(bound)), np.nan)
    for t, c in enumerate(bound):
        weight = special.ndtr((c - e) / width)
        total = float(weight.sum())
        if total >= _LEAST_WEIGHT:
            tails[:, t] = weight @ e / total, weight @ xi / total
    return np.asarray(-mean[1] - sigma[1] * (rho * tails[0] + np.sqrt(1.0 - rho**2) * tails[1]))
