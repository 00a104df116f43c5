"""Auto-deleveraging account by account: whose winning positions are closed, and what that takes from them.

Winners' positions, a mark price and the price at which they are closed enter; closed coins, haircuts, overshoot,
fairness and lost fees leave.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.inputs import Floats, check_amount
from volkit.solvency.waterfall.closing import (
    ADL_POLICIES,
    AdlPolicy,
    cheapest_order,
    close_in_order,
    close_pro_rata,
    in_lots,
)
from volkit.solvency.waterfall.fairness import gini_coefficient
from volkit.solvency.waterfall.queue import adl_queue_scores

__all__ = ["AutoDeleverage", "auto_deleverage"]

# What is left of a sum after floating point, relative to it.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AutoDeleverage(ResultDisplay):
    """Positions closed against winners, and what it cost them and the venue.

    Attributes
    ----------
    table : DataFrame
        By account: quantity (signed coins), entry_price, collateral, profit and equity at the mark (USD),
        effective_leverage, score, rank, eligible, haircut_per_coin (USD), closed (coins), haircut (USD), haircut_rate
        (of the notional at the mark, decimal), lost_fees (USD).
    policy : {"queue", "pro_rata", "least_cost"}
        That chose.
    quantity : float or None
        Coins to close, where they were given.
    shortfall : float
        USD to raise; where only a quantity was given, its loss at the mark: quantity times the distance of both prices.
    mark, bankruptcy_price : float
        USD per coin: today's, and that at which the positions are closed.
    as_of : Timestamp or None
        Of the mark, UTC.
    provenance : Provenance
        Of the positions.
    """

    table: pd.DataFrame
    policy: AdlPolicy
    quantity: float | None
    shortfall: float
    mark: float
    bankruptcy_price: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def closed(self) -> float:
        """Coins closed."""
        return float(self.table["closed"].sum())

    @property
    def notional(self) -> float:
        """Notional closed at the mark, USD."""
        return self.closed * self.mark

    @property
    def capacity(self) -> float:
        """Most that could be taken at this mark and price, USD: closing every eligible coin."""
        return float((self.table["quantity"].abs() * self.table["haircut_per_coin"]).sum())

    @property
    def haircuts(self) -> float:
        """USD taken from winners."""
        return float(self.table["haircut"].sum())

    @property
    def overshoot(self) -> float:
        """Haircuts beyond the shortfall, USD, at least 0."""
        return self._beyond(self.haircuts - self.shortfall)

    @property
    def uncovered(self) -> float:
        """What the haircuts leave of the shortfall, USD, at least 0: the next layer's."""
        return self._beyond(self.shortfall - self.haircuts)

    @property
    def unmatched(self) -> float:
        """Coins that were to be closed and found no winner."""
        if self.quantity is None:
            return 0.0
        missing = self.quantity - self.closed
        return missing if missing > _ROUNDING * self.quantity else 0.0

    @property
    def gini(self) -> float:
        """Gini coefficient of the haircuts in USD over eligible accounts, 0 when all bear the same."""
        return self._gini("haircut")

    @property
    def gini_of_rates(self) -> float:
        """Gini coefficient of the haircut rates over eligible accounts: 0 when all lose the same share of notional."""
        return self._gini("haircut_rate")

    @property
    def lost_fees(self) -> float:
        """USD that the venue no longer earns on what was closed."""
        return float(self.table["lost_fees"].sum())

    @property
    def n_closed(self) -> int:
        """Accounts that were closed, in whole or in part."""
        return int((self.table["closed"] > 0.0).sum())

    @property
    def headline(self) -> str:
        """Policy, coins, accounts, haircuts and overshoot in one line."""
        return (
            f"{self.policy}, {self.closed:,.6g} coins of {self.n_closed:,} accounts closed at "
            f"{self.bankruptcy_price:,.6g} (mark {self.mark:,.6g}), haircuts {self.haircuts:,.6g} USD for a shortfall "
            f"of {self.shortfall:,.6g}, Gini {self.gini:.3f}"
        )

    def summary(self) -> pd.DataFrame:
        """Return what was closed, taken and lost, units in the labels."""
        rows = {
            "shortfall (USD)": self.shortfall,
            "haircuts (USD)": self.haircuts,
            "overshoot (USD)": self.overshoot,
            "uncovered (USD)": self.uncovered,
            "could be taken (USD)": self.capacity,
            "closed (coins)": self.closed,
            "closed notional (USD)": self.notional,
            "unmatched (coins)": self.unmatched,
            "accounts closed": float(self.n_closed),
            "eligible accounts": float(self.table["eligible"].sum()),
            "largest haircut rate (decimal)": float(self.table["haircut_rate"].max()),
            "Gini of haircuts": self.gini,
            "Gini of haircut rates": self.gini_of_rates,
            "lost fees (USD)": self.lost_fees,
        }
        return pd.DataFrame({"value": rows}).rename_axis(self.policy)

    def to_frame(self) -> pd.DataFrame:
        """Return the table by account."""
        return self.table

    def _gini(self, column: str) -> float:
        borne = np.asarray(self.table.loc[self.table["eligible"], column], dtype=np.float64)
        # Nobody to bear anything: nothing is borne unequally.
        return gini_coefficient(borne) if len(borne) else 0.0

    def _beyond(self, difference: float) -> float:
        return difference if difference > _ROUNDING * max(self.shortfall, self.haircuts) else 0.0


