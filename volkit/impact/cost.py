"""What it costs to close a position out at once: half the spread and a square-root impact.

The constant of the impact is read off the depth of an order book. Costs are means over the trade, in the currency of
the notional; rates are fractions of it. `ImpactModel.law` turns them into the displacement of a price.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_not_negative, check_positive
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError, DataError
from volkit.formatting import time_words
from volkit.impact.law import impact_curve
from volkit.impact.laws import BookImpact, SquareRootImpact
from volkit.impact.levels import Book
from volkit.results import ResultDisplay, freeze

__all__ = ["ImpactCalibration", "ImpactModel", "calibrate_impact"]

Floats = npt.NDArray[np.float64]
_SIZES = 50
_FEWEST_LEVELS = 5


class DatedBook(Book, Protocol):
    """What a calibration asks of an order book: `volkit.sources.exchange.book.OrderBook`."""

    @property
    def as_of(self) -> pd.Timestamp:
        """Instant (UTC)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactModel:
    """Cost of closing out a notional: half spread N + c sigma sqrt(N / V) N.

    Attributes
    ----------
    half_spread : float
        Fraction of the price, 0 or more.
    constant : float
        c, no unit, 0 or more: about 1 where all is traded within the period of the volume.
    volatility : float
        Of the price per period, decimal, positive.
    volume : float
        Notional traded per period (the same period), currency of the notional, positive.

    Notes
    -----
    The square-root law of Torre (1997), BARRA market impact model, and Almgren, Thum, Hauptmann and Li (2005), Direct
    estimation of equity market impact. The cost rises in the size and is superadditive: parts cost no more than the
    whole. Not for sizes far above the volume of a period, which take more than one: `concentration_add_on`.

    Examples
    --------
    >>> model = ImpactModel(half_spread=0.0005, constant=1.0, volatility=0.04, volume=1e9)
    >>> round(model.rate(1e7), 6), round(model.cost(1e7), 2)
    (0.0045, 45000.0)
    """

    half_spread: float
    constant: float
    volatility: float
    volume: float

    def __post_init__(self) -> None:
        for name in ("half_spread", "constant"):
            check_not_negative(float(getattr(self, name)), argument=name)
        if self.half_spread >= 1.0:
            remedy = f"pass a decimal: half_spread={self.half_spread / 1e4:g} if these are basis points"
            raise ArgumentError("half_spread", "must be a fraction below 1", f"{self.half_spread!r}", remedy)
        check_positive(self.volatility, argument="volatility", unit="decimal per period")
        check_positive(self.volume, argument="volume", unit="notional per period")

    def rate(self, notional: float) -> float:
        """Return the cost as a fraction of the notional.

        Raises
        ------
        ArgumentError
            For a negative or infinite notional.
        """
        size = float(notional)
        if not 0.0 <= size < np.inf:
            raise ArgumentError(
                "notional", "must be a finite number of at least 0", f"{notional!r}", "pass its size, without a sign"
            )
        return float(self.half_spread + self.constant * self.volatility * np.sqrt(size / self.volume))

    def cost(self, notional: float) -> float:
        """Return the cost in the currency of the notional.

        Raises
        ------
        ArgumentError
            For a negative or infinite notional.
        """
        return self.rate(notional) * float(notional)

    def law(self, price: float) -> SquareRootImpact:
        """Return the law of the price whose mean fills cost as much, to first order and without the half spread.

        The displacement of the last coin is 3/2 of the mean cost, since the mean of a root up to 1 is 2/3.

        Parameters
        ----------
        price : float
            Currency of the volume per coin, positive.

        Raises
        ------
        ArgumentError
            For a price that is not positive.

        Examples
        --------
        >>> model = ImpactModel(half_spread=0.0, constant=1.0, volatility=0.04, volume=1e9)
        >>> law = model.law(50_000.0)
        >>> round(1 - law.average_price(200.0), 5), round(model.rate(200.0 * 50_000.0), 5)
        (0.00399, 0.004)
        """
        coins = self.volume / check_positive(price, argument="price", unit="currency per coin")
        return SquareRootImpact(constant=1.5 * self.constant, volatility=self.volatility, volume=coins)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ImpactCalibration(ResultDisplay):
    """The square-root impact that fits an order book.

    Attributes
    ----------
    model : ImpactModel
        With the book's half spread and the fitted constant.
    side : {"long", "short"}
        Position that is closed: a long sells into the bids, a short buys from the asks.
    walk : DataFrame, shape (n_sizes, 2)
        Columns slippage and fitted (fractions of the notional), index notional (quote currency).
    r_squared : float
        Share of the slippage beyond the half spread that the fit explains, about zero.
    depth : float
        Notional that the book holds, quote currency: sizes beyond it are not seen.
    n_levels : int
        Price levels used.
    as_of : Timestamp
        Instant (UTC) of the book.
    """

    model: ImpactModel
    side: Side
    walk: pd.DataFrame
    r_squared: float
    depth: float
    n_levels: int
    as_of: pd.Timestamp

    @property
    def headline(self) -> str:
        """Constant, half spread and depth in one line."""
        return (
            f"{self.side}: impact constant {self.model.constant:.3g}, half spread "
            f"{self.model.half_spread * 1e4:.2f} bp, {self.n_levels} levels worth {self.depth:.4g}, "
            f"R2 {self.r_squared:.2f}, {time_words(self.as_of)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the slippage seen and fitted (fractions of the notional) at a tenth, a half and all of the depth."""
        places = np.searchsorted(self.walk.index.to_numpy(), self.depth * np.array([0.1, 0.5, 1.0]))
        return self.walk.iloc[np.minimum(places, len(self.walk) - 1)]

    def to_frame(self) -> pd.DataFrame:
        """Return the whole walk."""
        return self.walk


def calibrate_impact(book: DatedBook, *, side: Side, volatility: float, volume: float) -> ImpactCalibration:
    """Return the square-root impact whose slippage is nearest to that of walking an order book.

    Parameters
    ----------
    book : OrderBook
        bids and asks with price (quote currency) and amount (base currency), best first, and their middle.
    side : {"long", "short"}
        Position that is closed.
    volatility : float
        Of the price per period, decimal.
    volume : float
        Notional traded in the same period, quote currency.

    Returns
    -------
    ImpactCalibration
        Least squares through zero over 50 sizes up to the depth of the book, evenly spaced.

    Raises
    ------
    ArgumentError
        For an unknown side, a volatility or volume that is not positive.
    DataError
        For fewer than 5 levels, prices or amounts that are not positive, prices out of order, or a crossed book.

    Notes
    -----
    A snapshot holds what rests at one instant: orders that arrive while one trades make the true impact smaller, and
    those that are withdrawn in a fall make it larger. Calibrate on the books of bad hours.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> ticks = np.arange(1, 101) / 100
    >>> bids = pd.DataFrame({"price": 100.0 - ticks, "amount": ticks})
    >>> asks = pd.DataFrame({"price": 100.0 + ticks, "amount": ticks})
    >>> book = SimpleNamespace(bids=bids, asks=asks, mid=100.0, as_of=pd.Timestamp("2024-01-01", tz="UTC"))
    >>> found = calibrate_impact(book, side="long", volatility=0.04, volume=1e6)
    >>> round(found.model.constant, 2), round(found.r_squared, 3)
    (2.31, 1.0)
    """
    check_choice(side, argument="side", choices=SIDES)
    sigma = check_positive(volatility, argument="volatility", unit="decimal per period")
    traded = check_positive(volume, argument="volume", unit="notional per period")
    prices, half_spread = _check_book(book, side)
    sizes, slippage = _walk(book, side)
    scale = sigma * np.sqrt(sizes / traded)
    beyond = slippage - half_spread
    constant = max(0.0, float(scale @ beyond / (scale @ scale)))
    residual, total = beyond - constant * scale, float(beyond @ beyond)
    walk = pd.DataFrame(
        {"slippage": slippage, "fitted": half_spread + constant * scale}, index=pd.Index(sizes, name="notional")
    )
    return ImpactCalibration(
        model=ImpactModel(half_spread=half_spread, constant=constant, volatility=sigma, volume=traded),
        side=side,
        walk=freeze(walk),
        r_squared=1.0 - float(residual @ residual) / total if total > 0.0 else 1.0,
        depth=float(sizes[-1]),
        n_levels=len(prices),
        as_of=book.as_of,
    )


def _check_book(book: DatedBook, side: Side) -> tuple[Floats, float]:
    levels = book.bids if side == "long" else book.asks
    prices, amounts = (levels[name].to_numpy(dtype=np.float64) for name in ("price", "amount"))
    argument = "book.bids" if side == "long" else "book.asks"
    if len(prices) < _FEWEST_LEVELS:
        remedy = "ask the venue for a deeper book"
        raise DataError(argument, f"must have at least {_FEWEST_LEVELS} levels", str(len(prices)), remedy)
    away = np.diff(prices) * (-1.0 if side == "long" else 1.0)
    if not ((prices > 0.0) & (amounts > 0.0) & np.isfinite(prices * amounts)).all() or not (away > 0.0).all():
        raise DataError(
            argument, "must have positive prices and amounts, best price first", "others", "sort and clean the levels"
        )
    half_spread = abs(float(prices[0]) / float(book.mid) - 1.0)
    if (float(prices[0]) - float(book.mid)) * (1.0 if side == "long" else -1.0) >= 0.0:
        raise DataError(
            "book",
            "must have its best bid below its middle and its best ask above",
            f"{prices[0]:g} at a middle of {book.mid:g}",
            "use the book of one venue, or drop crossed levels",
        )
    return prices, half_spread


def _walk(book: DatedBook, side: Side) -> tuple[Floats, Floats]:
    """Return sizes up to the depth (quote currency at the middle) and the average slippage of each."""
    law = BookImpact.from_book(book)
    depth = float(law.seen["sale" if side == "long" else "purchase"])
    coins = depth * np.arange(1, _SIZES + 1) / _SIZES
    cost = impact_curve(law, coins if side == "long" else -coins)["cost"]
    return coins * float(book.mid), cost.to_numpy()
