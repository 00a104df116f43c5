"""What an exchange's failures mean: which may pass, how long to wait, and what to tell the user.

ccxt maps several statuses to one class and no status at all to a body that it could not read, so the last
answer itself decides: its status, its headers and the first characters of its body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import pandas as pd

from volkit.errors import SourceError
from volkit.sources.pulling.attempts import GarbledError
from volkit.sources.pulling.retrying import read_retry_after

__all__ = ["Answer", "check_body", "explain_failure", "first_characters", "is_transient"]

# A venue that answers so will answer so again: not served here, no such thing, not allowed.
_FINAL = frozenset({400, 401, 404, 405, 407, 409, 410, 422, 501})
_BARRED = frozenset({403, 451})
_BANNED = 418
_SHOWN = 80


@dataclass(slots=True)
class Answer:
    """What the venue last sent; status None when nothing came.

    Attributes
    ----------
    status : int or None
        HTTP status.
    headers : mapping of str to str
        As received; names in any case.
    body : str
        Text received.
    """

    status: int | None = None
    # Not in its representation: a venue may repeat a key.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = field(default="", repr=False)

    @property
    def sent(self) -> pd.Timestamp | None:
        """Instant (UTC) at which the venue says that it sent this, None when it says nothing that can be read."""
        lower = {name.lower(): value for name, value in self.headers.items()}
        try:
            sent = pd.Timestamp(parsedate_to_datetime(lower.get("date", "")))
        except (ValueError, TypeError):
            return None
        return sent.tz_localize("UTC") if sent.tzinfo is None else sent.tz_convert("UTC")

    def retry_after(self, now: pd.Timestamp) -> float | None:
        """Return the seconds that the venue asks to wait, or None."""
        lower = {name.lower(): value for name, value in self.headers.items()}
        return read_retry_after(lower.get("retry-after"), now=now)


def first_characters(text: str) -> str:
    """Return the beginning of a text on one line, quoted.

    Examples
    --------
    >>> first_characters("<html>\\n<body>")
    "'<html> <body>'"
    """
    line = " ".join(text.split())
    return repr(line[:_SHOWN] + "…") if len(line) > _SHOWN else repr(line)


def check_body(text: str) -> str:
    """Return a body that is a JSON object or list.

    ccxt hands other bodies on as text, whose characters then pass for rows.

    Raises
    ------
    GarbledError
        When it is not; says whether it was cut off, empty or something else, and shows its beginning.

    Examples
    --------
    >>> check_body("[1, 2]")
    '[1, 2]'
    """
    stripped = text.strip()
    if not stripped:
        raise GarbledError("an empty body", may_pass=True)
    if stripped[0] not in "[{":
        raise GarbledError(f"no JSON but {first_characters(stripped)}", may_pass=False)
    try:
        json.loads(stripped)
    except (ValueError, RecursionError) as error:
        what = f"truncated or broken JSON, {len(stripped)} characters beginning {first_characters(stripped)}"
        raise GarbledError(what, may_pass=True) from error
    return stripped


def is_transient(error: Exception, answer: Answer, *, now: pd.Timestamp) -> bool:
    """Return whether the same request may succeed later.

    Parameters
    ----------
    error : Exception
        What ccxt or `check_body` raised.
    answer : Answer
        The last answer.
    now : Timestamp
        Instant (UTC), from which a date in Retry-After counts.
    """
    import ccxt

    if isinstance(error, GarbledError):
        return error.may_pass
    if not isinstance(error, ccxt.NetworkError) or answer.status in _BARRED:
        return False
    if answer.status == _BANNED:
        return answer.retry_after(now) is not None
    if isinstance(error, (ccxt.DDoSProtection, ccxt.RateLimitExceeded)):
        return True
    return answer.status not in _FINAL


def explain_failure(
    error: Exception, answer: Answer, *, venue: str, what: str, calls: int, seconds: float, now: pd.Timestamp
) -> SourceError:
    """Return the error to raise: venue and request, what came, what to do.

    Parameters
    ----------
    error : Exception
        The last error.
    answer : Answer
        The last answer.
    venue, what : str
        Who was asked for what.
    calls : int
        Requests made.
    seconds : float
        Seconds allowed in all.
    now : Timestamp
        Instant (UTC).
    """
    came, remedy = _came_and_remedy(error, answer)
    wait = answer.retry_after(now)
    if wait is not None and wait > seconds:
        came += f" and asks to wait {wait:.0f} s, longer than the {seconds:.0f} s allowed"
        remedy = f"try again after {now + pd.Timedelta(seconds=wait):%Y-%m-%d %H:%M} UTC"
    times = f", {calls} times" if calls > 1 else ""
    return SourceError(f"{venue}, asked for {what}{times}: {came}; {remedy}.")


def _came_and_remedy(error: Exception, answer: Answer) -> tuple[str, str]:
    import ccxt

    status, body = answer.status, first_characters(answer.body)
    elsewhere = "choose another venue, e.g. ExchangeClient('kraken')"
    if isinstance(error, GarbledError):
        remedy = "try again later" if error.may_pass else "a proxy or log-in page may stand in between, or " + elsewhere
        return f"answered {status or ''} with {error.what}".replace("  ", " "), remedy
    if status in _BARRED:
        return f"answered {status}, it does not serve this place or address ({body})", elsewhere
    if status == _BANNED:
        return "answered 418, this address is banned for a while", "wait some hours, and pull less at once"
    if isinstance(error, (ccxt.DDoSProtection, ccxt.RateLimitExceeded)):
        return f"answered {status}, too many requests", "wait some minutes, or pull less at once"
    if isinstance(error, ccxt.RequestTimeout) and status is None:
        return "did not answer in time", f"try later, pass a longer timeout_seconds, or {elsewhere}"
    if isinstance(error, ccxt.NetworkError) and status is None:
        reason = type(error.__cause__).__name__ if error.__cause__ is not None else "no connection"
        return (
            f"cannot be reached ({reason})",
            f"check the network, set HTTPS_PROXY where a proxy is needed, or {elsewhere}",
        )
    if isinstance(error, ccxt.NetworkError):
        return f"answered {status} ({body})", f"the venue is down or in maintenance: try later, or {elsewhere}"
    if isinstance(error, ccxt.BadSymbol):
        remedy = "it may be delisted or renamed: look for its present name on the venue's site"
        return f"does not know the symbol ({first_characters(str(error))})", remedy
    if isinstance(error, ccxt.BaseError):
        return (
            f"refused the request, status {status} ({first_characters(str(error))})",
            "check symbol, interval and dates",
        )
    came = f"an answer that ccxt cannot read ({type(error).__name__}: {first_characters(str(error))}), beginning {body}"
    return came, f"update ccxt, or {elsewhere}"
