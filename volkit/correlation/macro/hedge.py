"""How much of an asset's risk a macro hedge takes away, walking forward: ratios fitted on the past, judged after it."""

from collections.abc import Callable, Mapping
from typing import get_args

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, check_positive, check_returns, real_number
from volkit.correlation.inputs import MINIMUM_PAIRS
from volkit.correlation.macro.hedge_results import HedgeMethod, MacroHedge
from volkit.correlation.macro.inputs import FactorPanel, check_clocks, check_factors
from volkit.correlation.macro.regression import LARGEST_CONDITION, least_squares
from volkit.errors import ArgumentError, DataError
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, freeze
from volkit.validation.blocks import block_indices
from volkit.volatility.ewma import decay_of

__all__ = ["macro_hedge"]

# Fewer periods than this say nothing of a tail.
_LEAST_PERIODS = 100


def macro_hedge(
    asset_returns: pd.Series,
    hedge_returns: pd.DataFrame,
    *,
    window: int,
    periods_per_year: float,
    rng: np.random.Generator,
    refit_every: int = 22,
    method: HedgeMethod = "ols",
    half_life: float | None = None,
    cost: float = 0.0,
    tail_confidence: float = 0.95,
    confidence: float = 0.95,
    block_length: int | None = None,
    n_boot: int = 999,
    synchrony: Mapping[str, Synchrony] | None = None,
    provenance: Provenance | None = None,
) -> MacroHedge:
    """Return a hedge whose ratios are fitted on the past and judged on what came after.

    Parameters
    ----------
    asset_returns : Series, shape (n_obs,)
        Simple returns of the asset, decimal, on UTC times: what a long position earns.
    hedge_returns : DataFrame, shape (n_obs, n_hedges)
        Simple returns of the hedges, decimal, on the same times. Rows with a NaN anywhere are left out and counted.
    window : int
        Complete rows of each fit.
    periods_per_year : float
        Of the rows' clock: 365 for UTC days, 252 for sessions.
    rng : Generator
        Randomness of the bootstrap.
    refit_every : int
        Periods that a ratio is held.
    method : {"ols", "ewma"}
        "ols" is the regression on the window with a constant; "ewma" the ratio of least variance under exponentially
        weighted second moments of the window (means taken as zero).
    half_life : float, optional
        Of "ewma", in periods; by default a quarter of the window.
    cost : float
        Of trading one unit of hedge notional, decimal: half of the spread plus fees.
    tail_confidence : float
        Of the expected shortfall, fraction.
    confidence : float
        Of each two-sided interval, fraction.
    block_length : int, optional
        Periods of a block of the bootstrap; by default 2 n^(1/3).
    n_boot : int
        Draws of the bootstrap.
    synchrony : mapping of str to Synchrony, optional
        By hedge, e.g. ``{"SPX": panel.synchrony("BTC", "SPX")}``.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MacroHedge
        Ratios, returns, effectiveness with intervals, turnover and cost.

    Raises
    ------
    ArgumentError
        For a window too short for its hedges, bad counts, method, half-life (also one that "ols" has no use for),
        cost or confidence.
    DataError
        For returns that `check_returns` refuses, other times, constant or collinear hedges, also within a window, an
        asset that is constant in one, and fewer than 100 periods after the first fit.

    Warns
    -----
    AsynchronousWarning
        For a hedge with less than 95 % of a period in common.

    Notes
    -----
    With the ratio b of the last fit, hedged_t = r_t - b' h_t; effectiveness is 1 - var(hedged) / var(unhedged) [1]_,
    tail effectiveness 1 - ES(hedged) / ES(unhedged) of the long position. Intervals are percentiles of a circular
    block bootstrap of (unhedged, hedged) with the ratios as they were: what the hedge did, not what another history
    would have made of it. Costs are in `net` alone. Ratios are kept at their share of the asset's notional, and the
    trades that this takes between fits are not counted.

    References
    ----------
    .. [1] Ederington (1979), "The hedging performance of the new futures markets", Journal of Finance 34(1).
    .. [2] Politis and Romano (1992), "A circular block-resampling procedure for stationary data".

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> times = pd.date_range("2020-01-01", periods=800, tz="UTC")
    >>> hedge = pd.DataFrame({"SPX": rng.normal(0, 0.01, 800)}, index=times)
    >>> asset = (1.5 * hedge["SPX"] + rng.normal(0, 0.02, 800)).rename("BTC")
    >>> macro_hedge(asset, hedge, window=250, periods_per_year=252, rng=rng).table.loc["variance"].round(2).tolist()
    [0.31, 0.25, 0.37, 0.32]
    """
    chosen: HedgeMethod = method
    check_choice(chosen, argument="method", choices=get_args(HedgeMethod))
    level, tail = check_confidence(confidence), check_confidence(tail_confidence, argument="tail_confidence")
    every = check_count(refit_every, argument="refit_every")
    draws = check_count(n_boot, argument="n_boot", minimum=99, unit="draws")
    panel = _check_hedges(asset_returns, hedge_returns)
    y, x, _ = panel.complete_rows()
    width = _check_window(window, x.shape[1], len(y))
    clocks = check_clocks(synchrony, panel.names, asset=str(panel.asset.name))
    memory = _check_memory(half_life, chosen, width)
    yearly = check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    ends = np.arange(width - 1, len(y) - 1, every)
    ratios = np.vstack([_ratio(y, x, end=int(end), window=width, half_life=memory) for end in ends])
    held = np.repeat(ratios, np.diff(np.append(ends, len(y) - 1)), axis=0)
    asset, hedges = y.to_numpy()[width:], x.to_numpy()[width:]
    traded = np.abs(np.diff(ratios, axis=0, prepend=np.zeros((1, ratios.shape[1])))).sum(axis=1)
    charged = np.zeros(len(asset))
    charged[ends - width + 1] = _check_cost(cost) * traded
    hedged = asset - (held * hedges).sum(axis=1)
    best = least_squares(hedges[None], asset[None], lags=0).coefficients[0, 1:]
    block = _block_length(block_length, len(asset))
    rows = block_indices(len(asset), block=block, n_replications=draws, rng=rng)
    pair = np.stack([asset, hedged])
    earned = {"unhedged": asset, "hedged": hedged, "net": hedged - charged}
    turnover = float(traded.sum() / len(asset) * yearly)
    return MacroHedge(
        asset=str(panel.asset.name),
        ratios=freeze(pd.DataFrame(ratios, index=y.index[ends], columns=panel.names)),
        returns=freeze(pd.DataFrame(earned, index=y.index[width:])),
        table=freeze(_effectiveness(pair, asset - hedges @ best, rows, tail=tail, confidence=level)),
        turnover=turnover,
        cost_rate=cost * turnover,
        in_sample_ratio=freeze(pd.Series(best, index=panel.names)),
        method=chosen,
        window=width,
        refit_every=every,
        half_life=memory,
        tail_confidence=tail,
        confidence=level,
        block_length=block,
        n_obs=len(y),
        n_dropped=len(panel.asset) - len(y),
        periods_per_year=yearly,
        as_of=y.index[-1],
        synchrony=clocks,
        provenance=provenance or Provenance(()),
    )


