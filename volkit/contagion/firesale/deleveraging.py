"""Fire sales in rounds after Cont and Schaanning: only who breaks a limit sells, and only as much as brings it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_count, check_fraction
from volkit.contagion.firesale.book import ProtocolBook, named_numbers
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["FireSaleRun", "cont_schaanning"]

Floats = npt.NDArray[np.float64]
ImpactForm = Literal["linear", "saturating"]
RunStatus = Literal["settled", "round limit"]
# Nobody who sells more than this share of its own assets ends the run: less than a cent in a million dollars.
_NEGLIGIBLE = 1e-12
# A leverage this much above its cap is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FireSaleRun(ResultDisplay):
    """Rounds of forced sales, and what they left of each protocol.

    Attributes
    ----------
    by_protocol : DataFrame, shape (n_protocols, 9)
        equity_before, direct_loss, fire_sale_loss, equity_after, sold, debt_after (USD); first_sale and failed_in
        (round, 0 for the shock itself, -1 for never); state: ``sound``, ``sold``, ``illiquid`` (nothing left to sell
        and still above the cap) or ``insolvent`` (no equity left).
    rounds : DataFrame, shape (n_rounds, 6)
        By round from 1: sold, loss (USD), n_sellers, n_illiquid, n_insolvent (so far), lowest_price (of its start).
    losses : DataFrame, shape (n_rounds + 1, n_protocols)
        USD; row 0 is the shock itself.
    prices : DataFrame, shape (n_rounds + 1, n_assets)
        Over the price before the shock.
    status : {"settled", "round limit"}
        Whether sales came to an end.
    spec : str
        Law and limit in words.
    provenance : Provenance
        Series behind it.
    """

    by_protocol: pd.DataFrame
    rounds: pd.DataFrame
    losses: pd.DataFrame
    prices: pd.DataFrame
    status: RunStatus
    spec: str
    provenance: Provenance

    @property
    def direct_loss(self) -> float:
        """Of all from the shock itself, USD."""
        return float(self.by_protocol["direct_loss"].sum())

    @property
    def fire_sale_loss(self) -> float:
        """Of all from the sales, USD."""
        return float(self.by_protocol["fire_sale_loss"].sum())

    @property
    def n_rounds(self) -> int:
        """Rounds in which somebody sold."""
        return len(self.rounds)

    @property
    def as_of(self) -> None:
        """None: rounds have no clock."""
        return None

    @property
    def headline(self) -> str:
        """Losses, rounds and failures in one line."""
        states = self.by_protocol["state"].value_counts()
        return (
            f"{self.direct_loss:,.4g} USD lost at once, {self.fire_sale_loss:,.4g} in {self.n_rounds} rounds of sales; "
            f"{states.get('insolvent', 0)} insolvent, {states.get('illiquid', 0)} illiquid; {self.status}"
        )

    def summary(self) -> pd.DataFrame:
        """Return losses, sales (USD) and state by protocol, the largest fire-sale loss first."""
        words = {
            "equity_before": "equity before (USD)",
            "direct_loss": "direct loss (USD)",
            "fire_sale_loss": "fire-sale loss (USD)",
            "equity_after": "equity after (USD)",
            "sold": "sold (USD)",
            "state": "state",
        }
        ranked = self.by_protocol.sort_values("fire_sale_loss", ascending=False, kind="stable")
        return ranked[list(words)].rename(columns=words)

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: round, protocol, loss (USD)."""
        return self.losses.stack().rename("loss").reset_index()


