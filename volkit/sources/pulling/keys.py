"""API keys: used in a request, and shown nowhere else.

A key is held in a `Key`, which prints as a mark; `without_keys` takes it out of texts that came from a server, and
`keys_hidden` out of what the network libraries log while a request runs.
"""

import logging
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

__all__ = ["Key", "keys_hidden", "without_keys"]

_MARK = "[key]"
# So many characters in a row are a part of the key and not a word that happens to stand in it.
_PART = 8
# Who logs addresses, headers and bodies at the level of debugging: urllib3 under requests, and ccxt.
_LOGGERS = ("urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "ccxt.base.exchange")


class Key:
    """A secret text that neither prints, formats nor compares as what it is.

    Parameters
    ----------
    text : str
        The secret.

    Examples
    --------
    >>> key = Key("0123456789abcdef")
    >>> key, f"{key}", key.reveal()[:4]
    ([key], '[key]', '0123')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return _MARK

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key stays in its process and is not written anywhere")

    def reveal(self) -> str:
        """Return the secret, for a request and nothing else."""
        return self._text


def without_keys(text: str, keys: Sequence[Key]) -> str:
    """Return a text with every key in it, and every part of eight characters or more, replaced by a mark.

    Parameters
    ----------
    text : str
        What a server or a library said.
    keys : sequence of Key
        Also found percent-encoded and in base64.

    Examples
    --------
    >>> without_keys("api_key=0123456789abcdef is not registered", [Key("0123456789abcdef")])
    'api_key=[key] is not registered'
    >>> without_keys("keys begin with 0123456789...", [Key("0123456789abcdef")])
    'keys begin with [key]...'
    """
    forms = sorted({form for key in keys for form in _forms(key.reveal())}, key=lambda form: (-len(form), form))
    for form in forms:
        text = text.replace(form, _MARK)
    for form in forms:
        text = _without_parts(text, form)
    return text


@contextmanager
def keys_hidden(keys: Sequence[Key]) -> Iterator[None]:
    """Take keys out of what network libraries log while the block runs.

    Parameters
    ----------
    keys : sequence of Key
        Without any, nothing is touched.
    """

    def hide(record: logging.LogRecord) -> bool:
        said = record.getMessage()
        clean = without_keys(said, keys)
        if clean != said:
            record.msg, record.args = clean, ()
        return True

    loggers = [logging.getLogger(name) for name in _LOGGERS] if keys else []
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)


def _forms(secret: str) -> set[str]:
    """Return how a secret may be written in an address, a header or a message."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1]}
    forms.add(b64encode(secret.encode()).decode().rstrip("="))
    return {form for form in forms if form}


def _without_parts(text: str, form: str) -> str:
    parts = {form[i : i + _PART] for i in range(len(form) - _PART + 1)}
    if not any(part in text for part in parts):  # a body of ten million characters is walked through only then
        return text
    hidden = [False] * len(text)
    for start in range(len(text) - _PART + 1):
        if text[start : start + _PART] in parts:
            hidden[start : start + _PART] = [True] * _PART
    before = [False, *hidden[:-1]]
    return "".join(_MARK if h and not b else "" if h else c for c, h, b in zip(text, hidden, before, strict=True))
