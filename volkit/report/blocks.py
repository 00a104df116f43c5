"""What can stand on the page of a report, as values: texts, tables, figures, formulas, and the summary on top."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from volkit.formatting import ColumnKind
from volkit.report.figures import FigureFiles

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
]


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
    strong : str
        A column that stands out.
    """

    frame: pd.DataFrame
    caption: str
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    index: bool = True
    is_folded: bool = False
    strong: str = ""


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A figure from `save_figure`, with its own caption and alternative text."""

    files: FigureFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A method as a reader meets it.

    Attributes
    ----------
    title : str
        Its name.
    latex : str
        The formula; set as MathML, the source being its alternative text.
    where : mapping of str to str
        Meaning with the unit by symbol (LaTeX).
    source : str
        Where it comes from.
    note : str
        When not to use it; may be empty.
    functions : tuple of str
        Public names that compute it.
    """

    title: str
    latex: str
    where: Mapping[str, str]
    source: str
    note: str = ""
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormulaBlock:
    """Formulas of one stage, which the reader opens together."""

    title: str
    formulas: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A number to take away in a second.

    Attributes
    ----------
    label : str
        What it is, with its unit where the values do not show it.
    values : tuple of (str, str)
        Name (a side, say; may be empty) and value in words.
    detail : str
        Below the values, small.
    """

    label: str
    values: tuple[tuple[str, str], ...]
    detail: str = ""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CardBlock:
    """What to carry away of one asset or venue: readings large, notes small, the whole table for who opens it.

    Attributes
    ----------
    title, subtitle : str
        Name, and what it rests on.
    readings : tuple of Reading
        Two or three.
    table : TableBlock or None
        Everything, also beyond the readings; folded.
    notes : tuple of str
        One entry a paragraph.
    whole : str
        What the table is, on the line that opens it.
    """

    title: str
    subtitle: str
    readings: tuple[Reading, ...]
    table: TableBlock | None = None
    notes: tuple[str, ...] = ()
    whole: str = "The whole table"


@dataclass(frozen=True, slots=True)
class Answer:
    """A short answer with its proof.

    Attributes
    ----------
    question : str
        In the reader's words.
    text : str
        One to three sentences with numbers; each line is a paragraph, one an asset, say.
    sections : tuple of str
        Titles of the sections that prove it; those that the document lacks are left out.
    """

    question: str
    text: str
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryPart:
    """The first screen of one kind of study: cards, then answers.

    Attributes
    ----------
    title : str
        May be empty where there is one part.
    cards : tuple of CardBlock
        One an asset or venue.
    answers : tuple of Answer
        Four or five.
    """

    title: str
    cards: tuple[CardBlock, ...]
    answers: tuple[Answer, ...]


Block = TextBlock | TableBlock | FigureBlock | FormulaBlock | CardBlock


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the sentence one should take away, and what supports it.

    Attributes
    ----------
    title, lead : str
        Escaped; an empty lead is left out.
    blocks : tuple of Block
        In the order of the page.
    part : str
        Sections of one part stand together in the table of contents; may be empty.
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]
    part: str = ""


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
    summary : tuple of SummaryPart
        Cards and answers, before all sections.
    dateline : str
        Below the question: as of when, from where.
    """

    title: str
    question: str
    answer: tuple[str, ...]
    simulated: bool
    sections: tuple[Section, ...]
    footer: Mapping[str, str] = field(default_factory=dict)
    summary: tuple[SummaryPart, ...] = ()
    dateline: str = ""
