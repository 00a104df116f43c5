"""Attempts at a pull: what one failure says, and trying again for as long as it makes sense."""

from collections.abc import Callable
from typing import TypeVar

from volkit.errors import SourceError, VolkitError
from volkit.sources.pulling.retrying import call_patiently

__all__ = ["LATER", "GarbledError", "PullError", "pull_patiently"]

Result = TypeVar("Result")

LATER = "wait some minutes and pull again; what is in the store stays usable"


class GarbledError(Exception):
    """A body that cannot be read although the status is 200.

    Attributes
    ----------
    what : str
        What came, in words.
    may_pass : bool
        Whether asking again can help: a cut-off answer may, a page of HTML does not.
    """

    def __init__(self, what: str, *, may_pass: bool) -> None:
        super().__init__(what)
        self.what = what
        self.may_pass = may_pass


class PullError(VolkitError):
    """One failed attempt to pull; leaves `pull_patiently` as `SourceError`.

    Attributes
    ----------
    came, remedy : str
        What came instead of data, and what to do.
    is_transient : bool
        Whether the next attempt may succeed.
    retry_after : float or None
        Seconds that the server asked to wait.
    """

    def __init__(self, came: str, remedy: str, *, is_transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(came, remedy)
        self.came = came
        self.remedy = remedy
        self.is_transient = is_transient
        self.retry_after = retry_after


def pull_patiently(attempt: Callable[[], Result], *, what: str, sleep: Callable[[float], None]) -> tuple[Result, int]:
    """Return the result of attempts that end in `PullError` when they fail, and the number of repetitions.

    Parameters
    ----------
    attempt : callable
        Takes nothing; raises `PullError`.
    what : str
        Source, series and span, for the message.
    sleep : callable
        Waits for a number of seconds.

    Raises
    ------
    SourceError
        When the last attempt failed: `what`, what came, after how many attempts, what to do.

    Examples
    --------
    >>> pull_patiently(lambda: 42, what="fred: DGS10", sleep=lambda seconds: None)
    (42, 0)
    """
    n_attempts = 0

    def counted() -> Result:
        nonlocal n_attempts
        n_attempts += 1
        return attempt()

    try:
        return call_patiently(
            counted,
            is_transient=lambda error: isinstance(error, PullError) and error.is_transient,
            retry_after=lambda error: error.retry_after if isinstance(error, PullError) else None,
            sleep=sleep,
        )
    except PullError as fault:
        tried = f" ({n_attempts} attempts)" if n_attempts > 1 else ""
        raise SourceError(f"{what}: {fault.came}{tried}; {fault.remedy}.") from fault
