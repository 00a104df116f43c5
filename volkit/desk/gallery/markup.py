"""Markdown, formulas, code and outputs as HTML that needs nothing else.

Formulas become MathML, which browsers draw themselves; code is coloured here; links between notebooks lead
to their pages.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from volkit.desk.gallery.cleaning import figure_words

__all__ = ["code_html", "formula_html", "markdown_html", "output_html"]

_SIZES = re.compile(r"\\(?:big|Big|bigg|Bigg)[lrm]?(?=\\[{}|])")
_NOTEBOOK_LINK = re.compile(r'href="(?:\./)?([\w-]+)\.ipynb(#[\w-]*)?"')
_ALIGNED = re.compile(r"\S {3,}\S")


def formula_html(formula: str, *, is_block: bool) -> str:
    """Return a LaTeX formula as MathML; its source as code when it cannot be read.

    Examples
    --------
    >>> formula_html("x^2", is_block=False)[:5]
    '<math'
    """
    from latex2mathml.converter import convert

    try:
        drawn = str(convert(_SIZES.sub("", formula.strip()), display="block" if is_block else "inline"))
    except Exception:  # whatever its parser raises: a formula that is not drawn is still read
        drawn = f"<code>{escape(formula)}</code>"
    if is_block:
        # A span, as it stands inside a paragraph.
        return f'<span class="formula" tabindex="0" role="region" aria-label="Formula">{drawn}</span>'
    return drawn


def markdown_html(text: str) -> str:
    """Return Markdown with formulas as HTML; raw HTML in it is escaped.

    Examples
    --------
    >>> markdown_html("A *margin* of $m$.").startswith("<p>A <em>margin</em> of <math")
    True
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return formula_html(body, is_block=True)

        def inline_math(self, body: str) -> str:
            return formula_html(body, is_block=False)

    renderer = Renderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
    html = str(MarkdownWithMath(renderer=renderer).render(text))
    return _wrap_tables(_NOTEBOOK_LINK.sub(r'href="\1.html\2"', html))


def code_html(code: str) -> str:
    """Return Python code with its words marked by kind.

    Examples
    --------
    >>> code_html("x = 1")
    '<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>'
    """
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return str(highlight(code, get_lexer_by_name("ipython3"), HtmlFormatter(nowrap=True))).rstrip("\n")


def output_html(output: Any) -> str:
    """Return an output as HTML: a figure, a table, or text.

    Parameters
    ----------
    output : NotebookNode
        Cleaned.
    """
    if output.output_type == "stream":
        return _text(output.text, is_note=output.name == "stderr")
    data = output.get("data", {})
    if "image/png" in data:
        return _figure(output)
    if "text/html" in data:
        return f'<div class="result">{_wrap_tables(_without_scripts(data["text/html"]))}</div>'
    if "text/markdown" in data:
        return f'<div class="result">{markdown_html(data["text/markdown"])}</div>'
    return _text(data.get("text/plain", ""))


def _figure(output: Any) -> str:
    image = output.data["image/png"].replace("\n", "")
    size = output.metadata.get("image/png", {})
    measures = "".join(f' {side}="{int(size[side])}"' for side in ("width", "height") if side in size)
    words = escape(figure_words(output), quote=True)
    return (
        '<figure><div class="drawing" tabindex="0" role="region" aria-label="Figure">'
        f'<img src="data:image/png;base64,{image}"{measures} alt="{words}"></div></figure>'
    )


def _text(text: str, *, is_note: bool = False) -> str:
    plain = _without_colours(text).rstrip()
    # Columns need their spaces; sentences may break where the window ends.
    kinds = ["printed", "aligned" if _ALIGNED.search(plain) else "", "aside" if is_note else ""]
    label = "Warning" if is_note else "Printed"
    return f'<pre class="{_join(kinds)}" tabindex="0" role="region" aria-label="{label}">{escape(plain)}</pre>'


def _without_colours(text: str) -> str:
    # The signs by which a terminal is told to change its colour.
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def _join(words: Iterable[str]) -> str:
    return " ".join(word for word in words if word)


def _without_scripts(html: str) -> str:
    html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL | re.IGNORECASE)
    return re.sub(r' border="\d+"', "", html)


def _wrap_tables(html: str) -> str:
    if "overflow-x:auto" in html:  # a result's own card, which has done it
        return html
    opened = '<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table'
    return re.sub(r"<table\b", opened, html).replace("</table>", "</table></div>")
