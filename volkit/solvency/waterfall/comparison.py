"""Policies of auto-deleveraging side by side: what each takes, from how many, and what it costs the venue."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.waterfall.closing import ADL_POLICIES, AdlPolicy
from volkit.solvency.waterfall.deleverage import AutoDeleverage, auto_deleverage

__all__ = ["AdlComparison", "compare_adl_policies"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AdlComparison(ResultDisplay):
    """The same shortfall under several policies.

    Attributes
    ----------
    runs : tuple of AutoDeleverage
        One a policy, in the order asked for.
    table : DataFrame
        By policy: shortfall, haircuts, overshoot, uncovered (USD), closed (coins), accounts (closed), largest_rate (of
        the notional, decimal), gini, gini_of_rates, lost_fees (USD).
    as_of : Timestamp or None
        Of the mark, UTC.
    provenance : Provenance
        Of the positions.
    """

    runs: tuple[AutoDeleverage, ...]
    table: pd.DataFrame
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Gini coefficient and lost fees of each policy in one line."""
        parts = [f"{run.policy} Gini {run.gini_of_rates:.3f}, lost fees {run.lost_fees:,.4g} USD" for run in self.runs]
        return "; ".join(parts)

    def of(self, policy: AdlPolicy) -> AutoDeleverage:
        """Return the run of a policy.

        Raises
        ------
        ArgumentError
            For one that was not compared.
        """
        for run in self.runs:
            if run.policy == policy:
                return run
        known = ", ".join(run.policy for run in self.runs)
        raise ArgumentError("policy", f"must be one of {known}", repr(policy), "choose one of these")

    def summary(self) -> pd.DataFrame:
        """Return the table, units in the labels."""
        units = {
            **{name: f"{name} (USD)" for name in ("shortfall", "haircuts", "overshoot", "uncovered")},
            "closed": "closed (coins)",
            "accounts": "accounts closed",
            "largest_rate": "largest haircut rate (decimal)",
            "gini": "Gini of haircuts",
            "gini_of_rates": "Gini of haircut rates",
            "lost_fees": "lost fees (USD)",
        }
        return self.table.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a policy and account: closed, haircut, haircut_rate, lost_fees."""
        columns = ["closed", "haircut", "haircut_rate", "lost_fees"]
        parts = {run.policy: run.table[columns] for run in self.runs}
        return pd.concat(parts, names=["policy", "account"])


def compare_adl_policies(
    positions: pd.DataFrame,
    *,
    mark: float,
    bankruptcy_price: float,
    quantity: float | None = None,
    shortfall: float | None = None,
    policies: Sequence[AdlPolicy] = ("queue", "pro_rata", "least_cost"),
    limit_to_profit: bool = True,
    fee_rate: float = 0.0005,
    lot: float = 0.0,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> AdlComparison:
    """Return the same auto-deleveraging under several policies.

    Parameters
    ----------
    positions : DataFrame
        Of the winners; this and the others as in `auto_deleverage`.
    mark, bankruptcy_price : float
        USD per coin.
    quantity, shortfall : float, optional
        Coins to close, USD to raise.
    policies : sequence of str
        To compare.
    limit_to_profit, fee_rate, lot, as_of, provenance
        As in `auto_deleverage`.

    Returns
    -------
    AdlComparison

    Raises
    ------
    ArgumentError
        For no policy, an unknown one, or what `auto_deleverage` refuses.
    DataError
        For positions that cannot be ranked.

    Examples
    --------
    >>> shorts = pd.DataFrame({"account": ["A", "B", "C", "D"], "quantity": [-10, -20, -5, -40],
    ...     "entry_price": [100, 90, 80, 120], "collateral": [200, 1000, 50, 800]})
    >>> both = compare_adl_policies(shorts, mark=60.0, bankruptcy_price=70.0, shortfall=300.0)
    >>> both.table["gini_of_rates"].round(3).to_dict()
    {'queue': 0.382, 'pro_rata': 0.0, 'least_cost': 0.75}
    """
    if not policies:
        known = ", ".join(ADL_POLICIES)
        raise ArgumentError("policies", f"must be at least one of {known}", "none", "leave it out for all")
    runs = tuple(
        auto_deleverage(
            positions, mark=mark, bankruptcy_price=bankruptcy_price, quantity=quantity, shortfall=shortfall,
            policy=policy, limit_to_profit=limit_to_profit, fee_rate=fee_rate, lot=lot, as_of=as_of,
            provenance=provenance,
        )
        for policy in policies
    )  # fmt: skip
    rows = {
        run.policy: {
            "shortfall": run.shortfall,
            "haircuts": run.haircuts,
            "overshoot": run.overshoot,
            "uncovered": run.uncovered,
            "closed": run.closed,
            "accounts": run.n_closed,
            "largest_rate": float(run.table["haircut_rate"].max()),
            "gini": run.gini,
            "gini_of_rates": run.gini_of_rates,
            "lost_fees": run.lost_fees,
        }
        for run in runs
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("policy")
    return AdlComparison(runs=runs, table=freeze(table), as_of=as_of, provenance=provenance or Provenance(()))
