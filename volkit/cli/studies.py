"""Commands on studies: ``demo``, ``run``, ``verify``, ``universe``, ``schema``, ``studies``."""

import json
import math
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

import volkit
from volkit.cli.common import Jobs, Json, Output, StoreFolder, app, errors_in_one_line, warnings_in_one_line

BackendName = Annotated[
    str | None,
    typer.Option(
        "--backend", help="serial, threads, processes or dask; by default --jobs decides. The numbers stay the same."
    ),
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="With --backend dask: address of a scheduler, tcp://HOST:PORT.")
]


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run folders.")] = Path("runs"),
    jobs: Jobs = 1,
) -> None:
    """Run the studies 'demo' (real bundled series) and 'simulated' (known truth), offline."""
    with errors_in_one_line():
        reports = [_run(name, source=None, output=output / name, jobs=jobs)["report"] for name in ("simulated", "demo")]
    typer.echo(f"simulated market: {reports[0]}")
    typer.echo(f"report: {reports[1]}")


@app.command()
def run(
    context: typer.Context,
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or the name of a packaged study.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="files:FOLDER, simulated, bundled, live, or an installed source; by default what the study names.",
        ),
    ] = None,
    output: Output = None,
    offline: Annotated[bool, typer.Option("--offline", help="With --source live: the store only, no network.")] = False,
    store: StoreFolder = None,
    jobs: Jobs = 1,
    backend: BackendName = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Run a study and write its run folder: parameters, tables, figures, manifest, report."""
    with errors_in_one_line():
        chosen = _live_source(source, offline=offline, store=store, feeds=context.obj)
        with _backend(backend, scheduler, jobs):
            result = _run(study, source=chosen, output=output, jobs=jobs, quiet=as_json)
    typer.echo(json.dumps(result, indent=2) if as_json else f"report: {result['report']}")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    source: Annotated[
        str | None, typer.Option("--source", help="Where the data are now; by default where the run found them.")
    ] = None,
    jobs: Jobs = 1,
    backend: BackendName = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Run a study again and compare bit for bit; exit status 1 when anything differs."""
    with errors_in_one_line(), _backend(backend, scheduler, jobs):
        report = volkit.verify_run(folder, source=source, n_jobs=jobs)
    if as_json:
        typer.echo(
            json.dumps(
                {"identical": report.identical, "differences": report.differences, "remarks": report.remarks}, indent=2
            )
        )
    else:
        for line in (*report.differences, *report.remarks):
            typer.echo(f"  {line}")
        typer.echo(f"{folder}: {'identical' if report.identical else 'different'} ({report.n_files} files compared)")
    raise typer.Exit(0 if report.identical else 1)


