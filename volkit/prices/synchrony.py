"""What two clocks do to a correlation: the share of a period in common, and the factor that is left of it.

Close instants enter (`PricePanel.synchrony` takes them from a panel); a `Synchrony` leaves, which every
correlation of a pair carries. Nothing here is a correction: a lead-lag estimate makes one
(`volkit.correlation.synchrony`), a better clock needs none.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.errors import AsynchronousWarning, DataError
from volkit.formatting import percent_to

__all__ = ["OVERLAP_WARNING", "Synchrony", "clock_words", "synchrony_of", "warn_asynchronous"]

# Below this share of common time the clocks cost more than the rounding of a published correlation.
OVERLAP_WARNING = 0.95
_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchrony:
    """How far two series close at the same instants.

    Attributes
    ----------
    clocks : tuple of str
        When the first and the second close, in words.
    overlap_share : float
        Share of the usual period (a day without weekend or holiday) in common, from 0 to 1, no unit.
    attenuation : float
        What a true synchronous correlation is multiplied by when news flows evenly around the clock, from 0 to
        1, no unit: the time in common over all periods, weekends included. An estimate, since news does not.
    mismatch : float
        Median of the second's close minus the first's, in hours; NaN when not known.

    Examples
    --------
    >>> Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.83, attenuation=0.9)
    Synchrony(16:00 New York against 24:00 UTC: 83 % of a period in common, attenuation 0.90)
    """

    clocks: tuple[str, str]
    overlap_share: float
    attenuation: float
    mismatch: float = float("nan")

    @property
    def is_synchronous(self) -> bool:
        """Whether at least 95 % of a period are in common."""
        return self.overlap_share >= OVERLAP_WARNING

    @property
    def words(self) -> str:
        """Both clocks, overlap share and attenuation in one line."""
        shares = f"{percent_to(self.overlap_share, 0)} of a period in common, attenuation {self.attenuation:.2f}"
        return f"{self.clocks[0]} against {self.clocks[1]}: {shares}"

    def __repr__(self) -> str:
        return f"Synchrony({self.words})"

    def over(self, n_periods: int) -> "Synchrony":
        """Return the synchrony of changes over `n_periods` of these periods: what is lost is lost once.

        Examples
        --------
        >>> Synchrony(clocks=("a", "b"), overlap_share=0.8, attenuation=0.9).over(2)
        Synchrony(a against b: 90 % of a period in common, attenuation 0.95)
        """
        k = check_count(n_periods, argument="n_periods")
        share, factor = (1.0 - (1.0 - value) / k for value in (self.overlap_share, self.attenuation))
        return Synchrony(clocks=self.clocks, overlap_share=share, attenuation=factor, mismatch=self.mismatch)


def synchrony_of(first: pd.Series, second: pd.Series, *, clocks: tuple[str, str]) -> Synchrony:
    """Return the synchrony of two series from the instants of their paired closes.

    Parameters
    ----------
    first, second : Series of Timestamp, shape (n_obs,)
        Close instants (UTC) on the same rows; NaT where a close is missing. As with changes, a period counts
        when all four of its closes are there.
    clocks : tuple of str
        Words for the result.

    Returns
    -------
    Synchrony
        Shares without unit, the mismatch in hours.

    Raises
    ------
    DataError
        When no two rows in succession have both closes.

    Notes
    -----
    With periods (a_(t-1), a_t] and (b_(t-1), b_t] the attenuation is sum_t o_t / sqrt(sum_t (a_t - a_(t-1))
    sum_t (b_t - b_(t-1))), o_t being the length in common: the correlation of two Brownian motions with a
    constant correlation, over that correlation. The overlap share is 1 - median |b_t - a_t| over the median
    period, not below 0.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2024-01-01", periods=9, tz="UTC"))
    >>> synchrony_of(days, days + pd.Timedelta(hours=6), clocks=("00:00 UTC", "06:00 UTC"))
    Synchrony(00:00 UTC against 06:00 UTC: 75 % of a period in common, attenuation 0.75)
    """
    a, b = (_hours_of(instants, first.dropna().min()) for instants in (first, second))
    mismatch = b - a
    a_step, b_step = np.diff(a), np.diff(b)
    common = np.minimum(a[1:], b[1:]) - np.maximum(a[:-1], b[:-1])
    paired = np.isfinite(common)
    if not paired.any():
        got = f"{int(np.isfinite(mismatch).sum())} rows with both, none next to another"
        remedy = "compare their spans and close times, or pass a larger tolerance to volkit.align"
        raise DataError("closes", "must be paired on at least two rows in succession", got, remedy)
    a_step, b_step = a_step[paired], b_step[paired]
    attenuation = np.maximum(common[paired], 0.0).sum() / np.sqrt(a_step.sum() * b_step.sum())
    usual = 0.5 * (np.median(a_step) + np.median(b_step))
    share = max(0.0, 1.0 - float(np.nanmedian(np.abs(mismatch))) / float(usual))
    return Synchrony(
        clocks=clocks, overlap_share=share, attenuation=float(attenuation), mismatch=float(np.nanmedian(mismatch))
    )


def _hours_of(instants: pd.Series, origin: pd.Timestamp) -> np.ndarray:
    return np.asarray(((instants - origin) / _HOUR).to_numpy(dtype=np.float64, na_value=np.nan))


def clock_words(synchrony: Synchrony | None) -> str:
    """Return both clocks, overlap share and attenuation in words, also for None.

    Examples
    --------
    >>> clock_words(None)
    'clocks not stated'
    """
    return "clocks not stated" if synchrony is None else synchrony.words


def warn_asynchronous(synchrony: Synchrony | None, *, what: str, stacklevel: int = 3) -> None:
    """Warn with `AsynchronousWarning` when two clocks have less than 95 % of a period in common.

    Parameters
    ----------
    synchrony : Synchrony or None
        None (clocks not stated) warns of nothing.
    what : str
        What rests on the two clocks, e.g. "the correlation of BTC and SPX".
    stacklevel : int
        As in `warnings.warn`; 3 is the caller of the caller.

    Warns
    -----
    AsynchronousWarning
        With both clocks, the overlap share and the attenuation.

    Examples
    --------
    >>> warn_asynchronous(None, what="the correlation of BTC and SPX")
    """
    if synchrony is not None and not synchrony.is_synchronous:
        warnings.warn(
            f"{what} compares two clocks: {synchrony.words}. Sample the crypto series at the other's close from "
            "hourly bars, or use lead_lag_correlation; else read the value as too small by about the attenuation.",
            AsynchronousWarning,
            stacklevel=stacklevel,
        )