def cont_schaanning(
    book: ProtocolBook,
    *,
    shock: Mapping[str, float] | pd.Series,
    depth: Mapping[str, float] | pd.Series,
    maximum_leverage: float | Mapping[str, float] | pd.Series,
    target_leverage: float | Mapping[str, float] | pd.Series | None = None,
    law: ImpactForm = "linear",
    floor: float = 0.0,
    execution: float = 0.5,
    max_rounds: int = 100,
) -> FireSaleRun:
    """Return the rounds of sales that a shock sets off among holders of the same assets.

    Parameters
    ----------
    book : ProtocolBook
        Holdings, debt and what cannot be sold.
    shock : Series or mapping
        By asset: return, decimal from -1, negative for a fall.
    depth : Series or mapping
        By asset, D (USD, positive): a small sale q moves the price by q / D.
    maximum_leverage : float, Series or mapping
        Assets over equity above which a protocol must sell, above 1. A maintenance rate m is a cap of 1 / m.
    target_leverage : float, Series or mapping, optional
        To which it sells, from 1 to the cap; the cap by default.
    law : {"linear", "saturating"}
        Move of a round's sales q (USD): q / D up to all of the price, or the bounded one of the notes.
    floor : float
        Price (over that before the shock) below which the saturating law never falls, 0 to below 1.
    execution : float
        Share of the round's move that the seller himself bears on what he sells, 0 to 1; half of it is the mean price
        of a linear move.
    max_rounds : int
        After which the run stops with the status "round limit".

    Returns
    -------
    FireSaleRun
        Losses positive. Equity before less equity after is direct loss plus fire-sale loss, protocol by protocol.

    Raises
    ------
    DataError
        For numbers that are missing, a depth of zero, a shock below -1, and a book that breaks its cap before it.
    ArgumentError
        For a cap of one or less, a target below one or above the cap, an unknown law, a fraction out of range.

    Notes
    -----
    Cont and Schaanning [1]_: with market value h_i of what can be sold, other assets o_i and equity c_i, a protocol
    whose leverage (o_i + h_i) / c_i is above its cap sells, in the proportions it holds, the fraction
    g_i = min(1, (o_i + h_i - b_i c_i) / h_i) to be at its target b_i; one without equity sells all. Proceeds repay
    debt. Prices then move by

    * linear: min(1, q_k / D_k),
    * saturating: (1 - B / S_k)(1 - exp(-q_k / (D_k (1 - B)))), S_k the price over its start and B the floor.

    What is held loses the whole move, what is sold `execution` of it. A rule of one side: gains cause no purchase, and
    who keeps the limit does nothing, unlike in `greenwood_landier_thesmar`.

    References
    ----------
    .. [1] Cont and Schaanning (2017), Fire sales, indirect contagion and systemic stress testing, Norges Bank working
       paper 2/2017.

    Examples
    --------
    >>> held = pd.DataFrame([[100.0, 0.0], [50.0, 50.0]], index=["X", "Y"], columns=["BTC", "ETH"])
    >>> book = ProtocolBook(holdings=held, debt=pd.Series({"X": 80.0, "Y": 20.0}))
    >>> depth = {"BTC": 1_000.0, "ETH": 500.0}
    >>> run = cont_schaanning(
    ...     book, shock={"BTC": -0.1, "ETH": 0.0}, depth=depth, maximum_leverage=6.0, max_rounds=1
    ... )
    >>> run.by_protocol["sold"].to_dict(), float(run.prices["BTC"][1].round(4)), float(run.losses["Y"][1].round(4))
    ({'X': 30.0, 'Y': 0.0}, 0.873, 1.35)
    """
    move = named_numbers(shock, book.holdings.columns, argument="shock", unit="decimal", lowest=-1.0).to_numpy()
    D = named_numbers(depth, book.holdings.columns, argument="depth", unit="USD", positive=True).to_numpy()
    cap = _leverages(maximum_leverage, book, "maximum_leverage", above=True)
    target = cap if target_leverage is None else _leverages(target_leverage, book, "target_leverage")
    check_choice(law, argument="law", choices=("linear", "saturating"))
    B = 0.0 if law == "linear" else check_fraction(floor, argument="floor")
    if B == 1.0:
        raise ArgumentError("floor", "must be below 1", "1.0", "pass a decimal such as 0.5")
    share = check_fraction(execution, argument="execution")
    limit = check_count(max_rounds, argument="max_rounds", unit="rounds")
    _require_kept(book, cap, target)
    run = _Rounds(book, move, depth=D, cap=cap, target=target, law=law, floor=B, share=share)
    status: RunStatus = "round limit"
    for _ in range(limit):
        if not run.sell():
            status = "settled"
            break
    else:
        status = "round limit" if run.is_selling() else "settled"
    words = f"{law} impact, leverage capped at {_span(cap)}, sold to {_span(target)}"
    return run.result(status, words)


