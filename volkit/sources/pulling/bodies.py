"""Reading what a server sends within bounds of time and size.

A timeout of requests counts from byte to byte, so that a server that sends one byte a second holds its caller for
ever, and nothing bounds what it sends in all. The hook made here reads the body itself, piece by piece.
"""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from volkit.sources.pulling.attempts import GarbledError

if TYPE_CHECKING:
    import requests

__all__ = ["MOST_BYTES", "bounded_body"]

# The largest answers of venues, lists of all their markets, are about ten million bytes long.
MOST_BYTES = 100_000_000
_PIECE = 65_536


def bounded_body(
    until: Callable[[], float], *, clock: Callable[[], float] = time.monotonic, most_bytes: int = MOST_BYTES
) -> "Callable[..., requests.Response]":
    """Return a response hook for requests that gives up on a body that comes too slowly or grows too long.

    Parameters
    ----------
    until : callable
        Reading on the clock (seconds) at which an answer has to be there; asked when it begins.
    clock : callable
        Seconds on a clock that never goes back.
    most_bytes : int
        Bytes of a body at most, after it was unpacked.

    Returns
    -------
    callable
        Takes a response and returns it, its body read. It raises `requests.exceptions.ReadTimeout` for a body that
        is not whole in time, `requests.exceptions.ConnectionError` for one that ends before the length that was
        announced, and `GarbledError` for one that is too long.

    Examples
    --------
    >>> import requests
    >>> session = requests.Session()
    >>> session.hooks["response"].append(bounded_body(lambda: time.monotonic() + 30.0))
    """

    def hook(response: "requests.Response", *_: Any, **__: Any) -> "requests.Response":
        from requests.exceptions import ReadTimeout

        pieces, size, last = [], 0, until()
        for piece in _pieces(response):
            pieces.append(piece)
            size += len(piece)
            if size > most_bytes:
                response.close()
                raise GarbledError(f"a body of more than {most_bytes / 1e6:g} million bytes", may_pass=False)
            if clock() > last:
                response.close()
                raise ReadTimeout(f"the body was not whole in time, {size} bytes had come", response=response)
        response._content = b"".join(pieces)
        response._content_consumed = True
        return response

    return hook


def _pieces(response: "requests.Response") -> Iterator[bytes]:
    """Yield the body as it comes; `requests.Response.iter_content` waits until a piece is full."""
    from requests.exceptions import ConnectionError as Broken
    from requests.exceptions import ReadTimeout
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    raw = response.raw
    try:
        if not hasattr(raw, "read1"):  # urllib3 before 2.1
            yield from raw.stream(_PIECE, decode_content=True)
            return
        while piece := raw.read1(_PIECE, decode_content=True):
            yield piece
    except ReadTimeoutError as error:
        raise ReadTimeout(f"Read timed out. {error}", response=response) from error
    except HTTPError as error:
        raise Broken(f"Connection broken: {error}", response=response) from error
    raw.release_conn()
