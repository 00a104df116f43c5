"""The market that contracts are valued in: spot, forwards, volatility and marks at one instant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from volkit.errors import DataError
from volkit.instruments.contracts import Future, Instrument, Option, utc_instant
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources.exchange.chain import OptionChain

__all__ = ["SECONDS_PER_YEAR", "MarketState", "VolatilityRule"]

_BY_EXPIRY = ["underlying", "expiry"]
SECONDS_PER_YEAR = 31_536_000.0
# Underlying, expiry (UTC) and strikes (USD) to decimal volatilities per year.
VolatilityRule = Callable[[str, pd.Timestamp, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarketState(ResultDisplay):
    """Prices and volatilities at one instant.

    Attributes
    ----------
    as_of : Timestamp
        UTC.
    spot : Series
        USD by underlying.
    forwards : Series
        USD by (underlying, expiry in UTC); empty where only coins and perpetuals are held.
    volatility : Series, callable or None
        Decimal per year by (underlying, expiry, strike), or a function of underlying, expiry and an array of strikes,
        for example on a fitted surface.
    marks : Series
        Marks by instrument name, as the venue quotes them: USD, coins for inverse options. Used for values today;
        what is shocked are model values.
    filled : tuple of str
        What was missing and how it was filled.
    provenance : Provenance
        Sources and hashes, when given.

    Examples
    --------
    >>> now = pd.Timestamp("2026-01-01", tz="UTC")
    >>> MarketState(as_of=now, spot=pd.Series({"BTC": 88_000.0}))
    <MarketState: BTC 88,000 USD, no forwards, no volatility, nothing filled, 2026-01-01 00:00 UTC>
    """

    as_of: pd.Timestamp
    spot: pd.Series
    forwards: pd.Series = field(default_factory=lambda: _empty_series())
    volatility: pd.Series | VolatilityRule | None = None
    marks: pd.Series = field(default_factory=lambda: pd.Series(dtype=np.float64))
    filled: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        object.__setattr__(self, "as_of", utc_instant(self.as_of, argument="as_of"))
        object.__setattr__(self, "spot", _positive(self.spot, "spot"))
        object.__setattr__(self, "forwards", _positive(self.forwards, "forwards").rename_axis(_BY_EXPIRY))
        if isinstance(self.volatility, pd.Series):
            if self.volatility.index.nlevels != 3:
                got = f"{self.volatility.index.nlevels} level"
                remedy = "index it by underlying, expiry and strike, as MarketState.from_chains does"
                raise DataError("volatility", "must have the index (underlying, expiry, strike)", got, remedy)
            object.__setattr__(self, "volatility", _positive(self.volatility, "volatility"))

    @classmethod
    def from_chains(
        cls, chains: OptionChain | Sequence[OptionChain], *, spot: Mapping[str, float] | pd.Series | None = None
    ) -> "MarketState":
        """Return the market that option chains show.

        Parameters
        ----------
        chains : OptionChain or sequence of OptionChain
            One an underlying. A forward is the median of its expiry's rows, a volatility the mean of the marks' at
            its strike.
        spot : mapping or Series, optional
            USD by underlying. A coin without one takes the median of its chain's column index_price where there is
            one, else the forward of its first expiry, and then `filled` says so.

        Raises
        ------
        DataError
            When two chains of one coin come, or a chain has no forward or no volatility at all.
        """
        parts = [chains] if isinstance(chains, OptionChain) else list(chains)
        coins = [chain.underlying for chain in parts]
        if not parts or len(set(coins)) < len(coins):
            got = ", ".join(coins) or "none"
            raise DataError("chains", "must be one an underlying", got, "choose one chain of each coin")
        given = dict(spot) if spot is not None else {}
        notes: list[str] = []
        found = [_of_chain(chain, given, notes) for chain in parts]
        return cls(
            as_of=max(chain.as_of for chain in parts),
            spot=pd.Series({**{c: s for c, (s, _, _, _) in zip(coins, found, strict=True)}, **given}),
            forwards=pd.concat([forwards for _, forwards, _, _ in found]),
            volatility=pd.concat([volatility for _, _, volatility, _ in found]),
            marks=pd.concat([marks for _, _, _, marks in found]),
            filled=tuple(notes),
            provenance=Provenance(()).joined(*(chain.provenance for chain in parts)),
        )

    def fill_forwards(self, instruments: Iterable[Instrument]) -> "MarketState":
        """Return the market with a forward for every expiry of the contracts.

        A missing forward lies between its neighbours in time (linear in the log of forward over spot, spot at zero
        time); beyond the last the annual carry stays as it is. Each is told in `filled`.

        Raises
        ------
        DataError
            For an underlying without spot or an expiry that is past.
        """
        known = {key: float(value) for key, value in self.forwards.items()}
        wanted = {(c.underlying, c.expiry) for c in instruments if isinstance(c, Future | Option)}
        missing = sorted(wanted - set(known))
        notes = []
        for coin, expiry in missing:
            forward = self._between(coin, expiry)
            known[coin, expiry] = forward
            notes.append(f"forward of {coin} {expiry:%Y-%m-%d} filled with {forward:,.6g} USD from its neighbours")
        return replace(self, forwards=_keyed(known), filled=(*self.filled, *notes)) if notes else self

    def _between(self, coin: str, expiry: pd.Timestamp) -> float:
        spot = self.spot_of(coin)
        years = self.years_to(expiry)
        own = self.forwards[[key for key in self.forwards.index if key[0] == coin]].sort_index()
        times = np.r_[0.0, [self.years_to(key[1]) for key in own.index]]
        carry = np.r_[0.0, np.log(own.to_numpy(dtype=np.float64) / spot)]
        if years > times[-1] > 0.0:
            return float(spot * np.exp(carry[-1] * years / times[-1]))
        return float(spot * np.exp(np.interp(years, times, carry)))

    def years_to(self, expiry: pd.Timestamp, *, of: str = "the contract") -> float:
        """Return the years of 365 days to an expiry; `of` names the contract in the message.

        Raises
        ------
        DataError
            When it is past.
        """
        years = (expiry - self.as_of).total_seconds() / SECONDS_PER_YEAR
        if years < 0.0:
            got = f"{expiry:%Y-%m-%d %H:%M} at {self.as_of:%Y-%m-%d %H:%M} UTC"
            raise DataError(
                f"expiry of {of}", "must not be past", got, "settle expired contracts to cash and drop their rows"
            )
        return float(years)

    def spot_of(self, underlying: str) -> float:
        """Return the spot of a coin, USD.

        Raises
        ------
        DataError
            When the market has none.
        """
        if underlying not in self.spot.index:
            got = f"only {', '.join(map(str, self.spot.index)) or 'none'}"
            raise DataError(f"spot of {underlying}", "must be known", got, f"add spot={{'{underlying}': ...}}")
        return float(self.spot[underlying])

    def forward_of(self, underlying: str, expiry: pd.Timestamp, *, of: str = "the contract") -> float:
        """Return the forward of an expiry, USD; `of` names the contract in the message.

        Raises
        ------
        DataError
            When the market has none.
        """
        if (underlying, expiry) not in self.forwards.index:
            got = f"none of {underlying} at {expiry:%Y-%m-%d %H:%M} UTC"
            remedy = "add it to forwards, or call market.fill_forwards(instruments), which reports what it fills"
            raise DataError(f"forward of {of}", "must be known", got, remedy)
        return float(self.forwards[underlying, expiry])

    def volatilities(self, underlying: str, expiry: pd.Timestamp, strikes: np.ndarray) -> np.ndarray:
        """Return the volatilities of options of one expiry, decimal per year, shape of `strikes`.

        Raises
        ------
        DataError
            For strikes that the market has no volatility for.
        """
        if self.volatility is None:
            raise DataError("volatility", "must be known for options", "none", "pass volatility=, e.g. of a surface")
        if isinstance(self.volatility, pd.Series):
            keys = pd.MultiIndex.from_arrays([[underlying] * len(strikes), [expiry] * len(strikes), strikes])
            found: np.ndarray = self.volatility.reindex(keys).to_numpy(dtype=np.float64)
        else:
            found = np.asarray(self.volatility(underlying, expiry, strikes), dtype=np.float64)
        bad = ~(np.isfinite(found) & (found > 0.0))
        if bad.any():
            got = f"{int(bad.sum())} without, first {underlying} {expiry:%Y-%m-%d} {strikes[bad][0]:g}"
            remedy = "pass a function on a fitted surface as volatility, or drop these positions"
            raise DataError("volatility", "must be known for every option", got, remedy)
        return found

    @property
    def headline(self) -> str:
        """Spots, counts and time in one line."""
        spots = ", ".join(f"{coin} {price:,.6g} USD" for coin, price in self.spot.items())
        forwards = f"{len(self.forwards)} forwards" if len(self.forwards) else "no forwards"
        if isinstance(self.volatility, pd.Series):
            smile = f"{len(self.volatility)} volatilities"
        else:
            smile = "no volatility" if self.volatility is None else "volatility of a surface"
        filled = f"{len(self.filled)} filled" if self.filled else "nothing filled"
        return f"{spots}, {forwards}, {smile}, {filled}, {self.as_of:%Y-%m-%d %H:%M} UTC"

    def summary(self) -> pd.DataFrame:
        """Return forward (USD) and annual carry over spot (decimal) by underlying and expiry."""
        index = self.forwards.index
        years = np.array([self.years_to(expiry) for _, expiry in index])
        spot = np.array([self.spot_of(coin) for coin, _ in index])
        forward = self.forwards.to_numpy(dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            carry = np.log(forward / spot) / years
        return pd.DataFrame({"forward (USD)": forward, "carry (per year)": carry}, index=index)

    def to_frame(self) -> pd.DataFrame:
        """Return the forwards, one row each."""
        return self.forwards.rename("forward").reset_index()


def _of_chain(
    chain: OptionChain, given: Mapping[str, float], notes: list[str]
) -> tuple[float, pd.Series, pd.Series, pd.Series]:
    coin, quotes = chain.underlying, chain.quotes
    medians = quotes.groupby("expiry")["underlying_price"].median().dropna()
    smile = quotes.dropna(subset="implied_volatility").groupby(["expiry", "strike"])["implied_volatility"].mean()
    if medians.empty or smile.empty:
        what = "forward" if medians.empty else "volatility"
        raise DataError(f"chain of {coin}", f"must have a {what}", "none", "fetch it again, or imply it from prices")
    without = quotes["implied_volatility"].isna().sum()
    if without:
        notes.append(f"{without} of {len(quotes)} {coin} quotes have no volatility and give none")
    quoted = quotes["index_price"].median() if "index_price" in quotes else np.nan
    spot = float(given.get(coin, quoted if quoted > 0.0 else medians.iloc[0]))
    if coin not in given and not quoted > 0.0:
        notes.append(f"spot of {coin} filled with its forward of {medians.index[0]:%Y-%m-%d}, {spot:,.6g} USD")
    forwards = _keyed({(coin, expiry): float(f) for expiry, f in medians.items()})
    volatility = pd.Series(
        smile.to_numpy(),
        index=pd.MultiIndex.from_tuples(
            [(coin, expiry, strike) for expiry, strike in smile.index], names=["underlying", "expiry", "strike"]
        ),
    )
    return spot, forwards, volatility, quotes.set_index("instrument")["mark"].dropna()


def _positive(values: pd.Series, name: str) -> pd.Series:
    series = pd.Series(values, dtype=np.float64)
    bad = ~(np.isfinite(series.to_numpy()) & (series.to_numpy() > 0.0))
    if bad.any():
        got = f"{series.to_numpy()[bad][0]} for {series.index[bad][0]}"
        raise DataError(name, "must be finite and above zero", got, "drop it or correct it")
    if series.index.has_duplicates:
        first = series.index[series.index.duplicated()][0]
        raise DataError(name, "must be given once", f"{first} twice", "decide which one is right")
    return freeze(series)


def _keyed(values: Mapping[tuple[str, pd.Timestamp], float]) -> pd.Series:
    index = pd.MultiIndex.from_tuples(list(values), names=_BY_EXPIRY)
    return pd.Series(list(values.values()), index=index, dtype=np.float64).sort_index()


def _empty_series() -> pd.Series:
    index = pd.MultiIndex.from_arrays([[], []], names=_BY_EXPIRY)
    return pd.Series(dtype=np.float64, index=index)