class _Rounds:
    """The state of the book between rounds."""

    def __init__(
        self,
        book: ProtocolBook,
        move: Floats,
        *,
        depth: Floats,
        cap: Floats,
        target: Floats,
        law: ImpactForm,
        floor: float,
        share: float,
    ) -> None:
        self.book, self.D, self.cap, self.target = book, depth, cap, target
        self.law, self.B, self.share = law, floor, share
        self.least = _NEGLIGIBLE * book.total_assets.to_numpy()
        before = book.holdings.to_numpy()
        self.h = before * (1.0 + move)
        self.other, self.debt = book.other_assets.to_numpy().copy(), book.debt.to_numpy().copy()
        self.price = 1.0 + move
        self.prices, self.losses = [self.price.copy()], [(before - self.h).sum(axis=1)]
        self.sold = np.zeros(len(before))
        self.first_sale, self.failed_in = (np.full(len(before), -1) for _ in range(2))
        self.rows: list[dict[str, float]] = []
        self._note_failures()

    @property
    def equity(self) -> Floats:
        return np.asarray(self.h.sum(axis=1) + self.other - self.debt)

    def wanted(self) -> Floats:
        """Return the fraction of its holdings that each must sell."""
        h, equity = self.h.sum(axis=1), self.equity
        exposed = h + self.other
        broken = (exposed > self.cap * np.maximum(equity, 0.0) * (1.0 + _ROUNDING)) & (h > self.least)
        need = np.where(equity > 0.0, exposed - self.target * equity, h)
        return np.asarray(np.where(broken, np.clip(need / np.where(h > 0.0, h, 1.0), 0.0, 1.0), 0.0))

    def is_selling(self) -> bool:
        """Return whether any of them must still sell more than rounding of what it had."""
        return bool((self.wanted() * self.h.sum(axis=1) > self.least).any())

    def sell(self) -> bool:
        """Play a round; return whether anything was sold."""
        if not self.is_selling():
            return False
        g = self.wanted()
        sales = g[:, None] * self.h
        psi = self._moves(sales.sum(axis=0))
        kept = self.h - sales
        loss = (self.share * sales + kept) @ psi
        proceeds = sales @ (1.0 - self.share * psi)
        # Never more than is owed: to reach a leverage of one or more takes at most the debt.
        self.debt -= proceeds
        self.h = kept * (1.0 - psi)
        self.price = self.price * (1.0 - psi)
        self.sold += sales.sum(axis=1)
        number = len(self.rows) + 1
        self.first_sale[(g > 0.0) & (self.first_sale < 0)] = number
        self.prices.append(self.price.copy())
        self.losses.append(loss)
        self._note_failures(number)
        self.rows.append(self._row(sales, loss, g))
        return True

    def _moves(self, q: Floats) -> Floats:
        if self.law == "linear":
            return np.asarray(np.minimum(q / self.D, 1.0))
        room = 1.0 - np.minimum(self.B / np.where(self.price > 0.0, self.price, np.inf), 1.0)
        return np.asarray(-np.maximum(room, 0.0) * np.expm1(-q / (self.D * (1.0 - self.B))))

    def _row(self, sales: Floats, loss: Floats, g: Floats) -> dict[str, float]:
        states = self._states()
        return {
            "sold": float(sales.sum()),
            "loss": float(loss.sum()),
            "n_sellers": int((g > 0.0).sum()),
            "n_illiquid": int((states == "illiquid").sum()),
            "n_insolvent": int((states == "insolvent").sum()),
            "lowest_price": float(self.price.min()),
        }

    def _states(self) -> npt.NDArray[np.object_]:
        left, equity = self.h.sum(axis=1), self.equity
        stuck = (left <= self.least) & (self.other > self.cap * np.maximum(equity, 0.0) * (1 + _ROUNDING))
        states = np.where(self.sold > 0.0, "sold", "sound").astype(object)
        states[stuck] = "illiquid"
        states[equity <= self.least] = "insolvent"
        return states

    def _note_failures(self, number: int = 0) -> None:
        failed = np.isin(self._states().astype(str), ("illiquid", "insolvent")) & (self.failed_in < 0)
        self.failed_in[failed] = number

    def result(self, status: RunStatus, words: str) -> FireSaleRun:
        names, losses = self.book.holdings.index, np.array(self.losses)
        table = pd.DataFrame(
            {
                "equity_before": self.book.equity.to_numpy(),
                "direct_loss": losses[0],
                "fire_sale_loss": losses[1:].sum(axis=0),
                "equity_after": self.equity,
                "sold": self.sold,
                "debt_after": self.debt,
                "first_sale": self.first_sale,
                "failed_in": self.failed_in,
                "state": self._states(),
            },
            index=names,
        )
        columns = ["sold", "loss", "n_sellers", "n_illiquid", "n_insolvent", "lowest_price"]
        numbers = pd.RangeIndex(1, len(self.rows) + 1, name="round")
        clock = pd.RangeIndex(len(losses), name="round")
        return FireSaleRun(
            by_protocol=freeze(table),
            rounds=freeze(pd.DataFrame(self.rows, columns=columns, index=numbers)),
            losses=freeze(pd.DataFrame(losses, index=clock, columns=names.rename("protocol"))),
            prices=freeze(pd.DataFrame(np.array(self.prices), index=clock, columns=self.book.holdings.columns)),
            status=status,
            spec=words,
            provenance=self.book.provenance,
        )


def _leverages(
    value: float | Mapping[str, float] | pd.Series, book: ProtocolBook, argument: str, *, above: bool = False
) -> Floats:
    names = book.holdings.index
    given = value if isinstance(value, (pd.Series, Mapping)) else pd.Series(float(value), index=names)
    numbers = named_numbers(given, names, argument=argument, unit="assets over equity")
    if (numbers < 1.0).any() or (above and (numbers == 1.0).any()):
        got, rule = f"{numbers.min():g} for {numbers.idxmin()}", "above 1" if above else "at least 1"
        raise ArgumentError(argument, f"must be {rule} (assets over equity)", got, "pass 1 over the maintenance rate")
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def _require_kept(book: ProtocolBook, cap: Floats, target: Floats) -> None:
    if (target > cap).any():
        i = int(np.argmax(target - cap))
        got = f"{target[i]:g} over {cap[i]:g} for {book.protocols[i]}"
        raise ArgumentError("target_leverage", "must not be above maximum_leverage", got, "lower it")
    broken = book.leverage.to_numpy() > cap * (1.0 + _ROUNDING)
    if broken.any():
        i = int(np.argmax(broken))
        got = f"leverage {book.leverage.iloc[i]:.4g} over {cap[i]:.4g} in {book.protocols[i]}"
        raise DataError("book", "must keep maximum_leverage before the shock", got, "raise the cap or lower its debt")


def _span(values: Floats) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
