"""The files that the dashboard's page carries inside its links: parameters, tables, figures."""

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from volkit.desk.dashboard.choices import Choices
from volkit.desk.dashboard.words import stem
from volkit.margin import CalibratedParameters
from volkit.report import FigureFiles, write_parameters
from volkit.report.export import export_tables

__all__ = ["Download", "figure_downloads", "parameter_download", "table_download", "workbook_download"]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file that the page carries inside a link.

    Attributes
    ----------
    name : str
        Of the file.
    words : str
        Of the link.
    media_type : str
        For example ``text/csv``.
    content : bytes
        Of the file.

    Examples
    --------
    >>> Download(name="a.csv", words="Table (CSV)", media_type="text/csv", content=b"x\\n1\\n").href
    'data:text/csv;base64,eAoxCg=='
    """

    name: str
    words: str
    media_type: str
    content: bytes

    @property
    def href(self) -> str:
        """The content as a ``data:`` address."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode('ascii')}"

    @property
    def size(self) -> str:
        """Size of the file in words."""
        return f"{max(1, round(len(self.content) / 1000)):,} kB"


def figure_downloads(figure: FigureFiles, svg: bytes, words: str) -> tuple[Download, Download]:
    """Return a figure's PNG and SVG files."""
    return (
        Download(name=f"{figure.name}.png", words=f"{words} (PNG)", media_type="image/png", content=figure.png),
        Download(name=f"{figure.name}.svg", words=f"{words} (SVG)", media_type="image/svg+xml", content=svg),
    )


def parameter_download(found: CalibratedParameters, choices: Choices) -> Download:
    """Return the parameter file that `volkit.report.load_parameters` reads."""
    chosen = f"{found.policy.words}; {found.policy.model.words}; {found.policy.n_paths} paths"
    with tempfile.TemporaryDirectory() as folder:
        toml, _ = write_parameters(
            [found], Path(folder), study="dashboard", data_sha256=found.provenance.sha256,
            config_sha256=hashlib.sha256(chosen.encode()).hexdigest(),
        )  # fmt: skip
        content = toml.read_bytes()
    name = f"parameters_{stem(choices.asset)}.toml"
    return Download(name=name, words="Parameter file (TOML)", media_type="application/toml", content=content)


def table_download(frame: pd.DataFrame, name: str, words: str, *, simulated: bool) -> Download:
    """Return a table as CSV (UTC, fractions), with texts that a spreadsheet would take for formulas made harmless."""
    name = stem(name)
    content = _exported(frame, f"{name}.csv", simulated=simulated)
    return Download(name=f"{name}.csv", words=f"{words} (CSV)", media_type="text/csv", content=content)


def workbook_download(frames: Mapping[str, pd.DataFrame], name: str, words: str, *, simulated: bool) -> Download:
    """Return tables as one XLSX workbook, a sheet each."""
    name = stem(name)
    content = _exported(frames, f"{name}.xlsx", simulated=simulated)
    return Download(name=f"{name}.xlsx", words=f"{words} (XLSX)", media_type=_XLSX, content=content)


def _exported(tables: pd.DataFrame | Mapping[str, pd.DataFrame], name: str, *, simulated: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export_tables(tables, Path(folder) / name, simulated=simulated).read_bytes()
