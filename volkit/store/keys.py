"""Which series a file holds, written into its path so that the path gives the key back.

A symbol may be anything a venue thinks of; a file name may not. Every field becomes lower-case ASCII:
letters, digits, ``-`` and ``_`` stay, ``+`` switches between small and capital letters, ``%xx`` is any other
UTF-8 byte, ``=`` at the end says that the name goes on in the next folder, ``!`` at the end guards a name
that Windows reserves. There is no dot and no separator, so that no field leads out of the root, and no
capital, so that ``btc`` and ``BTC`` differ where the file system does not tell them apart.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from volkit.errors import ArgumentError

__all__ = ["FILE_SUFFIX", "SeriesKey", "key_of_path", "path_of_key"]

FILE_SUFFIX = ".parquet"
# File systems end a name at 255 bytes; quarantine, lock and temporary names need some of them.
_CHUNK = 120
# Linux ends a path at 4,096 bytes, and the root needs its share.
_LONGEST = 3_000
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
_TOKEN = re.compile(rb"%([0-9a-f]{2})|(\+)|([a-z0-9_-])")


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """What tells one stored series from every other.

    Attributes
    ----------
    source : str
        Library or service that fetched it, e.g. ``ccxt``.
    venue : str
        Exchange or publisher, e.g. ``binance``; may be empty.
    symbol : str
        The venue's own symbol, e.g. ``BTC/USDT:USDT``; any text.
    interval : str
        Step, e.g. ``1d``; letters, digits, ``-`` and ``_`` (``1m`` and ``1M`` differ).
    kind : str
        What the rows are, e.g. ``bars``; letters, digits, ``-`` and ``_``.

    Raises
    ------
    ArgumentError
        When source or symbol is empty, interval or kind is no such word, or the path would be too long.

    Examples
    --------
    >>> print(SeriesKey("ccxt", "binance", "BTC/USDT", "1d"))
    ccxt binance BTC/USDT 1d bars
    """

    source: str
    venue: str
    symbol: str
    interval: str
    kind: str = "bars"

    def __post_init__(self) -> None:
        for name in ("source", "symbol"):
            if not getattr(self, name):
                raise ArgumentError(name, "must not be empty", "an empty text", f"say the {name} of the series")
        for name in ("interval", "kind"):
            value = getattr(self, name)
            if not _WORD.fullmatch(value):
                remedy = "use letters, digits, - and _ only, e.g. 1d"
                raise ArgumentError(name, "must be a word of at most 40 characters", ascii(value), remedy)
        try:
            length = sum(len(part) + 1 for part in path_of_key(self).parts)
        except UnicodeEncodeError as error:
            raise ArgumentError("key", "must be valid Unicode", ascii(self), "replace lone surrogates") from error
        if length > _LONGEST:
            raise ArgumentError(
                "key", f"must fit a path of {_LONGEST} characters", f"one of {length}", "shorten the symbol"
            )

    def __str__(self) -> str:
        return " ".join(part for part in (self.source, self.venue, self.symbol, self.interval, self.kind) if part)


def path_of_key(key: SeriesKey) -> PurePosixPath:
    """Return where the series lies below the root.

    Parameters
    ----------
    key : SeriesKey
        The series.

    Returns
    -------
    PurePosixPath
        Relative, ``source/venue/symbol/interval.kind.parquet``, every part encoded.

    Examples
    --------
    >>> print(path_of_key(SeriesKey("ccxt", "binance", "BTC/USDT", "1d")))
    ccxt/binance/+btc%2fusdt/1d.bars.parquet
    >>> print(path_of_key(SeriesKey("yahoo", "", "../../etc", "1d")))
    yahoo/%/%2e%2e%2f%2e%2e%2fetc/1d.bars.parquet
    """
    folders = [chunk for field in (key.source, key.venue, key.symbol) for chunk in _chunks(_encode(field))]
    return PurePosixPath(*folders, f"{_guard(_encode(key.interval))}.{_guard(_encode(key.kind))}{FILE_SUFFIX}")


def key_of_path(path: PurePosixPath | Path) -> SeriesKey:
    """Return the series that a path below the root belongs to.

    Parameters
    ----------
    path : PurePath
        Relative to the root, as `path_of_key` made it.

    Returns
    -------
    SeriesKey
        With ``path_of_key(key) == path``.

    Raises
    ------
    ArgumentError
        When `path_of_key` makes no such path.

    Examples
    --------
    >>> key_of_path(PurePosixPath("yahoo/%/%5e+gspc/1d.bars.parquet")).symbol
    '^GSPC'
    """
    refused = ArgumentError(
        "path", "must be one that the store made", ascii(str(path)), "leave files of other programs out of the store"
    )
    fields, gathered = [], ""
    for part in path.parts[:-1]:
        gathered += part.removesuffix("=")
        if not part.endswith("="):
            fields.append(gathered)
            gathered = ""
    words = path.name.removesuffix(FILE_SUFFIX).split(".")
    if len(fields) != 3 or len(words) != 2:
        raise refused
    try:
        key = SeriesKey(*(_decode(name.removesuffix("!")) for name in (*fields, *words)))
    except ValueError as error:  # ArgumentError and UnicodeDecodeError are ValueErrors
        raise refused from error
    if path_of_key(key).parts != path.parts:  # two spellings of one key would be two truths
        raise refused
    return key


def _encode(text: str) -> str:
    if not text:
        return "%"
    out, capitals = [], False
    for byte in text.encode():
        char = chr(byte)
        if char.isascii() and char.isalpha() and char.isupper() != capitals:
            out.append("+")
            capitals = not capitals
        out.append(char.lower() if byte in _PLAIN or "A" <= char <= "Z" else f"%{byte:02x}")
    return "".join(out)


def _decode(name: str) -> str:
    if name == "%":
        return ""
    out, capitals, position, raw = bytearray(), False, 0, name.encode()
    while position < len(raw):
        token = _TOKEN.match(raw, position)
        if token is None:
            raise ValueError(name)
        escaped, switch, plain = token.groups()
        if switch:
            capitals = not capitals
        else:
            out += bytes.fromhex(escaped.decode()) if escaped else plain.upper() if capitals else plain
        position = token.end()
    return out.decode()


def _chunks(name: str) -> list[str]:
    pieces = [name[i : i + _CHUNK] for i in range(0, len(name), _CHUNK)]
    return [*(f"{piece}=" for piece in pieces[:-1]), _guard(pieces[-1])]


def _guard(name: str) -> str:
    return f"{name}!" if _RESERVED.fullmatch(name) else name
