"""Figures as files: the same drawing once for a page and once for a phone, the same bytes on every run."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.report.style import figure_style, mark_simulated

__all__ = ["FigureFiles", "FigureSpec", "save_figure"]

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
    png_path, svg_path : Path
        The wide figure's files.
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
    png: bytes
    narrow_png: bytes
    size: tuple[int, int]
    narrow_size: tuple[int, int]


def save_figure(spec: FigureSpec, folder: Path, *, simulated: bool) -> FigureFiles:
    """Draw a figure, write ``NAME.png`` and ``NAME.svg``, and return them with a narrow variant.

    Parameters
    ----------
    spec : FigureSpec
        What to draw.
    folder : Path
        Made when it is not there; files of the same name are replaced.
    simulated : bool
        Whether SIMULATED stands in the corner, whatever the drawing says.

    Returns
    -------
    FigureFiles
        Paths, bytes and sizes (pixels). The same drawing gives the same bytes, whenever it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    png_path, svg_path = folder / f"{spec.name}.png", folder / f"{spec.name}.svg"
    with figure_style():
        wide = _draw(spec, simulated=simulated, narrow=False)
        png = _bytes(wide, "png")
        svg = _bytes(wide, "svg")
    with figure_style(narrow=True):
        narrow = _draw(spec, simulated=simulated, narrow=True)
        narrow_png = _bytes(narrow, "png")
    png_path.write_bytes(png)
    svg_path.write_bytes(svg)
    return FigureFiles(
        name=spec.name,
        alt=spec.alt,
        caption=spec.caption,
        png_path=png_path,
        svg_path=svg_path,
        png=png,
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
    return figure


def _bytes(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    # Without these entries matplotlib writes the moment of drawing and its own version into the file.
    if kind == "png":
        figure.savefig(buffer, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True})
    else:
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _pixels(figure: Figure) -> tuple[int, int]:
    width, height = figure.canvas.get_width_height()
    return int(width), int(height)