@app.command()
def universe(
    source: Annotated[
        str, typer.Option("--source", help="Where the assets come from: simulated, or a source such as files:FOLDER.")
    ] = "simulated",
    assets: Annotated[int, typer.Option("--assets", min=1, help="How many assets are simulated.")] = 500,
    days: Annotated[int, typer.Option("--days", min=1, help="Daily returns of each simulated asset.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated assets.")] = 20240601,
    confidence: Annotated[
        float, typer.Option("--confidence", help="Share of days on which the loss stays within the margin.")
    ] = 0.99,
    chunk: Annotated[int, typer.Option("--chunk", min=1, help="Assets in memory at a time.")] = 64,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the tables.")] = Path("runs/universe"),
    jobs: Jobs = 1,
    backend: BackendName = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Walk ten policies through every asset of a universe; write each one's policy, margins and exceptions."""
    with errors_in_one_line(), warnings_in_one_line(), _backend(backend, scheduler, jobs):
        # Here and not above: it loads pandas, and `volkit --help` does without.
        from volkit.formatting import percent_to
        from volkit.study.universe import simulated_universe, source_universe, universe_study, write_universe

        settings: dict[str, object] = {"confidence": confidence}
        if source == "simulated":
            settings |= {"assets": assets, "days": days, "seed": seed}
            chosen = simulated_universe(assets, n_days=days, seed=seed)
        else:
            chosen = source_universe(source)
        found = universe_study(chosen, confidence=confidence, chunk=chunk, n_jobs=jobs)
        folder = write_universe(found, output, source=source, settings=settings)
    if as_json:
        rows = [_finite(row) for row in found.policies.reset_index().to_dict("records")]
        typer.echo(json.dumps({"headline": found.headline, "folder": str(folder), "policies": rows}, indent=2))
        return
    typer.echo(("SIMULATED prices; " if found.provenance.simulated else "") + found.headline)
    typer.echo(f"{'policy':<28}{'chosen for':>12}{'too many':>12}{'exceptions':>12}{'expected':>12}{'cost':>10}")
    for name, row in found.policies.iterrows():
        typer.echo(
            f"{name:<28}{row['n_recommended']:>12.0f}{percent_to(row['share_too_many']):>12}{row['n_exceptions']:>12,.0f}"
            f"{row['expected']:>12,.0f}{percent_to(row['cost']):>10}"
        )
    typer.echo(f"tables: {folder}")


@app.command()
def schema() -> None:
    """Print the JSON schema of a study file."""
    typer.echo(volkit.study_schema())


@app.command()
def studies() -> None:
    """List the packaged studies with source and question; `volkit run NAME` runs one."""
    for name in volkit.study_names():
        study = volkit.load_study(name)
        typer.echo(f"{name:<20}{study.data.source:<12}{study.title}")


def _backend(name: str | None, scheduler: str | None, jobs: int) -> AbstractContextManager[None]:
    """Return the context of the backend that the command line names; without one, `jobs` decides call by call."""
    if name is None and scheduler is None:
        return nullcontext()
    from volkit.parallel import parallel_backend

    return parallel_backend(name or "dask", n_jobs=jobs if jobs > 1 else None, scheduler=scheduler)


def _live_source(source: str | None, *, offline: bool, store: Path | None, feeds: Any) -> Any:
    """Return the live source with what the command line says of it; any other source stays as named."""
    if source is None or source.partition(":")[0] != "live":
        return source
    words = [source.partition(":")[2], "offline" if offline else ""]
    argument = ",".join(w for w in words if w)
    return volkit.LiveSource(
        argument or None, store=volkit.Store(store, now=(feeds or volkit.Feeds()).now), feeds=feeds
    )


def _run(study: str, *, source: Any, output: Path | None, jobs: int, quiet: bool = False) -> dict[str, Any]:
    spec = volkit.load_study(study)
    if not quiet:
        typer.echo(f"{spec.name}: {spec.title}", err=True)
    result = volkit.run_study(spec, source=source, n_jobs=jobs)
    folder = volkit.write_run(result, output or Path("runs") / spec.name)
    rows = result.summary().reset_index()
    if not quiet:
        _print_rates(result)
        _print_stress(result)
    return {
        "study": spec.name,
        "source": result.source,
        "simulated": result.provenance.simulated,
        "as_of": str(result.as_of.date()),
        "folder": str(folder),
        "report": str(folder / "report.html"),
        "parameters": [_finite(row) for row in rows.to_dict("records")],
    }


def _print_stress(result: Any) -> None:
    if result.stress is None:
        return
    # Here and not above: it loads what draws figures.
    from volkit.study.stress.answers import stress_answers

    for line in stress_answers(result.stress):
        typer.echo(f"  {line}", err=True)


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    # JSON has no NaN; a parameter that is not in force is null.
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _print_rates(result: Any) -> None:
    # Here and not above: it loads pandas, and `volkit --help` does without.
    from volkit.conventions import SIDES
    from volkit.formatting import percent_to

    mark = "SIMULATED prices; " if result.provenance.simulated else ""
    typer.echo(f"{mark}recommended rates, per cent of the notional", err=True)
    for asset, parameters in result.parameters.items():
        table = parameters.table["recommended"]
        initial, maintenance = (
            " ".join(f"{percent_to(table[f'{layer}_margin_{side}'])} {side}" for side in SIDES)
            for layer in ("initial", "maintenance")
        )
        typer.echo(
            f"  {asset:<10} initial {initial}, maintenance {maintenance}, valid to {parameters.valid_until.date()}",
            err=True,
        )
