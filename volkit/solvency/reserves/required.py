"""Volatility-adjusted reserve: the surplus that must be held so that liabilities less assets stay covered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_fraction, check_kind
from volkit.conventions import spoken_periods
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.margin import MarginSchedule
from volkit.margin.rates import require_tail, tail_of_losses
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import ScenarioSet
from volkit.solvency.balance import DOLLARS, BalanceSheet
from volkit.solvency.balance.stress import shock_matrix
from volkit.solvency.reserves.coverage import coverage_words, reserve_coverage

__all__ = ["MarginReserve", "ReserveMeasure", "ReserveRequirement", "margin_reserve", "required_reserve"]

ReserveMeasure = Literal["value_at_risk", "expected_shortfall"]
MEASURES: tuple[ReserveMeasure, ...] = get_args(ReserveMeasure)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ReserveRequirement(ResultDisplay):
    """Reserve required by joint scenarios against the surplus held.

    Attributes
    ----------
    by_asset : DataFrame, shape (n_assets, 3)
        Index asset, USD: exposure (assets less liabilities), standalone (reserve that the asset alone would need) and
        tail_loss (its mean loss in the scenarios that make the expected shortfall; these add up to it).
    value_at_risk, expected_shortfall : float
        Of the loss of surplus over the horizon, USD; negative where even the tail gains.
    measure : {"value_at_risk", "expected_shortfall"}
        Which of them is required.
    held : float
        Surplus, USD: assets less liabilities now.
    insolvency_share : float
        Scenarios that leave a negative surplus, fraction.
    confidence : float
        For example 0.99.
    horizon : int
        Periods.
    method : str
        Of the scenarios.
    n_scenarios : int
        Behind the tail.
    as_of : Timestamp
        Of the scenarios (UTC).
    provenance : Provenance
        Of the sheet and the scenarios.
    """

    by_asset: pd.DataFrame
    value_at_risk: float
    expected_shortfall: float
    measure: ReserveMeasure
    held: float
    insolvency_share: float
    confidence: float
    horizon: int
    method: str
    n_scenarios: int
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def required(self) -> float:
        """USD, not negative."""
        return max(0.0, self.expected_shortfall if self.measure == "expected_shortfall" else self.value_at_risk)

    @property
    def coverage(self) -> float:
        """Held over required; where nothing is required infinite, or minus infinite with a negative surplus."""
        return float(reserve_coverage(self.held, self.required))

    @property
    def headline(self) -> str:
        """Required against held in one line."""
        words = self.measure.replace("_", " ")
        return (
            f"required {self.required:,.0f} USD ({words} {self.confidence:.4g}, {spoken_periods(self.horizon)}, "
            f"{self.method}), held {self.held:,.0f} USD, coverage {coverage_words(self.coverage)}; insolvent in "
            f"{percent_to(self.insolvency_share, 2)} of {self.n_scenarios:,} scenarios"
        )

    def summary(self) -> pd.DataFrame:
        """Return required, held, coverage and both measures, one a row."""
        rows = {
            "value at risk (USD)": self.value_at_risk,
            "expected shortfall (USD)": self.expected_shortfall,
            "required (USD)": self.required,
            "held (USD)": self.held,
            "coverage": self.coverage,
            "insolvent scenarios (fraction)": self.insolvency_share,
        }
        return pd.Series(rows, name="reserve").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return exposures and contributions by asset as tidy rows."""
        return self.by_asset.reset_index()


