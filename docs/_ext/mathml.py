"""Formulas as MathML, made when the page is built: no script, and nothing asked of anybody when it is read."""

from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

__all__ = ["mathml", "setup"]


def mathml(latex: str, *, display: str) -> str:
    """Return a `math` element with the LaTeX source as its alternative text."""
    body = latex.replace("\n", " ").strip()
    if "\\\\" in body and "\\begin" not in body:
        body = rf"\begin{{aligned}}{body}\end{{aligned}}"
    element = convert(body, display=display)
    return element.replace("<math ", f'<math alttext="{escape(body, quote=True)}" ', 1)


def _visit_math(self: Any, node: nodes.math) -> None:
    self.body.append(f'<span class="formula">{mathml(node.astext(), display="inline")}</span>')
    raise nodes.SkipNode


def _visit_displaymath(self: Any, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="formula-block", tabindex="0", role="group"))
    self.body.append(mathml(node.astext(), display="block") + "</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name `mathml`."""
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
