"""The files of a run folder: figures and tables, written as they are made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from volkit.report import ColumnKind, FigureBlock, FigureSpec, TableBlock, save_figure

__all__ = ["Artefacts"]


class Artefacts:
    """Writes figures and tables below one folder and hands back what the page shows.

    Parameters
    ----------
    folder : Path
        The run folder; ``figures`` and ``tables`` are made in it.
    simulated : bool
        Whether figures are marked so.
    """

    def __init__(self, folder: Path, *, simulated: bool) -> None:
        self._folder = folder
        self.simulated = simulated
        (folder / "tables").mkdir(parents=True, exist_ok=True)

    def figure(self, spec: FigureSpec) -> FigureBlock:
        """Write a figure as PNG and SVG and return its block."""
        return FigureBlock(save_figure(spec, self._folder / "figures", simulated=self.simulated))

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
    ) -> TableBlock:
        """Write a table as CSV and Parquet and return its block."""
        stem = self._folder / "tables" / name
        flat = frame.reset_index() if index else frame
        flat = flat.set_axis([str(c) for c in flat.columns], axis=1)
        flat.to_csv(stem.with_suffix(".csv"), index=False, lineterminator="\n")
        flat.to_parquet(stem.with_suffix(".parquet"), index=False)
        mark = "Simulated prices. " if self.simulated else ""
        page: dict[str, Any] = {"kinds": kinds or {}, "units": units or {}, "index": index, "is_folded": is_folded}
        return TableBlock(frame=frame, caption=mark + caption, **page)
