"""Text in the cells of tables."""

from html import escape

__all__ = ["cell"]


def cell(text: str) -> str:
    """Return text that may stand in a cell of a table: one line, no bar of its own."""
    return escape(" ".join(str(text).split()), quote=False).replace("|", r"\|")
