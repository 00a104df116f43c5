"""The report as one page: question, answer, figures and tables, with nothing fetched from anywhere.

Blocks are values that say what stands on the page; `render_report` turns them into one HTML text with its
style and images inside. It has no clock: the same document gives the same bytes.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from volkit.report.figures import FigureFiles
from volkit.report.tables import ColumnKind, to_html_table

__all__ = ["Block", "FigureBlock", "ReportDocument", "Section", "TableBlock", "TextBlock", "render_report"]

_SIMULATED = (
    "Simulated prices: every price in this report was made by a random number generator, none was traded. "
    "Do not put these numbers in force."
)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b3c5d"/>'
    '<path d="M4 20l5-7 4 12 5-19 4 17 3-6 3 3" fill="none" stroke="#fff" '
    'stroke-width="2.6" stroke-linejoin="round"/></svg>'
)


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Paragraphs of plain text.

    Attributes
    ----------
    paragraphs : tuple of str
        One entry a paragraph; escaped.
    is_note : bool
        Whether it is set apart as a caution.
    """

    paragraphs: tuple[str, ...]
    is_note: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TableBlock:
    """A table; the attributes are the arguments of `to_html_table`.

    Attributes
    ----------
    frame : DataFrame, shape (n_rows, n_columns)
        What to show.
    caption : str
        Above the table.
    kinds : mapping of str to str
        Kind by column where the guess is not right.
    units : mapping of str to str
        Unit by column.
    notes : str
        A column of long texts that stand as lettered notes below the table.
    index : bool
        Whether the row labels are shown.
    is_folded : bool
        Whether the reader opens it with a click on its caption; for long evidence.
    """

    frame: pd.DataFrame
    caption: str
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    index: bool = True
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A figure from `save_figure`, with its own caption and alternative text."""

    files: FigureFiles


Block = TextBlock | TableBlock | FigureBlock


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the sentence one should take away, and what supports it.

    Attributes
    ----------
    title, lead : str
        Escaped; an empty lead is left out.
    blocks : tuple of TextBlock, TableBlock or FigureBlock
        In the order of the page.
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDocument:
    """Everything that stands on the page.

    Attributes
    ----------
    title : str
        Short name of the study.
    question : str
        What it asks.
    answer : tuple of str
        The answer in sentences with numbers, first on the page.
    simulated : bool
        Whether any price is simulated; the first line of the page then says so.
    sections : tuple of Section
        In the order of the page.
    footer : mapping of str to str
        Facts by name: versions, hashes, seed.
    """

    title: str
    question: str
    answer: tuple[str, ...]
    simulated: bool
    sections: tuple[Section, ...]
    footer: Mapping[str, str] = field(default_factory=dict)


def render_report(document: ReportDocument) -> str:
    """Return a document as one HTML page that needs no other file, no network and no script.

    Parameters
    ----------
    document : ReportDocument
        What stands on it; every text is escaped.

    Returns
    -------
    str
        UTF-8 text of the page, the same for the same document.

    Examples
    --------
    >>> page = render_report(
    ...     ReportDocument(title="Demo", question="How much?", answer=("Enough.",), simulated=True, sections=())
    ... )
    >>> page.split("<body>")[1].strip()[:46]
    '<p class="simulated" role="note">Simulated pri'
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    text = files("volkit.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        document=document,
        sections=[_section_view(number, one) for number, one in enumerate(document.sections, start=1)],
        simulated_words=_SIMULATED,
        icon=_data_uri(_ICON.encode(), "image/svg+xml"),
    )


def _section_view(number: int, section: Section) -> dict[str, object]:
    return {
        "anchor": f"section-{number}",
        "title": section.title,
        "lead": section.lead,
        "blocks": [_block_view(block) for block in section.blocks],
    }


def _block_view(block: Block) -> dict[str, object]:
    if isinstance(block, TextBlock):
        return {"kind": "text", "paragraphs": block.paragraphs, "is_note": block.is_note}
    if isinstance(block, TableBlock):
        caption = "" if block.is_folded else block.caption
        table = to_html_table(
            block.frame, caption=caption, kinds=block.kinds, units=block.units, notes=block.notes, index=block.index
        )
        return {"kind": "table", "html": Markup(table), "folded": block.caption if block.is_folded else ""}
    figure = block.files
    return {
        "kind": "figure",
        "figure": figure,
        "wide": _data_uri(figure.png, "image/png"),
        "narrow": _data_uri(figure.narrow_png, "image/png"),
    }


def _data_uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
