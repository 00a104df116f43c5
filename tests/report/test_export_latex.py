"""LaTeX tables: what TeX would stumble over, found by reading the source as TeX does."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.report import TableBlock
from volkit.report.export import export_tables
from volkit.report.export_latex import escape_latex

TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|%[^\n]*\n|[{}$&#_^~%]|[^\\{}$&#_^~%]+", re.DOTALL)
COMMANDS = {
    "begin", "end", "centering", "caption", "label", "toprule", "midrule", "bottomrule", "multicolumn", "phantom",
    "times", "infty", "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar",
    "textquotedbl", "textasciigrave", "ldots", "par", "smallskip", "footnotesize", "raggedright", "arraybackslash",
    "linewidth", "endfirsthead", "endhead", "endlastfoot", "alpha", "pm", "leq", "approx",
}  # fmt: skip


def read_as_tex(source):
    """Check braces, math and environments; return the environments and the cells of each row of the tables."""
    depth, in_math, open_environments, seen = 0, False, [], []
    # A label is a name, in which an underscore is a sign like others.
    source = re.sub(r"\\label\{[\w.:-]+\}", "", source)
    tokens = TOKEN.findall(source)
    assert "".join(tokens) == source
    for i, token in enumerate(tokens):
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            assert depth >= 0
        elif token == "$":
            in_math = not in_math
        elif token in ("\\begin", "\\end"):
            name = tokens[i + 2]
            if token == "\\begin":
                open_environments.append(name)
                seen.append(name)
            else:
                assert open_environments.pop() == name and depth == 0 and not in_math
        elif token in ("^", "_"):
            assert in_math
        elif token == "#":
            raise AssertionError("a bare parameter sign")
        elif token[0] == "\\" and token[1].isalpha():
            assert token[1:] in COMMANDS, token
    assert depth == 0 and not in_math and not open_environments
    inside = re.sub(r"\\begin\{(?:tabular|longtable)\}\{[^\n]*\}\n", "", source)
    rows = [line for line in inside.splitlines() if line.endswith(r"\\") and not line.startswith(r"\caption")]
    return seen, [re.split(r"(?<!\\)&", line[:-2]) for line in rows]


def tex_of(tmp_path, frame, **options):
    return export_tables({"my_table": frame}, tmp_path / "t.tex", **options).read_text(encoding="utf-8")


def test_a_table_has_caption_label_rules_and_units(tmp_path):
    block = TableBlock(
        frame=pd.DataFrame({"asset": ["BTC", "A_B&C"], "rate": [0.05, 0.1234], "depth": [1.5, 20.25]}),
        caption="Rates at 99 % & more.",
        kinds={"rate": "percent"},
        units={"rate": "fraction", "depth": "USD"},
        index=False,
    )

    tex = tex_of(tmp_path, block, source="files:my_prices")

    seen, rows = read_as_tex(tex)
    assert seen == ["table", "tabular"]
    assert r"\caption{Rates at 99 \% \& more.}\label{tab:my_table}" in tex
    assert [tex.count(rule) for rule in ("\\toprule", "\\midrule", "\\bottomrule")] == [1, 1, 1]
    assert {len(row) for row in rows} == {3} and len(rows) == 4
    assert [cell.strip() for cell in rows[1]] == ["", r"\multicolumn{1}{r}{\%}", r"\multicolumn{1}{r}{USD}"]
    assert [cell.strip() for cell in rows[3]] == [r"A\_B\&C", "12.34", "20.25"]
    assert r"Source: files:my\_prices" in tex


def test_points_stand_below_each_other(tmp_path):
    frame = pd.DataFrame({"x": [0.123456, 12.5678, 1234.5, -7.0, np.nan, np.inf, 1e-9]})

    _, rows = read_as_tex(tex_of(tmp_path, frame))

    cells = [row[0].strip() for row in rows[1:]]
    assert cells == [
        "0.1235", r"12.57\phantom{00}", r"1,234\phantom{.0000}", r"$-$7.000\phantom{0}", "--", r"$\infty$",
        r"$1.000\times10^{-9}$",
    ]  # fmt: skip


def test_a_long_table_may_break_across_pages(tmp_path):
    seen, rows = read_as_tex(tex_of(tmp_path, pd.DataFrame({"n": range(100), "m": range(100)})))

    assert seen == ["longtable"] and len(rows) == 102


def test_texts_of_cells_wrap_when_long(tmp_path):
    tex = tex_of(tmp_path, pd.DataFrame({"why": ["word " * 30], "x": [1.0]}))

    read_as_tex(tex)
    assert r">{\raggedright\arraybackslash}p{0.35\linewidth}r" in tex


@pytest.mark.parametrize(
    "text", [r"\input{/etc/passwd}", "$x$", "[2pt]", "*", "50 %", "a~b^c_d#e{f}", "a--b", "x\ny\tz"]
)
def test_special_signs_print_as_themselves(tmp_path, text):
    _, rows = read_as_tex(tex_of(tmp_path, pd.DataFrame({text: [text], "x": [1]})))

    assert len(rows) == 2 and {len(row) for row in rows} == {2}
    # Neither a bracket nor a star may follow the end of a row.
    assert not any(row[0].lstrip().startswith(("[", "*")) for row in rows)


@given(st.text())
def test_any_text_is_balanced(text):
    escaped = escape_latex(text)

    bare = re.sub(r"\\[{}]", "", escaped)
    assert bare.count("{") == bare.count("}") and "\n" not in escaped
    assert not re.search(r"(?<!\\)[%#&_^]", re.sub(r"\$\^[^$]*\$", "", escaped))


def test_several_tables_have_their_own_labels(tmp_path):
    frame = pd.DataFrame({"a": [1]})

    tex = export_tables({"a": frame, "A": frame, "b c": frame}, tmp_path / "all.tex").read_text()

    assert re.findall(r"\\label\{(.*?)\}", tex) == ["tab:a", "tab:A_2", "tab:b_c"]
