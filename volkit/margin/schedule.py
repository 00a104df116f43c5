"""Margins through time: at each period, from what was known, for the periods after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_kind, check_positive, check_returns
from volkit.conventions import SIDES, losses
from volkit.formatting import percent_to
from volkit.margin.measures import tails_through_time
from volkit.margin.policy import MarginPolicy
from volkit.margin.rates import TailRisk
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import compound
from volkit.volatility import VolatilityState

__all__ = ["MarginSchedule", "margin_schedule"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginSchedule(ResultDisplay):
    """Margin rates through time, each beside the loss that came.

    Attributes
    ----------
    asset : str
        Name of the series.
    policy : MarginPolicy
        The specification.
    frame : DataFrame, shape (n_rates, 11)
        Index `time` (UTC): the last return known. For each side: value_at_risk, expected_shortfall,
        maintenance_margin, initial_margin and loss (over the margin period of risk after `time`), all
        fractions of the notional; NaN losses where the period is not over. `until`: its last label (UTC).
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    policy: MarginPolicy
    frame: pd.DataFrame
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return used."""
        return self.frame.index[-1]

    @property
    def n_obs(self) -> int:
        """Rates with a realised loss beside them."""
        return int(self.frame["loss_long"].notna().sum())

    @property
    def latest(self) -> pd.Series:
        """The rates for the periods after the last return (fractions of the notional)."""
        return self.frame.iloc[-1].drop(["loss_long", "loss_short", "until"]).astype("float64")

    @property
    def headline(self) -> str:
        """Asset, latest rates and policy in one line."""
        now = self.latest
        return (
            f"{self.asset}, maintenance margin {percent_to(now['maintenance_margin_long'])} long and "
            f"{percent_to(now['maintenance_margin_short'])} short as of {self.as_of.date()}, {self.policy.words}"
        )

    def summary(self) -> pd.DataFrame:
        """Return quantiles through time and the latest rate, fractions of the notional."""
        rates = [f"{rate}_{side}" for rate in ("maintenance_margin", "initial_margin") for side in SIDES]
        table = self.frame[rates].quantile([0.0, 0.5, 1.0]).T.set_axis(["lowest", "median", "highest"], axis=1)
        return table.assign(latest=self.latest[rates]).rename_axis(f"{self.asset} (fraction of notional)")

    def to_frame(self) -> pd.DataFrame:
        """Return the frame (UTC, fractions of the notional)."""
        return self.frame


def margin_schedule(
    returns: pd.Series,
    *,
    policy: MarginPolicy,
    periods_per_year: float,
    states: Sequence[VolatilityState] | None = None,
    n_jobs: int = 1,
    provenance: Provenance | None = None,
) -> MarginSchedule:
    """Return the policy's margins at each period, walking forward without look-ahead.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Simple returns, decimals, no NaN, UTC times.
    policy : MarginPolicy
        The specification.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    states : sequence of VolatilityState, optional
        From `walk_of` (or `walk_forward` with the policy's model, look-back and re-fit step), to share them between
        methods; made here when needed and not given.
    n_jobs : int
        Processes for the fits.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MarginSchedule
        One row for each of the last n_obs - lookback + 1 periods.

    Raises
    ------
    DataError
        For what `volkit.checks.check_returns` refuses; a history not longer than the look-back.
    ArgumentError
        When the look-back holds too few scenarios for the confidence; when `states` are not of these periods.
    ConvergenceError
        When the first fit does not converge.

    Warns
    -----
    ConvergenceWarning
        When later fits did not converge and older parameters are carried (`walk_forward`).

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> margin_schedule(returns, policy=policy, periods_per_year=365).n_obs
    100
    """
    check_kind(policy, MarginPolicy, argument="policy")
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    checked = check_returns(returns, minimum=policy.lookback + policy.margin_period_of_risk)
    risks = tails_through_time(checked, policy, states=states, n_jobs=n_jobs)
    frame = _frame(risks, checked, policy)
    return MarginSchedule(
        asset=str(checked.name or "asset"),
        policy=policy,
        frame=freeze(frame),
        periods_per_year=periods_per_year,
        provenance=provenance or Provenance(()),
    )


def _frame(risks: np.ndarray, returns: pd.Series, policy: MarginPolicy) -> pd.DataFrame:
    index = returns.index[policy.lookback - 1 :]
    horizon = policy.margin_period_of_risk
    ahead = compound(returns.to_numpy()[policy.lookback :], horizon)
    realised = np.concatenate([ahead, np.full(horizon, np.nan)])
    until = returns.index[policy.lookback - 1 + horizon :].append(pd.DatetimeIndex([pd.NaT] * horizon, tz="UTC"))
    columns: dict[str, object] = {}
    for position, side in enumerate(SIDES):
        of_side = risks[:, 2 * position : 2 * position + 2]
        margins = [policy.margins(TailRisk(*risk), side=side) for risk in of_side.tolist()]
        columns[f"value_at_risk_{side}"], columns[f"expected_shortfall_{side}"] = of_side.T
        columns[f"maintenance_margin_{side}"] = [m[0] for m in margins]
        columns[f"initial_margin_{side}"] = [m[1] for m in margins]
        columns[f"loss_{side}"] = losses(realised, side=side)
    columns["until"] = until.as_unit("us")
    return pd.DataFrame(columns, index=index)
