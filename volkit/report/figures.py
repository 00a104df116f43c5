"""Figures as files: the same drawing once for a page and once for a phone, the same bytes on every run.

Each file says in words what it shows, for those who cannot see it, and where its data come from; none says when
it was made.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL.PngImagePlugin import PngInfo

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.report.style import figure_style, mark_simulated

__all__ = ["FigureFiles", "FigureFormat", "FigureSpec", "save_figure"]

FigureFormat = Literal["png", "svg", "pdf"]

# 8.6 in x 175 dots = 1505 pixels; 3.6 in x 200 dots = 720 pixels, twice the width that a phone shows.
_WIDE_INCHES, _WIDE_DPI = 8.6, 175
_NARROW_INCHES, _NARROW_DPI = 3.6, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSpec:
    """What a figure is, before it is drawn.

    Attributes
    ----------
    name : str
        Stem of its files: letters, digits, hyphens and underscores.
    draw : callable
        Draws on the axes it is given; called once for each width.
    alt : str
        What the figure shows, for those who cannot see it.
    caption : str
        What to see in it, with a number.
    height_ratio : float
        Height over width of the wide figure.
    narrow_height_ratio : float, optional
        Of the narrow one; 1.5 times `height_ratio` by default.

    Raises
    ------
    ArgumentError
        For a name that would not be a plain file name, or an empty alternative text.

    Examples
    --------
    >>> spec = FigureSpec(name="line", draw=lambda ax: ax.plot([1, 2]), alt="A rising line", caption="It rises by 1.")
    >>> spec.ratio_of(narrow=True)
    0.75
    """

    name: str
    draw: Callable[[Axes], object]
    alt: str
    caption: str
    height_ratio: float = 0.5
    narrow_height_ratio: float | None = None

    def __post_init__(self) -> None:
        if not self.name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in self.name):
            remedy = 'use letters, digits, "-" and "_"'
            raise ArgumentError("name", "must be a plain file stem", repr(self.name), remedy)
        if not self.alt.strip():
            raise ArgumentError(
                "alt", "must say what the figure shows", "nothing", f"describe {self.name} in a sentence"
            )

    def ratio_of(self, *, narrow: bool) -> float:
        """Return height over width of one of the two variants."""
        if not narrow:
            return self.height_ratio
        return 1.5 * self.height_ratio if self.narrow_height_ratio is None else self.narrow_height_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFiles:
    """A figure as drawn.

    Attributes
    ----------
    name, alt, caption : str
        As in its `FigureSpec`.
    png_path, svg_path, pdf_path : Path
        The wide figure's files; a format that was left out has none there.
    png, narrow_png : bytes
        Both variants, for a page.
    size, narrow_size : tuple of int
        Width and height of each in pixels.
    """

    name: str
    alt: str
    caption: str
    png_path: Path
    svg_path: Path
    pdf_path: Path
    png: bytes
    narrow_png: bytes
    size: tuple[int, int]
    narrow_size: tuple[int, int]


def save_figure(
    spec: FigureSpec,
    folder: Path,
    *,
    simulated: bool,
    source: str = "",
    formats: Sequence[FigureFormat] = get_args(FigureFormat),
) -> FigureFiles:
    """Draw a figure, write ``NAME.png``, ``.svg`` and ``.pdf``, and return them with a narrow variant.

    Parameters
    ----------
    spec : FigureSpec
        What to draw.
    folder : Path
        Made when it is not there; files of the same name are replaced.
    simulated : bool
        Whether SIMULATED stands in the corner, whatever the drawing says.
    source : str
        Where the data come from; kept inside the files beside name and alternative text.
    formats : sequence of {"png", "svg", "pdf"}
        Files to write; the bytes of both PNGs come back in any case.

    Returns
    -------
    FigureFiles
        Paths, bytes and sizes (pixels). The same drawing gives the same bytes, whenever it is made: no file holds a
        date. Text stays text in the PDF and becomes outlines in the SVG, which so needs no font of the reader's.

    Raises
    ------
    ArgumentError
        For an unknown format.
    """
    for one in formats:
        check_choice(one, argument="formats", choices=get_args(FigureFormat))
    folder.mkdir(parents=True, exist_ok=True)
    words = _words_inside(spec, source)
    with figure_style():
        wide = _draw(spec, simulated=simulated, narrow=False)
        content = {"png": _png(wide, words)}
        if "svg" in formats:
            content["svg"] = _svg(wide, words, spec.name)
        if "pdf" in formats:
            content["pdf"] = _pdf(wide, words)
    with figure_style(narrow=True):
        narrow = _draw(spec, simulated=simulated, narrow=True)
        narrow_png = _png(narrow, words)
    paths = {ending: folder / f"{spec.name}.{ending}" for ending in get_args(FigureFormat)}
    for ending in formats:
        paths[ending].write_bytes(content[ending])
    return FigureFiles(
        name=spec.name,
        alt=spec.alt,
        caption=spec.caption,
        png_path=paths["png"],
        svg_path=paths["svg"],
        pdf_path=paths["pdf"],
        png=content["png"],
        narrow_png=narrow_png,
        size=_pixels(wide),
        narrow_size=_pixels(narrow),
    )


def _draw(spec: FigureSpec, *, simulated: bool, narrow: bool) -> Figure:
    width, dpi = (_NARROW_INCHES, _NARROW_DPI) if narrow else (_WIDE_INCHES, _WIDE_DPI)
    figure = Figure(figsize=(width, width * spec.ratio_of(narrow=narrow)), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    spec.draw(axes)
    if simulated:
        mark_simulated(axes)
    # Laid out once: with an engine, each file would measure and place everything twice before it is written.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def _words_inside(spec: FigureSpec, source: str) -> dict[str, str]:
    """Name, description and source as lines without signs that XML forbids; what is empty is left out."""
    words = {"Title": spec.name.replace("_", " "), "Description": spec.alt, "Source": source}
    clean = {key: " ".join("".join(c if c.isprintable() else " " for c in text).split()) for key, text in words.items()}
    return {key: text for key, text in clean.items() if text}


def _png(figure: Figure, words: Mapping[str, str]) -> bytes:
    # Given whole, or matplotlib adds its own version. Level 6: level 9 takes four times as long for 4 % less.
    info = PngInfo()
    for key, text in words.items():
        info.add_itxt(key, text)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", pil_kwargs={"pnginfo": info, "compress_level": 6})
    return buffer.getvalue()


def _svg(figure: Figure, words: Mapping[str, str], name: str) -> bytes:
    buffer = io.BytesIO()
    # Without these entries matplotlib writes the moment of drawing and its own version into the file.
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, **words})
    title, description = f"{name}-title", f"{name}-description"
    text = buffer.getvalue().decode("utf-8")
    text = text.replace("<svg ", f'<svg role="img" aria-labelledby="{title} {description}" ', 1)
    text = text.replace("<title>", f'<title id="{title}">', 1)
    added = f'</title>\n <desc id="{description}">{escape(words["Description"])}</desc>'
    return text.replace("</title>", added, 1).encode("utf-8")


def _pdf(figure: Figure, words: Mapping[str, str]) -> bytes:
    named = {"Title": "Title", "Description": "Subject", "Source": "Keywords"}
    # CreationDate would follow the clock, or SOURCE_DATE_EPOCH where that is set.
    metadata = {"CreationDate": None, "Creator": None, "Producer": None}
    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42, "pdf.compression": 6}):
        figure.savefig(
            buffer, format="pdf", metadata=metadata | {pdf: words[key] for key, pdf in named.items() if key in words}
        )
    return buffer.getvalue()


def _pixels(figure: Figure) -> tuple[int, int]:
    width, height = figure.canvas.get_width_height()
    return int(width), int(height)
