"""Hostile changes of valid files: bytes, trees (TOML, JSON), tables (CSV, Parquet), led by any chooser of numbers."""

import copy
import datetime
import io
import json
import random
from typing import Any, Protocol

import numpy as np
import pandas as pd

__all__ = ["Chooser", "Seeded", "change_bytes", "change_table", "change_tree", "to_csv", "to_parquet", "to_toml"]


class Chooser(Protocol):
    """Where the choices come from: a seeded generator in the tests, the fuzzer's bytes when it is guided."""

    def below(self, n: int) -> int: ...


class Seeded:
    """Choices that are the same on every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, n: int) -> int:
        return self._random.randrange(n)


# What breaks readers: numbers at the edge, times that are none, names that reach elsewhere, other shapes.
WORDS = (
    *("", " ", "nan", "inf", "-inf", "1e308", "1e-320", "-1", "0", "-0.0", "1e999", "9" * 400, "0x1F", "1_000", "1,5"),
    *("2024-01-01", "2024-13-45", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2024-01-01T00:00:00+99:00"),
    *("\x00", "\N{PILE OF POO}", "../../x", "C:\\x", "=1+1", "<img onerror>", "true", "None", "BTC/USDT:USDT"),
    *("A" * 5000, "BTC-31FEB24-1-C", "BTC-27DEC24-1e400-C", "BTC-27DEC24-60000-X", "NaT", "٣", "1\n2", '"', "'"),
)
SCALARS: tuple[Any, ...] = (
    *(0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 0.0, -0.5, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")),
    *(True, False, None, [], {}, [[]], [None], {"a": []}, [1, "a"], {"": {}}, 1e-300, 99, 0.99, 1.5),
    *(datetime.date(2024, 1, 1), datetime.datetime(1, 1, 1), datetime.time(1, 2)),
    datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC),
)


def _scalar(chooser: Chooser) -> Any:
    at = chooser.below(len(SCALARS) + len(WORDS))
    return copy.deepcopy(SCALARS[at]) if at < len(SCALARS) else WORDS[at - len(SCALARS)]


def change_bytes(content: bytes, chooser: Chooser, *, times: int = 3) -> bytes:
    """Return the bytes with a few cut, flipped, doubled or inserted."""
    made = bytearray(content)
    for _ in range(1 + chooser.below(times)):
        at = chooser.below(len(made) + 1)
        match chooser.below(6):
            case 0:
                del made[at:]
            case 1 if at < len(made):
                made[at] ^= 1 << chooser.below(8)
            case 2:
                made[at:at] = WORDS[chooser.below(len(WORDS))].encode()
            case 3:
                del made[at : at + 1 + chooser.below(40)]
            case 4:
                made[at:at] = made[at : at + 1 + chooser.below(40)]
            case _:
                made[at : at + 1] = bytes([chooser.below(256)])
    return bytes(made)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            if isinstance(node[key], (dict, list)):
                stack.append(node[key])
    return found


def change_tree(tree: Any, chooser: Chooser, *, times: int = 3) -> Any:
    """Return a copy of a tree of dicts and lists with a few values replaced, dropped, added or renamed."""
    made = copy.deepcopy(tree)
    for _ in range(1 + chooser.below(times)):
        places = _places(made)
        if not places:
            return _scalar(chooser)
        node, key = places[chooser.below(len(places))]
        match chooser.below(6):
            case 0:
                del node[key]
            case 1 if isinstance(node, dict):
                node[WORDS[chooser.below(len(WORDS))]] = _scalar(chooser)
            case 2 if isinstance(node, dict):
                node[WORDS[chooser.below(len(WORDS))]] = node.pop(key)
            case 3:
                other, at = places[chooser.below(len(places))]
                node[key] = copy.deepcopy(other[at])
            case 4 if isinstance(node, list):
                node.insert(0, copy.deepcopy(node[key]))
            case _:
                node[key] = _scalar(chooser)
    return made


def change_table(rows: list[list[str]], chooser: Chooser, *, times: int = 3) -> list[list[str]]:
    """Return a table of text, header first, with a few cells, rows or columns changed."""
    made = [list(row) for row in rows]
    for _ in range(1 + chooser.below(times)):
        if not made or not made[0]:
            return made
        row, column = chooser.below(len(made)), chooser.below(len(made[0]))
        match chooser.below(8):
            case 0:
                made.insert(row, list(made[row]))
            case 1:
                del made[row]
            case 2:
                made = [r[:column] + r[column + 1 :] for r in made]
            case 3:
                made = [r[: column + 1] + r[column:] for r in made]
            case 4:
                word = WORDS[chooser.below(len(WORDS))]
                made[1:] = [[*r[:column], word, *r[column + 1 :]] for r in made[1:]]
            case 5:
                made = [made[0], *made[1:][::-1]]
            case _:
                if column < len(made[row]):
                    made[row][column] = WORDS[chooser.below(len(WORDS))]
    return made


def to_csv(rows: list[list[str]], chooser: Chooser) -> bytes:
    """Return the table as CSV; now and then with another separator, end of line or encoding."""
    separator = "," if chooser.below(12) else ";"
    end = "\n" if chooser.below(12) else "\r\n"
    text = end.join(separator.join(row) for row in rows) + (end if chooser.below(12) else "")
    return text.encode("utf-16" if not chooser.below(40) else "utf-8", errors="surrogatepass")


def to_parquet(rows: list[list[str]], chooser: Chooser) -> bytes:
    """Return the table as Parquet with typed columns, a few of them of a type that does not belong."""
    width = max((len(row) for row in rows), default=0)
    columns = {}
    for k in range(width):
        cells = [row[k] if k < len(row) else None for row in rows[1:]]
        name = rows[0][k] if rows and k < len(rows[0]) else f"column {k}"
        columns[f"{name}{'' if name not in columns else k}"] = _typed(cells, chooser)
    sink = io.BytesIO()
    pd.DataFrame(columns).to_parquet(sink)
    return sink.getvalue()


def _typed(cells: list[str | None], chooser: Chooser) -> pd.Series:
    plain = pd.Series(cells, dtype="object")
    numbers = pd.to_numeric(plain, errors="coerce")
    times = pd.to_datetime(plain, errors="coerce", utc=True, format="ISO8601")
    kept = numbers if numbers.notna().all() else times if times.notna().all() else plain
    match chooser.below(24):
        case 0:
            return pd.Series([[1.0, 2.0]] * len(cells))
        case 1:
            return pd.Series([b"\xff"] * len(cells))
        case 2:
            return pd.Series([True] * len(cells))
        case 3:
            return pd.Series([None] * len(cells), dtype="object")
        case 4:
            return pd.Series([{"a": 1}] * len(cells))
        case 5:
            return times.dt.tz_localize(None)
        case 6:
            return pd.Series([datetime.date(2024, 1, 1)] * len(cells))
        case 7:
            return plain.astype("category")
        case 8:
            with np.errstate(over="ignore"):
                return numbers.astype("float32")
        case _:
            return kept


def to_toml(tree: Any) -> bytes:
    """Return a tree as TOML; what TOML has no word for (None, a bare list) comes out as text."""
    if not isinstance(tree, dict):
        return f"value = {_inline(tree)}\n".encode()
    return "".join(f"{_key(k)} = {_inline(v)}\n" for k, v in tree.items()).encode()


def _key(key: object) -> str:
    return json.dumps(str(key))


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return repr(value) if not isinstance(value, int) or value.bit_length() < 2000 else "9" * 400
    return json.dumps(str(value))
