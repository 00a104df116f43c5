"""The words below a correlation figure: what to see, then what dates and qualifies it."""

from volkit.report.captions import DatedResult, correlation_caption

__all__ = ["dated"]

# Stated of every figure: sources hand on what they hold, and none of a study's series is a first release.
_VINTAGE = "values as last published"


def dated(sentence: str, result: DatedResult, *, clock: str = "") -> str:
    """Return a sentence followed by the window, n, clocks, vintage and p of the result it is about."""
    return f"{sentence} {correlation_caption(result, clock=clock, vintage=_VINTAGE)}"
