"""A strip of out-of-the-money options and the variance that it is worth: one expiry of a variance index.

Prices by strike enter, already chosen; a `VarianceStrip` leaves. Which strikes survive is decided elsewhere: by the
published rules in `quotes`, by those for coin options in `chains`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.options.index.truncation import Truncation, truncation_of
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MINUTES_PER_YEAR", "VarianceStrip", "strip_of_prices"]

MINUTES_PER_YEAR = 525_600.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VarianceStrip(ResultDisplay):
    """Surviving options of one expiry, what each adds, and the variance of the whole.

    Attributes
    ----------
    strikes : DataFrame, shape (n_strikes, 6)
        By strike (quote currency): strike, side (``put``, ``both`` at the reference strike, ``call``), price (quote
        currency, present value), origin of the price (``mid``, ``mark``, or both joined by ``+``), delta_strike (quote
        currency) and contribution to the variance (decimal squared a year).
    forward, reference_strike : float
        F and K0, the highest strike not above it (quote currency).
    minutes : float
        To the expiry; a year has 525,600.
    rate : float
        Continuous, decimal per year.
    variance : float
        Decimal squared per year: the sum of the contributions less (F / K0 - 1)^2 / T.
    dropped : dict of str to int
        Options left out, by reason.
    truncation : Truncation
        What lies beyond the last strikes.
    expiry, as_of : Timestamp or None
        UTC, where known.
    provenance : Provenance
        Sources and hashes, when given.
    """

    strikes: pd.DataFrame
    forward: float
    reference_strike: float
    minutes: float
    rate: float
    variance: float
    dropped: dict[str, int]
    truncation: Truncation
    expiry: pd.Timestamp | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def time(self) -> float:
        """To the expiry, in years of 365 days."""
        return self.minutes / MINUTES_PER_YEAR

    @property
    def annualized_volatility(self) -> float:
        """Root of the variance, decimal."""
        return math.sqrt(self.variance)

    @property
    def n_strikes(self) -> int:
        """Strikes that survived."""
        return len(self.strikes)

    @property
    def n_from_mark(self) -> int:
        """Strikes whose price is, wholly or in part, the venue's mark."""
        return int(self.strikes["origin"].str.contains("mark").sum())

    @property
    def headline(self) -> str:
        """Volatility, strikes and days in one line."""
        ends = self.strikes["strike"].iloc[[0, -1]]
        until = f", {self.expiry:%Y-%m-%d %H:%M} UTC" if self.expiry is not None else ""
        return (
            f"{percent_to(self.annualized_volatility, 2)} a year over {self.minutes / 1440.0:.2f} days{until}, "
            f"{self.n_strikes} strikes from {ends.iloc[0]:g} to {ends.iloc[1]:g}, forward {self.forward:.8g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity, unit in the label."""
        t, ends = self.truncation, self.strikes["strike"].iloc[[0, -1]].tolist()
        rows = {
            "time (minutes)": self.minutes,
            "forward (quote currency)": self.forward,
            "reference strike (quote currency)": self.reference_strike,
            "strikes (count)": self.n_strikes,
            "lowest strike (quote currency)": ends[0],
            "highest strike (quote currency)": ends[1],
            "strikes priced from the mark (count)": self.n_from_mark,
            **{f"left out, {reason} (count)": count for reason, count in self.dropped.items()},
            "variance (per year)": self.variance,
            "volatility (per year)": self.annualized_volatility,
            "variance beyond the strikes, flat volatility (per year)": t.estimate,
            f"variance beyond the strikes, at most (per year, above {t.floor:.6g})": t.bound,
        }
        return pd.DataFrame({"value": pd.Series(rows, dtype="float64")}).rename_axis("variance strip")

    def to_frame(self) -> pd.DataFrame:
        """Return `strikes`."""
        return self.strikes


def strip_of_prices(
    options: pd.DataFrame,
    *,
    forward: float,
    reference_strike: float,
    minutes: float,
    rate: float,
    dropped: Mapping[str, int],
    floor_share: float,
    beyond: pd.DataFrame | None = None,
    expiry: pd.Timestamp | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> VarianceStrip:
    """Return the variance of a strip of options that are all to be used.

    Parameters
    ----------
    options : DataFrame, shape (n_strikes, 4)
        strike, side, price, origin, by strike, as in `VarianceStrip`.
    forward, reference_strike : float
        Quote currency.
    minutes : float
        To the expiry.
    rate : float
        Continuous, decimal per year.
    dropped : mapping of str to int
        What was left out before.
    floor_share : float
        Of the forward, for `truncation_of`.
    beyond : DataFrame, optional
        strike, side, price of priced options further out that are not to be used: they narrow the bound on what the
        strip misses.
    expiry, as_of, provenance
        As in `VarianceStrip`.

    Returns
    -------
    VarianceStrip
        As described there.

    Raises
    ------
    DataError
        When there is no put below or no call above the reference strike, a price that no arbitrage allows, or prices
        so small that the variance is not positive.

    Notes
    -----
    sigma^2 = 2 / T sum_i dK_i / K_i^2 exp(r T) Q(K_i) - (F / K0 - 1)^2 / T, with dK_i half the distance between the
    neighbours of K_i among the strikes that survived, and the distance to the only neighbour at either end (Cboe,
    VIX White Paper 2009, page 4).
    """
    _refuse_half_strip(options)
    k, price = options["strike"].to_numpy(), options["price"].to_numpy()
    _refuse_impossible_prices(options, forward=forward, discount=math.exp(-rate * minutes / MINUTES_PER_YEAR))
    T = minutes / MINUTES_PER_YEAR
    width = np.concatenate([[k[1] - k[0]], 0.5 * (k[2:] - k[:-2]), [k[-1] - k[-2]]])
    contribution = 2.0 / T * width / k**2 * math.exp(rate * T) * price
    variance = float(contribution.sum()) - (forward / reference_strike - 1.0) ** 2 / T
    if not variance > 0.0:
        got = f"{variance:.6g} a year over {len(k)} strikes"
        raise DataError("the variance of the strip", "must be positive", got, "check the prices and the forward")
    ends = {side: _outward(options, beyond, side) for side in ("put", "call")}
    return VarianceStrip(
        strikes=freeze(options.assign(delta_strike=width, contribution=contribution).reset_index(drop=True)),
        forward=forward,
        reference_strike=reference_strike,
        minutes=minutes,
        rate=rate,
        variance=variance,
        dropped={reason: count for reason, count in dropped.items() if count},
        truncation=truncation_of(
            puts=ends["put"],
            calls=ends["call"],
            reach=(0.5 * width[0], 0.5 * width[-1]),
            forward=forward,
            time=T,
            rate=rate,
            floor_share=floor_share,
        ),
        expiry=expiry,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def _outward(options: pd.DataFrame, beyond: pd.DataFrame | None, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return strikes and prices of one side from the end of the strip outward."""
    used = options[options["side"] == side]
    rows = used.iloc[[0]] if side == "put" else used.iloc[[-1]]
    if beyond is not None:
        rows = pd.concat([rows, beyond[beyond["side"] == side].sort_values("strike", ascending=side == "call")])
    return rows["strike"].to_numpy(), rows["price"].to_numpy()


def _refuse_half_strip(options: pd.DataFrame) -> None:
    counts = {side: int((options["side"] == side).sum()) for side in ("put", "both", "call")}
    if not all(counts.values()):
        got = f"{counts['put']} puts, {counts['call']} calls"
        got += "" if counts["both"] else ", no pair at the reference strike"
        raise DataError(
            "the strip", "must have a put below and a call above the reference strike", got, "pass another expiry"
        )


def _refuse_impossible_prices(options: pd.DataFrame, *, forward: float, discount: float) -> None:
    most = discount * np.where(options["side"] == "put", options["strike"], forward)
    bad = options[~((options["price"] > 0.0) & (options["price"] < most))]
    if len(bad):
        row = bad.iloc[0]
        got = f"{row['price']:.6g} for the {row['side']} at {row['strike']:g} ({len(bad)} such)"
        rule = "must lie above zero and below the strike (put) or the forward (call)"
        raise DataError("prices of the strip", rule, got, "check these quotes, or drop them")
