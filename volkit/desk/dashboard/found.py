"""What the workbench hands out, and how the library's errors become sentences for the reader of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd

from volkit.conventions import spoken_periods
from volkit.desk.dashboard.choices import Choices
from volkit.desk.dashboard.words import NotShownError
from volkit.errors import ArgumentError
from volkit.results import Provenance
from volkit.study.notes import Notes

__all__ = ["LESS", "Found", "Series", "in_words", "require_history", "texts"]

T = TypeVar("T")

# What a reader can do where a history is too short.
LESS = "Choose a lower confidence, a shorter margin period of risk, or an asset with a longer history."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """A result and what has to be said of it.

    Attributes
    ----------
    result : object
        Of a stage of the library.
    notes : tuple of str
        Warnings and gaps, each once.
    """

    result: T
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Series:
    """The returns that margins are made from.

    Attributes
    ----------
    returns : Series, shape (n_obs,)
        Simple, decimal, UTC.
    periods_per_year : float
        Of their clock.
    provenance : Provenance
        Source and hash.
    masked : DatetimeIndex
        Labels (UTC) of prices of zero or less, which have no returns into or out of them.
    """

    returns: pd.Series
    periods_per_year: float
    provenance: Provenance
    masked: pd.DatetimeIndex


def require_history(choices: Choices, returns: pd.Series, needed: int) -> None:
    """Refuse a history that is too short for the choices.

    Raises
    ------
    NotShownError
        With what the reader can choose instead.
    """
    if len(returns) < needed:
        raise NotShownError(
            f"{choices.asset} has {len(returns):,} returns; a confidence of {100.0 * choices.confidence:g} % over "
            f"{spoken_periods(choices.horizon)} needs {needed:,} here. {LESS}"
        )


@contextmanager
def in_words(problem: str, choice: str) -> Iterator[None]:
    """Turn what the library says to programmers into a sentence for the reader of a page."""
    try:
        yield
    except ArgumentError as error:
        fault = f"{error.argument} {error.requirement}; got {error.got}"
        raise NotShownError(f"{problem} ({fault}). {choice}") from error


def texts(notes: Notes) -> tuple[str, ...]:
    """Return the texts of notes, each once."""
    return tuple(text for _, text in notes.entries)
