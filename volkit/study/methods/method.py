"""What the registry says of one method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Method", "Stage"]

Stage = Literal["volatility", "margin", "validation", "realtime", "correlation", "portfolio", "contagion", "solvency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A formula, what its symbols mean and where it comes from.

    Attributes
    ----------
    key : str
        Unique; letters of a page's anchor, for example ``kupiec``.
    title : str
        As a heading.
    latex : str
        The formula, in display mode.
    where : mapping of str to str
        By symbol (LaTeX, inline): its meaning with the unit.
    source : str
        Author, year, place, and equation, table or section where there is one.
    functions : tuple of str
        Public names behind it, with their module: ``volkit.validation.kupiec_test``.
    stage : str
        Part of the package.
    note : str
        When not to use it, or what differs from the source; may be empty.

    Examples
    --------
    >>> from volkit.study.methods import METHODS
    >>> next(method.title for method in METHODS if method.key == "kupiec")
    'Proportion of failures (Kupiec)'
    """

    key: str
    title: str
    latex: str
    where: Mapping[str, str]
    source: str
    functions: tuple[str, ...]
    stage: Stage
    note: str = ""
