"""Three risk levels beside what is in force: a pick for each, its rates, the reason, and what moved them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_kind, check_positive
from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.frontier.choice import Minimised, NoPolicyError, PolicyChoice, choose_policy
from volkit.margin.frontier.frontier import PolicyFrontier
from volkit.margin.frontier.grid import effective_parameters
from volkit.results import ResultDisplay, freeze

__all__ = ["LEVELS", "RiskLevels", "risk_levels"]

# Exceptions that a level allows on its worst asset and side, in multiples of what the margins promise.
LEVELS: Mapping[str, float] = {"low": 1.0, "mid": 1.5, "high": 2.0}
_RATES = {"maintenance_margin": "latest_maintenance", "initial_margin": "latest_initial"}
_PARAMETERS = tuple(f"{rate}_{side}" for side in SIDES for rate in _RATES)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RiskLevels(ResultDisplay):
    """Rates at a low, a middle and a high risk, beside those in force.

    Attributes
    ----------
    choices : dict of level to PolicyChoice
        low, mid and high.
    table : DataFrame, one row an asset and parameter
        current (NaN: not given), low_risk, mid_risk and high_risk: rates after the last return, fractions of the
        notional; unit and reason (of the middle one beside the rate in force). A low risk usually has high rates.
    drivers : DataFrame
        What moved the numbers: level, asset, side, driver, value, meaning.
    """

    choices: dict[str, PolicyChoice]
    table: pd.DataFrame
    drivers: pd.DataFrame

    @property
    def as_of(self) -> pd.Timestamp:
        """Last return (UTC) used."""
        return self.choices["mid"].as_of

    @property
    def headline(self) -> str:
        """Cost and exceedance of the three levels in one line."""
        rows = {level: choice.frontier.table.loc[choice.name] for level, choice in self.choices.items()}
        said = [
            f"{level} {percent_to(row['cost'])} ({percent_to(row['exceedance'], 2)} exceeded)"
            for level, row in rows.items()
        ]
        return f"mean margin {', '.join(said)}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return the table (fractions of the notional)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table, tidy (fractions of the notional)."""
        return self.table.reset_index()


def risk_levels(
    frontier: PolicyFrontier,
    *,
    exceedance: Mapping[str, float] = LEVELS,
    max_procyclicality: float | None = None,
    max_rise: float | None = None,
    max_cells_rejected: int | None = 0,
    minimise: Minimised = "cost",
    current: Mapping[str, Mapping[str, float]] | None = None,
) -> RiskLevels:
    """Return a pick for each of three risk levels, with its rates now.

    Parameters
    ----------
    frontier : PolicyFrontier
        From `policy_frontier`.
    exceedance : mapping of level to float
        Most exceptions on any asset and side at low, mid and high, as multiples of 1 - confidence, rising.
    max_procyclicality, max_rise, max_cells_rejected, minimise
        As in `choose_policy`, for all three.
    current : mapping of asset to mapping of parameter to float, optional
        Rates in force: maintenance_margin_long, initial_margin_long and so on, fractions of the notional.

    Returns
    -------
    RiskLevels
        Rates are not rounded.

    Raises
    ------
    NoPolicyError
        When a level can not be reached; the message says which.
    ArgumentError
        For other levels, multiples that do not rise, unknown assets or parameters.

    Examples
    --------
    >>> from volkit.margin.frontier.frontier import policy_frontier
    >>> from volkit.margin.policy import MarginPolicy
    >>> times = pd.date_range("2023-01-01", periods=500, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 500), index=times, name="A")
    >>> policies = [MarginPolicy(method="historical", confidence=c, lookback=200) for c in (0.95, 0.99)]
    >>> frontier = policy_frontier(
    ...     {"A": returns}, policies, periods_per_year=365, rng=np.random.default_rng(2), confidence=0.95
    ... )
    >>> levels = risk_levels(frontier)
    >>> levels.choices["low"].name, levels.choices["mid"].name
    ('historical, 0.99', 'historical, 0.95')
    """
    check_kind(frontier, PolicyFrontier, argument="frontier", remedy="pass what policy_frontier returns")
    _check_levels(exceedance)
    _check_current(frontier, current or {})
    choices = {}
    for level in LEVELS:
        try:
            choices[level] = choose_policy(
                frontier,
                max_exceedance=exceedance[level] * (1.0 - frontier.confidence),
                max_procyclicality=max_procyclicality,
                max_rise=max_rise,
                max_cells_rejected=max_cells_rejected,
                minimise=minimise,
            )
        except NoPolicyError as error:
            got = f"at the {level} level {error.got}"
            raise NoPolicyError(error.argument, error.requirement, got, error.remedy, table=error.table) from error
    return RiskLevels(
        choices=choices,
        table=freeze(_table(choices, current or {})),
        drivers=freeze(_drivers(choices)),
    )


