"""Tables for the page: numbers formatted by what they are, every text escaped, units in the heads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from string import ascii_lowercase
from typing import get_args

import numpy as np
import pandas as pd
from jinja2 import Environment, Template
from markupsafe import Markup

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.formatting import (
    HASH_SHOWN,
    MISSING,
    ColumnKind,
    aligned_digits,
    format_value,
    guess_kind,
    is_missing,
    is_numeric,
    plain_words,
    to_digits,
)

__all__ = ["ColumnKind", "format_value", "to_html_table"]

_MISSING = Markup(f'<span class="missing" title="not available" aria-label="not available">{MISSING}</span>')

_TABLE = """<div class="table-scroll" tabindex="0" role="region" aria-label="{{ label or caption or 'table' }}"><table>
{%- if caption %}<caption><span>{{ caption }}</span></caption>{% endif %}
<thead><tr>{% for head in heads -%}
<th scope="col"{% if head.css %} class="{{ head.css }}"{% endif %}>{{ head.words }}
{%- if head.unit %} <span class="unit">{{ head.unit }}</span>{% endif %}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}
<tr>{% for cell in row -%}
{% if loop.index0 < n_heads %}<th scope="row"{{ cell.key | xmlattr }}>{{ cell.words }}</th>{% else -%}
<td class="{{ cell.css }}"{{ cell.key | xmlattr }}{% if cell.title %} title="{{ cell.title }}"{% endif %}>
{{- cell.words }}</td>
{%- endif %}{% endfor %}</tr>
{%- endfor %}
</tbody></table></div>
{%- if notes %}<ol class="notes">{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ol>{% endif %}"""


@dataclass(frozen=True, slots=True)
class _Head:
    words: str
    unit: str
    css: str


@dataclass(frozen=True, slots=True)
class _Cell:
    words: str
    css: str
    title: str = ""
    key: Mapping[str, str] = field(default_factory=dict)


def to_html_table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    kinds: Mapping[str, ColumnKind] | None = None,
    units: Mapping[str, str] | None = None,
    notes: str = "",
    index: bool = True,
    strong: str = "",
    label: str = "",
) -> str:
    """Return a frame as an HTML table that scrolls in its own box and whose texts are all escaped.

    Parameters
    ----------
    frame : DataFrame, shape (n_rows, n_columns)
        Any dtypes; a missing value becomes a dash that says "not available".
    caption : str
        Above the table.
    kinds : mapping of str to str, optional
        Kind by column where the guess from dtype and name (times, counts, p-values, numbers) is not right;
        see `format_value`. `by_unit` reads the frame's own column ``unit``,
        which is then not shown.
    units : mapping of str to str, optional
        Unit by column, in small letters in the head.
    notes : str
        A column of long texts: its cells become letters, and each different text stands once below the table.
    index : bool
        Whether the row labels are the first columns.
    strong : str
        A column that stands out.
    label : str
        Name of the table's box for those who hear the page, where tables share a caption.

    Returns
    -------
    str
        One ``<div>`` with a ``<table>``, and a list of the notes when there are some. Numbers and times carry
        themselves as ``data-value``, a missing value an empty one: the page sorts by it.

    Raises
    ------
    ArgumentError
        For an unknown column or kind, or `by_unit` without a column ``unit``.

    Examples
    --------
    >>> "&lt;b&gt;" in to_html_table(pd.DataFrame({"name": ["<b>"]}))
    True
    """
    lettered, listed = _letters(frame, notes)
    shown = lettered.reset_index(allow_duplicates=True) if index else lettered
    shown.columns = pd.Index([" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in shown.columns])
    n_heads = frame.index.nlevels if index else 0
    chosen = _kinds_of(shown, kinds or {})
    if "by_unit" in chosen:
        # The signs in the cells say the unit already.
        chosen = [kind for kind, name in zip(chosen, shown.columns, strict=True) if name != "unit"]
        shown = shown.drop(columns="unit")
    unknown = set(units or {}) - set(shown.columns)
    if unknown:
        got = ", ".join(sorted(unknown))
        raise ArgumentError("units", f"may name {', '.join(shown.columns)}", got, "use these names")
    unnamed = index and n_heads == 1 and frame.index.name is None
    heads = [
        _Head(
            "" if unnamed and i == 0 else plain_words(name),
            (units or {}).get(name, ""),
            _classes("number" if i >= n_heads and is_numeric(kind) else "", name == strong),
        )
        for i, (name, kind) in enumerate(zip(shown.columns, chosen, strict=True))
    ]
    digits = [aligned_digits(shown.iloc[:, i]) if kind == "number" else None for i, kind in enumerate(chosen)]
    row_units = frame["unit"].astype(str).tolist() if "unit" in frame.columns else [""] * len(frame)
    rows = [
        [
            _cell(value, kind, unit, decimals, is_strong=name == strong)
            for value, kind, decimals, name in zip(record, chosen, digits, shown.columns, strict=True)
        ]
        for record, unit in zip(shown.itertuples(index=False, name=None), row_units, strict=True)
    ]
    return _template().render(caption=caption, label=label, heads=heads, rows=rows, n_heads=n_heads, notes=listed)


def _letters(frame: pd.DataFrame, column: str) -> tuple[pd.DataFrame, list[str]]:
    if not column:
        return frame.copy(), []
    if column not in frame.columns:
        got = repr(column)
        raise ArgumentError(
            "notes", f"must be one of {', '.join(map(str, frame.columns))}", got, "use one of these names"
        )
    numbers, texts = pd.factorize(frame[column].astype("str"))
    if len(texts) > len(ascii_lowercase):
        remedy = "show the column in the table instead"
        raise ArgumentError("notes", f"may have {len(ascii_lowercase)} different texts", str(len(texts)), remedy)
    # Beside the row's name, where a narrow window still shows it.
    lettered = frame.drop(columns=column)
    lettered.insert(0, column, [ascii_lowercase[n] if n >= 0 else None for n in numbers])
    return lettered, [str(text) for text in texts]


@cache
def _template() -> Template:
    return Environment(autoescape=True).from_string(_TABLE)


def _cell(value: object, kind: ColumnKind, unit: str, digits: int | None, *, is_strong: bool) -> _Cell:
    if is_missing(value):
        return _Cell(_MISSING, "number" if is_numeric(kind) else "", key={"data-value": ""})
    if digits is not None and isinstance(value, (float, np.floating)):
        words, css = to_digits(float(value), digits), "number"
    else:
        words = format_value(value, kind=kind, unit=unit)
        words = plain_words(words) if kind == "text" else words
        css = "number" if is_numeric(kind) else "code" if kind == "hash" else "words" if len(words) > 40 else ""
    title = str(value) if kind == "hash" and len(str(value)) > HASH_SHOWN else ""
    return _Cell(words, _classes(css, is_strong), title, _sort_key(value, kind))


def _classes(css: str, is_strong: bool) -> str:
    return " ".join(name for name in (css, "strong" if is_strong else "") if name)


def _sort_key(value: object, kind: ColumnKind) -> dict[str, str]:
    """What a cell is sorted by where its words would not do: numbers as scripts read them, times as ISO."""
    if isinstance(value, (bool, np.bool_)):
        return {}
    if isinstance(value, (int, float, np.number)):
        number = float(value)
        return {"data-value": repr(number) if np.isfinite(number) else f"{'-' if number < 0 else ''}Infinity"}
    if isinstance(value, (pd.Timestamp, date)):
        return {"data-value": value.strftime("%Y-%m-%d") if kind == "date" else value.isoformat()}
    return {}


def _kinds_of(frame: pd.DataFrame, given: Mapping[str, ColumnKind]) -> list[ColumnKind]:
    unknown = set(given) - set(frame.columns)
    if unknown:
        raise ArgumentError(
            "kinds", f"may name {', '.join(frame.columns)}", ", ".join(sorted(unknown)), "use these names"
        )
    for kind in given.values():
        check_choice(kind, argument="kinds", choices=get_args(ColumnKind))
    if "by_unit" in given.values() and "unit" not in frame.columns:
        raise ArgumentError("kinds", "by_unit needs a column named unit", ", ".join(frame.columns), "add the column")
    return [
        given[name] if name in given else guess_kind(name, frame.iloc[:, i]) for i, name in enumerate(frame.columns)
    ]
