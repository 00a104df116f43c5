"""The command on venues: ``stress``."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

import volkit
from volkit.cli.common import Json, app, errors_in_one_line

__all__ = ["stress"]


@app.command()
def stress(
    venue: Annotated[
        str, typer.Argument(metavar="VENUE", help="Folder of a venue's tables; demo is the simulated venue.")
    ] = "demo",
    source: Annotated[
        str, typer.Option("--source", help="Prices of the venue's asset: simulated, files:FOLDER, live, or none.")
    ] = "simulated",
    shock: Annotated[
        float, typer.Option("--shock", help="Move that is shown round by round, decimal, without a sign.")
    ] = 0.08,
    direction: Annotated[
        Literal["down", "up"] | None,
        typer.Option("--direction", help="Direction of the move; by default down, or up where nobody is long."),
    ] = None,
    interval: Annotated[Literal["1d", "1h"], typer.Option("--interval", help="Step of the price paths.")] = "1h",
    horizon: Annotated[int, typer.Option("--horizon", help="Steps of a path.", min=1)] = 24,
    paths: Annotated[int, typer.Option("--paths", help="Simulated price paths.", min=1000)] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the price paths.", min=0)] = 20251010,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the report.")] = Path("runs/stress"),
    as_json: Json = False,
) -> None:
    """Stress a venue: cascades, what breaks it, its fund, solvency and debts; writes a report.

    \b
    A venue is a folder of CSV or Parquet tables (columns: data/demo/stress/README.md):
      accounts, order_books and fund.toml      needed
      balance_sheet                            for solvency
      lending_positions with lending_terms     for health factors
      exposures with external                  for the network of debts
    """
    with errors_in_one_line():
        # Here and not above: these load pandas and drawing libraries, and `volkit --help` does without.
        from pydantic import ValidationError

        from volkit.study.sections import StressSection
        from volkit.study.stress.answers import stress_answers
        from volkit.study.stress.report import run_venue_stress, stress_record, write_venue_stress

        try:
            section = StressSection(
                venue=venue, direction=direction, shock=shock, interval=interval, horizon=horizon, n_paths=paths
            )
        except ValidationError as error:
            fault = error.errors()[0]
            raise volkit.errors.StudyError(f"--{fault['loc'][0]}: {fault['msg']} (got {fault['input']!r}).") from error
        opened = None if source == "none" else volkit.open_source(source)
        found = run_venue_stress(section, source=opened, seed=seed)
        report = write_venue_stress(found, output)
    if as_json:
        typer.echo(json.dumps(stress_record(found) | {"report": str(report)}, indent=2))
        return
    parts = found.parts
    if parts.provenance.simulated:
        typer.echo("SIMULATED venue or prices")
    typer.echo(f"venue: {parts.tables.headline}")
    for line in stress_answers(parts)[:3]:
        typer.echo(line)
    if parts.cascade.phase is not None:
        typer.echo(f"leverage and depth: {parts.cascade.phase.headline}")
    if parts.fund is not None:
        typer.echo(f"fund: {parts.fund.adequacy.headline}")
        typer.echo(f"waterfall: {parts.fund.waterfall.headline}")
    if parts.balance.ratios is not None:
        typer.echo(f"solvency: {parts.balance.ratios.headline}")
    if parts.balance.health is not None:
        typer.echo(f"lending: {parts.balance.health.headline}")
    if parts.network is not None:
        typer.echo(f"debts: {parts.network.clearing.headline}")
    for stage, text in found.notes:
        typer.echo(f"{stage}: {text}", err=True)
    typer.echo(f"report: {report}")