def _check_levels(exceedance: Mapping[str, float]) -> None:
    if set(exceedance) != set(LEVELS):
        got = ", ".join(map(str, exceedance)) or "none"
        raise ArgumentError("exceedance", "must have the levels low, mid and high", got, "pass a multiple for each")
    values = [check_positive(exceedance[level], argument=f"exceedance {level}", unit="multiple") for level in LEVELS]
    if values != sorted(values):
        raise ArgumentError("exceedance", "must rise from low to high risk", str(values), "put them in order")


def _check_current(frontier: PolicyFrontier, current: Mapping[str, Mapping[str, float]]) -> None:
    for asset, rates in current.items():
        if asset not in frontier.assets:
            got = f"{asset!r}"
            raise ArgumentError("current", f"may name the assets {', '.join(frontier.assets)}", got, "use these names")
        for name, rate in rates.items():
            if name not in _PARAMETERS:
                raise ArgumentError("current", f"may name {', '.join(_PARAMETERS)}", repr(name), "use these names")
            check_positive(rate, argument=f"current {name} of {asset}", unit="decimal fraction")


def _table(choices: Mapping[str, PolicyChoice], current: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    rows = {}
    for asset in choices["mid"].frontier.assets:
        for side in SIDES:
            for rate, column in _RATES.items():
                name = f"{rate}_{side}"
                now = float(current.get(asset, {}).get(name, np.nan))
                level = [float(c.frontier.cells.loc[(c.name, asset, side), column]) for c in choices.values()]
                rows[(asset, name)] = (now, *level, "fraction of notional", _beside(now, choices, level))
    columns = ["current", *(f"{level}_risk" for level in choices), "unit", "reason"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["asset", "parameter"])
    return table


def _beside(now: float, choices: Mapping[str, PolicyChoice], rates: list[float]) -> str:
    text = choices["mid"].reason
    if np.isnan(now):
        return text
    by_rate = dict(zip(choices, rates, strict=True))
    held = [level for level, rate in by_rate.items() if now >= rate]
    words = f"at least the {held[0]}-risk rate" if held else "below the rate of every level"
    return f"{percent_to(now / by_rate['mid'] - 1.0, 0, signed=True)} from the middle level, {words}; {text}"


def _drivers(choices: Mapping[str, PolicyChoice]) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for level, choice in choices.items():
        frontier, name = choice.frontier, choice.name
        for (asset, side), cell in frontier.cells.loc[name].iterrows():
            latest = cell["latest_maintenance" if frontier.layer == "maintenance_margin" else "latest_initial"]
            over = latest / cell["median"] if cell["median"] > 0 else np.inf
            rows.append((level, asset, side, "latest over median rate", over, "above 1: wilder now than usual"))
            meaning = f"{cell['verdict']} (exact p {cell['p_value']:.2f}, {cell['n_exceptions']} exceptions)"
            rows.append((level, asset, side, "exceedance", cell["exceedance"], meaning))
            rows.append((level, asset, side, "highest over lowest rate", cell["peak_to_trough"], "procyclicality"))
        if level != "mid":
            cost = frontier.table.loc[name, "cost"] / frontier.table.loc[choices["mid"].name, "cost"]
            rows.append((level, "all", "both", "cost over the middle level", cost, _changed(choices["mid"], choice)))
    return pd.DataFrame(rows, columns=["level", "asset", "side", "driver", "value", "meaning"])


def _changed(one: PolicyChoice, other: PolicyChoice) -> str:
    before, after = effective_parameters(one.policy), effective_parameters(other.policy)
    said = [
        f"{name.replace('_', ' ')} {_spoken(before.get(name))} to {_spoken(value)}"
        for name, value in after.items()
        if before.get(name) != value
    ]
    return "; ".join(said) or "the same policy"


def _spoken(value: object) -> str:
    return "none" if value is None else str(getattr(value, "words", value)).replace("_", " ")
