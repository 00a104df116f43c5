"""What Yahoo answers when it fails, told apart from the answers themselves."""

import json
from importlib.metadata import version
from typing import Any

import pandas as pd

from volkit.sources.pulling.attempts import LATER, GarbledError, PullError
from volkit.sources.pulling.retrying import read_retry_after

__all__ = ["fault_of", "result_of"]

_QUOTED = 40
_NO_DATA = ("YFPricesMissingError", "YFTzMissingError")


def result_of(answer: Any, symbol: str) -> dict[str, Any]:
    result: dict[str, Any] = answer.json()["chart"]["result"][0]
    answered = result["meta"]["symbol"]
    if answered != symbol.upper():
        raise PullError(f"an answer for {answered!r} came", "check the symbol on finance.yahoo.com")
    return result


def fault_of(error: Exception, answers: list[Any], *, now: pd.Timestamp) -> PullError:
    """Return what went wrong, read from the last answer rather than from the library's error."""
    if isinstance(error, PullError):
        return error
    if isinstance(error, GarbledError):
        return PullError(f"{error.what} came", LATER)
    # JSON errors of requests are OSErrors as well as ValueErrors; only the others come from the connection.
    if not answers or (isinstance(error, OSError) and not isinstance(error, ValueError)):
        came = f"Yahoo cannot be reached ({type(error).__name__})"
        return PullError(came, "check the network, proxy and firewall, or work offline", is_transient=True)
    status, text = answers[-1].status_code, answers[-1].text
    if status == 429:
        waits = read_retry_after(answers[-1].headers.get("Retry-After"), now=now)
        asks = "" if waits is None else f" and asks to wait {waits:g} s"
        return PullError(f"Yahoo limits the rate (HTTP 429){asks}", LATER, is_transient=True, retry_after=waits)
    if "Will be right back" in text:
        return PullError("Yahoo is down for maintenance (Will be right back)", LATER, is_transient=True)
    if status >= 500:
        return PullError(f"Yahoo failed (HTTP {status})", LATER, is_transient=True)
    return _refusal(error, status, text)


def _refusal(error: Exception, status: int, text: str) -> PullError:
    """Return the fault of an answer that came through: a refusal, not JSON, no data, or not the expected fields."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    chart = body.get("chart") if isinstance(body, dict) else None
    reason = chart.get("error") if isinstance(chart, dict) else None
    said = str(reason.get("description", "")) if isinstance(reason, dict) else ""
    if status >= 400:
        quoted = said or text.strip()[:_QUOTED]
        if status == 404:
            remedy = "the symbol may be delisted or misspelt: look it up on finance.yahoo.com"
            return PullError(f"Yahoo does not find it (HTTP 404): {quoted!r}", remedy)
        remedy = "check symbol and span; when Yahoo bars your country or network, take another source"
        return PullError(f"Yahoo refuses (HTTP {status}): {quoted!r}", remedy)
    if body is None:
        kind = "an HTML page" if text.lstrip().startswith("<") else "broken JSON"
        return PullError(f"{kind} came (HTTP {status}, {text.strip()[:_QUOTED]!r})", LATER, is_transient=True)
    if isinstance(chart, dict) and (said or not chart.get("result") or type(error).__name__ in _NO_DATA):
        quoted = f": {said!r}" if said else ""
        remedy = "check that the symbol traded then, or start earlier"
        return PullError(f"the answer is empty, no bar in the span{quoted}", remedy)
    remedy = f"upgrade yfinance (installed {version('yfinance')}), or report it when that is the newest"
    return PullError(f"fields are missing or malformed ({type(error).__name__}: {error})", remedy)
