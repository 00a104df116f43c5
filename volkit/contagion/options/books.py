"""Option books that have to trade when a price moves: dealers who hedge, and accounts that are liquidated."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction, check_positive
from volkit.contagion.options.moved import MovedContracts
from volkit.contagion.options.sources import FlowState
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Coin, MarketState, PositionBook, book_value, instrument_of
from volkit.options.exposure import GammaExposure
from volkit.portfolio.scenarios import AccountUnits, VolatilityResponse, account_units

__all__ = ["DealerHedging", "OptionLiquidations"]

Floats = npt.NDArray[np.float64]
# Of the log price, for the derivative of a delta.
_STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DealerHedging:
    """Dealers who keep an option book neutral: at each price they trade what its delta has changed by.

    Attributes
    ----------
    contracts : MovedContracts
        Their options, valued anew at every price.
    units : ndarray, shape (n_contracts,)
        Signed units that dealers hold. Nobody publishes them: the sign is an assumption, see `reversed`.
    words : str
        The assumption.

    Notes
    -----
    When the price moves from S to S + dS, dealers sell delta(S + dS) - delta(S) coins, to first order gamma dS: short
    gamma sells what falls.
    """

    contracts: MovedContracts
    units: Floats
    words: str = "dealer positions as given"

    def __post_init__(self) -> None:
        if self.units.shape != (len(self.contracts.terms),):
            got, rule = f"shape {self.units.shape}", f"must have {len(self.contracts.terms)} numbers, one a contract"
            raise DataError("units", rule, got, "pass 0 where there is no position")
        if not np.isfinite(self.units).all():
            got = f"{int((~np.isfinite(self.units)).sum())} of {len(self.units)} missing or infinite"
            raise DataError("units", "must be one finite number a contract", got, "pass 0 where there is no position")

    @classmethod
    def of_units(
        cls,
        units: pd.Series,
        market: MarketState,
        *,
        response: VolatilityResponse | None = None,
        words: str = "dealer positions as given",
    ) -> Self:
        """Return the dealers of signed units by instrument name.

        Parameters
        ----------
        units : Series
            Units of the underlying by instrument, e.g. open interest times the sign of an assumption.
        market : MarketState
            Spot, forwards and volatilities.
        response : VolatilityResponse, optional
            Of volatility to the return; none leaves strikes their volatility.
        words : str
            The assumption.

        Raises
        ------
        DataError
            For no position, contracts of several coins, or ones that cannot be valued.

        Examples
        --------
        >>> now = pd.Timestamp("2026-01-01", tz="UTC")
        >>> expiry = pd.Timestamp("2026-01-30 08:00", tz="UTC")
        >>> market = MarketState(as_of=now, spot=pd.Series({"BTC": 100.0}), volatility=lambda *_: 0.5,
        ...                      forwards=pd.Series({("BTC", expiry): 100.0}))
        >>> short = DealerHedging.of_units(pd.Series({"BTC_USDC-30JAN26-100-P": -1_000.0}), market)
        >>> round(short.delta(95.0) - short.delta(100.0), 1), round(short.log_gamma(100.0))
        (142.7, -2807)
        """
        held = units[units != 0.0].astype(np.float64)
        moved = MovedContracts.of([instrument_of(str(name)) for name in held.index], market, response=response)
        return cls(contracts=moved, units=held.to_numpy(), words=words)

    @classmethod
    def of_exposure(
        cls,
        exposure: GammaExposure,
        market: MarketState,
        *,
        response: VolatilityResponse | None = None,
    ) -> Self:
        """Return the dealers that a gamma exposure assumes; see `of_units`."""
        units = exposure.options.set_index("instrument")["position"]
        return cls.of_units(units, market, response=response, words=exposure.dealer)

    @property
    def name(self) -> str:
        """Dealer hedging."""
        return "dealer hedging"

    def begin(self, price: float) -> float:
        """Return the delta at the price of the market.

        Raises
        ------
        ArgumentError
            For another price.
        """
        _check_start(price, self.contracts)
        return self.delta(price)

    def delta(self, price: float) -> float:
        """Return the delta of the options, coins."""
        return float(self.units @ self.contracts.deltas(price))

    def log_gamma(self, price: float) -> float:
        """Return coins of delta gained per unit of log price, volatility held as it is today."""
        held = replace(self.contracts, response=None)
        up, down = (float(self.units @ held.deltas(price * np.exp(h))) for h in (_STEP, -_STEP))
        return (up - down) / (2.0 * _STEP)

    def reversed(self) -> "DealerHedging":
        """Return dealers who hold the other side of every option."""
        return replace(self, units=-self.units, words=f"the opposite of: {self.words}")


@dataclass(slots=True)
class _Accounts:
    source: "OptionLiquidations"
    gone: npt.NDArray[np.bool_]
    bad_debt: float = 0.0

    @property
    def accounts(self) -> int:
        return int(self.gone.sum())

    def sold(self, price: float) -> float:
        equity = self.source.equity(price).to_numpy()
        below = ~self.gone & (equity < self.source.margins(price).to_numpy())
        if not below.any():
            return 0.0
        self.gone |= below
        self.bad_debt -= float(np.minimum(equity[below], 0.0).sum())
        deltas = self.source.units.units @ self.source.contracts.deltas(price)
        return float(deltas[below].sum())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OptionLiquidations:
    """Option accounts that are liquidated where their equity falls below their margin: their delta is traded.

    Attributes
    ----------
    units : AccountUnits
        Units at risk by account and contract, coins included.
    contracts : MovedContracts
        The columns of the units.
    start : Series
        Equity now, USD by account.
    margin : Series or float
        Maintenance margin, USD by account, that stays as the price moves; or the share of the notional of futures and
        short options at the price of the round.
    name : str
        As it stands in tables and figures.

    Notes
    -----
    A liquidated account sells the delta that it has at the price of that round, coins held as collateral included;
    its options are taken over and not hedged anew in later rounds. No time passes: nothing expires on the way.
    """

    units: AccountUnits
    contracts: MovedContracts
    start: pd.Series
    margin: pd.Series | float
    name: str = "option liquidations"
    _exposure: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        terms = self.contracts.terms
        weights = self.units.units.toarray()
        short = np.where(terms.is_option, np.maximum(-weights, 0.0), np.abs(weights))
        object.__setattr__(self, "_exposure", np.where(terms.is_coin, 0.0, short).sum(axis=1))

    @classmethod
    def from_book(
        cls,
        book: PositionBook,
        market: MarketState,
        *,
        margin: pd.Series | float,
        response: VolatilityResponse | None = None,
    ) -> Self:
        """Return the accounts of a book of one coin.

        Parameters
        ----------
        book : PositionBook
            Options, futures, perpetuals, cash and coins.
        market : MarketState
            Spot, forwards and volatilities; marks count in the equity of today.
        margin : Series or float
            USD by account, e.g. of `volkit.portfolio.scenarios.scan_margin`; or the share of the notional of futures
            and short options, from 0 to 1.
        response : VolatilityResponse, optional
            Of volatility to the return; none leaves strikes their volatility.

        Raises
        ------
        ArgumentError
            For a share out of range.
        DataError
            For contracts of several coins, accounts without margin, or contracts that cannot be valued.

        Examples
        --------
        >>> now = pd.Timestamp("2026-01-01", tz="UTC")
        >>> expiry = pd.Timestamp("2026-01-30 08:00", tz="UTC")
        >>> market = MarketState(as_of=now, spot=pd.Series({"BTC": 100.0}), volatility=lambda *_: 0.5,
        ...                      forwards=pd.Series({("BTC", expiry): 100.0}))
        >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-30JAN26-100-P", "USD"],
        ...                       "quantity": [-10.0, 100.0], "kind": ["position", "cash"]})
        >>> writers = OptionLiquidations.from_book(PositionBook.from_frame(frame), market, margin=0.02)
        >>> state = writers.begin(100.0)
        >>> [round(state.sold(price), 2) for price in (98.0, 94.0)]
        [0.0, 6.43]
        """
        units = account_units(book, market)
        contracts = [book.instruments.get(str(name), Coin(str(name))) for name in units.instruments]
        held = pd.Series(margin).astype(np.float64) if isinstance(margin, pd.Series) else margin
        if isinstance(held, pd.Series):
            held = held.reindex(units.accounts)
            if not (np.isfinite(held) & (held >= 0.0)).all():
                without = held.index[~(np.isfinite(held) & (held >= 0.0))]
                got = f"{len(without)} others, first {without[0]}"
                raise DataError("margin", "must be at least 0 for every account", got, "add them (USD)")
        else:
            check_fraction(held, argument="margin")
        return cls(
            units=units,
            contracts=MovedContracts.of(contracts, market, response=response),
            start=book_value(book, market).accounts["equity"].reindex(units.accounts),
            margin=held,
        )

    def equity(self, price: float) -> pd.Series:
        """Return equity by account at a price, USD, every contract valued anew."""
        return pd.Series(self.start + self.units.units @ self.contracts.profits(price), name="equity")

    def margins(self, price: float) -> pd.Series:
        """Return the maintenance margin by account at a price, USD."""
        if isinstance(self.margin, pd.Series):
            return self.margin
        return pd.Series(self.margin * price * self._exposure, index=self.units.accounts, name="margin")

    def begin(self, price: float) -> FlowState:
        """Return the state before anybody is liquidated.

        Raises
        ------
        ArgumentError
            For a price other than that of the market.
        """
        _check_start(price, self.contracts)
        return _Accounts(source=self, gone=np.zeros(len(self.units), dtype=bool))


def _check_start(price: float, contracts: MovedContracts) -> None:
    start = check_positive(price, argument="price", unit="USD")
    if abs(start / contracts.spot - 1.0) > 1e-9:
        got = f"{start:g} against {contracts.spot:g}"
        raise ArgumentError("price", "must be the spot that options were valued at", got, "pass that of the market")
