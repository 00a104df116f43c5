"""Tails of an asset given the macro state known before, walking forward, beside the tails without it.

Returns and a state on their rows enter; `ConditionalTails` leaves: Value at Risk and expected shortfall of both sides a
period, with the state and without, from the same window and in the same units, so that the state is all they differ by.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from volkit.checks import (
    check_choice,
    check_confidence,
    check_count,
    check_floats,
    check_returns,
    check_times,
    real_number,
)
from volkit.conventions import SIDES, losses
from volkit.correlation.guards import find_random_walk
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.bridge.estimators import fit_quantile_plane, nearness_weights, weighted_tail
from volkit.margin.measures.sampled import tails_of_samples
from volkit.margin.rates import require_tail, tail_of_losses
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CONDITIONAL_METHODS", "ConditionalMethod", "ConditionalTails", "conditional_tails"]

ConditionalMethod = Literal["quantile_regression", "nearest_states"]
CONDITIONAL_METHODS: tuple[ConditionalMethod, ...] = get_args(ConditionalMethod)

_TAILS = tuple(f"{measure}_{side}" for side in SIDES for measure in ("value_at_risk", "expected_shortfall"))
# A fitted plane may fall to nothing in a quiet corner of the state: no less than this share of the quantile without it.
_LEAST_SHARE = 0.25


class _Rows(NamedTuple):
    """What a walk takes: for each row of the output its state, and for each window the pairs behind it."""

    x: np.ndarray
    shocks: np.ndarray
    lookback: int
    confidence: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ConditionalTails(ResultDisplay):
    """Tails through time with the macro state and without it, each beside the loss that came.

    Attributes
    ----------
    asset : str
        Name of the series.
    method : str
        ``quantile_regression`` or ``nearest_states``.
    frame : DataFrame, shape (n_rows, 11)
        Index `time` (UTC): the last period known. For each side value_at_risk, expected_shortfall (given the state),
        unconditional_value_at_risk, unconditional_expected_shortfall and loss, all fractions of the notional; the last
        loss is NaN, for it has not come. `until`: label of the period that the loss belongs to (UTC).
    state : DataFrame, shape (n_rows, n_variables)
        What each row rests on.
    confidence : float
        Of all tails.
    lookback, refit_every : int
        Pairs of state and next return behind each row; periods between fits of the regression.
    scaled : bool
        Whether the tails are those of shocks, at the volatility of the moment.
    n_floored : int
        Rows and sides at which the regression fell below a quarter of the quantile without state, and was held there.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    method: str
    frame: pd.DataFrame
    state: pd.DataFrame
    confidence: float
    lookback: int
    refit_every: int
    scaled: bool
    n_floored: int = 0
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return used."""
        return self.frame.index[-1]

    @property
    def n_obs(self) -> int:
        """Rows with a loss beside them."""
        return int(self.frame["loss_long"].notna().sum())

    @property
    def rows(self) -> np.ndarray:
        """Tails given the state, shape (n_rows, 4), columns as `volkit.margin.measures.tails_through_time`."""
        return np.asarray(self.frame[list(_TAILS)])

    @property
    def headline(self) -> str:
        """Latest Value at Risk of both sides with and without the state in one line."""
        now = self.frame.iloc[-1]
        words = " and ".join(
            f"{percent_to(now[f'value_at_risk_{s}'])} {s} "
            f"(without {percent_to(now[f'unconditional_value_at_risk_{s}'])})"
            for s in SIDES
        )
        names = ", ".join(map(str, self.state.columns))
        return f"{self.asset} given {names}: {words} at {self.confidence:.4g} as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return quantiles through time, fractions of the notional, and exception rates beside their target."""
        rows = {}
        for side in SIDES:
            for prefix in ("", "unconditional_"):
                margin, loss = self.frame[f"{prefix}value_at_risk_{side}"], self.frame[f"loss_{side}"]
                hits = (loss > margin)[loss.notna()]
                rows[f"{prefix}value_at_risk_{side}"] = [
                    *margin.quantile([0.0, 0.5, 1.0]), margin.iloc[-1], hits.mean(), 1.0 - self.confidence,
                ]  # fmt: skip
        names = ["lowest", "median", "highest", "latest", "exception rate", "target"]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=names)
        return table.rename_axis(f"{self.asset} (fraction of notional)")

    def to_frame(self) -> pd.DataFrame:
        """Return the frame (UTC, fractions of the notional)."""
        return self.frame


