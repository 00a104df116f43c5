"""Notebook files read, made and written; the one place that knows `nbformat`, whose functions carry no types."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["make_notebook", "notebook_text", "read_notebook"]

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def read_notebook(path: Path) -> Any:
    """Return the notebook in a file, as version 4.

    Raises
    ------
    ValueError
        When the file is not a notebook.
    """
    import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def notebook_text(notebook: Any) -> str:
    """Return a notebook as the text of its file.

    Examples
    --------
    >>> notebook_text(make_notebook([("markdown", (), "# Why?")]))[:10]
    '{\\n "cells"'
    """
    import nbformat

    return f"{nbformat.writes(notebook)}\n"  # type: ignore[no-untyped-call]


def make_notebook(cells: Iterable[tuple[str, Iterable[str], str]]) -> Any:
    """Return a notebook on the plain Python kernel, without outputs.

    Parameters
    ----------
    cells : iterable of (kind, tags, source)
        The kind is ``markdown`` or ``code``. A cell tagged ``hide-input`` opens folded.

    Examples
    --------
    >>> make_notebook([("code", ("parameters",), "x = 1")]).cells[0].metadata.tags
    ['parameters']
    """
    from nbformat import v4, validate

    made = []
    for i, (kind, tags, source) in enumerate(cells, start=1):
        metadata: dict[str, Any] = {"tags": list(tags)} if tags else {}
        if "hide-input" in metadata.get("tags", []):
            metadata["jupyter"] = {"source_hidden": True}
        make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
        made.append(make(source, id=f"cell-{i:02d}", metadata=metadata))  # type: ignore[no-untyped-call]
    settings = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    notebook = v4.new_notebook(cells=made, metadata=settings)  # type: ignore[no-untyped-call]
    validate(notebook)
    return notebook
