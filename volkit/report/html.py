"""The report as one page: question, answer, figures and tables, with nothing fetched from anywhere.

`render_report` turns the values of `blocks` into one HTML text with its style, images and one small script inside. It
has no clock: the same document gives the same bytes. Without the script everything can be read; with it tables sort,
and the table of contents folds on a phone and marks the section that is read.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from xml.etree import ElementTree

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from volkit.errors import ArgumentError
from volkit.report.blocks import (
    Answer,
    Block,
    CardBlock,
    FigureBlock,
    Formula,
    FormulaBlock,
    Reading,
    ReportDocument,
    Section,
    SummaryPart,
    TableBlock,
    TextBlock,
)
from volkit.report.tables import to_html_table

__all__ = [
    "Answer",
    "Block",
    "CardBlock",
    "FigureBlock",
    "Formula",
    "FormulaBlock",
    "Reading",
    "ReportDocument",
    "Section",
    "SummaryPart",
    "TableBlock",
    "TextBlock",
    "render_report",
    "to_mathml",
]

_SIMULATED = (
    "Simulated prices: every price in this report was made by a random number generator, none was traded. "
    "Do not put these numbers in force."
)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b3c5d"/>'
    '<path d="M4 20l5-7 4 12 5-19 4 17 3-6 3 3" fill="none" stroke="#fff" '
    'stroke-width="2.6" stroke-linejoin="round"/></svg>'
)
_MATHML = "{http://www.w3.org/1998/Math/MathML}"
# All that a formula may become: nothing here loads, runs or links.
_MATH_TAGS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "msqrt", "mroot",
    "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom",
}  # fmt: skip
_MATH_ATTRIBUTES = {
    "accent", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence", "form", "height",
    "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rowspacing",
    "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
# More columns than an upright page of paper holds, and than one on its side holds in the usual letters.
_WIDE, _DENSE = 10, 18


def render_report(document: ReportDocument) -> str:
    """Return a document as one HTML page that needs no other file and no network.

    Parameters
    ----------
    document : ReportDocument
        What stands on it; every text is escaped.

    Returns
    -------
    str
        UTF-8 text of the page, the same for the same document. Its policy allows the page's own script, by hash, and
        no other.

    Examples
    --------
    >>> page = render_report(
    ...     ReportDocument(title="Demo", question="How much?", answer=("Enough.",), simulated=True, sections=())
    ... )
    >>> page.split("<body>")[1].strip()[:46]
    '<p class="simulated" role="note">Simulated pri'
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    script = _resource("report.js")
    anchors = _anchors(document.sections)
    by_title = {section.title: name for section, name in zip(document.sections, anchors, strict=True)}
    return environment.from_string(_resource("report.html.j2")).render(
        document=document,
        summary=[_part_view(part, by_title) for part in document.summary],
        sections=[
            {"anchor": anchor, "view": section, "blocks": [_block_view(block) for block in section.blocks]}
            for anchor, section in zip(anchors, document.sections, strict=True)
        ],
        contents=_contents(document.sections, anchors),
        simulated_words=_SIMULATED,
        icon=_data_uri(_ICON.encode(), "image/svg+xml"),
        style=Markup(_resource("report.css")),
        page_title=Markup(_css_text(document.title)),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def to_mathml(latex: str, *, display: str = "inline") -> str:
    """Return a formula as MathML with its source as alternative text.

    Parameters
    ----------
    latex : str
        Mathematics without dollar signs.
    display : {"inline", "block"}
        In the line of a text, or on its own.

    Returns
    -------
    str
        One ``<math>`` element of plain MathML.

    Raises
    ------
    ArgumentError
        For a formula that cannot be read, or that would become anything but MathML.

    Examples
    --------
    >>> to_mathml("n")
    '<math display="inline" alttext="n"><mrow><mi>n</mi></mrow></math>'
    """
    from latex2mathml.converter import convert

    remedy = "write it in the LaTeX that latex2mathml reads, without < and & in texts"
    try:
        root = ElementTree.fromstring(convert(latex, display=display))
    except Exception as error:
        raise ArgumentError("latex", "must be mathematics in LaTeX", repr(latex), remedy) from error
    for element in root.iter():
        element.tag = element.tag.removeprefix(_MATHML)
        if element.tag not in _MATH_TAGS or not set(element.attrib) <= _MATH_ATTRIBUTES:
            raise ArgumentError("latex", "must become plain MathML", repr(latex), remedy)
    root.set("alttext", latex)
    return ElementTree.tostring(root, encoding="unicode")


def _resource(name: str) -> str:
    return files("volkit.report").joinpath(name).read_text(encoding="utf-8")


def _anchors(sections: tuple[Section, ...]) -> list[str]:
    """Name each section by its title, so that a link to it survives another section before it."""
    taken = ["content", "summary"]
    for section in sections:
        words = "-".join(re.findall(r"[a-z0-9]+", section.title.lower())) or "section"
        name, n = words, 1
        while name in taken:
            n += 1
            name = f"{words}-{n}"
        taken.append(name)
    return taken[2:]


def _contents(sections: tuple[Section, ...], anchors: list[str]) -> list[dict[str, object]]:
    """Group the entries of the table of contents by part."""
    groups: list[dict[str, object]] = []
    entries: list[tuple[str, str]] = []
    for section, anchor in zip(sections, anchors, strict=True):
        if not groups or groups[-1]["part"] != section.part:
            entries = []
            groups.append({"part": section.part, "entries": entries})
        entries.append((anchor, section.title))
    return groups


def _part_view(part: SummaryPart, anchors: Mapping[str, str]) -> dict[str, object]:
    answers = [
        {
            "question": answer.question,
            "paragraphs": answer.text.splitlines(),
            "links": [(anchors[title], title) for title in answer.sections if title in anchors],
        }
        for answer in part.answers
    ]
    return {"title": part.title, "cards": [_block_view(card) for card in part.cards], "answers": answers}


def _block_view(block: Block) -> dict[str, object]:
    if isinstance(block, TextBlock):
        return {"kind": "text", "paragraphs": block.paragraphs, "is_note": block.is_note}
    if isinstance(block, TableBlock):
        caption = "" if block.is_folded else block.caption
        n_columns = len(block.frame.columns) + (block.frame.index.nlevels if block.index else 0)
        return {
            "kind": "table",
            "html": _table(block, caption),
            "folded": block.caption if block.is_folded else "",
            "css": "broad dense" if n_columns > _DENSE else "broad" if n_columns > _WIDE else "",
        }
    if isinstance(block, CardBlock):
        table = "" if block.table is None else _table(block.table, block.table.caption, f"{block.title}: {block.whole}")
        return {"kind": "card", "view": block, "html": table}
    if isinstance(block, FormulaBlock):
        return {"kind": "formulas", "title": block.title, "formulas": [_formula_view(one) for one in block.formulas]}
    figure = block.files
    return {
        "kind": "figure",
        "figure": figure,
        "wide": _data_uri(figure.png, "image/png"),
        "narrow": _data_uri(figure.narrow_png, "image/png"),
    }


def _table(block: TableBlock, caption: str, label: str = "") -> Markup:
    given = {name: getattr(block, name) for name in ("kinds", "units", "notes", "index", "strong")}
    return Markup(to_html_table(block.frame, caption=caption, label=label, **given))


def _formula_view(formula: Formula) -> dict[str, object]:
    return {
        "view": formula,
        "math": Markup(to_mathml(formula.latex, display="block")),
        "where": [(Markup(to_mathml(symbol)), meaning) for symbol, meaning in formula.where.items()],
    }


def _css_text(text: str) -> str:
    """Return a text as the inside of a CSS string: whatever is no plain letter, by its number."""
    return "".join(c if c.isascii() and (c.isalnum() or c in " .-") else f"\\{ord(c):x} " for c in text)


def _data_uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
