"""How a result shows itself: one line at a prompt, a small card in a notebook."""

from dataclasses import dataclass
from html import escape
from typing import Protocol

import numpy as np
import pandas as pd

from volkit.formatting import (
    MISSING,
    ColumnKind,
    aligned_digits,
    format_value,
    guess_kind,
    is_missing,
    is_numeric,
    plain_words,
    to_digits,
    unit_kind,
    words_of_class,
)

__all__ = ["ResultDisplay"]


class _Described(Protocol):
    @property
    def headline(self) -> str: ...

    def summary(self) -> pd.DataFrame: ...


class ResultDisplay:
    """One-line repr, and a small card in a notebook, for a result with `headline` and `summary`."""

    __slots__ = ()

    def __repr__(self: _Described) -> str:
        mark = "SIMULATED " if _is_simulated(self) and not self.headline.startswith("SIMULATED") else ""
        return f"<{type(self).__name__}: {mark}{self.headline}>"

    def _repr_html_(self: _Described) -> str:
        headline = self.headline
        simulated = _is_simulated(self) or headline.startswith("SIMULATED")
        name, known = words_of_class(type(self).__name__), _known(self, headline)
        parts = [f'<div style="font-weight:600">{escape(name)}{_SIMULATED if simulated else ""}</div>']
        parts.append(f"<div>{escape(headline.removeprefix('SIMULATED').lstrip(', '))}</div>")
        if known:
            parts.append(f'<div style="{_SMALL}">{escape(known)}</div>')
        parts.append(_table(self.summary(), name, "to_frame()" if hasattr(self, "to_frame") else ""))
        return f'<div style="{_CARD}">{"".join(parts)}</div>'


# A half-clear grey shows on a light and on a dark page; texts take the page's own colour.
_LINE = "1px solid rgba(128,128,128,.45)"
_CARD = f"border:{_LINE};border-radius:6px;padding:.6em .9em;margin:.3em 0;max-width:72em;line-height:1.45"
_SIMULATED = (
    ' <span style="border:1px solid currentColor;border-radius:3px;padding:0 .4em;margin-left:.5em;'
    'font-size:.75em;letter-spacing:.05em">SIMULATED</span>'
)
_TABLE = "border-collapse:collapse;margin:0;font-variant-numeric:tabular-nums"
_SMALL = "font-size:.85em;opacity:.8"
_LEFT = ' style="text-align:left"'
_LONG = ' style="text-align:left;min-width:18em"'
_LINED = ' style="text-align:left;white-space:nowrap"'
_WIDE = 40
_SPREAD, _LARGEST_WHOLE, _ROUNDING = 1e4, 1e15, 1e-12
_ABSENT = f'<span title="not available" role="img" aria-label="not available">{MISSING}</span>'
_MAX_ROWS, _MAX_COLUMNS, _MAX_WORDS, _MAX_SOURCES = 20, 12, 140, 3
_COUNTS = {"n_obs": "observations", "n_scenarios": "scenarios", "n_paths": "paths"}


def _is_simulated(result: object) -> bool:
    return bool(getattr(getattr(result, "provenance", None), "simulated", False))


def _known(result: object, headline: str) -> str:
    """Return what the result knows of its time, its sources and its size and the headline does not say, in a line."""
    parts = []
    as_of = getattr(result, "as_of", None)
    if isinstance(as_of, pd.Timestamp) and f"{as_of:%Y-%m-%d}" not in headline:
        parts.append(f"as of {format_value(as_of, kind='number')}")
    series = getattr(getattr(result, "provenance", None), "series", ())
    sources = list(dict.fromkeys(s.source for s in series if s.source))
    if sources:
        more = f" and {len(sources) - _MAX_SOURCES} more" if len(sources) > _MAX_SOURCES else ""
        named = "; ".join(_shortened(source) for source in sources[:_MAX_SOURCES])
        parts.append(f"source: {named}{more}")
    for name, words in _COUNTS.items():
        count = getattr(result, name, None)
        if isinstance(count, (int, np.integer)):
            parts.append(f"{count:,} {words}")
    return " \u00b7 ".join(parts)


def _table(frame: pd.DataFrame, caption: str, whole: str) -> str:
    signs = frame["unit"].astype(str) if list(frame.columns).count("unit") == 1 else pd.Series(dtype="str")
    told = bool(len(signs)) and bool((signs.str.startswith("fraction") | (signs == "times")).all())
    shown = (frame.drop(columns="unit") if told else frame).iloc[:_MAX_ROWS, :_MAX_COLUMNS]
    units = signs.tolist()[:_MAX_ROWS] if len(signs) else [""] * len(shown)
    columns, heads = _columns(shown)
    # Row numbers say nothing.
    bare = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    rows = [_row(shown, i, columns, unit, bare=bare) for i, unit in enumerate(units)]
    labels = [] if bare else ["" if name is None else plain_words(str(name)) for name in shown.index.names]
    stub = "".join(f'<th scope="col"{_LEFT}>{escape(name)}</th>' if name else f"<td{_LEFT}></td>" for name in labels)
    head = f'<tr style="text-align:right;border-bottom:{_LINE}">{stub}{"".join(heads)}</tr>'
    return (
        f'<div style="overflow-x:auto;margin-top:.4em" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table cellpadding="4" style="{_TABLE}"><caption style="text-align:left;{_SMALL}">'
        f"Summary of {escape(_lower(caption))}</caption><thead>{head}</thead><tbody>{''.join(rows)}</tbody>"
        f"</table></div>{_rest(frame, whole)}"
    )


