"""A run's tables and report in the formats of other programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from volkit.checks import check_choice
from volkit.errors import StudyError
from volkit.report.export import ExportFormat, export_tables, format_of_path
from volkit.report.export_page import print_page
from volkit.study.schemas import load_tables, read_package

__all__ = ["RunFormat", "export_run"]

RunFormat = ExportFormat | Literal["pdf"]
_CHOICES = (*get_args(ExportFormat), "pdf")


def export_run(
    run: Path | str,
    output: Path | str | None = None,
    *,
    format: RunFormat | None = None,  # noqa: A002 -- as in export_tables
    tables: Sequence[str] = (),
) -> Path:
    """Write all tables of a run folder, or its report as PDF, and return the path of the file or folder.

    Parameters
    ----------
    run : Path or str
        A folder that `write_run` or ``volkit stress`` wrote; it stays as it is.
    output : Path or str, optional
        File (``.xlsx``, ``.tex``, ``.pdf``) or folder (of ``.csv``, ``.parquet`` or ``.tex``), outside the run folder.
        By default beside it: ``RUN.xlsx``, ``RUN.tex``, ``RUN.pdf``, ``RUN-csv``, ``RUN-parquet``.
    format : {"xlsx", "csv", "parquet", "latex", "pdf"}, optional
        By default what the ending of `output` says, else ``xlsx``.
    tables : sequence of str
        Which ones, by name; all by default.

    Returns
    -------
    Path
        Tables as `volkit.report.export_tables` writes them, with captions, units and kinds of ``datapackage.json``.

    Raises
    ------
    StudyError
        When the folder has no tables or report of a run, or not the named ones, or the output would lie inside it.
    ArgumentError
        For an unknown format, a missing xlsxwriter or browser, or a table that a sheet cannot hold.
    """
    folder = Path(run)
    target, chosen = _target(folder, Path(output) if output is not None else None, format)
    if target.resolve().is_relative_to(folder.resolve()):
        raise StudyError(
            f"{target} lies inside the run folder, whose files are listed and verified; name another place."
        )
    if chosen == "pdf":
        page = folder / "report.html"
        if not page.is_file():
            raise StudyError(f"{folder} has no report.html; run the study again.")
        return print_page(page, target)
    package = read_package(folder)
    name = folder.resolve().name
    found = load_tables(folder)
    unknown = [one for one in tables if one not in found]
    if unknown:
        raise StudyError(f"{folder} has no table {', '.join(unknown)}; it has {', '.join(found)}.")
    return export_tables(
        {one: found[one] for one in tables or found},
        target,
        format=chosen,
        title=f"Tables of the run {name}",
        source=str(package["source"]),
        simulated=bool(package["simulated"]),
    )


def _target(folder: Path, output: Path | None, form: RunFormat | None) -> tuple[Path, RunFormat]:
    if form is not None:
        check_choice(form, argument="format", choices=_CHOICES)
    is_pdf = form == "pdf" or (form is None and output is not None and output.suffix.lower() == ".pdf")
    if output is None:
        chosen: RunFormat = form or "xlsx"
        place = folder.resolve()
        tail = {"xlsx": ".xlsx", "latex": ".tex", "pdf": ".pdf"}.get(chosen, f"-{chosen}")
        return place.with_name(place.name + tail), chosen
    if is_pdf:
        return output, "pdf"
    return output, format_of_path(output, form or (None if output.suffix else "xlsx"))