def conditional_tails(
    returns: pd.Series,
    state: pd.DataFrame,
    *,
    method: ConditionalMethod = "quantile_regression",
    confidence: float = 0.99,
    lookback: int = 500,
    refit_every: int = 21,
    effective_share: float = 0.5,
    volatility: pd.Series | None = None,
    provenance: Provenance | None = None,
) -> ConditionalTails:
    """Return both tails of the next period given the state at the close before, walking forward.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Simple returns, decimals, no NaN, UTC times.
    state : DataFrame, shape (n_obs, n_variables)
        On the rows of the returns: what was known at the close of each period, from `macro_state`. Stationary
        variables in any units; rows before the first complete one may miss values, later ones may not.
    method : {"quantile_regression", "nearest_states"}
        A plane in the state for each side's quantile, or past scenarios weighted by nearness in state.
    confidence : float
        For example 0.99.
    lookback : int
        Pairs of a state and the return after it behind each row; the window keeps its length.
    refit_every : int
        Periods between fits of the planes; the state is that of each row. Nearest states are found at every row.
    effective_share : float
        Of the look-back's scenarios that the weights count as, above 0 and at most 1.
    volatility : Series, shape (n_obs,), optional
        Of the next period, decimal, as known at each close (e.g. roots of `next_variance` of `walk_forward`). Tails are
        then those of returns over it, times the latest one: what the state adds to a volatility model. NaN only before
        its first value.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ConditionalTails
        One row a period from the first full look-back on.

    Raises
    ------
    DataError
        For what `check_returns` refuses; a state or volatility on other rows, infinite, or missing after its start; a
        variable that is constant, that moves like a random walk, or that follows from the others; a history too short.
    ArgumentError
        For an unknown method, a confidence, look-back or share out of range, or fewer than one scenario in the tail.
    ConvergenceError
        When a quantile regression finds no optimum.

    Notes
    -----
    Quantile regression [1]_: V = a + b'x, refitted every `refit_every` periods at level (n + 1) confidence / n, the
    level that type 6 takes of n losses; x in standard deviations of the window and never outside its range there.
    Expected shortfall is V times the mean of L / V over the losses at or beyond their V (the multiple of [2]_, by its
    mean instead of by maximum likelihood). Nearest states: weights exp(-b d), d the squared Mahalanobis distance
    between today's state and those before the scenarios, b so that the weights count as `effective_share` of them
    (Meucci's state conditioning [3]_ with a Gaussian kernel). Both return the tails without state when the state says
    nothing, up to noise: at 99 % and 500 pairs a plane rests on five losses, so keep the variables few.

    References
    ----------
    .. [1] Koenker and Bassett (1978), Regression quantiles, Econometrica 46.
    .. [2] Taylor (2019), Forecasting Value at Risk and expected shortfall using a semiparametric approach based on the
       asymmetric Laplace distribution, Journal of Business & Economic Statistics 37.
    .. [3] Meucci (2010), Historical scenarios with fully flexible probabilities, GARP Risk Professional, December.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2022-01-01", periods=700, tz="UTC")
    >>> x = rng.standard_normal(700)
    >>> wild = np.exp(0.5 * np.r_[0.0, x[:-1]])
    >>> returns = pd.Series(0.01 * wild * rng.standard_normal(700), index=times, name="simulated")
    >>> tails = conditional_tails(returns, pd.DataFrame({"x": x}, times), confidence=0.95, method="nearest_states")
    >>> bool(np.corrcoef(tails.frame["value_at_risk_long"], tails.state["x"])[0, 1] > 0.8)
    True
    """
    check_choice(method, argument="method", choices=CONDITIONAL_METHODS)
    level = check_confidence(confidence)
    width = check_count(lookback, argument="lookback", minimum=20)
    step = check_count(refit_every, argument="refit_every")
    if not 0.0 < real_number(effective_share, argument="effective_share") <= 1.0:
        raise ArgumentError("effective_share", "must be above 0 and at most 1", f"{effective_share!r}", "pass 0.5")
    require_tail(width * (effective_share if method == "nearest_states" else 1.0), level)
    checked = check_returns(returns, minimum=width + 1)
    states, scale, first = _check_state(state, volatility, checked)
    n_pairs = len(checked) - 1 - first
    if n_pairs < width:
        got = f"{n_pairs} from {checked.index[first]} on"
        raise DataError("returns", f"must come after at least {width} states", got, "shorten the look-back")
    shocks = checked.to_numpy()[first + 1 :] / scale[first:-1]
    rows = _Rows(states[first:], shocks, width, level)
    if method == "quantile_regression":
        risks, n_floored = _regressed(rows, step)
    else:
        risks, n_floored = _nearest(rows, effective_share * width), 0
    now = scale[first + width :]
    windows = np.lib.stride_tricks.sliding_window_view(shocks, width)
    plain = tails_of_samples(windows, confidence=level, means=np.zeros(len(now)), scales=now, least=-1.0)
    return ConditionalTails(
        asset=str(checked.name or "asset"),
        method=method,
        frame=freeze(_frame(_within_notional(risks * now[:, None]), plain, checked)),
        state=freeze(state.set_axis(checked.index).iloc[first + width :].astype("float64")),
        confidence=level,
        lookback=width,
        refit_every=step,
        scaled=volatility is not None,
        n_floored=n_floored,
        provenance=provenance or Provenance(()),
    )


