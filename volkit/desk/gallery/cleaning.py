"""An executed notebook without what is dead or changes from run to run on a page.

Widgets, progress bars, paths of the run, times and the names of objects that a figure already shows go;
figures without an alternative text get the sentence that follows them.
"""

import re
from typing import Any

from volkit.desk.gallery.facts import first_words, plain_words

__all__ = ["clean_notebook", "figure_words"]

_WIDGETS = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
_BAR = re.compile(r"\d+%\||\d+it \[|\?it/s|it/s\]|s/it\]")
# "/tmp/ipykernel_1/2.py:2: SomeWarning: words" and the line of code below it.
_WARNING = re.compile(r"^\S*[/\\]ipykernel_\d+[/\\]\d+\.py:\d+: (.*)\n(?:  .*\n?)?", flags=re.MULTILINE)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_NAMES_OF_FIGURES = re.compile(r"<(Figure size|Axes|AxesSubplot|matplotlib\.|Text\()|^(\[<matplotlib|Text\()")
_LONGEST_ALT = 300


def clean_notebook(notebook: Any) -> Any:
    """Return an executed notebook ready for a page: no widget, no bar, no clock, figures with their words.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; not changed.

    Returns
    -------
    NotebookNode
        Cleaning it again changes nothing.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook, new_output
    >>> bar = new_output("stream", name="stderr", text="  50%|#####     | 1/2 [00:01<00:01]")
    >>> clean_notebook(new_notebook(cells=[new_code_cell("run()", outputs=[bar])])).cells[0].outputs
    []
    """
    from copy import deepcopy

    cleaned = deepcopy(notebook)
    kept = {k: v for k, v in cleaned.metadata.items() if k in ("kernelspec", "volkit")}
    cleaned.metadata = type(cleaned.metadata)(kept | {"language_info": {"name": "python"}})
    for i, cell in enumerate(cleaned.cells):
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(_clean_output, cell.outputs) if o is not None]
            _drop_names_beside_figures(cell)
            _name_figures(cell, _following_words(cleaned.cells[i + 1 :]))
    return cleaned


def _clean_output(output: Any) -> Any:
    if output.output_type == "stream":
        text = _clean_stream(output.text)
        if not text.strip():
            return None
        output.text = text
        return output
    data = output.get("data")
    if data is None:
        return output
    had_widget = any(data.pop(kind, None) is not None for kind in _WIDGETS)
    if had_widget and _BAR.search(data.get("text/plain", "")):
        return None
    if "text/plain" in data:
        data["text/plain"] = _ADDRESS.sub("", data["text/plain"])
    return output if data else None


def _clean_stream(text: str) -> str:
    # A bar draws over its own line: what stands after the last return is what one sees.
    lines = [line.rstrip("\n").rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]
    kept = "\n".join(line for line in lines if not _BAR.search(line))
    return _ADDRESS.sub("", _WARNING.sub(r"\1\n", kept))


def _drop_names_beside_figures(cell: Any) -> None:
    """Drop ``<Axes: ...>`` and the like in a cell that shows the figure itself."""
    for output in cell.outputs:
        if _is_figure(output):
            output.data.pop("text/plain", None)
    if any(_is_figure(o) for o in cell.outputs):
        cell.outputs = [o for o in cell.outputs if _is_figure(o) or not _only_names_a_figure(o)]


def _is_figure(output: Any) -> bool:
    return "image/png" in output.get("data", {})


def _only_names_a_figure(output: Any) -> bool:
    data = output.get("data", {})
    return set(data) == {"text/plain"} and bool(_NAMES_OF_FIGURES.match(data["text/plain"]))


def figure_words(output: Any) -> str:
    """Return the alternative text that a figure's output carries, or nothing."""
    metadata = output.get("metadata", {}).get("image/png", {})
    words = metadata.get("alt", "") if isinstance(metadata, dict) else ""
    return str(words)


def _name_figures(cell: Any, words: str) -> None:
    figures = [o for o in cell.outputs if _is_figure(o)]
    for i, output in enumerate(figures, start=1):
        if figure_words(output):
            continue
        metadata = dict(output.metadata.get("image/png", {}))
        which = f" {i} of {len(figures)}" if len(figures) > 1 else ""
        metadata["alt"] = f"Figure{which}: {words}" if words else f"Figure{which}."
        output.metadata["image/png"] = metadata


def _following_words(cells: Any) -> str:
    """Return the first sentence after a figure, which says what to see."""
    text = next((cell.source for cell in cells if cell.cell_type == "markdown"), "")
    paragraph = next((p for p in text.split("\n\n") if p.strip() and not p.startswith(("#", "|", "-", "$$"))), "")
    words = first_words(plain_words(paragraph), enough=40)
    return words if len(words) <= _LONGEST_ALT else f"{words[: _LONGEST_ALT - 1].rpartition(' ')[0]}…"
