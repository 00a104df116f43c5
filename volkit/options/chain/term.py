"""The term structure: at-the-money volatility, wings and forward volatility by expiry, and constant maturities.

A `PreparedChain` enters; a `TermStructure` leaves, with points at any maturity between the first and last expiry.

Signs, here and in every column: risk reversal = call volatility minus put volatility at the same absolute delta;
butterfly = mean of the two wings minus the delta-neutral at-the-money volatility.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.errors import ArgumentError, DataError
from volkit.options.chain.prepared import PreparedChain
from volkit.options.chain.smile import NAMED_POINTS, Interpolation, SmileSlice, VolatilityOf, smile
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["SIGNS", "TermStructure", "term_structure"]

SIGNS = (
    "risk reversal = call volatility minus put volatility; "
    "butterfly = mean of the wings minus delta-neutral at-the-money volatility"
)

_DAYS_PER_YEAR = 365.0
_WINGS = (25, 10)
# Of a total variance: two expiries on one flat curve differ by rounding only.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TermStructure(ResultDisplay):
    """Volatility by expiry.

    Attributes
    ----------
    table : DataFrame, shape (n_obs, 16)
        By expiry (UTC): time (years of 365 days), forward (USD), n_strikes; atm_forward (strike = forward),
        delta_neutral, put_25, call_25, put_10, call_10 (volatilities at forward deltas), risk_reversal_25,
        butterfly_25, risk_reversal_10, butterfly_10 (decimal per year; NaN where the strikes do not reach, see
        `missing`); total_variance (atm_forward squared x time); forward_volatility (from the expiry before, or from
        `as_of`, to this one; NaN where total variance falls); is_calendar_consistent (whether it does not fall; NA
        without an at-the-money volatility).
    missing : DataFrame
        Points that were not reached: expiry, point, reason.
    as_of : Timestamp
        UTC.
    volatility_of, interpolation : str
        As in `SmileSlice`.
    underlying, venue : str
    provenance : Provenance
    """

    table: pd.DataFrame
    missing: pd.DataFrame
    as_of: pd.Timestamp
    volatility_of: VolatilityOf
    interpolation: Interpolation
    underlying: str
    venue: str
    provenance: Provenance

    @property
    def n_obs(self) -> int:
        """Expiries."""
        return len(self.table)

    @property
    def spec(self) -> dict[str, str]:
        """What the curve was made with."""
        return {"volatility_of": self.volatility_of, "interpolation": self.interpolation}

    @property
    def calendar_breaks(self) -> pd.DatetimeIndex:
        """Expiries (UTC) whose at-the-money total variance lies below that of the expiry before."""
        consistent = self.table["is_calendar_consistent"].fillna(True).to_numpy(dtype=bool)
        return pd.DatetimeIndex(self.table.index[~consistent])

    @property
    def headline(self) -> str:
        """Expiries, first and last at-the-money volatility and the calendar check in one line."""
        known = self.table["atm_forward"].dropna()
        ends = f"{100 * known.iloc[0]:.1f} to {100 * known.iloc[-1]:.1f} %"
        breaks = len(self.calendar_breaks)
        check = "calendar consistent" if not breaks else f"{breaks} calendar breaks"
        return (
            f"{self.underlying} {self.venue}, {self.n_obs} expiries, at-the-money forward {ends}, {check}, "
            f"{self.as_of:%Y-%m-%d %H:%M} UTC; {SIGNS}"
        )

    def summary(self) -> pd.DataFrame:
        """Return volatilities in per cent a year by expiry, with the signs in the labels."""
        table = self.table
        reversal, butterfly = "risk reversal (call - put)", "butterfly (wings - delta-neutral)"
        columns: dict[str, pd.Series] = {
            "days": table["time"] * _DAYS_PER_YEAR,
            "strikes": table["n_strikes"],
            "forward (USD)": table["forward"],
            "at-the-money forward (%)": 100.0 * table["atm_forward"],
            "delta-neutral (%)": 100.0 * table["delta_neutral"],
        }
        for wing in _WINGS:
            columns[f"{wing}-delta {reversal} (points)"] = 100.0 * table[f"risk_reversal_{wing}"]
            columns[f"{wing}-delta {butterfly} (points)"] = 100.0 * table[f"butterfly_{wing}"]
        columns["forward volatility (%)"] = 100.0 * table["forward_volatility"]
        columns["calendar consistent"] = table["is_calendar_consistent"]
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return `table` with underlying and as_of beside each row."""
        return self.table.assign(underlying=self.underlying, as_of=self.as_of)

    def constant_maturity(self, days: Sequence[float] = (7.0, 30.0, 60.0, 90.0, 180.0)) -> pd.DataFrame:
        """Return volatilities at constant maturities, shape (n_days, 12).

        Parameters
        ----------
        days : sequence of float
            Calendar days ahead of `as_of`, between the first and the last expiry.

        Returns
        -------
        DataFrame
            By days: time (years of 365 days), the six named volatilities, both risk reversals and both butterflies
            (decimal per year); missing (names of the points that are NaN, because one of the two neighbouring
            expiries does not reach them).

        Raises
        ------
        ArgumentError
            For a maturity outside the expiries: nothing is extrapolated.

        Notes
        -----
        Each named volatility is interpolated by itself: its total variance is linear in time between the two
        neighbouring expiries, at the money at strike = forward, in the wings at constant delta.
        """
        wanted = np.atleast_1d(np.asarray(days, dtype=np.float64))
        known = self.table["time"].to_numpy() * _DAYS_PER_YEAR
        outside = ~((wanted >= known[0]) & (wanted <= known[-1]))
        if outside.any():
            requirement = f"must lie between the first and last expiry, {known[0]:.2f} to {known[-1]:.2f} days"
            got = ", ".join(f"{day:g}" for day in wanted[outside])
            raise ArgumentError("days", requirement, got, "leave it out; nothing is extrapolated")
        points = {name: _interpolated(known, self.table[name].to_numpy(), wanted) for name in NAMED_POINTS}
        index = pd.Index(wanted, name="days")
        table = _with_wings(pd.DataFrame({"time": wanted / _DAYS_PER_YEAR, **points}, index=index))
        absent = table[list(NAMED_POINTS)].isna()
        return table.assign(missing=[", ".join(absent.columns[row]) for row in absent.to_numpy()])


