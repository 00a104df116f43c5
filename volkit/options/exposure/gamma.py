"""How dealers' hedging leans on the market: gamma by strike and expiry, and the spots at which its sign flips.

An option book with open interest enters, with an assumption about who holds what; a `GammaExposure` leaves.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.options.exposure.positions import DealerAssumption, dealer_positions, dealer_words
from volkit.options.exposure.roots import all_roots
from volkit.options.index.book import QuotedBook, book_provenance, dollar_quotes
from volkit.results import Provenance, ResultDisplay, freeze, frozen_series

__all__ = ["GammaExposure", "gamma_exposure"]

# Steps of the profile: a quarter of the narrowest option's standard deviation, none above half a per cent.
_WIDEST_STEP = 0.005
_MOST_POINTS = 6_000
_CHUNK = 256
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class GammaExposure(ResultDisplay):
    """Dealers' gamma by strike, by expiry and over spot.

    Attributes
    ----------
    underlying : str
        The coin.
    by_strike, by_expiry : DataFrame, shape (n, 4)
        By strike (USD) or expiry (UTC): call, put, net (USD of delta that dealers gain when spot rises by 1 %) and
        net_coin (coin of delta per USD of spot).
    options : DataFrame, shape (n_options, 9)
        instrument, expiry, strike, is_call, position (units of the underlying, signed), gamma (USD per 1 %), gamma_coin
        (coin per USD), vanna (USD of delta per point of volatility), charm (USD of delta per day).
    profile : Series, shape (n_points,)
        Net gamma (USD per 1 %) were spot there (index, USD): revalued with every option's own volatility and every
        expiry's own ratio of forward to spot.
    flips : DataFrame, shape (n_flips, 2)
        All spots inside the profile at which it changes sign, increasing: distance (share of spot) and rises (whether
        gamma turns from negative to positive as spot rises). Index `spot` (USD).
    spot : float
        USD.
    dealer : str
        The assumption, in words.
    dropped : dict of str to int
        Options left out, by reason.
    as_of : Timestamp
        Instant (UTC) of the quotes.
    provenance : Provenance
        Sources and hashes, when given.
    """

    underlying: str
    by_strike: pd.DataFrame
    by_expiry: pd.DataFrame
    options: pd.DataFrame
    profile: pd.Series
    flips: pd.DataFrame
    spot: float
    dealer: str
    dropped: dict[str, int]
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def total(self) -> float:
        """Net gamma in USD of delta per 1 % of spot."""
        return float(self.options["gamma"].sum())

    @property
    def total_coin(self) -> float:
        """Net gamma in coin of delta per USD of spot."""
        return float(self.options["gamma_coin"].sum())

    @property
    def flip(self) -> float | None:
        """The flip nearest to spot (USD), None when the profile keeps its sign."""
        if self.flips.empty:
            return None
        return float(self.flips.index[np.argmin(np.abs(np.log(self.flips.index.to_numpy() / self.spot)))])

    @property
    def headline(self) -> str:
        """Net gamma, its flip and the assumption in one line."""
        flip = (
            "no flip"
            if self.flip is None
            else f"flips at {self.flip:,.0f} ({percent_to(self.flip / self.spot - 1.0, signed=True)})"
        )
        more = f", {len(self.flips)} flips in all" if len(self.flips) > 1 else ""
        return (
            f"{self.underlying} at {self.spot:,.0f}: {self.total / 1e6:+,.3f} million USD per 1 %, {flip}{more}; "
            f"{self.dealer}; as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row an expiry (UTC) and the total; gamma in USD per 1 % of spot and in coin per USD."""
        sums = self.options.groupby("expiry")[["vanna", "charm"]].sum()
        table = self.by_expiry.join(sums)
        table.index = pd.Index([f"{x:%Y-%m-%d %H:%M}" for x in self.by_expiry.index], name=self.dealer)
        table.loc["total"] = table.sum()
        return table.rename(
            columns={
                "call": "calls (USD per 1 %)",
                "put": "puts (USD per 1 %)",
                "net": "net (USD per 1 %)",
                "net_coin": "net (coin per USD)",
                "vanna": "vanna (USD per volatility point)",
                "charm": "charm (USD per day)",
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return `options`."""
        return self.options


def gamma_exposure(
    book: QuotedBook,
    *,
    spot: float,
    dealer: DealerAssumption | pd.Series = "long_calls_short_puts",
    lowest: float = 0.5,
    highest: float = 2.0,
    provenance: Provenance | None = None,
) -> GammaExposure:
    """Return the gamma that dealers hold in a book of options under a stated assumption.

    Parameters
    ----------
    book : OptionChain or prepared chain
        With forwards, volatilities of the marks and open interest (units of the underlying).
    spot : float
        Index price (USD) at the instant of the quotes.
    dealer : {"long_calls_short_puts", "short_calls_long_puts", "long_all", "short_all"} or Series
        Which side of the open interest dealers hold. Nobody publishes it: this decides the sign of the result. Or
        their signed positions (units of the underlying) by instrument.
    lowest, highest : float
        Ends of the profile, multiples of spot.
    provenance : Provenance, optional
        Where the book comes from; its own by default.

    Returns
    -------
    GammaExposure
        By strike, by expiry, over spot, with all flips.

    Raises
    ------
    ArgumentError
        For an unknown assumption, a spot that is not positive, or ends that do not enclose 1.
    DataError
        For an unusable row or position (named), or when no option can be valued.

    Notes
    -----
    An option of position q on the forward F = c S adds q c^2 gamma_F coin of delta per USD of spot, and
    0.01 q F^2 gamma_F USD of delta when spot rises by 1 %. Positive: dealers sell into rises and buy into falls. Gamma
    is that of the dollar value; a position settled in coin has besides it the coin itself, which has none.

    Rows without volatility or forward, and without open interest where that is needed, are left out and counted.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> now = pd.Timestamp("2024-03-01 08:00", tz="UTC")
    >>> quotes = pd.DataFrame(
    ...     {"instrument": ["C", "P"], "expiry": now + pd.Timedelta(days=30), "strike": [110.0, 90.0],
    ...      "is_call": [True, False], "forward": 100.0, "implied_volatility": 0.5, "open_interest": 1000.0}
    ... )
    >>> book = SimpleNamespace(quotes=quotes, settlement="usd", underlying="X", as_of=now)
    >>> exposure = gamma_exposure(book, spot=100.0)
    >>> round(exposure.total), exposure.flips.index.to_numpy().round(2).tolist()
    (324, [98.48])
    """
    level = check_positive(spot, argument="spot", unit="USD")
    check_positive(lowest, argument="lowest", unit="multiples of spot")
    check_positive(highest, argument="highest", unit="multiples of spot")
    if not lowest < 1.0 < highest:
        got = f"{lowest:g} and {highest:g}"
        raise ArgumentError("lowest and highest", "must enclose 1 (multiples of spot)", got, "pass 0.5 and 2.0")
    table, dropped = _valued(dollar_quotes(book), dealer)
    options = _option_table(table, level)
    profile, flips = _profile(table, level, lowest, highest)
    return GammaExposure(
        underlying=book.underlying,
        by_strike=_grouped(options, "strike"),
        by_expiry=_grouped(options, "expiry"),
        options=freeze(options),
        profile=profile,
        flips=flips,
        spot=level,
        dealer=dealer_words(dealer),
        dropped=dropped,
        as_of=book.as_of,
        provenance=book_provenance(book, provenance),
    )


def _valued(table: pd.DataFrame, dealer: DealerAssumption | pd.Series) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return options with a position that can be valued, and how many were left out for which reason."""
    table = table.assign(position=dealer_positions(table, dealer))
    reasons = {
        "without open interest": table["position"].isna(),
        "without forward": table["forward"].isna(),
        "without volatility": table["volatility"].isna(),
    }
    dropped, out = {}, pd.Series(False, index=table.index)
    for reason, missing in reasons.items():
        if count := int((missing & ~out & (table["position"] != 0.0)).sum()):
            dropped[reason] = count
        out |= missing
    kept = table[~out & (table["position"] != 0.0)].reset_index(drop=True)
    if kept.empty:
        got = ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "no open interest at all"
        raise DataError("the book", "must have an option with position, forward and volatility", got, "pass another")
    return kept, dropped


def _option_table(table: pd.DataFrame, spot: float) -> pd.DataFrame:
    q, F, K, T, sigma = (table[c].to_numpy() for c in ("position", "forward", "strike", "time", "volatility"))
    s = sigma * np.sqrt(T)
    d1 = np.log(F / K) / s + 0.5 * s
    density = np.exp(-0.5 * d1**2) / np.sqrt(2.0 * np.pi)
    # The forward's delta is N(d1): its derivatives in F, sigma and calendar time, times F where in dollars.
    return table[["instrument", "expiry", "strike", "is_call", "position"]].assign(
        gamma=0.01 * q * F * density / s,
        gamma_coin=q * density / (F * s) * (F / spot) ** 2,
        vanna=-0.01 * q * F * density * (d1 - s) / sigma,
        charm=q * F * density * (d1 - s) / (2.0 * T) / 365.0,
    )


def _grouped(options: pd.DataFrame, by: str) -> pd.DataFrame:
    sides = options.assign(side=np.where(options["is_call"], "call", "put"))
    table = sides.pivot_table(index=by, columns="side", values="gamma", aggfunc="sum", fill_value=0.0)
    table = table.reindex(columns=["call", "put"], fill_value=0.0).rename_axis(columns=None)
    net = options.groupby(by)[["gamma", "gamma_coin"]].sum()
    return freeze(table.assign(net=net["gamma"], net_coin=net["gamma_coin"]))


def _profile(table: pd.DataFrame, spot: float, lowest: float, highest: float) -> tuple[pd.Series, pd.DataFrame]:
    deviation = table["volatility"].to_numpy() * np.sqrt(table["time"].to_numpy())
    weight = 0.01 * table["position"].to_numpy() / (np.sqrt(2.0 * np.pi) * deviation)
    ratio = table["forward"].to_numpy() / spot
    strike = table["strike"].to_numpy()

    def net(spots: np.ndarray) -> np.ndarray:
        parts = []
        for i in range(0, len(spots), _CHUNK):
            F = spots[i : i + _CHUNK, None] * ratio
            d1 = np.log(F / strike) / deviation + 0.5 * deviation
            terms = F * np.exp(-0.5 * d1**2)
            total = terms @ weight
            # Positions that cancel leave rounding, whose sign says nothing.
            parts.append(np.where(np.abs(total) <= _ROUNDING * (terms @ np.abs(weight)), 0.0, total))
        return np.concatenate(parts)

    step = min(_WIDEST_STEP, 0.25 * float(deviation.min()))
    points = min(int(np.ceil(np.log(highest / lowest) / step)) + 1, _MOST_POINTS)
    grid = spot * np.geomspace(lowest, highest, points)
    roots = all_roots(net, grid)
    rises = net(roots * (1.0 + 1e-7)) > 0.0 if len(roots) else np.array([], dtype=bool)
    flips = pd.DataFrame({"distance": roots / spot - 1.0, "rises": rises}, index=pd.Index(roots, name="spot"))
    return frozen_series(net(grid), pd.Index(grid, name="spot"), "gamma"), freeze(flips)