def _check_hedges(asset_returns: pd.Series, hedge_returns: pd.DataFrame) -> FactorPanel:
    names = hedge_returns.columns if isinstance(hedge_returns, pd.DataFrame) else []
    panel = check_factors(
        asset_returns, hedge_returns, {str(name): "unit return" for name in names}, argument="hedge_returns"
    )
    for name, column in panel.factors.items():
        check_returns(column, argument=f"hedge_returns ({name})", minimum=MINIMUM_PAIRS, allow_missing=True)
    return panel


def _check_window(window: int, n_hedges: int, n: int) -> int:
    width = check_count(window, argument="window", minimum=max(MINIMUM_PAIRS, 5 * (n_hedges + 1)))
    if n - width < _LEAST_PERIODS:
        got = f"{n} complete rows and a window of {width}"
        needed = f"must leave at least {_LEAST_PERIODS} periods to judge"
        raise DataError("asset_returns", needed, got, "pass a longer history or a shorter window")
    return width


def _check_memory(half_life: float | None, method: HedgeMethod, window: int) -> float | None:
    if method == "ols":
        if half_life is not None:
            remedy = 'leave it out, or pass method="ewma"'
            raise ArgumentError("half_life", 'must be left out with method "ols"', f"{half_life!r}", remedy)
        return None
    return check_positive(window / 4.0 if half_life is None else half_life, argument="half_life", unit="periods")


