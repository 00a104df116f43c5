"""What a card says of a notebook: its question, its answer, and whether its prices are simulated."""

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["NotebookFacts", "first_words", "plain_words", "read_facts"]

_ENOUGH = 90  # characters: an answer shorter than that takes the next sentence too
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9*(])")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookFacts:
    """A notebook in the words of its first cell.

    Attributes
    ----------
    stem : str
        File name without its ending.
    question : str
        Its title.
    answer : str
        The first sentence of the answer, or two when the first is short; plain text.
    opening : str
        The first cell without its title; Markdown.
    simulated : bool
        Whether the answer calls numbers simulated.
    real : bool
        Whether it also reads real series.
    """

    stem: str
    question: str
    answer: str
    opening: str
    simulated: bool
    real: bool

    @property
    def number(self) -> str:
        """Its place in the course, as in its file name."""
        return self.stem.partition("_")[0]

    @property
    def topic(self) -> str:
        """The words of its file name."""
        return self.stem.partition("_")[2].replace("_", " ").capitalize()

    @property
    def prices(self) -> str:
        """What its prices are, for a card."""
        if not self.simulated:
            return "real prices"
        return "real and simulated prices" if self.real else "simulated prices"

    def record(self) -> dict[str, Any]:
        """Return the facts as plain values, for ``gallery.json``."""
        return {
            "stem": self.stem,
            "number": self.number,
            "topic": self.topic,
            "question": self.question,
            "answer": self.answer,
            "simulated": self.simulated,
            "prices": self.prices,
        }


def read_facts(stem: str, notebook: Any) -> NotebookFacts:
    """Return what a card says of a notebook.

    Parameters
    ----------
    stem : str
        File name without its ending.
    notebook : NotebookNode
        Whose first Markdown cell begins with the title and ``**The answer.**``.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> cell = new_markdown_cell("# How much?\\n\\n**The answer.** A margin of **8.0 %**, *simulated*.")
    >>> read_facts("04_margin", new_notebook(cells=[cell])).answer
    'A margin of 8.0 %, simulated.'
    """
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title, _, opening = first.partition("\n")
    # A sentence that ends in a colon or says little is followed by the first of the list below it.
    paragraph, _, rest = opening.strip().removeprefix("**The answer.**").partition("\n\n")
    answer = " ".join(plain_words(part) for part in (paragraph, rest.partition("\n")[0].removeprefix("- ")))
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return NotebookFacts(
        stem=stem,
        question=plain_words(title.lstrip("# ")) or stem,
        answer=first_words(answer, enough=_ENOUGH),
        opening=opening.strip(),
        simulated="simulated" in opening.lower(),
        real="bundled" in code,
    )


def plain_words(markdown: str) -> str:
    """Return a text without the signs of Markdown.

    Examples
    --------
    >>> plain_words("A **50 %** fall, see [notebook 07](07_margin_validation.ipynb)")
    'A 50 % fall, see notebook 07'
    """
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"(\*\*|\*|`)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(\*\*|\*|`)(?=\S)(.+?)(?<=\S)\1", r"\2", text)  # once more, for emphasis inside emphasis
    return " ".join(text.replace("$", "").split())


def first_words(text: str, *, enough: int) -> str:
    """Return the first sentences of a text, as few as have so many characters.

    Examples
    --------
    >>> first_words("It fell by 1.5 %. Then it rose. And so on.", enough=10)
    'It fell by 1.5 %.'
    """
    taken = ""
    for sentence in _SENTENCE_END.split(text.strip()):
        taken = f"{taken} {sentence}".strip()
        if len(taken) >= enough and not taken.endswith(":"):
            break
    return taken
