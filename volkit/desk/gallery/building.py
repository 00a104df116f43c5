"""The gallery in a folder: executed notebooks, their pages, thumbnails, the index and a record of it all."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volkit.desk.gallery.cleaning import clean_notebook, figure_words
from volkit.desk.gallery.facts import NotebookFacts, first_words, read_facts
from volkit.desk.gallery.pages import Card, render_index, render_notebook
from volkit.desk.gallery.running import read_executed, run_key, run_notebook, source_hash
from volkit.desk.notebook_files import notebook_text
from volkit.errors import ArgumentError
from volkit.resources import VERSION, notebooks_folder

__all__ = ["build_gallery"]

_THUMBNAIL = (640, 320)
_TAG = "thumbnail"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    notebook: Any
    facts: NotebookFacts
    card: Card


def build_gallery(
    output: Path,
    *,
    notebooks: Path | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Run notebooks and write their pages with an index.

    Parameters
    ----------
    output : Path
        Folder that takes ``index.html``, ``gallery.json``, ``thumbs``, and of each notebook its page and its
        executed copy.
    notebooks : Path, optional
        Folder of the notebooks; the packaged ones by default.
    force : bool
        Whether those run too whose executed copy is there, of the same notebook, version and source tree.
    say : callable
        Is told each step in a line.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    ArgumentError
        When the folder has no notebooks, or the output cannot be written.
    VolkitError
        When a cell fails; what ran before is kept for the next time.
    """
    paths = sorted((notebooks or notebooks_folder()).glob("*.ipynb"))
    if not paths:
        remedy = "name the folder that holds the notebooks"
        raise ArgumentError("notebooks", "must hold notebooks", str(notebooks or notebooks_folder()), remedy)
    try:
        (output / "thumbs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError("output", "must be a folder that can be written", str(error), "name another") from error
    source = source_hash()
    entries = [
        _entry(path.stem, _executed(path, output, source, force, say, f"{i} of {len(paths)}"))
        for i, path in enumerate(paths, start=1)
    ]
    _write_pages(entries, output, source)
    return output / "index.html"


def _executed(path: Path, output: Path, source: str, force: bool, say: Callable[[str], None], place: str) -> Any:
    """Return the clean executed copy, from the folder where it may be used again, else from a run."""
    key, copy = run_key(path.read_bytes(), source), output / path.name
    notebook = None if force else read_executed(copy, key)
    if notebook is not None:
        say(f"{place}: {path.stem} has not changed")
    else:
        say(f"{place}: {path.stem} runs")
        notebook = run_notebook(path)
        notebook.metadata["volkit"] = {"run": key, "version": VERSION}
    cleaned = clean_notebook(notebook)
    copy.write_text(notebook_text(cleaned), encoding="utf-8")
    return cleaned


def _entry(stem: str, notebook: Any) -> _Entry:
    facts, best = read_facts(stem, notebook), _best_figure(notebook.cells)
    thumbnail = _thumbnail(base64.b64decode(best.data["image/png"])) if best is not None else b""
    alt = first_words(figure_words(best), enough=20) if best is not None else ""
    return _Entry(notebook=notebook, facts=facts, card=Card(facts=facts, thumbnail=thumbnail, alt=alt))


def _best_figure(cells: Sequence[Any]) -> Any:
    """Return the figure of the cell tagged ``thumbnail``, else the one with most to see, by its bytes."""
    figures = [
        (_TAG in cell.metadata.get("tags", []), len(output.data["image/png"]), output)
        for cell in cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    return max(figures, key=lambda figure: figure[:2])[2] if figures else None


def _thumbnail(png: bytes) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(png)) as opened:
        picture = Image.new("RGB", opened.size, "white")
        picture.paste(opened, mask=opened.getchannel("A") if "A" in opened.getbands() else None)
    fitted = ImageOps.pad(picture, _THUMBNAIL, method=Image.Resampling.LANCZOS, color="white")
    held = io.BytesIO()
    fitted.quantize(64, method=Image.Quantize.MEDIANCUT).save(held, "PNG", optimize=True)
    return held.getvalue()


def _write_pages(entries: Sequence[_Entry], output: Path, source: str) -> None:
    footer = {"volkit": VERSION, "source tree": source[:16]}
    around = [None, *(entry.facts for entry in entries), None]
    for i, entry in enumerate(entries):
        stem = entry.facts.stem
        foot = footer | {"run": str(entry.notebook.metadata["volkit"]["run"])[:16]}
        page = render_notebook(entry.notebook, entry.facts, previous=around[i], following=around[i + 2], footer=foot)
        (output / f"{stem}.html").write_text(page, encoding="utf-8")
        if entry.card.thumbnail:
            (output / "thumbs" / f"{stem}.png").write_bytes(entry.card.thumbnail)
    cards = [entry.card for entry in entries]
    (output / "index.html").write_text(render_index(cards, footer=footer), encoding="utf-8")
    record = {"volkit": VERSION, "source_sha256": source, "notebooks": [_record(entry.card) for entry in entries]}
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (output / "gallery.json").write_text(f"{text}\n", encoding="utf-8")


def _record(card: Card) -> dict[str, Any]:
    stem = card.facts.stem
    files = {"page": f"{stem}.html", "notebook": f"{stem}.ipynb"}
    return card.facts.record() | files | {"thumb": f"thumbs/{stem}.png" if card.thumbnail else "", "alt": card.alt}
