"""Words that date and qualify a correlation result: window, rows, span, clocks, vintage, p and simulation.

Results of `volkit.correlation` enter, clauses and sentences leave. Drawings use the clauses in their notes; a study's
page puts the sentence under a figure. What a result does not know is left out, never guessed.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from volkit.correlation.change import BreakdownAlarm, FluctuationTest, StructuralBreaks
from volkit.correlation.connectedness import ConnectednessPath
from volkit.correlation.estimates import CorrelationEstimate
from volkit.correlation.exceedance import ExceedanceCorrelations
from volkit.correlation.inference import ConstancyTest, CorrelationChange
from volkit.correlation.leadlag import CrossCorrelogram, GrangerNetwork, GrangerTest, RollingGranger
from volkit.correlation.macro import (
    DirectionalBetas,
    EventStudy,
    MacroHedge,
    RiskSplit,
    RollingBetas,
    VolatilityResponse,
    VolatilityTransmission,
)
from volkit.formatting import percent_words
from volkit.prices.synchrony import Synchrony, clock_words
from volkit.results import Provenance

__all__ = [
    "clocks_of",
    "correlation_caption",
    "kind_words",
    "method_of",
    "p_of",
    "p_words",
    "power_of",
    "sample_words",
    "share_words",
    "signed_share",
    "signed_words",
    "span_words",
    "window_words",
]


# Kinds of announcements whose names are initials.
_ACRONYMS = ("fomc", "cpi", "ppi", "pce", "nfp", "gdp", "ecb", "boj")


class DatedResult(Protocol):
    """A result that knows its sources; rows, span, clocks, window and p are looked up where it has them."""

    @property
    def provenance(self) -> Provenance: ...


def correlation_caption(result: DatedResult, *, clock: str = "", vintage: str = "") -> str:
    """Return the sentence that dates and qualifies a result: method, window, n, clocks, vintage, p.

    Parameters
    ----------
    result : object
        Any result of `volkit.correlation` with a `provenance`.
    clock : str
        Clock in words, for results that do not know theirs.
    vintage : str
        What is known of the vintage of macro values, e.g. ``first releases, joined on the release instant``. No result
        knows it, so the page that loaded the data has to say it.

    Returns
    -------
    str
        Ends with a full stop. The hash of the data comes last where sources are known.

    Examples
    --------
    >>> from volkit.correlation import cross_correlogram
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2022-01-01", periods=500, tz="UTC")
    >>> x, y = (pd.Series(rng.standard_normal(500), index=times, name=name) for name in ("BTC", "SPX"))
    >>> caption = correlation_caption(cross_correlogram(x, y, max_lag=3, rng=rng), clock="24:00 UTC")
    >>> caption.split("; ")[2:4]
    ['n = 500, to 2023-05-15', 'clock: 24:00 UTC']
    """
    clocks = clocks_of(result) or (f"clock: {clock}" if clock else "")
    parts = [
        "SIMULATED data" if result.provenance.simulated else "",
        method_of(result),
        *_path_words(result),
        window_words(result),
        sample_words(result),
        clocks,
        f"vintage: {vintage}" if vintage else "",
        p_of(result),
        f"data {result.provenance.sha256[:8]}" if result.provenance.series else "",
    ]
    words = "; ".join(part for part in parts if part)
    # A count keeps its small n.
    return f"{words}." if words.startswith("n = ") else f"{words[0].upper()}{words[1:]}."


def p_words(p: float) -> str:
    """Return a p-value as it is read: below 0.001 no digits are claimed, NaN is said.

    Examples
    --------
    >>> p_words(0.0004), p_words(0.0312), p_words(float("nan"))
    ('p < 0.001', 'p = 0.031', 'p not known')
    """
    if np.isnan(p):
        return "p not known"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def kind_words(kind: str) -> str:
    """Return the name of a kind of announcement as one reads it.

    Examples
    --------
    >>> kind_words("fomc"), kind_words("halving")
    ('FOMC', 'halving')
    """
    return kind.upper() if kind in _ACRONYMS else kind


def signed_words(value: float, *, digits: int = 2) -> str:
    """Return a number with a true minus sign and no negative zero.

    Examples
    --------
    >>> signed_words(-0.004), signed_words(-0.5, digits=1)
    ('0.00', '−0.5')
    """
    return f"{np.round(value, digits) + 0.0:.{digits}f}".replace("-", "\u2212")


def share_words(share: float) -> str:
    """Return a fraction in per cent with two figures, or three from ten per cent on.

    Examples
    --------
    >>> share_words(0.02823), share_words(0.19604), share_words(1.0), share_words(0.0)
    ('2.8 %', '19.6 %', '100 %', '0 %')
    """
    return percent_words(share, digits=3 if abs(share) >= 0.1 else 2)


def signed_share(share: float) -> str:
    """Return a fraction as `share_words` does, with its sign.

    Examples
    --------
    >>> signed_share(-0.08), signed_share(0.2276)
    ('−8 %', '+22.8 %')
    """
    sign = "+" if share > 0.0 else "\u2212" if share < 0.0 else ""
    return f"{sign}{share_words(abs(share))}"


def span_words(start: pd.Timestamp | None, end: pd.Timestamp | None) -> str:
    """Return a span in words, "" when its end is not known.

    Examples
    --------
    >>> span_words(None, pd.Timestamp("2023-12-29", tz="UTC"))
    'to 2023-12-29'
    """
    if end is None:
        return ""
    return f"to {end.date()}" if start is None else f"{start.date()} to {end.date()}"


def sample_words(result: object) -> str:
    """Return count, span and rows left out of a result, as far as it knows them.

    Parameters
    ----------
    result : object
        With `n_obs` (or `n_before` and `n_after`, or a count by series), and `start`, `as_of`, `n_missing` or
        `n_dropped` where it has them.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> end = pd.Timestamp("2023-12-29", tz="UTC")
    >>> sample_words(SimpleNamespace(n_obs=1602, as_of=end, n_missing=3))
    'n = 1,602, to 2023-12-29, 3 rows left out'
    """
    span = span_words(_start_of(result), getattr(result, "as_of", None))
    left_out = getattr(result, "n_missing", getattr(result, "n_dropped", 0))
    words = ", ".join(part for part in (_count_words(result), span) if part)
    return f"{words}, {left_out:,} row{'s' if left_out > 1 else ''} left out" if left_out else words


def window_words(result: object) -> str:
    """Return the memory of a result in words, "" for the whole sample or where `method` already says it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> window_words(SimpleNamespace(window=250)), window_words(SimpleNamespace(window=(-1, 3)))
    ('window 250 rows', 'rows −1 to +3 around the event')
    """
    window = getattr(result, "window", None)
    if isinstance(window, tuple):
        first, last = (f"{side:+d}".replace("-", "\u2212").replace("+0", "0") for side in window)
        return f"rows {first} to {last} around the event"
    if window is None or f" {window} " in f" {method_of(result)} ":
        return ""
    return f"window {window} rows"


def method_of(result: object) -> str:
    """Return the method of a result in words, as it names it itself, with lags and horizon where it has them.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> method_of(SimpleNamespace(decomposition="joint", lags=2, horizon=10))
    'joint decomposition, VAR with 2 lags, 10 periods ahead'
    """
    decomposition = getattr(result, "decomposition", "")
    if decomposition:
        lags = _lag_words(result)
        return f"{decomposition} decomposition, VAR with {lags}, {getattr(result, 'horizon', 0)} periods ahead"
    if isinstance(result, StructuralBreaks):
        return f"Bai-Perron, {result.covariance} covariance, number of breaks by {result.chosen_by}"
    if isinstance(result, GrangerNetwork | RollingGranger):
        return f"{result.method}; {_lag_words(result)}"
    if isinstance(result, MacroHedge):
        return result.method.upper()
    return str(getattr(result, "method", "") or getattr(result, "spec", "")).replace("_", " ")


def clocks_of(result: object) -> str:
    """Return both clocks and their overlap in words, by factor where there are several, "" when not stated.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> clocks_of(SimpleNamespace(synchrony=None))
    ''
    """
    synchrony = getattr(result, "synchrony", None)
    if isinstance(synchrony, Synchrony):
        return clock_words(synchrony)
    if not isinstance(synchrony, Mapping):
        return ""
    shares = ", ".join(f"{name} {percent_words(round(clocks.overlap_share, 2))}" for name, clocks in synchrony.items())
    return f"share of a period in common: {shares}" if shares else ""


def p_of(result: object) -> str:
    """Return the p-value of a result and what it is the chance under, "" for results without a test.

    Searches are reported with the p-value that knows of them.

    Examples
    --------
    >>> from volkit.correlation import correlation_break_test
    >>> times = pd.date_range("2022-01-01", periods=500, tz="UTC")
    >>> x, y = (pd.Series(v, index=times) for v in np.random.default_rng(1).standard_normal((2, 500)))
    >>> p_of(correlation_break_test(x, y)).startswith("one level throughout: p = ")
    True
    """
    for kind, words, value in _TESTS:
        if isinstance(result, kind):
            return f"{words}: {p_words(float(value(result)))}"
    if isinstance(result, CorrelationEstimate) and result.constancy is not None:
        return f"one correlation throughout: {p_words(result.constancy.p_value)} ({power_of(result.constancy)})"
    if isinstance(result, EventStudy):
        tested = result.table.xs("volatility", level="measure")["adjusted_p_value"]
        kinds = ", ".join(f"{kind_words(str(kind))} {p_words(float(p))}" for kind, p in tested.items())
        return f"usual volatility on event rows: {kinds} (permutation, Holm over kinds)"
    return ""


def power_of(test: ConstancyTest) -> str:
    """Return the power of a test of constancy in a clause, its per cent written as everywhere in a note."""
    return test.power_words.replace("%", " %").replace("  %", " %")


_Test = tuple[type, str, Callable[..., float]]
_TESTS: tuple[_Test, ...] = (
    (CrossCorrelogram, "no correlation at any lag, search allowed for", lambda r: r.p_value),
    (GrangerTest, "no causality", lambda r: r.p_value),
    (
        GrangerNetwork,
        "no causality anywhere, smallest adjusted",
        lambda r: r.adjusted_p_value.min().min(),
    ),
    (
        RollingGranger,
        "no causality in any window, smallest adjusted",
        lambda r: r.path["adjusted_p_value"].min(),
    ),
    (BreakdownAlarm, "constant correlation over the horizon", lambda r: r.p_value),
    (FluctuationTest, "one level throughout", lambda r: r.p_value),
    (StructuralBreaks, "no break (UDmax)", lambda r: r.double_maximum_p_value),
    (CorrelationChange, "equal correlations", lambda r: r.p_value),
    (ConstancyTest, "one correlation throughout", lambda r: r.p_value),
    (ExceedanceCorrelations, "equal tails, smallest adjusted", lambda r: r.p_value),
    (DirectionalBetas, "equal betas up and down, all factors", lambda r: r.joint_p_value),
    (VolatilityResponse, "no response at any horizon", lambda r: r.adjusted_p_value),
    (RiskSplit, "no beta, whole sample", lambda r: r.whole["p_value"]),
    (
        VolatilityTransmission,
        "no macro term at any horizon, smallest adjusted",
        lambda r: r.horizons["adjusted_p_value"].min(),
    ),
)


def _count_words(result: object) -> str:
    if isinstance(result, CorrelationChange):
        return f"n = {result.n_before:,} before and {result.n_after:,} after"
    n_obs = getattr(result, "n_obs", None)
    if n_obs is None:
        return ""
    if isinstance(n_obs, tuple):
        return f"n = {' and '.join(f'{n:,}' for n in n_obs)}"
    return f"n = {n_obs:,}" if n_obs else "a known system, no sample"


def _start_of(result: object) -> pd.Timestamp | None:
    start = getattr(result, "start", None)
    if start is not None:
        return pd.Timestamp(start)
    if isinstance(result, RollingBetas):
        return _first_row(result.n, result.minimum)
    if isinstance(result, RiskSplit):
        return _first_row(result.path["n"], result.minimum)
    # Lines that begin with the sample itself.
    line = result.path if isinstance(result, FluctuationTest) else getattr(result, "driver", None)
    is_dated = isinstance(line, pd.Series | pd.DataFrame) and isinstance(line.index, pd.DatetimeIndex)
    return pd.Timestamp(line.index[0]) if is_dated else None  # type: ignore[union-attr]


def _first_row(counts: pd.Series, minimum: int) -> pd.Timestamp | None:
    """Return the first complete row, given those of each trailing window, or None where they do not tell it.

    Series may begin long before the asset does: the first row of such a panel says nothing.
    """
    known = counts.dropna()
    if known.iloc[0] >= minimum:
        # The first window stands, on the rows from the first one on.
        return pd.Timestamp(counts.index[0])
    # From none to one: the window's last row is the first complete one. A window begun in between tells no date.
    return pd.Timestamp(known.index[known > 0][0]) if known.iloc[0] == 0 else None


def _path_words(result: object) -> list[str]:
    """Return lags, horizon and windows without an adjusted index of connectedness through time, else nothing."""
    if not isinstance(result, ConnectednessPath):
        return []
    words = [f"VAR with {_lag_words(result)}, {result.horizon} periods ahead"]
    if result.n_noisy:
        started = result.total[result.total["status"] != "not started"]
        blank = int(started["adjusted"].isna().sum())
        words.append(
            f"{blank:,} of {len(started):,} windows have no adjusted index ({result.n_noisy:,} with too much noise)"
        )
    return words


def _lag_words(result: object) -> str:
    lags = getattr(result, "lags", 0)
    return f"{lags} lag{'s' if lags != 1 else ''}"
