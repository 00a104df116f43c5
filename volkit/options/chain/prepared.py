"""Books made ready: forwards decided, quotes sifted with counts, implied volatilities of every price.

An `OptionChain` from a venue or a file enters; a `PreparedChain` leaves, for smiles, term structures and surfaces.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_kind
from volkit.conventions import CRYPTO_DAYS_PER_YEAR
from volkit.errors import DataError
from volkit.options.black76 import black76_greeks, implied_volatility
from volkit.options.chain.filters import REASONS, REMEDIES, QuoteFilter
from volkit.options.chain.forwards import ForwardChoice, forward_report, row_forwards
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources.exchange import OptionChain

__all__ = ["PreparedChain", "prepare_chain"]

_PRICES = ("bid", "ask", "mid", "mark")
_SECONDS_PER_YEAR = CRYPTO_DAYS_PER_YEAR * 86_400.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PreparedChain(ResultDisplay):
    """Quotes of one underlying that passed a filter, with forwards and implied volatilities.

    Attributes
    ----------
    quotes : DataFrame, shape (n_quotes, n_columns)
        The kept rows of `OptionChain.quotes`, by expiry, strike and side, and: forward (USD) and forward_source;
        time (years of 365 days to expiry); log_moneyness, ln(strike / forward); bid_volatility, ask_volatility,
        mid_volatility, mark_volatility (Black-76, decimal per year; NaN where nothing is quoted or no volatility gives
        the price); delta (forward delta, undiscounted, at the first volatility known of the venue's, mark, mid, ask,
        bid; the venue's own delta is renamed venue_delta); volatility_error (decimal: what the printed digits of the
        expiry's marks, the scatter of its forwards and parity's scatter_error leave open in mark_volatility; deep in
        the money a mark says little of volatility); sides ("two", "bid only", "ask only", "none").
    forwards : DataFrame, shape (n_expiries, 13)
        From `forward_report`, by expiry.
    dropped : Series of int, shape (8,)
        Rows of the chain left out, by the first reason that applies (`REASONS`); with the rows kept they are the rows
        received.
    left_out : DataFrame, shape (n_dropped, 9)
        The rows left out: instrument, expiry, strike, is_call, bid, ask, mark, reason, remedy.
    volatility_codes : DataFrame of int
        Kept rows by what the solver said (index) and price (bid, ask, mid, mark).
    not_loaded : dict of str to int
        Rows that the loader had left out before, by its reasons.
    venue, underlying, settlement, quote_unit : str
        As in `OptionChain`.
    as_of : Timestamp
        Instant (UTC) of the quotes.
    spec : QuoteFilter
        The filter.
    provenance : Provenance
        Source and hash of the chain.
    """

    quotes: pd.DataFrame
    forwards: pd.DataFrame
    dropped: pd.Series
    left_out: pd.DataFrame
    volatility_codes: pd.DataFrame
    not_loaded: dict[str, int]
    venue: str
    underlying: str
    settlement: str
    quote_unit: str
    as_of: pd.Timestamp
    spec: QuoteFilter
    provenance: Provenance

    @property
    def n_obs(self) -> int:
        """Quotes kept."""
        return len(self.quotes)

    @property
    def n_dropped(self) -> int:
        """Quotes left out by the filter."""
        return int(self.dropped.sum())

    @property
    def n_received(self) -> int:
        """Quotes of the chain before the filter: kept and dropped."""
        return self.n_obs + self.n_dropped

    @property
    def expiries(self) -> pd.DatetimeIndex:
        """Expiries (UTC) with at least one quote."""
        return pd.DatetimeIndex(self.quotes["expiry"].unique(), name="expiry")

    @property
    def headline(self) -> str:
        """Underlying, quotes kept of those received, and the forwards in one line."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items() if count)
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.forwards["kind"].value_counts().items())
        return (
            f"{self.underlying} {self.venue}, {self.n_obs} of {self.n_received} quotes kept"
            f"{f' ({reasons} dropped)' if reasons else ''}, forwards {kinds}, {self.as_of:%Y-%m-%d %H:%M:%S} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return days, quotes kept by sides, forward (USD) and its check against parity, by expiry (UTC)."""
        sides = self.quotes.groupby(["expiry", "sides"]).size().unstack(fill_value=0)
        columns = {f"{name} sided" if name == "two" else name: sides.get(name, 0) for name in ("two", *_ONE_SIDED)}
        used = self.forwards.loc[sides.index]
        return pd.DataFrame(
            {
                "days to expiry": (sides.index - self.as_of) / pd.Timedelta(days=1),
                **columns,
                "forward (USD)": self.quotes.groupby("expiry")["forward"].median(),
                "forward used": used["used"],
                "venue's forward": used["kind"],
                "venue - parity (bp)": used["difference_bp"],
                "venue - parity (standard errors)": used["difference_errors"],
                "inside parity's bounds": used["is_inside"],
            },
            index=sides.index,
        )

    def counts(self) -> pd.DataFrame:
        """Return rows by where they went: left out on loading, dropped by the filter, kept."""
        rows = [("loading", reason, count) for reason, count in self.not_loaded.items()]
        rows += [("filter", str(reason), int(count)) for reason, count in self.dropped.items()]
        return pd.DataFrame([*rows, ("kept", "", self.n_obs)], columns=["stage", "reason", "rows"])

    def to_frame(self) -> pd.DataFrame:
        """Return `quotes` with venue, underlying, settlement and as_of beside each."""
        return self.quotes.assign(
            venue=self.venue, underlying=self.underlying, settlement=self.settlement, as_of=self.as_of
        )


_ONE_SIDED = ("bid only", "ask only", "none")


def prepare_chain(
    chain: OptionChain, *, filters: QuoteFilter | None = None, forwards: ForwardChoice = "venue"
) -> PreparedChain:
    """Return a chain with forwards decided, quotes sifted and implied volatilities added.

    Parameters
    ----------
    chain : OptionChain
        From `read_option_chain`, `simulate_chain` or an `ExchangeClient`; prices in coin or USD.
    filters : QuoteFilter, optional
        Limits; `QuoteFilter()` by default.
    forwards : {"venue", "parity"}
        "venue" uses the venue's forwards and fills missing ones from put-call parity; "parity" uses parity wherever
        3 strikes have two-sided puts and calls. Both are always compared in the report.

    Returns
    -------
    PreparedChain
        Kept rows; every row left out is counted once, by reason.

    Raises
    ------
    DataError
        When the chain lacks a column, holds an instrument or an option twice, a price that is negative or infinite, a
        strike or forward that is not positive, or when no quote is left.
    ArgumentError
        For an unknown choice of forwards.

    Examples
    --------
    >>> from volkit.options.chain import simulate_chain
    >>> prepared = prepare_chain(simulate_chain(underlying="BTC", forward=90_000.0, n_strikes=9))
    >>> prepared.n_obs + prepared.n_dropped == prepared.n_received
    True
    >>> prepared.quotes[["mark_volatility", "log_moneyness"]].notna().all().tolist()
    [True, True]
    """
    check_kind(chain, OptionChain, argument="chain", remedy="pass what read_option_chain returns")
    check_choice(forwards, argument="forwards", choices=("venue", "parity"))
    spec = filters if filters is not None else QuoteFilter()
    quotes = _checked(chain)
    quotes["time"] = (quotes["expiry"] - chain.as_of).dt.total_seconds() / _SECONDS_PER_YEAR
    report = forward_report(quotes, settlement=chain.settlement, prefer=forwards)
    quotes[["forward", "forward_source"]] = row_forwards(quotes, report)
    quotes["log_moneyness"] = np.log(quotes["strike"] / quotes["forward"])
    codes = _add_volatilities(quotes, in_coin=chain.settlement == "coin")
    quotes[["delta", "volatility_error"]] = _deltas(quotes, report, in_coin=chain.settlement == "coin")
    quotes["sides"] = _sides(quotes)
    reasons = spec.reasons(quotes)
    kept = reasons == ""
    dropped = reasons[~kept].value_counts().reindex(list(REASONS), fill_value=0).astype("int64").rename("rows")
    if not kept.any():
        told = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
        raise DataError("chain", "must have a quote that passes the filter", told or "no rows", "loosen the filter")
    counted = codes[kept].apply(lambda column: column.value_counts()).fillna(0).astype("int64").rename_axis("solver")
    return PreparedChain(
        quotes=freeze(quotes[kept].reset_index(drop=True)),
        forwards=freeze(report),
        dropped=freeze(dropped.rename_axis("reason")),
        left_out=freeze(_left_out(quotes[~kept], reasons[~kept])),
        volatility_codes=freeze(counted),
        not_loaded=dict(chain.dropped),
        venue=chain.venue,
        underlying=chain.underlying,
        settlement=chain.settlement,
        quote_unit=chain.quote_unit,
        as_of=chain.as_of,
        spec=spec,
        provenance=chain.provenance,
    )


def _left_out(rows: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    told = rows.assign(reason=reasons.astype("str"), remedy=reasons.map(REMEDIES).astype("str"))
    columns = ["instrument", "expiry", "strike", "is_call", "bid", "ask", "mark", "reason", "remedy"]
    return told[columns].reset_index(drop=True)


def _checked(chain: OptionChain) -> pd.DataFrame:
    needed = ["instrument", "expiry", "strike", "is_call", *_PRICES, "implied_volatility", "underlying_price"]
    missing = [name for name in (*needed, "is_synthetic_forward") if name not in chain.quotes.columns]
    if missing:
        raise DataError("chain.quotes", "must have every column of OptionChain", f"none named {missing[0]}", "add it")
    quotes = chain.quotes.rename(columns={"delta": "venue_delta"}).reset_index(drop=True)
    quotes = quotes.sort_values(["expiry", "strike", "is_call"], ignore_index=True)
    for columns in (["instrument"], ["expiry", "strike", "is_call"]):
        twice = quotes.duplicated(columns)
        if twice.any():
            name = quotes.loc[twice, "instrument"].iloc[0]
            got = f"{int(twice.sum())} rows more than once, first {name}"
            raise DataError("chain.quotes", "must hold each option once", got, "decide which row is right")
    numbers = quotes[[*_PRICES, "implied_volatility", "open_interest", "volume"]]
    _refuse(quotes, (numbers < 0.0) | np.isinf(numbers), "must not be negative or infinite")
    levels = quotes[["strike", "underlying_price"]]
    _refuse(quotes, (levels <= 0.0) | np.isinf(levels), "must be positive")
    # The mid of a quote with a bid of zero is half the ask, and no price.
    return quotes.assign(mid=quotes["mid"].where((quotes["bid"] > 0.0) & (quotes["ask"] > 0.0)))


def _refuse(quotes: pd.DataFrame, is_bad: pd.DataFrame, requirement: str) -> None:
    if is_bad.to_numpy().any():
        row, column = (int(i[0]) for i in np.nonzero(is_bad.to_numpy()))
        name = str(is_bad.columns[column])
        got = f"{quotes[name].iloc[row]:g} for {quotes['instrument'].iloc[row]} (row {row})"
        raise DataError(f"chain.quotes[{name!r}]", requirement, got, "correct or remove the row")


def _add_volatilities(quotes: pd.DataFrame, *, in_coin: bool) -> pd.DataFrame:
    """Add a column of volatility for each price, and return what the solver said of each."""
    unit = quotes["forward"].to_numpy() if in_coin else np.ones(len(quotes))
    words = {}
    for price in _PRICES:
        # Expired rows are dropped later, by their reason; the solver takes no negative time.
        time = quotes["time"].clip(lower=0.0)
        arguments = [quotes["forward"], quotes["strike"], time, quotes["is_call"].to_numpy()]
        solved = implied_volatility(quotes[price].to_numpy() * unit, *arguments)
        quotes[f"{price}_volatility"] = solved.volatility
        words[price] = np.where(quotes[price].isna(), "not quoted", solved.code_names)
    return pd.DataFrame(words, index=quotes.index)


def _deltas(quotes: pd.DataFrame, report: pd.DataFrame, *, in_coin: bool) -> np.ndarray:
    """Return forward delta and the error of the mark's volatility, shape (n_quotes, 2), NaN where none is known."""
    # The venue's first: it is one number for put and call, while a mark deep in the money may give any.
    known = quotes["implied_volatility"]
    for name in ("mark", "mid", "ask", "bid"):
        known = known.fillna(quotes[f"{name}_volatility"])
    usable = (known.notna() & quotes["forward"].notna() & (quotes["time"] > 0.0)).to_numpy()
    rows = quotes[usable]
    greeks = black76_greeks(rows["forward"], rows["strike"], rows["time"], known[usable], rows["is_call"].to_numpy())
    by_expiry = quotes.groupby("expiry")
    digit = by_expiry["mark"].agg(_resolution).reindex(rows["expiry"]).to_numpy()
    digit = digit * rows["forward"].to_numpy() if in_coin else digit
    scatter = by_expiry["forward"].agg(np.ptp).reindex(rows["expiry"]).to_numpy()
    parity = report["scatter_error"].fillna(0.0).reindex(rows["expiry"]).to_numpy()
    doubt = digit / 2.0 + np.abs(greeks.delta) * np.maximum(scatter, parity)
    answer = np.full((len(quotes), 2), np.nan)
    answer[usable, 0] = greeks.delta
    answer[usable, 1] = np.divide(doubt, greeks.vega, out=np.full(len(rows), np.inf), where=greeks.vega > 0.0)
    return answer


def _resolution(prices: pd.Series) -> float:
    """Return the last printed digit of prices, zero when there is none down to 1e-10."""
    known = prices.dropna().to_numpy()
    for decimals in range(11):
        if np.allclose(known, np.round(known, decimals), rtol=0.0, atol=1e-13):
            return float(10.0**-decimals)
    return 0.0


def _sides(quotes: pd.DataFrame) -> np.ndarray:
    has_bid, has_ask = (quotes[side].gt(0.0).to_numpy() for side in ("bid", "ask"))
    words = np.select([has_bid & has_ask, has_bid, has_ask], ["two", "bid only", "ask only"], default="none")
    return np.asarray(words)
