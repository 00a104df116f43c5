"""What a hedge programme gives: quantities, margin before and after, constraints in force, and the gap to the best."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.portfolio.efficiency.lots import LotSolution
from volkit.portfolio.efficiency.programme import ProgrammeSolution, TailProgramme
from volkit.portfolio.efficiency.terms import HedgeTerms
from volkit.portfolio.netting.inputs import Floats
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["HedgeProgramme", "hedge_outcome"]

# Of the room of a bound or band: nearer than this counts as on it.
_ON = 1e-7
# Of the size of losses: a gap below it is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HedgeProgramme(ResultDisplay):
    """Hedges of least margin and cost.

    Attributes
    ----------
    hedges : DataFrame, shape (n_hedges, 6)
        By hedge: `quantity` and `continuous` (the optimum without lots), units; `low`, `high`, units, within liquidity;
        `cost`, money; `at`, the constraint that holds it: "low", "high", "liquidity" or "".
    bands : DataFrame, shape (n_bands, 6)
        By band: `before`, `after`, `low`, `high` of the sum; `at`: "low", "high" or ""; `price`, what one more unit of
        room would save, money of costs, from the continuous optimum.
    before, after : float
        Margin without and with the hedges, money.
    cost : float
        Of trading them, money.
    value_of_margin : float
        What one unit of margin less is worth, money of costs.
    objective, bound : float
        value_of_margin times margin plus cost, and what no quantities within the constraints can go below.
    losses : DataFrame, shape (n_scenarios, 2)
        `before`, `after` in each scenario, money.
    edge_before, edge_after : Series, shape (n_groups,)
        Loss at the edge of the tail: Value at Risk for expected shortfall, the worst row for a scan.
    measure : str
        Measure in words.
    method : str
        How the quantities were found, in words.
    n_rounds, n_active : int
        Linear programmes solved, and scenarios in the last.
    as_of : Timestamp or None
        Last time (UTC) behind the numbers, as handed on.
    provenance : Provenance
        Series behind them, as handed on.
    """

    hedges: pd.DataFrame
    bands: pd.DataFrame
    before: float
    after: float
    cost: float
    value_of_margin: float
    objective: float
    bound: float
    losses: pd.DataFrame
    edge_before: pd.Series
    edge_after: pd.Series
    measure: str
    method: str
    n_rounds: int
    n_active: int
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def saved(self) -> float:
        """Margin before less margin after, money."""
        return self.before - self.after

    @property
    def net_saving(self) -> float:
        """Worth of the margin saved less the cost, money of costs."""
        return self.value_of_margin * self.saved - self.cost

    @property
    def gap(self) -> float:
        """Objective less bound, at least 0: how far from the best possible at most; rounding counts as 0."""
        size = self.value_of_margin * float(np.abs(self.losses["before"].to_numpy()).max())
        found = self.objective - self.bound
        return found if found > _ROUNDING * size else 0.0

    @property
    def active(self) -> pd.Series:
        """Constraints in force: which end, by hedge or band."""
        both = pd.concat([self.hedges["at"], self.bands["at"]])
        return both[both != ""].rename_axis("constraint")

    @property
    def headline(self) -> str:
        """Margin before and after, hedges used, cost and gap in one line."""
        used = int((self.hedges["quantity"] != 0.0).sum())
        return (
            f"margin {self.before:,.6g} before, {self.after:,.6g} after {used} of {len(self.hedges)} hedges at a cost "
            f"of {self.cost:,.6g}; no other quantities do better by more than {self.gap:.3g} ({self.measure})"
        )

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        facts = {
            "margin before (money)": f"{self.before:,.6g}",
            "margin after (money)": f"{self.after:,.6g}",
            "margin saved (money)": f"{self.saved:,.6g}",
            "cost of the hedges (money)": f"{self.cost:,.6g}",
            "worth of one unit of margin (money of costs)": f"{self.value_of_margin:g}",
            "net saving (money of costs)": f"{self.net_saving:,.6g}",
            "gap to the best possible (money of costs)": f"{self.gap:.3g}",
            "measure": self.measure,
            "constraints in force": ", ".join(f"{n} ({end})" for n, end in self.active.items()) or "none",
            "found by": self.method,
            "scenarios": f"{len(self.losses):,}",
            "scenarios in the last programme": f"{self.n_active:,}",
        }
        return pd.Series(facts, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table of hedges."""
        return self.hedges.copy()


def hedge_outcome(
    programme: TailProgramme,
    solution: ProgrammeSolution,
    lots: LotSolution | None,
    terms: HedgeTerms,
    *,
    value_of_margin: float,
    scenarios: pd.Index,
    words: str,
    add_on: float,
) -> HedgeProgramme:
    """Return the result of a solved programme; `programme` counts costs over the value of margin."""
    h = solution.h if lots is None else lots.h
    none = np.zeros(len(h))
    (before, edge_before), (after, edge_after) = (programme.tails(quantities) for quantities in (none, h))
    n = len(scenarios)
    lost = np.column_stack([programme.loss[:n], programme.loss[:n] - h @ programme.pnl[:, :n]])
    bound = solution.bound if lots is None else max(lots.bound, solution.bound)
    charge, cost = float(after.sum()) + add_on, float(terms.costs @ np.abs(h))
    exact = f"linear programme, {solution.n_rounds} rounds on active scenarios"
    return HedgeProgramme(
        hedges=freeze(_hedges(h, solution.h, terms)),
        bands=freeze(_bands(h, solution.band_prices * value_of_margin, terms)),
        before=float(before.sum()) + add_on,
        after=charge,
        cost=cost,
        value_of_margin=value_of_margin,
        objective=value_of_margin * charge + cost,
        bound=value_of_margin * (bound + add_on),
        losses=freeze(pd.DataFrame(lost, index=scenarios, columns=["before", "after"])),
        edge_before=freeze(pd.Series(edge_before, name="edge")),
        edge_after=freeze(pd.Series(edge_after, name="edge")),
        measure=words,
        method=exact if lots is None else f"{exact}; {lots.method}",
        n_rounds=solution.n_rounds,
        n_active=solution.n_active,
    )


def _hedges(h: Floats, continuous: Floats, terms: HedgeTerms) -> pd.DataFrame:
    room = terms.upper - terms.lower
    on_low, on_high = h - terms.lower <= _ON * room, terms.upper - h <= _ON * room
    at = np.where(on_low, np.where(terms.by_liquidity[:, 0], "liquidity", "low"), "")
    at = np.where(on_high, np.where(terms.by_liquidity[:, 1], "liquidity", "high"), at)
    # A hedge that is not used because it does not pay is not held back by a bound at zero.
    at = np.where((h == 0.0) & ~(on_low & on_high), "", at)
    columns = {
        "quantity": h, "continuous": continuous, "low": terms.lower, "high": terms.upper,
        "cost": terms.costs * np.abs(h), "at": at,
    }  # fmt: skip
    return pd.DataFrame(columns, index=terms.names.rename("hedge") if terms.names.nlevels == 1 else terms.names)


def _bands(h: Floats, prices: Floats, terms: HedgeTerms) -> pd.DataFrame:
    table = terms.bands.copy()
    after = table["before"].to_numpy() + terms.deltas @ h
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    size = np.abs(terms.deltas) @ np.maximum(np.abs(terms.lower), np.abs(terms.upper))
    at = np.where(after - low <= _ON * size, "low", np.where(high - after <= _ON * size, "high", ""))
    table.insert(1, "after", after)
    return table.assign(at=at, price=np.abs(prices))
