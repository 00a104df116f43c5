"""Stressed solvency: the balance sheet under named price shocks, replayed stress windows or joint scenarios."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_floats, check_fraction, check_kind, check_table
from volkit.errors import ArgumentError, DataError
from volkit.margin.bridge import StressReplay
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import ScenarioSet
from volkit.solvency.balance.ratios import ratio
from volkit.solvency.balance.sheet import ALL, BalanceSheet

__all__ = ["StressedSolvency", "shock_matrix", "stress_window_shocks", "stressed_solvency"]

Floats = npt.NDArray[np.float64]
# More scenarios than this are shown as quantiles.
_FEW = 30


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StressedSolvency(ResultDisplay):
    """Solvency of entities under price shocks, all else as it stands.

    Attributes
    ----------
    table : DataFrame, shape (n_scenarios (n_entities + 1), 5)
        Index (scenario, entity), entities and "all": assets, liabilities and surplus (USD, prices after the shock, own
        tokens less their haircut), solvency_ratio, surplus_change (USD, against no shock).
    unshocked : tuple of str
        Assets of the sheet that no scenario moves.
    own_token_haircut : float
        Fraction.
    as_of : Timestamp or None
        Of the sheet (UTC).
    provenance : Provenance
        Of the sheet and of the scenarios.
    """

    table: pd.DataFrame
    unshocked: tuple[str, ...]
    own_token_haircut: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def total(self) -> pd.DataFrame:
        """All entities together, one row a scenario."""
        return self.table.xs(ALL, level="entity")

    @property
    def insolvent_share(self) -> pd.Series:
        """Share of the scenarios with a negative surplus (fraction), by entity and "all"."""
        names = self.table.index.get_level_values("entity")
        return (self.table["surplus"] < 0.0).groupby(names, sort=False).mean().rename("insolvent_share")

    @property
    def headline(self) -> str:
        """Worst scenario, its ratio and surplus, and how many leave a deficit in one line."""
        total = self.total
        worst = total["surplus"].idxmin()
        row, short = total.loc[worst], int((total["surplus"] < 0.0).sum())
        still = f", {', '.join(self.unshocked)} not shocked" if self.unshocked else ""
        return (
            f"worst of {len(total)} scenarios is {worst}: solvency ratio {row['solvency_ratio']:.3g}, surplus "
            f"{row['surplus']:,.0f} USD; negative in {short}{still}"
        )

    def summary(self) -> pd.DataFrame:
        """Return all entities together by scenario, as quantiles where there are many (USD and ratio)."""
        total = self.total
        if len(total) <= _FEW:
            return total
        return total.quantile([0.0, 0.01, 0.05, 0.5, 1.0]).rename_axis("quantile over scenarios")

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


def stressed_solvency(
    sheet: BalanceSheet, shocks: pd.DataFrame | ScenarioSet, *, own_token_haircut: float = 0.0
) -> StressedSolvency:
    """Return the solvency of every entity under price shocks.

    Parameters
    ----------
    sheet : BalanceSheet
        What is owned and owed.
    shocks : DataFrame, shape (n_scenarios, n_assets), or ScenarioSet
        Simple returns of prices, decimals, at least -1; the index names the scenarios (`stress_window_shocks` gives
        those of named windows). Assets without a column keep their price, and `unshocked` names them.
    own_token_haircut : float
        Taken off own tokens besides the shock, fraction.

    Returns
    -------
    StressedSolvency

    Raises
    ------
    DataError
        For a shock that is missing, no number or below -1, a column of an asset that the sheet does not have, and a
        scenario or column that stands twice.
    ArgumentError
        For a haircut that is no fraction.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "liability"], "asset": ["BTC", "USD"], "quantity": [10.0, 5e5],
    ...     "price": [80_000.0, 1.0], "own_token": False, "liquid": True}))
    >>> shocks = pd.DataFrame({"BTC": [-0.3, -0.5]}, index=["fall", "crash"])
    >>> stressed_solvency(sheet, shocks).total["surplus"].tolist()
    [60000.0, -100000.0]
    """
    check_kind(sheet, BalanceSheet, argument="sheet")
    kept = check_fraction(own_token_haircut, argument="own_token_haircut")
    moves, columns, unshocked = shock_matrix(sheet.assets, shocks)
    sums = sheet.values()
    owned = sums.owned + (1.0 - kept) * sums.own_tokens
    entities = pd.Index([*sums.entities, ALL], name="entity")
    assets, owed = (np.vstack([part, part.sum(axis=0)]) for part in (owned, sums.owed))
    # Shape (n_scenarios, n_entities + 1).
    after, owes = (1.0 + moves) @ assets.T, (1.0 + moves) @ owed.T
    before = (assets - owed).sum(axis=1)
    table = {
        "assets": after,
        "liabilities": owes,
        "surplus": after - owes,
        "solvency_ratio": ratio(after, owes),
        "surplus_change": after - owes - before,
    }
    index = pd.MultiIndex.from_product([columns, entities], names=["scenario", "entity"])
    own = shocks.provenance.series if isinstance(shocks, ScenarioSet) else ()
    return StressedSolvency(
        table=freeze(pd.DataFrame({name: part.ravel() for name, part in table.items()}, index=index)),
        unshocked=unshocked,
        own_token_haircut=kept,
        as_of=sheet.as_of,
        provenance=Provenance(tuple({s.name: s for s in (*sheet.provenance.series, *own)}.values())),
    )


def shock_matrix(
    assets: pd.Index, shocks: pd.DataFrame | ScenarioSet, *, may_miss: bool = False
) -> tuple[Floats, pd.Index, tuple[str, ...]]:
    """Return the moves of assets, shape (n_scenarios, n_assets), the scenarios, and the assets that never move.

    Parameters
    ----------
    assets : Index
        In the order of the columns that leave.
    shocks : DataFrame or ScenarioSet
        Simple returns, decimals.
    may_miss : bool
        Whether scenarios of other assets only are allowed.

    Raises
    ------
    DataError
        As `stressed_solvency`.
    """
    # Scenario sets hold what the market has, which may be more than an entity holds.
    several = isinstance(shocks, ScenarioSet)
    frame = shocks.returns if isinstance(shocks, ScenarioSet) else check_table(shocks, argument="shocks")
    unknown = [str(name) for name in frame.columns if name not in assets]
    missed = len(unknown) == len(frame.columns) and not may_miss
    if not len(frame) or (unknown and not several) or missed:
        got = f"{', '.join(unknown)} beside" if unknown and len(frame) else "none"
        rule = f"must have scenarios of the assets {', '.join(map(str, assets))}"
        raise DataError("shocks", rule, got, "name columns like the assets")
    if frame.columns.has_duplicates:
        got = f"{frame.columns[frame.columns.duplicated()][0]} twice"
        raise DataError("shocks", "must have one column an asset", got, "drop one of them")
    if frame.index.has_duplicates and not several:
        got = f"{frame.index[frame.index.duplicated()][0]} twice"
        raise DataError("shocks", "must name every scenario once", got, "rename one of them")
    values = frame.reindex(columns=[a for a in assets if a in frame.columns])
    numbers = check_floats(values, argument="shocks")
    bad = ~(np.isfinite(numbers) & (numbers >= -1.0))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        got = f"{numbers[row, column]:g} of {values.columns[column]} in {values.index[row]}"
        raise DataError("shocks", "must be finite decimals of at least -1", got, "write -0.3 for a fall by 30 %")
    moves = np.zeros((len(frame), len(assets)))
    moves[:, assets.get_indexer(values.columns)] = numbers
    still = tuple(str(a) for a in assets if a not in frame.columns)
    return moves, frame.index, still


def stress_window_shocks(
    replays: Mapping[str, StressReplay], *, measure: Literal["whole_window", "worst_period"] = "whole_window"
) -> pd.DataFrame:
    """Return what prices did in the named stress windows, as shocks by window and asset.

    Parameters
    ----------
    replays : mapping of str to StressReplay
        By asset of the balance sheet, from `volkit.margin.bridge.stress_replay`.
    measure : {"whole_window", "worst_period"}
        Price move from the window's first to its last period, or the largest fall over one margin period of risk.

    Returns
    -------
    DataFrame, shape (n_windows, n_assets)
        Simple returns, decimals; the windows that all replays cover.

    Raises
    ------
    ArgumentError
        For no replay and for another measure.
    DataError
        When no window is covered by all.
    """
    check_choice(measure, argument="measure", choices=("whole_window", "worst_period"))
    if not replays:
        raise ArgumentError("replays", "must hold one an asset", "none", "make them with stress_replay")
    column = {"whole_window": "price_move", "worst_period": "worst_loss"}[measure]
    sign = 1.0 if measure == "whole_window" else -1.0
    moves = {asset: sign * replay.table[column].xs("long", level="side") for asset, replay in replays.items()}
    table = pd.DataFrame(moves).dropna()
    if not len(table):
        got = "; ".join(f"{asset}: {', '.join(map(str, move.index))}" for asset, move in moves.items())
        raise DataError("replays", "must share a window", got, "replay longer histories")
    # The order of the first replay is that of time.
    return table.loc[[w for w in next(iter(moves.values())).index if w in table.index]].rename_axis("window")