def required_reserve(
    sheet: BalanceSheet,
    scenarios: ScenarioSet,
    *,
    confidence: float = 0.99,
    measure: ReserveMeasure = "expected_shortfall",
    fixed: Sequence[str] = DOLLARS,
    own_token_haircut: float = 0.0,
) -> ReserveRequirement:
    """Return the surplus that must be held over the horizon of joint scenarios, against the surplus that is.

    Parameters
    ----------
    sheet : BalanceSheet
        What is owned and owed, all entities together; use `BalanceSheet.of` for one.
    scenarios : ScenarioSet
        Joint returns: of history, filtered by volatility (`filtered_historical_scenarios`), or ends of simulated paths.
    confidence : float
        For example 0.99.
    measure : {"value_at_risk", "expected_shortfall"}
        With Value at Risk, a coverage of 1 means that the surplus is used up with probability 1 - confidence.
    fixed : sequence of str
        Assets without scenarios that stay at their price.
    own_token_haircut : float
        Taken off own tokens, in the exposure and in what is held, fraction.

    Returns
    -------
    ReserveRequirement

    Raises
    ------
    DataError
        For an asset that has neither scenarios nor a place among `fixed`.
    ArgumentError
        For a confidence that the scenarios do not reach, another measure and a haircut that is no fraction.

    Notes
    -----
    The loss of a scenario is -sum_i (A_i - L_i) r_i: what is owed in a coin that is held is hedged, what is owed
    without being held is a short position. Quantities stay over the horizon.

    Examples
    --------
    >>> from volkit.scenarios import historical_scenarios
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["USD", "BTC", "BTC"],
    ...     "quantity": [2e5, 8.0, 10.0], "price": [1.0, 80_000.0, 80_000.0], "own_token": False, "liquid": True}))
    >>> times = pd.date_range("2024-01-01", periods=500, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 500), index=times, name="BTC")
    >>> found = required_reserve(sheet, historical_scenarios(returns, periods_per_year=365), measure="value_at_risk")
    >>> round(found.required), round(found.coverage, 2)
    (10228, 3.91)
    """
    check_kind(sheet, BalanceSheet, argument="sheet")
    level = check_confidence(confidence)
    check_choice(measure, argument="measure", choices=MEASURES)
    kept = check_fraction(own_token_haircut, argument="own_token_haircut")
    moves, _, still = shock_matrix(sheet.assets, scenarios, may_miss=True)
    _refuse_left_out([a for a in still if a not in fixed], argument="scenarios")
    require_tail(len(moves), level)
    exposure = sheet.values().net(kept).sum(axis=0)
    # Tails are taken of fractions, whose rounding they know, not of dollars.
    scale = float(np.abs(exposure).sum()) or 1.0
    lost = -moves * (exposure / scale)
    total = lost.sum(axis=1)
    at_risk, shortfall = (scale * float(part) for part in tail_of_losses(total, confidence=level))
    alone = tail_of_losses(lost.T, confidence=level)[MEASURES.index(measure)]
    held = float(exposure.sum())
    by_asset = {
        "exposure": exposure,
        "standalone": scale * np.maximum(0.0, alone),
        "tail_loss": scale * lost[total >= at_risk / scale - 1e-15].mean(axis=0),
    }
    together = {s.name: s for s in (*sheet.provenance.series, *scenarios.provenance.series)}
    return ReserveRequirement(
        by_asset=freeze(pd.DataFrame(by_asset, index=sheet.assets)),
        value_at_risk=at_risk,
        expected_shortfall=shortfall,
        measure=measure,
        held=held,
        insolvency_share=float((scale * total > held).mean()),
        confidence=level,
        horizon=scenarios.horizon,
        method=scenarios.method,
        n_scenarios=len(moves),
        as_of=scenarios.as_of,
        provenance=Provenance(tuple(together.values())),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginReserve(ResultDisplay):
    """Reserve required by margin rates, asset by asset, against the surplus held.

    Attributes
    ----------
    by_asset : DataFrame, shape (n_assets, 4)
        Index asset: exposure (USD, assets less liabilities), side ("long" where more is held than owed, else "short"),
        rate (maintenance margin of that side, fraction; 0 for fixed assets) and required (USD).
    held : float
        Surplus, USD.
    policy : str
        In words.
    as_of : Timestamp
        Of the latest rates (UTC).
    provenance : Provenance
        Of the sheet and the rates.
    """

    by_asset: pd.DataFrame
    held: float
    policy: str
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def required(self) -> float:
        """USD; assets do not offset each other."""
        return float(self.by_asset["required"].sum())

    @property
    def coverage(self) -> float:
        """Held over required; where nothing is required infinite, or minus infinite with a negative surplus."""
        return float(reserve_coverage(self.held, self.required))

    @property
    def headline(self) -> str:
        """Required against held in one line."""
        first = self.by_asset["required"].idxmax()
        return (
            f"required {self.required:,.0f} USD by margin rates (most for {first}), held {self.held:,.0f} USD, "
            f"coverage {coverage_words(self.coverage)}; {self.policy}"
        )

    def summary(self) -> pd.DataFrame:
        """Return exposures (USD), rates and required reserves by asset."""
        return self.by_asset

    def to_frame(self) -> pd.DataFrame:
        """Return the same as tidy rows."""
        return self.by_asset.reset_index()


def margin_reserve(
    sheet: BalanceSheet,
    schedules: Mapping[str, MarginSchedule],
    *,
    fixed: Sequence[str] = DOLLARS,
    own_token_haircut: float = 0.0,
) -> MarginReserve:
    """Return the reserve that margin rates ask for, as if each asset's surplus or deficit were a customer's position.

    Parameters
    ----------
    sheet : BalanceSheet
        What is owned and owed, all entities together.
    schedules : mapping of str to MarginSchedule
        By asset; the latest maintenance margins count.
    fixed : sequence of str
        Assets without a schedule that need no reserve.
    own_token_haircut : float
        Taken off own tokens, fraction.

    Returns
    -------
    MarginReserve

    Raises
    ------
    DataError
        For an asset that has neither a schedule nor a place among `fixed`, and where no asset has one.
    ArgumentError
        For a haircut that is no fraction.

    Notes
    -----
    A sum without offsets is at least what one sample asks for by expected shortfall, which is subadditive; the gap to
    `required_reserve` is what diversification saves.
    """
    kept = check_fraction(own_token_haircut, argument="own_token_haircut")
    _refuse_left_out([a for a in sheet.assets if a not in schedules and a not in fixed], argument="schedules")
    used = [a for a in sheet.assets if a in schedules]
    if not used:
        raise DataError("schedules", "must hold one of an asset of the sheet", ", ".join(schedules) or "none", "add it")
    exposure = sheet.values().net(kept).sum(axis=0)
    sides = np.where(exposure >= 0.0, "long", "short")
    rates = np.array(
        [
            schedules[a].latest[f"maintenance_margin_{side}"] if a in schedules else 0.0
            for a, side in zip(sheet.assets, sides, strict=True)
        ]
    )
    table = {"exposure": exposure, "side": sides, "rate": rates, "required": np.abs(exposure) * rates}
    known = (*sheet.provenance.series, *(s for a in used for s in schedules[a].provenance.series))
    return MarginReserve(
        by_asset=freeze(pd.DataFrame(table, index=sheet.assets).astype({"side": "str"})),
        held=float(exposure.sum()),
        policy="; ".join(dict.fromkeys(schedules[a].policy.words for a in used)),
        as_of=max(schedules[a].as_of for a in used),
        provenance=Provenance(tuple({s.name: s for s in known}.values())),
    )


def _refuse_left_out(assets: list[str], *, argument: str) -> None:
    if assets:
        got = f"none for {', '.join(assets)}"
        remedy = "add them, or name in fixed= what stays at its price"
        raise DataError(argument, "must have every asset of the sheet", got, remedy)
