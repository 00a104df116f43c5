"""Tables for LaTeX: booktabs rules, units below the heads, numbers that stand point below point."""

import re
from collections.abc import Sequence

import pandas as pd

from volkit.formatting import MISSING, ColumnKind, aligned_digits, format_value, is_missing, plain_words, to_digits
from volkit.report.export_content import ExportTable

__all__ = ["escape_latex", "to_latex"]

_LONG = 40
_WIDE_TEXT = 40
_PREAMBLE = "% In the preamble: \\usepackage{array,booktabs,longtable}\n"
_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # After the end of a row these would be read as its options.
    "[": "{[}",
    "*": "{*}",
    "\u2212": "$-$",
    "\u2013": "--",
    "\u2014": "---",
    "\u2026": r"\ldots{}",
    "\u2018": "`",
    "\u2019": "'",
    "\u201c": "``",
    "\u201d": "''",
    "\u00a0": "~",
    "\u00b0": r"$^\circ$",
    "\u00b2": "$^2$",
    "\u00b3": "$^3$",
    "\u00b7": r"$\cdot$",
    "\u00b1": r"$\pm$",
    "\u00d7": r"$\times$",
    "\u221e": r"$\infty$",
    "\u221a": r"$\surd$",
    "\u2248": r"$\approx$",
    "\u2264": r"$\leq$",
    "\u2265": r"$\geq$",
    "\u2260": r"$\neq$",
    "\u2192": r"$\rightarrow$",
    "\u0394": r"$\Delta$",
}
_GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu")
_GREEK_LATER = ("xi", "", "pi", "rho", "", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega")
_SIGNS |= {chr(0x3B1 + i): f"$\\{name}$" for i, name in enumerate((*_GREEK, *_GREEK_LATER)) if name}
_SIGN = re.compile("|".join(re.escape(sign) for sign in _SIGNS) + "|--")
_POWER = re.compile(r"(\d(?:\.\d+)?)e([+\u2212-]?)0*(\d+)")
_POINT = re.compile(r"\d[\d,]*(?:\.(\d+))?")


def escape_latex(text: str) -> str:
    r"""Return a text as LaTeX prints it, on one line.

    Examples
    --------
    >>> escape_latex("5 % of A&B_1"), escape_latex("\u22120.5"), escape_latex(r"\input{x}")
    ('5 \\% of A\\&B\\_1', '$-$0.5', '\\textbackslash{}input\\{x\\}')
    """
    line = " ".join("".join(c if c.isprintable() or c == "\u00a0" else " " for c in text).split(" ")).strip()
    return _SIGN.sub(lambda found: _SIGNS.get(found[0], "-{}-"), line)


def to_latex(tables: Sequence[ExportTable], *, labels: Sequence[str], source: str, simulated: bool) -> str:
    """Return tables as LaTeX source, to be taken in with ``\\input``.

    Parameters
    ----------
    tables : sequence of ExportTable
        In their order; a table of more than 40 rows may break across pages.
    labels : sequence of str
        Of each, without ``tab:``: letters, digits, points, hyphens and underscores.
    source : str
        Written below each table when given.
    simulated : bool
        Whether each caption begins with it.

    Returns
    -------
    str
        Needs the packages array, booktabs and longtable. Numbers are rounded as on the report's page.
    """
    return _PREAMBLE + "".join(
        "\n" + _table(table, label, source, simulated=simulated) for table, label in zip(tables, labels, strict=True)
    )


def _table(table: ExportTable, label: str, source: str, *, simulated: bool) -> str:
    row_units = table.frame["unit"].astype(str).tolist() if "by_unit" in table.kinds else [""] * len(table.frame)
    # Where the signs in the cells say the units already, their column goes.
    is_said = "by_unit" in table.kinds and all(u == "times" or u.startswith("fraction") for u in row_units)
    chosen = [i for i, name in enumerate(table.frame.columns) if not (is_said and name == "unit")]
    numeric = [table.is_number(i) for i in chosen]
    columns = [_column(table.frame.iloc[:, i], table.kinds[i], row_units) for i in chosen]
    columns = [_aligned(c) if n else [escape_latex(t) for t in c] for c, n in zip(columns, numeric, strict=True)]
    form = "".join(_column_form(c, n) for c, n in zip(columns, numeric, strict=True))
    heads = _row([_head(table.words[i], n) for i, n in zip(chosen, numeric, strict=True)])
    units = [_unit(table.kinds[i], table.units[i], table.frame.iloc[:, i]) for i in chosen]
    if any(units):
        heads += _row([_head(unit, n) for unit, n in zip(units, numeric, strict=True)])
    body = "".join(_row(list(cells)) for cells in zip(*columns, strict=True))
    mark = "Simulated prices. " if simulated and not table.caption.startswith("Simulated") else ""
    caption = f"\\caption{{{escape_latex(mark + (table.caption or plain_words(table.name)))}}}\\label{{tab:{label}}}"
    note = f"\\par\\smallskip{{\\footnotesize Source: {escape_latex(source)}}}\n" if source else ""
    if len(table.frame) > _LONG:
        head = f"\\toprule\n{heads}\\midrule\n"
        foot = f"\\endfirsthead\n{head}\\endhead\n\\bottomrule\n\\endlastfoot\n"
        return f"\\begin{{longtable}}{{{form}}}\n{caption}\\\\\n{head}{foot}{body}\\end{{longtable}}\n{note}"
    inner = f"\\begin{{tabular}}{{{form}}}\n\\toprule\n{heads}\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n"
    return f"\\begin{{table}}[htbp]\n\\centering\n{caption}\n{inner}{note}\\end{{table}}\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + " \\\\\n"


def _head(words: str, is_number: bool) -> str:
    text = escape_latex(words)
    return f"\\multicolumn{{1}}{{r}}{{{text}}}" if is_number and text else text


def _unit(kind: ColumnKind, unit: str, values: pd.Series) -> str:
    if kind in ("percent", "change"):
        return " ".join(["%", unit]).strip()
    return unit or ("UTC" if isinstance(values.dtype, pd.DatetimeTZDtype) else "")


def _column_form(cells: Sequence[str], is_number: bool) -> str:
    if is_number:
        return "r"
    return (
        "l" if max(map(len, cells), default=0) <= _WIDE_TEXT else ">{\\raggedright\\arraybackslash}p{0.35\\linewidth}"
    )


def _column(values: pd.Series, kind: ColumnKind, row_units: Sequence[str]) -> list[str]:
    digits = aligned_digits(values) if kind == "number" else None
    words = []
    for value, unit in zip(values.astype("object").tolist(), row_units, strict=True):
        if digits is not None and not is_missing(value):
            words.append(to_digits(value, digits))
        else:
            text = format_value(value, kind=kind, unit=unit)
            words.append(plain_words(text.removesuffix(" %" if kind in ("percent", "change") else " UTC")))
    return words


def _aligned(words: Sequence[str]) -> list[str]:
    """Numbers with the room of the decimals that they lack, so that their points stand below each other."""
    decimals = [_decimals(text) for text in words]
    most = max((n for n in decimals if n is not None), default=0)
    cells = []
    for text, n in zip(words, decimals, strict=True):
        room = "" if n is None or n == most else "\\phantom{" + ("." if n == 0 else "") + "0" * (most - n) + "}"
        cells.append(_power(text) + room)
    return cells


def _decimals(text: str) -> int | None:
    """Decimals of a number; None for what has no point to align: a dash, a power of ten, a sign behind it."""
    found = _POINT.search(text)
    if text == MISSING or found is None or found.end() != len(text):
        return None
    return len(found[1] or "")


def _power(text: str) -> str:
    found = _POWER.search(text)
    if found is None:
        return escape_latex(text)
    sign = "-" if found[2] in ("-", "\u2212") else ""
    return escape_latex(text[: found.start()]) + f"${found[1]}\\times10^{{{sign}{found[3]}}}$"
