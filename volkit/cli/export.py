"""The command ``export``: a run's tables and report for other programs."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from volkit.cli.common import Json, app, errors_in_one_line

__all__ = ["export"]


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    form: Annotated[
        Literal["xlsx", "csv", "parquet", "latex", "pdf"] | None,
        typer.Option("--format", help="Format; by default what the ending of the output says, else xlsx."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File or folder outside the run; by default beside it.")
    ] = None,
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table", help="A table by name, such as parameters; may be given several times. By default all."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a run's tables as Excel, CSV, Parquet or LaTeX, or its report as PDF."""
    with errors_in_one_line():
        # Here and not above: it loads pandas, and `volkit --help` does without.
        from volkit.study.export import export_run

        written = export_run(folder, output, format=form, tables=tables or ())
    typer.echo(
        json.dumps({"run": str(folder), "written": str(written)}, indent=2) if as_json else f"written: {written}"
    )