def auto_deleverage(
    positions: pd.DataFrame,
    *,
    mark: float,
    bankruptcy_price: float,
    quantity: float | None = None,
    shortfall: float | None = None,
    policy: AdlPolicy = "queue",
    limit_to_profit: bool = True,
    fee_rate: float = 0.0005,
    lot: float = 0.0,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> AutoDeleverage:
    """Return whose winning positions are closed at a bankrupt account's price, and what it costs.

    Parameters
    ----------
    positions : DataFrame
        Of the side opposite to the bankrupt position: account, quantity (signed coins), entry_price, collateral (USD).
        Optional turnover: times its notional that an account trades in the time over which lost fees are counted; 1
        where there is no such column.
    mark : float
        Mark price, USD per coin.
    bankruptcy_price : float
        At which positions are closed, USD: above the mark when shorts are closed against bankrupt longs, below it when
        longs are.
    quantity : float, optional
        Coins to close: the bankrupt position that must be matched.
    shortfall : float, optional
        USD to raise. Alone, coins are closed until it is raised; beside a quantity, haircuts beyond it are overshoot.
        By default the loss of the quantity at the mark: with `limit_to_profit`, what winners' profits do not pay of it
        is uncovered.
    policy : {"queue", "pro_rata", "least_cost"}
        By score (`adl_queue_scores`); the same share of every winner; or the cheapest for the venue in lost fees.
    limit_to_profit : bool
        Whether a coin pays at most its unrealised profit, and losers are spared. Otherwise every position is closed at
        the bankruptcy price in full, losers last in the queue.
    fee_rate : float
        Fee that the venue earns on a traded notional, decimal: 0.0005 is 5 basis points.
    lot : float
        Smallest quantity that trades, coins; 0 for none. Whole lots overshoot a shortfall. A quantity is closed in full
        as long as winners have the coins, at most one of them in less than a lot (`in_lots`).
    as_of : Timestamp, optional
        Of the mark, UTC.
    provenance : Provenance, optional
        Of the positions.

    Returns
    -------
    AutoDeleverage

    Raises
    ------
    ArgumentError
        For neither a quantity nor a shortfall, a bankruptcy price on the winners' side of the mark, or an unknown
        policy.
    DataError
        For positions that cannot be ranked, or a turnover below 0.

    Notes
    -----
    A closed coin costs its holder abs(mark - bankruptcy price), or with `limit_to_profit` its profit where that is
    less, and the venue fee_rate * mark * turnover. "least_cost" solves the linear programme min sum c q subject to
    sum w q = amount, 0 <= q <= size exactly (`cheapest_order`). No policy keeps solvency, revenue and fairness together
    [1]_: compare them by `compare_adl_policies`.

    References
    ----------
    .. [1] Chitra (2025), Autodeleveraging: impossibilities and optimization, arXiv 2512.01112.

    Examples
    --------
    >>> shorts = pd.DataFrame({"account": ["A", "B", "C", "D"], "quantity": [-10, -20, -5, -40],
    ...     "entry_price": [100, 90, 80, 120], "collateral": [200, 1000, 50, 800]})
    >>> run = auto_deleverage(shorts, mark=60.0, bankruptcy_price=70.0, quantity=30.0)
    >>> run.table["closed"].to_dict(), run.haircuts
    ({'A': 10.0, 'B': 0.0, 'C': 5.0, 'D': 15.0}, 300.0)
    """
    check_choice(policy, argument="policy", choices=ADL_POLICIES)
    price = check_positive(bankruptcy_price, argument="bankruptcy_price", unit="USD per coin")
    fee, step = check_amount(fee_rate, argument="fee_rate", unit="decimal"), check_amount(lot, argument="lot")
    table = adl_queue_scores(positions, mark=mark)
    _check_side(table, mark, price)
    sizes, taken = table["quantity"].abs().to_numpy(), _haircut_per_coin(table, mark, price, limit_to_profit)
    cost = fee * mark * _turnover(table)
    eligible = (table["profit"] > 0.0).to_numpy() | (not limit_to_profit)
    worth, amount = _wanted(quantity, shortfall, taken, eligible)
    order = _order(policy, sizes, worth, table["rank"].to_numpy(), cost)
    in_full = (
        close_pro_rata(sizes, worth, amount) if policy == "pro_rata" else close_in_order(sizes, worth, order, amount)
    )
    paying = np.where(worth > 0.0, sizes, 0.0)
    closed = in_lots(in_full, paying, step, keep_total=quantity is not None, order=order)
    haircut = closed * taken
    done = table.assign(
        eligible=eligible, haircut_per_coin=taken, closed=closed, haircut=haircut,
        haircut_rate=haircut / (sizes * mark), lost_fees=closed * cost,
    )  # fmt: skip
    return AutoDeleverage(
        table=freeze(done), policy=policy, quantity=None if quantity is None else float(quantity),
        shortfall=amount * abs(mark - price) if shortfall is None else float(shortfall), mark=float(mark),
        bankruptcy_price=price, as_of=as_of, provenance=provenance or Provenance(()),
    )  # fmt: skip


def _check_side(table: pd.DataFrame, mark: float, price: float) -> None:
    short = bool(table["quantity"].iloc[0] < 0.0)
    if (short and price < mark) or (not short and price > mark):
        held, where = ("shorts", "at least") if short else ("longs", "at most")
        rule = f"must be {where} the mark, {mark:g}, to cost {held} anything"
        raise ArgumentError("bankruptcy_price", rule, f"{price:g}", "pass the winners of the bankrupt position")


def _haircut_per_coin(table: pd.DataFrame, mark: float, price: float, limit_to_profit: bool) -> Floats:
    distance = np.full(len(table), abs(mark - price))
    if not limit_to_profit:
        return distance
    profit = (table["profit"] / table["quantity"].abs()).to_numpy()
    return np.asarray(np.clip(profit, 0.0, distance))


def _turnover(table: pd.DataFrame) -> Floats:
    if "turnover" not in table:
        return np.ones(len(table))
    try:
        turnover = np.asarray(table["turnover"], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("turnover", "must hold numbers", str(error), "convert the column to numbers first") from error
    if not (np.isfinite(turnover).all() and (turnover >= 0.0).all()):
        raise DataError("turnover", "must be at least 0 for every account", f"least {turnover.min():g}", "repair it")
    return turnover


def _wanted(
    quantity: float | None, shortfall: float | None, taken: Floats, eligible: npt.NDArray[np.bool_]
) -> tuple[Floats, float]:
    """Return what a closed coin counts and the amount to reach: coins for a quantity, USD for a shortfall."""
    if shortfall is not None:
        check_amount(shortfall, argument="shortfall")
    if quantity is not None:
        amount = check_positive(quantity, argument="quantity", unit="coins")
        return eligible.astype(np.float64), amount
    if shortfall is None:
        raise ArgumentError("quantity", "must be given, or a shortfall", "neither", "pass quantity= or shortfall=")
    return taken, float(shortfall)


def _order(policy: AdlPolicy, sizes: Floats, worth: Floats, rank: Floats, cost: Floats) -> npt.NDArray[np.int64]:
    """Return who comes first; where all give the same share, the larger position gives what is left over."""
    if policy == "least_cost":
        return cheapest_order(cost, worth, sizes)
    return np.argsort(rank if policy == "queue" else -sizes, kind="stable").astype(np.int64)
