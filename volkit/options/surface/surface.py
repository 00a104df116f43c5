"""The fitted volatility surface of one underlying: smiles by expiry, and what lies between them.

Between expiries total variance runs straight in time at equal log-moneyness, so that it rises wherever it rises from
one smile to the next; the logarithm of the forward runs straight likewise. Outside the expiries nothing is said unless
asked: then variance goes on at the rate of the nearest stretch, and a flag says so.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.options.surface.arbitrage import ArbitrageReport, check_arbitrage
from volkit.options.surface.repair import repaired
from volkit.options.surface.smile import FittedSmile
from volkit.options.surface.spec import SurfaceSpec
from volkit.options.surface.tables import fitted_quotes, parameter_table
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["Extrapolation", "VolatilitySurface", "assemble", "year_fraction"]

Extrapolation = Literal["refuse", "flat_forward"]
_EXTRAPOLATIONS: tuple[Extrapolation, ...] = ("refuse", "flat_forward")
_YEAR = pd.Timedelta(days=365)


def year_fraction(expiry: pd.Timestamp, *, as_of: pd.Timestamp) -> float:
    """Return years of 365 days from one instant (UTC) to another.

    Examples
    --------
    >>> year_fraction(pd.Timestamp("2024-03-13", tz="UTC"), as_of=pd.Timestamp("2024-01-01", tz="UTC"))
    0.19726027397260273
    """
    return float((expiry - as_of) / _YEAR)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VolatilitySurface(ResultDisplay):
    """Volatility by log-moneyness and time.

    Attributes
    ----------
    slices : tuple of FittedSmile
        By rising expiry.
    parameters : DataFrame, index expiry (UTC)
        time (years), forward, a, b, rho, m, sigma of the SVI curve, smoothing of the factor on it (NaN without one),
        n_quotes, rmse (volatility, decimal), inside_share of the two-sided quotes (NaN without any).
    quotes : DataFrame, shape (n_obs, ...)
        One row a quote used: expiry, strike, is_call, log_moneyness, bid_volatility, ask_volatility, target_volatility,
        fitted_volatility, residual (fitted less target), is_two_sided, is_inside (NA unless two-sided).
    skipped : DataFrame
        Expiries and quotes not used, with the reason.
    arbitrage : ArbitrageReport
        What the smiles give away; never repaired unasked.
    changes : tuple of str
        What a repair changed; empty on a fitted surface.
    as_of : Timestamp
        UTC.
    spec : SurfaceSpec
        How it was fitted.
    provenance : Provenance or None
        Of the quotes.
    """

    slices: tuple[FittedSmile, ...]
    parameters: pd.DataFrame
    quotes: pd.DataFrame
    skipped: pd.DataFrame
    arbitrage: ArbitrageReport
    changes: tuple[str, ...]
    as_of: pd.Timestamp
    spec: SurfaceSpec
    provenance: Provenance | None

    @property
    def n_obs(self) -> int:
        """Quotes used."""
        return len(self.quotes)

    @property
    def times(self) -> np.ndarray:
        """Times of the expiries, years."""
        return np.array([s.time for s in self.slices])

    @property
    def inside_share(self) -> float:
        """Share of the two-sided quotes whose bid and ask enclose the surface; NaN without any."""
        inside = self.quotes["is_inside"].dropna()
        return float(inside.astype(bool).mean()) if len(inside) else float("nan")

    @property
    def at_the_money(self) -> pd.Series:
        """Volatility at the forward by expiry, decimal per year."""
        values = [float(s.volatility(0.0)) for s in self.slices]
        index = pd.DatetimeIndex([s.expiry for s in self.slices], name="expiry")
        return pd.Series(values, index=index, name="volatility")

    @property
    def headline(self) -> str:
        """Expiries, quotes inside bid-ask, arbitrage."""
        repaired = ", repaired" if self.changes else ""
        return (
            f"{len(self.slices)} expiries, {self.n_obs} quotes, {100.0 * self.inside_share:.1f} % of two-sided inside "
            f"bid-ask{repaired}; {self.arbitrage.headline}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row an expiry (UTC): volatility at the forward, fit, arbitrage."""
        report = self.arbitrage
        return pd.DataFrame(
            {
                "time (years)": self.parameters["time"],
                "forward": self.parameters["forward"],
                "at the money (%)": 100.0 * self.at_the_money,
                "quotes": self.parameters["n_quotes"],
                "rmse (volatility points)": 100.0 * self.parameters["rmse"],
                "inside bid-ask (share)": self.parameters["inside_share"],
                "lowest g between quotes": report.butterfly["min_g_quoted"],
                "stretches of negative density": report.butterfly["n_intervals"],
                "total variance falls to next": report.calendar["n_intervals"].reindex(self.parameters.index) > 0,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return `quotes` with `as_of` beside each."""
        return self.quotes.assign(as_of=self.as_of)

    def repair(self) -> "VolatilitySurface":
        """Return a new surface without arbitrage at any log-moneyness, which names in `changes` what it moved.

        From the last expiry back, the factor on an SVI curve is weakened, or the curve fitted anew, until density is
        nowhere negative and total variance nowhere above that of the next expiry. Smiles within their limits stay.

        Raises
        ------
        ConvergenceError
            When no smile near the quotes of an expiry keeps the limits.
        """
        slices, changes = repaired(self.slices, self.quotes)
        return assemble(
            slices,
            quotes=self.quotes,
            skipped=self.skipped,
            changes=self.changes + changes,
            as_of=self.as_of,
            spec=self.spec,
            provenance=self.provenance,
        )

    def is_extrapolated(self, log_moneyness: np.ndarray | float, time: np.ndarray | float) -> np.ndarray:
        """Return whether points lie outside the expiries, or outside the quotes of either neighbour.

        Parameters
        ----------
        log_moneyness, time : array
            ln(strike / forward) and years; they broadcast.
        """
        k, t = (np.asarray(x, dtype=np.float64) for x in np.broadcast_arrays(log_moneyness, time))
        times = self.times
        after = np.clip(np.searchsorted(times, t), 0, len(times) - 1)
        before = np.where(times[after] == t, after, np.maximum(after - 1, 0))
        low, high = (np.array([getattr(s, name) for s in self.slices]) for name in ("low", "high"))
        outside = (k < np.maximum(low[before], low[after])) | (k > np.minimum(high[before], high[after]))
        return np.asarray(outside | (t < times[0]) | (t > times[-1]))

    def total_variance(
        self, log_moneyness: np.ndarray | float, time: np.ndarray | float, *, extrapolate: Extrapolation = "refuse"
    ) -> np.ndarray:
        """Return total variance, straight in time at equal log-moneyness between expiries.

        Parameters
        ----------
        log_moneyness, time : array
            ln(strike / forward) and years, above 0; they broadcast. Beyond the outer strikes the fitted curve goes on;
            `is_extrapolated` tells where.
        extrapolate : {"refuse", "flat_forward"}
            Before the first and after the last expiry: raise, or let variance go on at the rate of the nearest
            stretch.

        Returns
        -------
        array
            Broadcast shape.

        Raises
        ------
        ArgumentError
            For times that are not positive, or outside the expiries unless `extrapolate` says how.
        """
        k, t = (np.asarray(x, dtype=np.float64) for x in np.broadcast_arrays(log_moneyness, time))
        after = self._bracket(t, extrapolate)
        result = np.empty(k.shape)
        for i in np.unique(after):
            chosen = after == i
            result[chosen] = self._between(int(i), k[chosen], t[chosen])
        return result

    def volatility(
        self, log_moneyness: np.ndarray | float, time: np.ndarray | float, *, extrapolate: Extrapolation = "refuse"
    ) -> np.ndarray:
        """Return volatility (decimal per year); arguments and errors as of `total_variance`."""
        variance = self.total_variance(log_moneyness, time, extrapolate=extrapolate)
        return np.asarray(np.sqrt(variance / np.asarray(time, dtype=np.float64)))

    def forward(self, time: np.ndarray | float, *, extrapolate: Extrapolation = "refuse") -> np.ndarray:
        """Return the forward (quote currency), its logarithm straight in time between expiries.

        Parameters
        ----------
        time : array
            Years, above 0.
        extrapolate : {"refuse", "flat_forward"}
            Outside the expiries: raise, or go on at the carry of the nearest stretch.

        Raises
        ------
        ArgumentError
            For times that are not positive, or outside the expiries unless `extrapolate` says how.
        """
        t = np.asarray(time, dtype=np.float64)
        self._bracket(t, extrapolate)
        times, logs = self.times, np.log([s.forward for s in self.slices])
        if len(times) == 1:
            return np.full(t.shape, self.slices[0].forward)
        i = np.clip(np.searchsorted(times, t), 1, len(times) - 1)
        carry = (logs[i] - logs[i - 1]) / (times[i] - times[i - 1])
        return np.asarray(np.exp(logs[i] + carry * (t - times[i])))

    def volatility_at(
        self,
        strike: np.ndarray | float,
        when: pd.Timestamp | np.ndarray | float,
        *,
        extrapolate: Extrapolation = "refuse",
    ) -> np.ndarray:
        """Return volatility (decimal per year) by strike and expiry.

        Parameters
        ----------
        strike : array
            Quote currency, above 0.
        when : Timestamp or array
            Expiry (UTC) or time in years.
        extrapolate : {"refuse", "flat_forward"}
            As of `total_variance`.

        Raises
        ------
        ArgumentError
            For strikes that are not positive, and as of `total_variance`.
        """
        time = year_fraction(when, as_of=self.as_of) if isinstance(when, pd.Timestamp) else when
        strikes = np.asarray(strike, dtype=np.float64)
        if not (strikes > 0.0).all():
            raise ArgumentError("strike", "must be positive", f"lowest {strikes.min():.6g}", "pass quote currency")
        moneyness = np.log(strikes / self.forward(time, extrapolate=extrapolate))
        return self.volatility(moneyness, time, extrapolate=extrapolate)

    def _bracket(self, t: np.ndarray, extrapolate: Extrapolation) -> np.ndarray:
        """Return the number of the first expiry at or after each time; that of the last plus one beyond it."""
        check_choice(extrapolate, argument="extrapolate", choices=_EXTRAPOLATIONS)
        if not (t > 0.0).all():
            raise ArgumentError("time", "must be positive (years)", f"lowest {np.min(t):.6g}", "pass a later instant")
        times = self.times
        # An expiry computed from its instant may differ from the fitted time in the last bits.
        outside = (t < times[0] * (1.0 - 1e-9)) | (t > times[-1] * (1.0 + 1e-9))
        if extrapolate == "refuse" and outside.any():
            got = f"{float(t[outside].ravel()[0]):.6g} outside {times[0]:.6g} to {times[-1]:.6g}"
            remedy = "pass extrapolate='flat_forward' to go on at the rate of the nearest stretch"
            raise ArgumentError("time", "must lie between the first and the last expiry", got, remedy)
        return np.asarray(np.searchsorted(times, t))

    def _between(self, after: int, k: np.ndarray, t: np.ndarray) -> np.ndarray:
        if after == 0:
            return self.slices[0].total_variance(k) * (t / self.slices[0].time)
        late = min(after, len(self.slices) - 1)
        early = late - 1
        if early < 0:
            return self.slices[0].total_variance(k) * (t / self.slices[0].time)
        start, end = self.slices[early], self.slices[late]
        low, high = start.total_variance(k), end.total_variance(k)
        rate = (high - low) / (end.time - start.time)
        if after == len(self.slices):
            # Where total variance falls between the last two, going on would end below zero.
            return np.asarray(high + np.maximum(rate, 0.0) * (t - end.time))
        return np.asarray(low + rate * (t - start.time))


def assemble(
    slices: tuple[FittedSmile, ...],
    *,
    quotes: pd.DataFrame,
    skipped: pd.DataFrame,
    changes: tuple[str, ...],
    as_of: pd.Timestamp,
    spec: SurfaceSpec,
    provenance: Provenance | None,
) -> VolatilitySurface:
    """Return a surface of smiles by rising expiry, with its tables and its arbitrage report."""
    table = fitted_quotes(slices, quotes)
    return VolatilitySurface(
        slices=slices,
        parameters=freeze(parameter_table(slices, table)),
        quotes=freeze(table),
        skipped=freeze(skipped),
        arbitrage=check_arbitrage(slices, as_of=as_of),
        changes=changes,
        as_of=as_of,
        spec=spec,
        provenance=provenance,
    )
