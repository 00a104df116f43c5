"""A notebook as one page, and the index of cards: HTML with its style and figures inside."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from volkit.desk.gallery.facts import NotebookFacts, plain_words
from volkit.desk.gallery.markup import code_html, markdown_html, output_html

__all__ = ["Card", "render_index", "render_notebook"]

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b3c5d"/>'
    '<path d="M4 20l5-7 4 12 5-19 4 17 3-6 3 3" fill="none" stroke="#fff" '
    'stroke-width="2.6" stroke-linejoin="round"/></svg>'
)
_HEADING = re.compile(r"<h2>(.*?)</h2>", flags=re.DOTALL)
_BANNERS = {
    "simulated prices": "Simulated: every price, book and account on this page was made by a random number generator.",
    "real and simulated prices": "Partly simulated: what was made by a random number generator is called simulated.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A notebook in the index.

    Attributes
    ----------
    facts : NotebookFacts
        What the card says.
    thumbnail : bytes
        PNG, or nothing.
    alt : str
        Its words.
    """

    facts: NotebookFacts
    thumbnail: bytes
    alt: str


def render_notebook(
    notebook: Any,
    facts: NotebookFacts,
    *,
    previous: NotebookFacts | None = None,
    following: NotebookFacts | None = None,
    footer: Mapping[str, str] | None = None,
) -> str:
    """Return the page of a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Executed and cleaned.
    facts : NotebookFacts
        From `read_facts`.
    previous, following : NotebookFacts, optional
        Its neighbours in the course.
    footer : mapping of str to str, optional
        Facts at the foot, such as the version.

    Returns
    -------
    str
        One HTML document; the same arguments give the same text.
    """
    body, headings = _anchored("".join(_cells(notebook.cells)))
    page: str = _template("notebook.html.j2").render(
        facts=facts,
        opening=Markup(markdown_html(facts.opening)),
        banner=_BANNERS.get(facts.prices, ""),
        body=Markup(body),
        headings=headings,
        previous=previous,
        following=following,
        footer=footer or {},
        icon=_data_uri(_ICON.encode(), "image/svg+xml"),
    )
    return page


def render_index(cards: Sequence[Card], *, footer: Mapping[str, str] | None = None) -> str:
    """Return the page of cards, with the thumbnails inside.

    Parameters
    ----------
    cards : sequence of Card
        In the order of the course.
    footer : mapping of str to str, optional
        Facts at the foot.
    """
    page: str = _template("gallery.html.j2").render(
        cards=[(card, _data_uri(card.thumbnail, "image/png") if card.thumbnail else "") for card in cards],
        footer=footer or {},
        icon=_data_uri(_ICON.encode(), "image/svg+xml"),
    )
    return page


def _template(name: str) -> Any:
    folder = files("volkit.desk") / "templates"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["style"] = Markup((folder / "gallery.css").read_text("utf-8"))
    return environment.from_string((folder / name).read_text("utf-8"))


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _cells(cells: Sequence[Any]) -> list[str]:
    """Return the cells after the opening; checks and imports folded, as they are read last or never."""
    shown: list[str] = []
    is_checking = is_open = False
    for cell in cells:
        if cell.cell_type == "markdown":
            if not is_open:  # the title and the answer stand at the head of the page
                is_open = True
                continue
            is_checking = "\n## Checked" in f"\n{cell.source}"
            shown.append(f'<div class="words">{markdown_html(cell.source)}</div>\n')
        elif cell.cell_type == "code":
            shown.append(_code_cell(cell, _fold(cell, is_checking=is_checking)))
    return shown


def _fold(cell: Any, *, is_checking: bool) -> str:
    if "hide-input" in cell.metadata.get("tags", []):
        return "Show the check"
    if is_checking:
        return "Show the assertions"
    return "Show the imports" if re.search(r"^(?:import|from) ", cell.source, flags=re.MULTILINE) else ""


def _code_cell(cell: Any, fold: str) -> str:
    code = (
        f'<pre class="code" tabindex="0" role="region" aria-label="Code"><code>{code_html(cell.source)}</code></pre>\n'
    )
    if fold:
        code = f"<details><summary>{fold}</summary>{code}</details>\n"
    outputs = "".join(f"{output_html(output)}\n" for output in cell.outputs)
    return f'<div class="cell">{code}{outputs}</div>\n'


def _anchored(html: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the page with anchors at its sections, and those with their titles."""
    headings: list[tuple[str, str]] = []

    def anchor(found: re.Match[str]) -> str:
        words = plain_words(re.sub(r"<[^>]+>", "", found[1]))
        name = f"section-{len(headings) + 1}"
        headings.append((name, words))
        return f'<h2 id="{escape(name)}">{found[1]}</h2>'

    text = _HEADING.sub(anchor, html)
    return text, [(name, words.replace("&amp;", "&").replace("&#39;", "'")) for name, words in headings]
