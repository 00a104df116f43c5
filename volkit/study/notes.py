"""What a reader of the report has to know and no number says: warnings, gaps, series left out."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from volkit.errors import VolkitError, VolkitWarning

__all__ = ["Notes"]

T = TypeVar("T")


class Notes:
    """Notes by stage, in order, each once.

    Examples
    --------
    >>> notes = Notes()
    >>> notes.add("data", "GOLD: 2 bars missing")
    >>> notes.add("data", "GOLD: 2 bars missing")
    >>> notes.entries
    (('data', 'GOLD: 2 bars missing'),)
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], None] = {}

    def add(self, stage: str, text: str) -> None:
        """Keep a note unless it is there already."""
        self._entries[(stage, text)] = None

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """Pairs of stage and text."""
        return tuple(self._entries)

    @contextmanager
    def recording(self, stage: str, *, but: type[VolkitWarning] | None = None) -> Iterator[None]:
        """Turn volkit's warnings inside the block, those of one kind left out, into notes; let all others through."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", VolkitWarning)
            yield
        for warning in caught:
            if but is not None and issubclass(warning.category, but):
                continue
            if issubclass(warning.category, VolkitWarning):
                self.add(stage, str(warning.message))
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def attempt(
        self, stage: str, what: str, make: Callable[[], T], *, but: type[VolkitWarning] | None = None
    ) -> T | None:
        """Return what is made, or None with a note that says why not."""
        try:
            with self.recording(stage, but=but):
                return make()
        except VolkitError as error:
            self.add(stage, f"{what} left out: {error}")
            return None
