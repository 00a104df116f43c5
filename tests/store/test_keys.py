"""Names of series and names of files: one to one, and never outside the root."""

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.store import SeriesKey, key_of_path, path_of_key

SYMBOLS = [
    "BTC/USDT:USDT",
    "^GSPC",
    "../../etc",
    "..",
    ".",
    "/etc/passwd",
    "C:\\Windows",
    "DX-Y.NYB",
    "比特币",
    "e\u0301",
    "\u00e9",
    "CON",
    "con",
    "nul.txt",
    "com1",
    "trailing.",
    "trailing ",
    " ",
    "a=",
    "a!",
    "+",
    "%",
    "%2f",
    "\x00",
    "x" * 1_000,
    "x" * 120,
    "x" * 120 + "con",
]
text = st.text(min_size=1, max_size=60)
words = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
series_keys = st.builds(SeriesKey, source=text, venue=st.text(max_size=60), symbol=text, interval=words, kind=words)


def assert_is_safe(path):
    assert not path.is_absolute() and ".." not in path.parts
    for part in path.parts:
        assert re.fullmatch(r"[a-z0-9_%+=!-]{1,121}|[a-z0-9_+!-]+\.[a-z0-9_+!-]+\.parquet", part), part
        assert not PureWindowsPath(part).is_reserved()


@pytest.mark.parametrize("symbol", SYMBOLS, ids=ascii)
def test_awkward_symbol_has_a_safe_path_that_gives_it_back(symbol):
    key = SeriesKey("ccxt", symbol, symbol, "1d")

    path = path_of_key(key)

    assert_is_safe(path)
    assert key_of_path(path) == key


def test_awkward_symbols_have_paths_that_differ_without_regard_to_case():
    paths = {str(path_of_key(SeriesKey("s", "", symbol, "1d"))).casefold() for symbol in SYMBOLS}

    assert len(paths) == len(SYMBOLS)


@given(key=series_keys)
def test_any_key_has_a_safe_path_that_gives_it_back(key):
    path = path_of_key(key)

    assert_is_safe(path)
    assert key_of_path(path) == key
    root = Path("/data/store")
    assert (root / path).resolve().is_relative_to(root)


@given(one=series_keys, flips=st.integers(1, 2**20))
def test_keys_that_differ_in_case_only_have_different_paths_on_any_file_system(one, flips):
    swapped = "".join(c.swapcase() if flips >> i & 1 else c for i, c in enumerate(one.symbol))
    other = SeriesKey(one.source, one.venue, swapped, one.interval, one.kind)

    same = str(path_of_key(one)).casefold() == str(path_of_key(other)).casefold()

    assert same == (one == other)


def test_minutes_and_months_do_not_collide():
    minute, month = (path_of_key(SeriesKey("s", "v", "x", step)) for step in ("1m", "1M"))

    assert str(minute).casefold() != str(month).casefold()


@pytest.mark.parametrize(
    "path",
    [
        "a/b/c/1d.parquet",
        "a/b/1d.bars.parquet",
        "a/b/c/d/1d.bars.parquet",
        "a/b/C/1d.bars.parquet",
        "a/b/%41/1d.bars.parquet",
        "a/b/+1/1d.bars.parquet",
        "a/b/c!/1d.bars.parquet",
        "a/b/%ff/1d.bars.parquet",
        "a/b/../1d.bars.parquet",
        "a/b/c/1d.bars.csv",
        "a/b/c=/1d.bars.parquet",
    ],
)
def test_a_path_that_no_key_makes_is_refused(path):
    with pytest.raises(ArgumentError, match="the store made"):
        key_of_path(PurePosixPath(path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"symbol": ""}, "symbol must not be empty"),
        ({"interval": "1/d"}, "interval must be a word"),
        ({"kind": ""}, "kind must be a word"),
        ({"symbol": "\ud800"}, "valid Unicode"),
        ({"symbol": "漢" * 1_000}, "shorten the symbol"),
    ],
)
def test_a_key_that_makes_no_path_is_refused(change, words):
    with pytest.raises(ArgumentError, match=words):
        SeriesKey(**{"source": "s", "venue": "v", "symbol": "x", "interval": "1d", **change})
