"""The files of a run folder: figures and tables, written as they are made."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from volkit.report import ColumnKind, FigureBlock, FigureSpec, TableBlock, save_figure
from volkit.report.export_content import shield_cells
from volkit.study.schemas import PACKAGE, table_package, table_schema

__all__ = ["Artefacts"]


class Artefacts:
    """Writes figures and tables below one folder and hands back what the page shows.

    Parameters
    ----------
    folder : Path
        The run folder; ``figures`` and ``tables`` are made in it.
    simulated : bool
        Whether figures are marked so.
    source : str
        Where the data come from; kept inside the figures' files.
    """

    def __init__(self, folder: Path, *, simulated: bool, source: str = "") -> None:
        self._folder = folder
        self._source = source
        self.simulated = simulated
        self._schemas: list[dict[str, object]] = []
        (folder / "tables").mkdir(parents=True, exist_ok=True)

    def figure(self, spec: FigureSpec) -> FigureBlock:
        """Write a figure as PNG, SVG and PDF and return its block."""
        folder = self._folder / "figures"
        return FigureBlock(save_figure(spec, folder, simulated=self.simulated, source=self._source))

    def document(self, name: str, content: object) -> None:
        """Write plain values as JSON beside the tables."""
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        (self._folder / "tables" / name).with_suffix(".json").write_text(text + "\n", encoding="utf-8")

    def table(
        self,
        name: str,
        frame: pd.DataFrame,
        caption: str,
        *,
        kinds: Mapping[str, ColumnKind] | None = None,
        units: Mapping[str, str] | None = None,
        index: bool = False,
        is_folded: bool = False,
        shown: Sequence[str] | None = None,
    ) -> TableBlock:
        """Write a whole table as CSV and Parquet and return its block, of the columns shown where these are named."""
        stem = self._folder / "tables" / name
        flat = frame.reset_index() if index else frame
        flat = flat.set_axis([str(c) for c in flat.columns], axis=1)
        flat = _with_one_blank(flat)
        shield_cells(flat).to_csv(stem.with_suffix(".csv"), index=False, lineterminator="\n")
        flat.to_parquet(stem.with_suffix(".parquet"), index=False)
        self._schemas.append(table_schema(name, flat, caption, kinds or {}, units or {}))
        mark = "Simulated prices. " if self.simulated else ""
        part = frame if shown is None else frame[list(shown)]
        named: dict[str, Mapping[str, str]] = {"kinds": kinds or {}, "units": units or {}}
        of_page = {key: {n: v for n, v in given.items() if shown is None or n in shown} for key, given in named.items()}
        page: dict[str, Any] = {**of_page, "index": index, "is_folded": is_folded}
        return TableBlock(frame=part, caption=mark + caption, **page)

    def schemas(self) -> None:
        """Write what the columns of every table are, as a tabular data package: ``tables/datapackage.json``."""
        self.document(Path(PACKAGE).stem, table_package(self._schemas, source=self._source, simulated=self.simulated))


def _with_one_blank(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn empty texts into missing ones in columns that have both, which are one and the same in CSV."""
    mixed = [c for c in frame.columns if frame[c].isna().any() and (frame[c].astype("object") == "").any()]
    return frame.assign(**{c: frame[c].mask(frame[c].astype("object") == "") for c in mixed})
