"""Calling something over a network again, within bounds of attempts and of time.

What enters is a function without arguments and two judgements of its errors: whether trying again can help,
and how long the other side asked to wait. What leaves is its result and the number of repetitions, or its
last error as it was raised.
"""

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar, cast

import pandas as pd
from tenacity import RetryCallState, Retrying, retry_if_exception

from volkit.checks import check_count, check_positive

__all__ = ["call_patiently", "read_retry_after"]

Result = TypeVar("Result")

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0


def call_patiently(
    function: Callable[[], Result],
    *,
    is_transient: Callable[[Exception], bool],
    retry_after: Callable[[Exception], float | None],
    attempts: int = 5,
    total_seconds: float = 120.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> tuple[Result, int]:
    """Return what the function returns and how often it had to be repeated.

    Parameters
    ----------
    function : callable
        Takes nothing; called at least once.
    is_transient : callable
        Whether trying again can help after this error. Any other error leaves at once.
    retry_after : callable
        Seconds that the other side asked to wait, or None when it asked for nothing.
    attempts : int
        Calls at most, the first included.
    total_seconds : float
        Seconds at most from the first call to the start of the last one. A wait that would go beyond is not
        begun, so that a `retry_after` of an hour ends the matter at once.
    sleep : callable
        Waits for a number of seconds.
    clock : callable
        Seconds on a clock that never goes back.
    jitter : callable
        Draws from [0, 1): many clients that failed together do not come back together.

    Returns
    -------
    result, retries
        What the function returned; calls beyond the first, a count.

    Raises
    ------
    ArgumentError
        When `attempts` is not a whole number of at least 1 or `total_seconds` is not positive.
    Exception
        The function's last error, unchanged.

    Notes
    -----
    Without a `retry_after`, wait k lasts (1 + u) / 2 · min(30, 2^(k-1)) seconds, u uniform on [0, 1).

    Examples
    --------
    >>> answers = iter([ConnectionError("busy"), "42"])
    >>> def ask():
    ...     answer = next(answers)
    ...     if isinstance(answer, Exception):
    ...         raise answer
    ...     return answer
    >>> waits = []
    >>> call_patiently(ask, is_transient=lambda e: isinstance(e, ConnectionError), retry_after=lambda e: 3.0,
    ...                sleep=waits.append), waits
    (('42', 1), [3.0])
    """
    most = check_count(attempts, argument="attempts", unit="calls")
    budget = check_positive(total_seconds, argument="total_seconds", unit="seconds")
    begun = clock()

    def wait(state: RetryCallState) -> float:
        asked = retry_after(_error_of(state))
        if asked is not None:
            return max(asked, 0.0)
        return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (state.attempt_number - 1)) * (1.0 + jitter()) / 2.0

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= most or clock() - begun + state.upcoming_sleep > budget

    retrying = Retrying(
        sleep=sleep,
        stop=stop,
        wait=wait,
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and is_transient(error)),
        reraise=True,
    )
    result = retrying(function)
    return result, int(retrying.statistics["attempt_number"]) - 1


def _error_of(state: RetryCallState) -> Exception:
    error = state.outcome.exception() if state.outcome is not None else None
    # tenacity asks for a wait only after an error that `is_transient` accepted, which is an Exception.
    return cast("Exception", error)


def read_retry_after(value: str | None, *, now: pd.Timestamp) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for.

    Parameters
    ----------
    value : str or None
        Seconds, or an HTTP date; None when the header is absent.
    now : Timestamp
        Instant (UTC) from which a date is counted.

    Returns
    -------
    float or None
        Seconds, at least 0; None when there is no header or it cannot be read.

    Examples
    --------
    >>> now = pd.Timestamp("2024-01-01 00:00", tz="UTC")
    >>> read_retry_after("7", now=now), read_retry_after("Mon, 01 Jan 2024 00:02:00 GMT", now=now)
    (7.0, 120.0)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = pd.Timestamp(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None
    # A date "-0000" has no zone; HTTP dates are GMT by definition.
    until = until.tz_localize("UTC") if until.tzinfo is None else until
    return max(float((until - now).total_seconds()), 0.0)
