"""Reserve required against held through time, each beside the loss that came after."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count, check_fraction, check_returns
from volkit.errors import ArgumentError, DataError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.measures.walk import walk_of
from volkit.margin.rates import require_tail, tail_of_losses
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import compound, simulate_returns
from volkit.solvency.balance import DOLLARS, BalanceSheet
from volkit.solvency.balance.path import amounts_through_time, lowest_to_last, provenance_of
from volkit.solvency.reserves.coverage import coverage_words, reserve_coverage
from volkit.volatility import VolatilityState

__all__ = ["ReservePath", "reserves_through_time"]

Floats = npt.NDArray[np.float64]
_JOINT = ("historical", "filtered_historical")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ReservePath(ResultDisplay):
    """Volatility-adjusted reserve through time.

    Attributes
    ----------
    frame : DataFrame, shape (n_times, 7)
        Index time (UTC): the last return known. USD: held (surplus), required (by joint scenarios), required_by_margins
        (the policy's maintenance margins asset by asset, without offsets), value_at_risk and expected_shortfall of the
        loss of surplus; coverage (held over required; where nothing is required infinite, or minus infinite with a
        negative surplus) and loss (of surplus over the horizon after `time`; NaN where it is not over).
    policy : MarginPolicy
        The specification.
    periods_per_year : float
        Of the clock of the prices.
    own_token_haircut : float
        Fraction.
    provenance : Provenance
        Of the sheets and the prices.
    """

    frame: pd.DataFrame
    policy: MarginPolicy
    periods_per_year: float
    own_token_haircut: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last price used."""
        return self.frame.index[-1]

    @property
    def tested(self) -> pd.DataFrame:
        """Rows with the loss that came."""
        return self.frame.dropna(subset="loss")

    @property
    def exceptions(self) -> pd.DatetimeIndex:
        """Times after which more was lost than required."""
        done = self.tested
        return pd.DatetimeIndex(done.index[done["loss"] > done["required"]])

    @property
    def headline(self) -> str:
        """Last and lowest coverage, times below 1 and exceptions in one line."""
        f, low = self.frame, self.frame["coverage"].idxmin()
        last, least = (coverage_words(float(c)) for c in (f["coverage"].iloc[-1], f["coverage"].min()))
        below = int((f["coverage"] < 1.0).sum())
        return (
            f"coverage {last} as of {self.as_of.date()}, lowest {least} on {low.date()}, below 1 at {below} of "
            f"{len(f)} times; {len(self.exceptions)} losses above the required reserve in {len(self.tested)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return lowest, median, highest and last value of every column (USD and ratio)."""
        return lowest_to_last(self.frame.drop(columns="loss"))

    def to_frame(self) -> pd.DataFrame:
        """Return the frame by time (UTC)."""
        return self.frame


def reserves_through_time(
    sheets: BalanceSheet | Sequence[BalanceSheet],
    close: pd.DataFrame,
    *,
    policy: MarginPolicy,
    periods_per_year: float,
    every: int = 1,
    fixed: Sequence[str] = DOLLARS,
    own_token_haircut: float = 0.0,
    n_jobs: int = 1,
    provenance: Provenance | None = None,
) -> ReservePath:
    """Return the required reserve at each close, from what was known, against the surplus held.

    Parameters
    ----------
    sheets : BalanceSheet or sequence of BalanceSheet
        As in `solvency_through_time`.
    close : DataFrame, shape (n_times, n_columns)
        USD by time (UTC) and asset, no gaps; further columns play no part.
    policy : MarginPolicy
        Method ``filtered_historical`` (joint past shocks, each asset at its own volatility forecast) or ``historical``;
        measure, confidence, margin period of risk (the horizon) and look-back. Floor and cap hold for
        required_by_margins only.
    periods_per_year : float
        365 for UTC days.
    every : int
        Closes from one row to the next; the last close has one in any case.
    fixed : sequence of str
        Assets without a column that stay at the price of the sheet.
    own_token_haircut : float
        Fraction.
    n_jobs : int
        Processes for the fits.
    provenance : Provenance, optional
        Of the prices.

    Returns
    -------
    ReservePath

    Raises
    ------
    DataError
        As `solvency_through_time`, for a price of zero, for what `volkit.checks.check_returns` refuses, and a history
        not longer than look-back and horizon.
    ArgumentError
        For another method or a mix with stress, a confidence that the look-back does not reach, and as
        `solvency_through_time`.
    ConvergenceError
        When the first fit of an asset does not converge.

    Notes
    -----
    Filtered: scenario s of asset i is its standardised return of time s through today's variance recursion, the same s
    (over more periods, the same draws) for all assets, which keeps their dependence (Barone-Adesi, Giannopoulos and
    Vosper 1999). The loss is -sum_i (A_i - L_i) r_is with today's amounts.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["USD", "BTC", "BTC"],
    ...     "quantity": [2e5, 8.0, 10.0], "price": [1.0, 80_000.0, 80_000.0], "own_token": False, "liquid": True}))
    >>> times = pd.date_range("2024-01-01", periods=302, tz="UTC")
    >>> moves = np.random.default_rng(1).normal(0, 0.03, 302)
    >>> close = pd.DataFrame({"BTC": 80_000.0 * np.exp(np.cumsum(moves))}, index=times)
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> path = reserves_through_time(sheet, close, policy=policy, periods_per_year=365)
    >>> len(path.frame), len(path.tested)
    (102, 101)
    """
    _check_policy(policy)
    step = check_count(every, argument="every")
    kept = check_fraction(own_token_haircut, argument="own_token_haircut")
    owned, own, owed = amounts_through_time(sheets, close, fixed=fixed)
    exposure = owned + (1.0 - kept) * own - owed
    moving = [a for a in exposure.columns if a in close.columns]
    returns = _returns(close[moving], exposure.index, policy)
    rows = np.arange(policy.lookback - 1, len(returns), step)
    rows = np.union1d(rows, [len(returns) - 1]).astype(np.intp)
    exposed = exposure.loc[returns.index, moving].to_numpy()
    tails, margins = _required(returns, exposed, policy, rows, n_jobs)
    held = exposure.loc[returns.index].sum(axis=1).to_numpy()[rows]
    required = np.maximum(0.0, tails[:, 0 if policy.measure == "value_at_risk" else 1])
    frame = pd.DataFrame(
        {
            "held": held,
            "required": required,
            "required_by_margins": margins,
            "value_at_risk": tails[:, 0],
            "expected_shortfall": tails[:, 1],
            "coverage": reserve_coverage(held, required),
            "loss": _came(returns.to_numpy(), exposed, policy.margin_period_of_risk)[rows],
        },
        index=returns.index[rows],
    )
    known = (*provenance_of(sheets).series, *(provenance.series if provenance else ()))
    return ReservePath(
        frame=freeze(frame),
        policy=policy,
        periods_per_year=periods_per_year,
        own_token_haircut=kept,
        provenance=Provenance(tuple({s.name: s for s in known}.values())),
    )


def _check_policy(policy: MarginPolicy) -> None:
    if policy.method not in _JOINT or policy.stress_weight > 0.0:
        got = f"{policy.method}{' with a stressed part' * (policy.stress_weight > 0.0)}"
        rule = f"must use {' or '.join(_JOINT)}, which have joint scenarios, unmixed"
        raise ArgumentError("policy", rule, got, "use margin_schedule and margin_reserve for the others")


def _returns(close: pd.DataFrame, index: pd.Index, policy: MarginPolicy) -> pd.DataFrame:
    if not close.shape[1]:
        raise DataError("close", "must have a column of an asset of the sheet", "none", "name columns like the assets")
    values = close.to_numpy(dtype=np.float64)
    if (values <= 0.0).any():
        row, column = np.argwhere(values <= 0.0)[0]
        raise DataError("close", "must be above zero", f"{values[row, column]:g} of {close.columns[column]}", "drop it")
    moves = pd.DataFrame(values[1:] / values[:-1] - 1.0, index=pd.DatetimeIndex(index[1:]), columns=close.columns)
    least = policy.lookback + policy.margin_period_of_risk
    return pd.DataFrame({name: check_returns(moves[name], minimum=least) for name in moves.columns})


def _required(
    returns: pd.DataFrame, exposed: Floats, policy: MarginPolicy, rows: npt.NDArray[np.intp], n_jobs: int
) -> tuple[Floats, Floats]:
    """Both tails of the loss, shape (n_rows, 2), and the sum of margins, shape (n_rows,), USD."""
    filtered = policy.method == "filtered_historical"
    walks: list[list[VolatilityState]] = []
    margins = np.zeros(len(rows))
    for i, name in enumerate(returns.columns):
        walk = walk_of(policy, returns[name], n_jobs=n_jobs) if filtered else None
        # The number of periods in a year plays no part in rates.
        rates = margin_schedule(returns[name], policy=policy, periods_per_year=1.0, states=walk).frame
        chosen = rates.iloc[rows - policy.lookback + 1]
        here = exposed[rows, i]
        rate = np.where(here >= 0.0, chosen["maintenance_margin_long"], chosen["maintenance_margin_short"])
        margins += np.abs(here) * rate
        walks.append(walk or [])
    tails = np.zeros((len(rows), 2))
    held = compound(returns.to_numpy(), policy.margin_period_of_risk)
    for k, row in enumerate(rows):
        scale = float(np.abs(exposed[row]).sum())
        if scale == 0.0:
            continue
        joint = (
            _filtered([walk[row - policy.lookback + 1] for walk in walks], policy)
            if filtered
            else _window(held, int(row), policy)
        )
        require_tail(len(joint), policy.confidence)
        # Tails are taken of fractions, whose rounding they know, not of dollars.
        lost = -joint @ (exposed[row] / scale)
        tails[k] = [scale * float(part) for part in tail_of_losses(lost, confidence=policy.confidence)]
    return tails, margins


def _filtered(states: list[VolatilityState], policy: MarginPolicy) -> Floats:
    """Joint returns over the horizon, shape (n_scenarios, n_assets): the same past periods for all assets."""
    n = len(states[0].standardized)
    if policy.margin_period_of_risk == 1:
        draws = np.arange(n)[:, None]
    else:
        uniforms = np.random.default_rng(policy.seed).random((policy.n_paths, policy.margin_period_of_risk))
        draws = (uniforms * n).astype(np.intp)
    return np.stack([simulate_returns(state, state.standardized[draws]) for state in states], axis=1)


def _window(held: Floats, row: int, policy: MarginPolicy) -> Floats:
    """Joint returns over the horizon that were known after a period, shape (n_scenarios, n_assets)."""
    end = row + 2 - policy.margin_period_of_risk
    width = policy.lookback - policy.margin_period_of_risk + 1
    return held[:end] if policy.expanding else held[end - width : end]


def _came(returns: Floats, exposed: Floats, horizon: int) -> Floats:
    """Loss of surplus over the horizon after each period, shape (n_periods,), NaN where it is not over."""
    loss = np.full(len(returns), np.nan)
    ahead = compound(returns, horizon)[1:]
    loss[: len(ahead)] = -(exposed[: len(ahead)] * ahead).sum(axis=1)
    return loss