def _check_cost(cost: float) -> float:
    if not 0.0 <= real_number(cost, argument="cost") < 0.1:
        remedy = "pass the cost of one unit of notional, e.g. cost=0.0005"
        raise ArgumentError("cost", "must be a decimal from 0 to below 0.1", f"{cost!r}", remedy)
    return float(cost)


def _block_length(block_length: int | None, n: int) -> int:
    length = int(2.0 * n ** (1.0 / 3.0)) if block_length is None else check_count(block_length, argument="block_length")
    if length > n // 4:
        raise ArgumentError(
            "block_length", f"must be at most a quarter of {n} periods", str(length), "pass a shorter one"
        )
    return length


def _ratio(y: pd.Series, x: pd.DataFrame, *, end: int, window: int, half_life: float | None) -> np.ndarray:
    """Return the ratio that the window ending with row `end` asks for, shape (n_hedges,)."""
    rows = slice(end - window + 1, end + 1)
    asset, hedges = y.to_numpy()[rows], x.to_numpy()[rows]
    if half_life is None:
        ratio = least_squares(hedges[None], asset[None], lags=0).coefficients[0, 1:]
    else:
        weight = np.sqrt(decay_of(half_life) ** np.arange(window - 1.0, -1.0, -1.0))[:, None]
        size = np.sqrt(((weight * hedges) ** 2).sum(axis=0))
        scaled = weight * hedges / np.where(size > 0.0, size, np.nan)
        usable = bool(np.isfinite(scaled).all()) and np.linalg.cond(scaled) <= LARGEST_CONDITION
        solved = np.linalg.lstsq(scaled, weight[:, 0] * asset, rcond=None)[0] / size if usable else np.nan * size
        ratio = np.asarray(solved)
    if not np.isfinite(ratio).all():
        span = f"in the window from {y.index[rows][0]} to {y.index[end]}"
        if np.ptp(asset) == 0.0:
            remedy = "check that the asset was traded, or set the halted rows to NaN"
            raise DataError("asset_returns", "must vary in every window", f"one value {span}", remedy)
        requirement = "must vary each on its own in every window"
        raise DataError("hedge_returns", requirement, f"a constant or collinear one {span}", "leave that hedge out")
    return np.asarray(ratio)


def _effectiveness(
    pair: np.ndarray, in_sample: np.ndarray, rows: np.ndarray, *, tail: float, confidence: float
) -> pd.DataFrame:
    drawn = pair[:, rows]
    looked = np.stack([pair[0], in_sample])
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "variance": lambda r: np.asarray(r.var(axis=-1, ddof=1)),
        "expected shortfall": lambda r: _shortfall(r, tail),
    }
    table = {}
    for name, risk in measures.items():
        (unhedged, hedged), (plain, fitted) = risk(pair), risk(looked)
        draws = risk(drawn)
        ends = np.quantile(1.0 - draws[1] / draws[0], [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
        table[name] = [1.0 - hedged / unhedged, ends[0], ends[1], 1.0 - fitted / plain]
    columns = ["out_of_sample", "lower", "upper", "in_sample"]
    return pd.DataFrame.from_dict(table, orient="index", columns=columns).rename_axis("measure")


def _shortfall(returns: np.ndarray, confidence: float) -> np.ndarray:
    """Return the mean loss at or beyond the type 6 quantile over the last axis, positive for a loss."""
    losses = -returns
    quantile = np.quantile(losses, confidence, axis=-1, method="weibull", keepdims=True)
    beyond = losses >= quantile
    return np.asarray((losses * beyond).sum(axis=-1) / beyond.sum(axis=-1))