def _regressed(rows: _Rows, step: int) -> tuple[np.ndarray, int]:
    """Tails of shocks by planes, shape (n_rows, 4), and how many were held at the floor."""
    n = rows.lookback
    level = min((n + 1.0) * rows.confidence / n, 1.0 - 0.5 / n)
    total = len(rows.shocks) - n + 1
    out, n_floored = np.empty((total, 4)), 0
    for start in range(0, total, step):
        x, shocks = rows.x[start : start + n], rows.shocks[start : start + n]
        ahead = rows.x[start + n : min(start + n + step, len(rows.x))]
        _require_rank(x)
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        inside = np.clip(ahead, x.min(axis=0), x.max(axis=0))
        design, now = (np.column_stack([np.ones(len(a)), (a - mean) / deviation]) for a in (x, inside))
        for position, side in enumerate(SIDES):
            lost = losses(shocks, side=side)
            floor = _LEAST_SHARE * max(float(tail_of_losses(lost, confidence=rows.confidence)[0]), 1e-12)
            plane = fit_quantile_plane(design, lost, level=level)
            # Summed row by row: a matrix product may round a row differently beside other rows.
            fitted, forecast = np.maximum((design * plane).sum(axis=1), floor), (now * plane).sum(axis=1)
            # Losses on the plane itself count, whichever way the last digit fell.
            beyond = lost >= fitted * (1.0 - 1e-9)
            depth = float((lost[beyond] / fitted[beyond]).mean()) if beyond.any() else 1.0
            n_floored += int((forecast < floor).sum())
            at_risk = np.maximum(forecast, floor)
            block = out[start : start + step, 2 * position : 2 * position + 2]
            block[:, 0], block[:, 1] = at_risk, at_risk * max(depth, 1.0)
    return out, n_floored