def _rest(frame: pd.DataFrame, whole: str) -> str:
    more = [
        f"{over:,} more {what}{'' if over == 1 else 's'}"
        for over, what in ((len(frame) - _MAX_ROWS, "row"), (frame.shape[1] - _MAX_COLUMNS, "column"))
        if over > 0
    ]
    if not more:
        return ""
    full = f"; all values: <code>.{whole}</code>" if whole else ""
    return f'<div style="{_SMALL}">{" and ".join(more)}: <code>.summary()</code>{full}</div>'


@dataclass(frozen=True, slots=True)
class _Column:
    values: pd.Series
    kind: ColumnKind | None  # None: cell by cell
    digits: int | None  # decimals that the whole column shares


def _columns(shown: pd.DataFrame) -> tuple[list[_Column], list[str]]:
    """Return how each column is written, and the head cells."""
    # A name of the rows such as "BTC (fraction of notional)" holds for the whole table.
    overall = unit_kind(str(shown.index.names[-1]))[2] if shown.index.nlevels == 1 else None
    # Rows of several units are facts beside each other, not one quantity whose points should align.
    facts = shown.index.nlevels == 1 and len({unit_kind(_label(label))[1:] for label in shown.index}) > 1
    columns, heads = [], []
    for i, label in enumerate(shown.columns):
        values = shown.iloc[:, i]
        words, unit, kind = unit_kind(_label(label))
        guessed = guess_kind(words, values)
        numbers = pd.api.types.is_float_dtype(values)
        if kind is None or (kind == "percent" and not numbers):
            kind = (overall or guessed) if numbers and guessed in ("number", "count") else guessed
        by_cell = values.dtype == object or (numbers and kind == "number")
        aligned = numbers and by_cell and not facts and _is_of_one_size(values)
        columns.append(_Column(values, None if by_cell else kind, aligned_digits(values) if aligned else None))
        small = f' <small style="opacity:.8;font-weight:400">{escape(unit)}</small>' if unit else ""
        side = "" if by_cell or is_numeric(kind) else _LEFT
        heads.append(f'<th scope="col"{side}>{escape(words)}{small}</th>')
    return columns, heads


def _is_of_one_size(values: pd.Series) -> bool:
    sizes = values.abs()[values != 0.0].dropna()
    return not len(sizes) or bool(sizes.max() < _SPREAD * sizes.min())


def _row(shown: pd.DataFrame, at: int, columns: list[_Column], sign: str, *, bare: bool) -> str:
    label = shown.index[at]
    levels = label if isinstance(label, tuple) else (label,)
    words, unit, row_kind = unit_kind(_label(levels[-1]))
    stub = (
        [] if bare else [*(plain_words(_label(level)) for level in levels[:-1]), f"{words} ({unit})" if unit else words]
    )
    cells = [
        f'<th scope="row"{_LINED if isinstance(level, pd.Timestamp) else _LEFT}>{escape(_shortened(word))}</th>'
        for level, word in zip(levels, stub, strict=False)
    ]
    cells += [_cell(column.values.iloc[at], column, row_kind, sign) for column in columns]
    return f'<tr style="text-align:right">{"".join(cells)}</tr>'


def _cell(value: object, column: _Column, row_kind: ColumnKind | None, sign: str) -> str:
    if is_missing(value):
        return f"<td>{_ABSENT}</td>"
    if isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_)):
        # A number and its sign stay on one line.
        return f"<td>{escape(_number(value, column, row_kind, sign).replace(' %', chr(160) + '%'))}</td>"
    words = format_value(value, kind=column.kind or "number")
    if hasattr(value, "strftime"):
        return f"<td{_LINED}>{escape(words)}</td>"
    words = _shortened(plain_words(words))
    return f"<td{_LONG if len(words) > _WIDE else _LEFT}>{escape(words)}</td>"


def _number(value: float | np.number, column: _Column, row_kind: ColumnKind | None, sign: str) -> str:
    if column.kind is not None:
        return format_value(value, kind=column.kind)
    if sign or row_kind:
        return format_value(value, kind="by_unit" if sign else row_kind or "number", unit=sign)
    if column.digits is not None:
        return to_digits(float(value), column.digits)
    number = float(value)
    if abs(number) >= _LARGEST_WHOLE:
        return format_value(number, kind="number")
    exact = next((d for d in range(4) if abs(number - round(number, d)) < _ROUNDING), None)
    return format_value(number, kind="number") if exact is None else to_digits(number, exact)


def _label(label: object) -> str:
    if isinstance(label, tuple):
        return " ".join(_label(part) for part in label if part != "")
    if isinstance(label, str):
        return label
    if isinstance(label, (float, np.floating)) and not is_missing(label):
        return f"{label:,.6g}"
    return format_value(label, kind="text" if isinstance(label, (int, np.integer)) else "number")


def _shortened(words: str) -> str:
    return words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 1].rstrip() + "\u2026"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
