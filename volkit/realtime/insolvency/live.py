"""One account's margin after every price tick: profits along the paths are worked out at three spots and joined."""

from collections.abc import Hashable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.instruments import ContractTerms, MarketState, PositionBook
from volkit.kernels import load_kernels
from volkit.margin.horizon.touch import check_probability
from volkit.realtime.insolvency.closed_form import EVENTS, Event
from volkit.realtime.insolvency.equity import account_position
from volkit.realtime.insolvency.profits import Response, check_coins, path_blocks, profits_along
from volkit.realtime.insolvency.tail import check_weights, loss_tail, rank_of
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["LiveInsolvencyMargin", "TickMargin"]

Floats = npt.NDArray[np.float64]


class TickMargin(NamedTuple):
    """An account after a tick.

    Attributes
    ----------
    margin : float
        Smallest equity for the target insolvency probability, USD.
    equity : float
        Now, USD.
    missing : float
        Collateral to add, USD: margin less equity, at least 0.
    """

    margin: float
    equity: float
    missing: float


class LiveInsolvencyMargin:
    """One account's margin, brought up to date by the tick.

    Parameters
    ----------
    book : PositionBook
        Perpetuals, futures, options and coins.
    market : MarketState
        At the last full valuation; spots in the middle of the range.
    paths : PathSet
        From today's state; prices on them are multiples of the spot, and move with it.
    target : float
        Probability of insolvency over the horizon.
    event : {"path minimum", "terminal"}
        Whether equity counts after every step, or at the end alone.
    account : Hashable, optional
        Needed where the book has several.
    response : VolatilityResponse or mapping, optional
        Of implied volatility; see `insolvency_margin`.
    reach : float
        Relative move of a spot, up and down, within which ticks are taken: 0.02 is two per cent.

    Raises
    ------
    ArgumentError
        For too few paths for the target, a reach outside (0, 0.5), or an account that cannot be used.
    DataError
        For a coin without paths or a contract without a price.

    Notes
    -----
    Every position is valued on all paths and steps at spots S (1 - reach), S and S (1 + reach), forwards moving in
    proportion; a tick takes the parabola through the three. Linear positions are exact, and so are all at the three
    spots. In between, what is left out is of the third order in the move; near the expiry of an option at the money it
    is largest, and a smaller reach makes it less. A tick moves no time and no volatility: value the account afresh when
    the paths are drawn anew. One object serves one thread.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [-1.0],
    ...                       "entry_price": [100.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    >>> ends = np.linspace(0.8, 1.2, 1001)[:, None, None]
    >>> paths = PathSet(values=ends, step=pd.Timedelta("1D"), assets=("BTC",), engine="given", seed="none")
    >>> live = LiveInsolvencyMargin(PositionBook.from_frame(frame), market, paths, target=0.02)
    >>> [round(x, 3) for x in live.tick("BTC", 101.0)]
    [19.392, -1.0, 20.392]
    """

    __slots__ = (
        *("_coins", "_equity", "_kernel", "_losses", "_nodes", "_rank", "_reach", "_shares", "_spots", "_total"),
        *("_values", "_weights", "account", "event", "target"),
    )

    def __init__(
        self,
        book: PositionBook,
        market: MarketState,
        paths: PathSet,
        *,
        target: float = 0.01,
        event: Event = "path minimum",
        account: Hashable | None = None,
        response: Response | None = None,
        reach: float = 0.02,
    ) -> None:
        self.target = check_probability(target, argument="target")
        check_choice(event, argument="event", choices=EVENTS)
        if not 0.0 < reach < 0.5:
            raise ArgumentError("reach", "must be above 0 and below 0.5", f"{reach!r}", "pass 0.02 for two per cent")
        self._weights = check_weights(paths.log_weights)
        if self._weights is None:
            loss_tail(np.zeros(paths.n_paths), None, target=self.target, method="empirical")
        position = account_position(book, market, account)
        check_coins(position.terms, paths, response)
        self.account, self.event, self._reach = position.name, event, float(reach)
        coins = list(dict.fromkeys(str(c) for c in position.terms.underlyings))
        self._coins = {name: i for i, name in enumerate(coins)}
        self._spots = np.array([market.spot_of(name) for name in coins])
        n_steps = 1 if event == "terminal" else paths.n_steps
        self._nodes = np.zeros((len(coins), 3, n_steps, paths.n_paths))
        # Value today at the three spots, over that in the middle.
        self._values = np.zeros((len(coins), 3))
        for node, factor in enumerate((1.0 - reach, 1.0, 1.0 + reach)):
            self._value_at(node, factor, position.terms, position.units, paths, response)
        self._equity = position.equity
        self._shares = np.tile([0.0, 1.0, 0.0], (len(coins), 1))
        self._total, self._losses = np.empty(paths.n_paths), np.empty(paths.n_paths)
        self._rank = rank_of(paths.n_paths, self.target)
        self._kernel = load_kernels("volkit.realtime.insolvency._kernels").tick_losses

    def _value_at(
        self, node: int, factor: float, terms: ContractTerms, units: Floats, paths: PathSet, response: Response | None
    ) -> None:
        moved = replace(terms, spot=terms.spot * factor, forward=terms.forward * factor)
        gains = units * _tick_gains(terms, moved)
        held = [np.flatnonzero(terms.underlyings == name) for name in self._coins]
        for c, rows in enumerate(held):
            self._values[c, node] = gains[rows].sum()
        faces = np.where(terms.is_inverse & ~terms.is_option, 1.0 / factor, 1.0) * units
        for part in path_blocks(paths):
            steps = profits_along(moved, paths, response=response, rows=part, last_only=self.event == "terminal")
            for k, (profits, spots) in enumerate(steps):
                profits = profits + _coins_earned(terms, moved, spots)
                for c, rows in enumerate(held):
                    self._nodes[c, node, k, part] = faces[rows] @ profits[rows]

    def tick(self, coin: str, spot: float) -> TickMargin:
        """Take a spot in and return the account's margin.

        Parameters
        ----------
        coin : str
            Whose price.
        spot : float
            USD.

        Raises
        ------
        ArgumentError
            For a coin that the account does not hold, or a spot out of reach of the valuation: value it afresh.
        """
        c = self._coins.get(coin)
        if c is None:
            raise ArgumentError("coin", f"must be one of {', '.join(self._coins)}", repr(coin), "choose one of these")
        x = (spot / self._spots[c] - 1.0) / self._reach
        # The ends themselves are met although factors round.
        if not abs(x) <= 1.0 + 1e-9:
            low, high = self._spots[c] * (1.0 - self._reach), self._spots[c] * (1.0 + self._reach)
            rule, remedy = f"must lie from {low:,.6g} to {high:,.6g}", "value the account afresh at the new spots"
            raise ArgumentError("spot", rule, f"{spot:,.6g}", remedy)
        self._shares[c] = 0.5 * x * (x - 1.0), 1.0 - x * x, 0.5 * x * (x + 1.0)
        return self._now()

    def _now(self) -> TickMargin:
        self._kernel(self._nodes, self._shares, self._total, self._losses)
        margin = self._quantile()
        equity = self._equity + float((self._shares * self._values).sum())
        return TickMargin(margin, equity, max(margin - equity, 0.0))

    def _quantile(self) -> float:
        if self._weights is not None:
            tail = loss_tail(self._losses, self._weights, target=self.target, method="empirical")
            return max(tail.margin(self.target), 0.0)
        at = len(self._losses) - 1 - self._rank
        return max(float(np.partition(self._losses, at)[at]), 0.0)

    def __repr__(self) -> str:
        now = self.current
        return (
            f"<LiveInsolvencyMargin: {self.account}, {now.margin:,.6g} USD for insolvency "
            f"{percent_to(self.target, 3)}, equity "
            f"{now.equity:,.6g}, {', '.join(self._coins)} within {percent_to(self._reach)}>"
        )

    @property
    def current(self) -> TickMargin:
        """The margin at the last spots."""
        return self._now()


def _tick_gains(terms: ContractTerms, moved: ContractTerms) -> Floats:
    """Return what one unit gains when the spots move, shape (n_contracts,), USD."""
    gains = moved.values - terms.values
    faced = terms.is_inverse & ~terms.is_option
    return np.asarray(np.where(faced, moved.spot * (1.0 - terms.forward / moved.forward), gains))


def _coins_earned(terms: ContractTerms, moved: ContractTerms, spots: Floats) -> Floats:
    """Return what coins earned in the tick gain along the paths, for one unit of an inverse future at the new price.

    Its face is a price of the new market: F' dollars, which earned F' (1/F - 1/F') coins.
    """
    faced = terms.is_inverse & ~terms.is_option
    coins = np.where(faced, moved.forward / terms.forward - 1.0, 0.0)
    return np.asarray(coins[:, None] * (spots - moved.spot[:, None]))