def _nearest(rows: _Rows, effective: float) -> np.ndarray:
    """Tails of shocks by weights, shape (n_rows, 4)."""
    n = rows.lookback
    out = np.empty((len(rows.shocks) - n + 1, 4))
    for i in range(len(out)):
        x, shocks = rows.x[i : i + n], rows.shocks[i : i + n]
        _require_rank(x)
        away = np.linalg.solve(np.linalg.cholesky(np.atleast_2d(np.cov(x, rowvar=False))), (x - rows.x[i + n]).T)
        weights = nearness_weights((away**2).sum(axis=0), effective=effective)
        for position, side in enumerate(SIDES):
            tail = weighted_tail(losses(shocks, side=side), weights, confidence=rows.confidence)
            out[i, 2 * position : 2 * position + 2] = tail
    return out


def _within_notional(risks: np.ndarray) -> np.ndarray:
    # A linear price cannot fall below zero, so that a long position loses its notional at most.
    return np.column_stack([np.minimum(risks[:, :2], 1.0), risks[:, 2:]])


def _frame(risks: np.ndarray, plain: np.ndarray, returns: pd.Series) -> pd.DataFrame:
    index = returns.index[-len(risks) :]
    realised = np.append(returns.to_numpy()[len(returns) - len(risks) + 1 :], np.nan)
    columns: dict[str, object] = dict(zip(_TAILS, risks.T, strict=True))
    columns |= {f"unconditional_{name}": values for name, values in zip(_TAILS, plain.T, strict=True)}
    columns |= {f"loss_{side}": losses(realised, side=side) for side in SIDES}
    columns["until"] = index[1:].append(pd.DatetimeIndex([pd.NaT], tz="UTC")).as_unit("us")
    return pd.DataFrame(columns, index=index)


def _check_state(
    state: pd.DataFrame, volatility: pd.Series | None, returns: pd.Series
) -> tuple[np.ndarray, np.ndarray, int]:
    """States and volatilities as arrays, and the first row with all of them."""
    if not isinstance(state, pd.DataFrame) or state.shape[1] == 0:
        raise DataError("state", "must be a frame of variables", type(state).__name__, "pass macro_state(...).frame")
    given = {"state": state} if volatility is None else {"state": state, "volatility": volatility}
    for argument, data in given.items():
        if not check_times(data.index, argument=argument).equals(returns.index):
            shared = len(returns.index.intersection(data.index))
            got = f"{len(data)} rows, {shared} of {len(returns)} in common"
            raise DataError(argument, "must be on the rows of the returns", got, "join by publication: macro_state")
    x = check_floats(state, argument=argument)
    scale = np.ones(len(x)) if volatility is None else volatility.to_numpy(dtype=np.float64, na_value=np.nan)
    together = np.column_stack([x, scale])
    if np.isinf(together).any() or (scale <= 0.0).any():
        raise DataError(" and ".join(given), "must be finite, volatilities positive", "others", "repair them")
    complete = ~np.isnan(together).any(axis=1)
    first = int(np.argmax(complete))
    if not complete[first:].all() or not complete.any():
        gaps = np.flatnonzero(~complete[first:]) + first
        got = f"{len(gaps)} incomplete rows, first {returns.index[gaps[0]]}"
        remedy = "raise max_age of macro_state, or leave the variable out: nothing is joined across a hole"
        raise DataError(" and ".join(given), "must be complete from its first row on", got, remedy)
    for position, name in enumerate(state.columns):
        if walk := find_random_walk(x[first:, position]):
            remedy = "pass its change or its percentile (move_variable, level_variable)"
            raise DataError(f"state[{name!r}]", "must be stationary", walk.got, remedy)
    return x, scale, first


def _require_rank(x: np.ndarray) -> None:
    deviation = x.std(axis=0)
    flat = deviation <= 1e-12 * np.abs(x).max(axis=0)
    if flat.any() or np.linalg.cond((x - x.mean(axis=0)) / np.where(flat, 1.0, deviation)) > 1e6:
        got = "a constant" if flat.any() else "one that follows from the others"
        raise DataError("state", "must vary within each look-back, no variable following from others", got, "drop it")