def term_structure(
    prepared: PreparedChain,
    *,
    volatility_of: VolatilityOf = "mark",
    interpolation: Interpolation = "log_moneyness",
) -> TermStructure:
    """Return at-the-money volatility, wings and forward volatility of every expiry.

    Parameters
    ----------
    prepared : PreparedChain
        From `prepare_chain`.
    volatility_of : {"mark", "mid"}
        Whose volatility; see `smile`.
    interpolation : {"log_moneyness", "delta"}
        Abscissa between the strikes of an expiry; see `smile`.

    Returns
    -------
    TermStructure
        One row an expiry, ascending. What the strikes do not reach is NaN, with its reason in `missing`.

    Raises
    ------
    DataError
        When no expiry has a volatility at the money.
    ArgumentError
        For an unknown choice.

    Notes
    -----
    Forward variance between t1 and t2 is (w2 - w1) / (t2 - t1) with w the at-the-money-forward total variance. Where w
    falls, a calendar spread at that moneyness pays for nothing, and there is no forward volatility.

    Examples
    --------
    >>> from volkit.options.chain import prepare_chain, simulate_chain
    >>> term = term_structure(prepare_chain(simulate_chain()))
    >>> term.table["atm_forward"].round(4).tolist()
    [0.6, 0.6, 0.6, 0.6]
    >>> term.constant_maturity([60.0])["risk_reversal_25"].round(3).tolist()
    [-0.048]
    """
    check_kind(prepared, PreparedChain, argument="prepared", remedy="pass what prepare_chain returns")
    rows, missing = {}, []
    for expiry in prepared.expiries:
        try:
            found = smile(prepared, expiry, volatility_of=volatility_of, interpolation=interpolation)
        except DataError as error:
            missing.append((expiry, "all", f"{error.requirement}; {error.got}"))
            continue
        rows[expiry], reasons = _row(found)
        missing += [(expiry, point, reason) for point, reason in reasons.items()]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["time", "forward", "n_strikes", *NAMED_POINTS])
    if table["atm_forward"].isna().all():
        got = f"{len(prepared.expiries)} expiries, none with strikes on both sides of its forward"
        raise DataError("prepared", "must have an at-the-money volatility", got, "loosen the filter")
    table.index = pd.DatetimeIndex(table.index, name="expiry")
    return TermStructure(
        table=freeze(_with_forward_volatility(_with_wings(table))),
        missing=freeze(pd.DataFrame(missing, columns=["expiry", "point", "reason"])),
        as_of=prepared.as_of,
        volatility_of=volatility_of,
        interpolation=interpolation,
        underlying=prepared.underlying,
        venue=prepared.venue,
        provenance=prepared.provenance,
    )


def _row(found: SmileSlice) -> tuple[dict[str, float], dict[str, str]]:
    volatilities, reasons = found.named_volatilities()
    return {"time": found.time, "forward": found.forward, "n_strikes": found.n_obs, **volatilities}, reasons


def _with_wings(table: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for wing in _WINGS:
        call, put = table[f"call_{wing}"], table[f"put_{wing}"]
        columns[f"risk_reversal_{wing}"] = call - put
        columns[f"butterfly_{wing}"] = (call + put) / 2.0 - table["delta_neutral"]
    return table.assign(**columns)


def _with_forward_volatility(table: pd.DataFrame) -> pd.DataFrame:
    time, variance = table["time"].to_numpy(), (table["atm_forward"] ** 2 * table["time"]).to_numpy()
    known = np.isfinite(variance)
    # The expiry before is the last one with a volatility; before the first stands the present, with nothing in it.
    added = np.diff(variance[known], prepend=0.0)
    consistent = pd.array([pd.NA] * len(table), dtype="boolean")
    consistent[known] = added >= -_ROUNDING
    forward = np.full(len(table), np.nan)
    rate = added / np.diff(time[known], prepend=0.0)
    forward[known] = np.sqrt(np.where(added >= -_ROUNDING, np.maximum(rate, 0.0), np.nan))
    return table.assign(total_variance=variance, forward_volatility=forward, is_calendar_consistent=consistent)


def _interpolated(days: np.ndarray, volatility: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return volatility with total variance linear in time; NaN beside an expiry that has none."""
    right = np.clip(np.searchsorted(days, wanted), 1, len(days) - 1) if len(days) > 1 else np.zeros(len(wanted), int)
    left = np.maximum(right - 1, 0)
    width = np.where(right > left, days[right] - days[left], 1.0)
    share = (wanted - days[left]) / width
    variance = volatility**2 * days
    # A neighbour of no weight must not spoil an expiry that is met exactly.
    before = np.where(share == 1.0, 0.0, (1.0 - share) * variance[left])
    after = np.where(share == 0.0, 0.0, share * variance[right])
    return np.asarray(np.sqrt((before + after) / wanted))
