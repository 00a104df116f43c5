"""The command line: ``demo``, ``run``, ``verify``, ``margin``, ``replay``, ``pull``, ``status``, ``sources``, ``lab``.

Everything is asked of the package itself, whose names load when first used: ``volkit --help`` answers
without pandas.
"""

import json
import math
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import volkit
from volkit import portfolio, realtime
from volkit.errors import SourceError, VolkitError, VolkitWarning

__all__ = ["app"]

app = typer.Typer(
    help="From prices to validated margin parameters, offline or on your own data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StoreFolder = Annotated[Path | None, typer.Option("--store", help="Folder of the store; else VOLKIT_STORE.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Run folder; by default runs/STUDY.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes for the fits; the numbers do not depend on it.")]
# A futures market is closed on some thirty holidays in three years: a list of them hides the hole that matters.
_HOLES_SHOWN = 3
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        # Shown, whatever the caller's own filter makes of them.
        warnings.simplefilter("default", VolkitWarning)
        yield
    for one in caught:
        typer.echo(f"volkit: {one.message}", err=True)


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except VolkitError as error:
        typer.echo(f"volkit: {error}", err=True)
        raise typer.Exit(2) from error


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"volkit {volkit.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Set nothing; holds the options that come before a command."""


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run folders.")] = Path("runs"),
    jobs: Jobs = 1,
) -> None:
    """Run the studies 'demo' (real bundled series) and 'simulated' (known truth), offline."""
    with _errors_in_one_line():
        reports = [_run(name, source=None, output=output / name, jobs=jobs)["report"] for name in ("simulated", "demo")]
    typer.echo(f"simulated market: {reports[0]}")
    typer.echo(f"report: {reports[1]}")


@app.command()
def run(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help="A study file, or the name of a packaged study.")],
    source: Annotated[
        str | None, typer.Option("--source", help="files:FOLDER, simulated, bundled, live, or an installed source.")
    ] = None,
    output: Output = None,
    offline: Annotated[bool, typer.Option("--offline", help="With --source live: the store only, no network.")] = False,
    store: StoreFolder = None,
    jobs: Jobs = 1,
    as_json: Json = False,
) -> None:
    """Run a study and write its run folder: parameters, tables, figures, manifest, report."""
    with _errors_in_one_line():
        chosen = _live_source(source, offline=offline, store=store, feeds=context.obj)
        result = _run(study, source=chosen, output=output, jobs=jobs, quiet=as_json)
    typer.echo(json.dumps(result, indent=2) if as_json else f"report: {result['report']}")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    source: Annotated[
        str | None, typer.Option("--source", help="Where the data are now, when they have moved.")
    ] = None,
    jobs: Jobs = 1,
    as_json: Json = False,
) -> None:
    """Run a study again and compare bit for bit; exit status 1 when anything differs."""
    with _errors_in_one_line():
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
def margin(
    context: typer.Context,
    positions: Annotated[Path, typer.Argument(metavar="POSITIONS", help="CSV or Parquet file; its columns are below.")],
    chain: Annotated[
        list[Path] | None,
        typer.Option("--chain", help="Option quotes with forwards and volatilities; may be given several times."),
    ] = None,
    spot: Annotated[
        list[str] | None, typer.Option("--spot", metavar="COIN=PRICE", help="USD, e.g. BTC=60000; several times.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Instant of the prices, UTC; the last quote of the chain, or now.")
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", help="all, or names with commas; a file of your own by its path.")
    ] = "all",
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="OUT", help="Write the table to this file.")] = None,
) -> None:
    """Print the margin of one position file under every venue rule set, offline.

    \b
    Columns of POSITIONS (only instrument and quantity are needed):
      instrument   BTC_USDC-PERPETUAL, BTC-26MAR27, BTC-26MAR27-90000-C, BTC/USDT:USDT
      quantity     units of the underlying, negative when sold
      account      who holds it; one account by default
      entry_price  USD (coins for coin-settled options)
      kind         position (default), cash (instrument USD), collateral (instrument BTC)
      spot         USD, index price of the underlying
      forward      USD at the contract's expiry; mark of a perpetual
      volatility   decimal per year, of an option
      mark         USD per unit, price of an option that has no volatility
    """
    with _errors_in_one_line():
        instant = portfolio.parse_instant(as_of) if as_of else None
        if instant is None and not chain:
            instant = (context.obj or volkit.Feeds()).now()
        prices = portfolio.parse_prices(spot or ())
        held = portfolio.read_valued_book(positions, as_of=instant, spot=prices, chains=chain or ())
        chosen = rules if rules == "all" else [name.strip() for name in rules.split(",")]
        result = portfolio.margin_under_rules(held.book, held.market, rules=chosen)
    if csv is not None:
        result.to_frame().to_csv(csv, index=False)
    typer.echo(
        json.dumps(portfolio.margin_record(result), indent=2) if as_json else "\n".join(portfolio.margin_lines(result))
    )


@app.command()
def replay(
    source: Annotated[
        str, typer.Argument(metavar="FILE_OR_SOURCE", help="A file of bars (time, close), a folder, or a source.")
    ] = "simulated",
    asset: Annotated[str | None, typer.Option("--asset", help="Series; BTC, or a file's own name.")] = None,
    interval: Annotated[
        Literal["1d", "1h", "1m"] | None, typer.Option("--interval", help="Step of the bars; the finest there is.")
    ] = None,
    target: Annotated[float, typer.Option("--target", help="Chance that a loss exceeds the margin.")] = 0.005,
    horizon: Annotated[str, typer.Option("--horizon", help="Length of a block from 00:00 UTC.")] = "8h",
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of tables and figures.")] = Path("runs/replay"),
    as_json: Json = False,
) -> None:
    """Replay bars through a live margin, beside a static one: margin, equity, calls, exceedances."""
    with _errors_in_one_line(), _warnings_in_one_line():
        bars, provenance, name = _bars_to_replay(source, asset=asset, interval=interval)
        start = realtime.start_live(
            bars, n_train=realtime.training_bars(bars), target=target, horizon=horizon, asset=name
        )
        origin = provenance or start.provenance
        found = realtime.compare_static_dynamic(
            start.later, start.state, start.policy, static_long=start.static_long, static_short=start.static_short,
            static_words="from the training window", provenance=origin,
        )  # fmt: skip
        written = [str(path) for path in realtime.write_replay(start, found, output)]
        # Not above: drawing libraries are slow to load, and `volkit --help` does without.
        from volkit.report import replay_figures, save_figure

        for spec in replay_figures(found):
            files = save_figure(spec, output, simulated=origin.simulated)
            written += [str(files.png_path), str(files.svg_path)]
    if as_json:
        typer.echo(json.dumps(realtime.replay_record(start, found) | {"files": written}, indent=2))
        return
    if origin.simulated:
        typer.echo("SIMULATED prices")
    typer.echo(f"trained: {start.headline}")
    typer.echo(f"replay: {found.replay.headline}")
    for reason, count in found.replay.skipped["reason"].value_counts().items():
        typer.echo(f"skipped: {count} {reason}")
    typer.echo(found.sentence.replace(". ", ".\n"))
    typer.echo(f"written: {output} ({len(written)} files)")


@app.command()
def pull(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Catalogue names; by default those of btc-margin.")] = None,
    since: Annotated[str, typer.Option("--since", help="First UTC day of a first pull.")] = "2015-01-01",
    venue: Annotated[str, typer.Option("--venue", help="Exchange of crypto series, by ccxt's name.")] = "binance",
    interval: Annotated[Literal["1d", "1h", "1m"], typer.Option("--interval", help="Step of the bars.")] = "1d",
    store: StoreFolder = None,
) -> None:
    """Bring series into the store: what is new, and the last ten bars again."""
    failed = 0
    with _errors_in_one_line():
        feeds, first = context.obj or volkit.Feeds(), volkit.utc_day(since)
        held = volkit.Store(store, now=feeds.now)
        catalogue = volkit.load_catalogue()
        chosen = [catalogue[name] for name in names or _default_names()]
    for spec in chosen:
        try:
            found = volkit.pull_series(spec, store=held, feeds=feeds, since=first, interval=interval, venue=venue)
        except VolkitError as error:
            # One series that fails must not cost the others.
            failed += 1
            typer.echo(f"{spec.name:<12}failed: {error}", err=True)
            continue
        _print_pull(found)
    raise typer.Exit(1 if failed else 0)


@app.command()
def status(context: typer.Context, store: StoreFolder = None, as_json: Json = False) -> None:
    """Show what the store holds, how fresh it is, and its gaps."""
    with _errors_in_one_line():
        found = volkit.Store(store, now=(context.obj or volkit.Feeds()).now).status()
    if as_json:
        typer.echo(found.to_frame().to_json(orient="records", date_format="iso", indent=2))
        return
    typer.echo(f"{found.headline}")
    for row in found.summary().to_dict("records"):
        name = " ".join(str(row[k]) for k in ("source", "venue", "symbol", "interval") if row[k])
        if row["state"] != "ok":
            typer.echo(f"{name:<32}{row['state']}")
            continue
        typer.echo(
            f"{name:<32}{row['bars']:>8} bars {row['held_from'].date()}..{row['held_to'].date()}  "
            f"{row['missing_bars']} missing  {row['revisions']} revised  pulled {row['age (days)']:.1f} days ago"
        )


@app.command()
def sources(
    source: Annotated[str | None, typer.Argument(help="Show what one source holds, e.g. files:FOLDER.")] = None,
    as_json: Json = False,
) -> None:
    """List the sources, or the series that one of them holds."""
    with _errors_in_one_line():
        if source is None:
            names = list(volkit.source_names())
            typer.echo(json.dumps(names) if as_json else "\n".join(names))
            return
        holdings = volkit.open_source(source).holdings()
    rows = [{"name": h.name, "interval": h.interval, "title": h.title, "note": h.note} for h in holdings]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['name']:<14}{row['interval']:<4}{row['title']:<46}{row['note']}")


@app.command()
def schema() -> None:
    """Print the JSON schema of a study file."""
    typer.echo(volkit.study_schema())


@app.command()
def studies() -> None:
    """List the packaged studies with their questions."""
    for name in volkit.study_names():
        typer.echo(f"{name:<20}{volkit.load_study(name).title}")


@app.command()
def lab(
    folder: Annotated[Path | None, typer.Argument(help="Folder to open; ./notebooks when it is there.")] = None,
) -> None:
    """Open JupyterLab."""
    chosen = folder or (Path("notebooks") if Path("notebooks").is_dir() else Path())
    raise typer.Exit(subprocess.run([sys.executable, "-m", "jupyterlab", str(chosen)], check=False).returncode)


def _bars_to_replay(source: str, *, asset: str | None, interval: Any) -> tuple[Any, Any, str]:
    """Return bars, the provenance of a file's, and their name."""
    path = Path(source)
    if path.is_file():
        if interval is not None:
            raise SourceError(f"--interval is for sources; the bars of {path.name} have the step that they have.")
        name = asset or path.name.partition(".")[0]
        return (*realtime.load_bar_file(path, asset=name), name)
    if path.suffix and not path.exists():
        raise SourceError(f"there is no file {source}; give the path of a CSV or Parquet file, a folder, or a source.")
    opened = volkit.open_source(f"files:{source}" if path.is_dir() else source)
    name = asset or "BTC"
    held = [h.interval for h in opened.holdings() if h.name == name]
    finest: Any = next((step for step in ("1m", "1h", "1d") if step in held), "1h")
    bars = opened.load_bars(name, interval=interval or finest)
    return bars, None, name


def _live_source(source: str | None, *, offline: bool, store: Path | None, feeds: Any) -> Any:
    """Return the live source with what the command line says of it; any other source stays as named."""
    if source is None or source.partition(":")[0] != "live":
        return source
    words = [source.partition(":")[2], "offline" if offline else ""]
    argument = ",".join(w for w in words if w)
    return volkit.LiveSource(
        argument or None, store=volkit.Store(store, now=(feeds or volkit.Feeds()).now), feeds=feeds
    )


def _default_names() -> list[str]:
    data = volkit.load_study("btc-margin").data
    return [*data.required, *data.optional]


def _print_pull(found: Any) -> None:
    typer.echo(f"{found.name:<12}{found.coverage.headline}")
    typer.echo(f"{'':<12}{found.update.headline}")
    if found.remark:
        typer.echo(f"{'':<12}{found.remark}")
    for remark in found.coverage.remarks:
        typer.echo(f"{'':<12}{remark}")
    holes = found.coverage.missing.sort_values("count", ascending=False, kind="stable")
    for hole in holes.head(_HOLES_SHOWN).itertuples():
        typer.echo(f"{'':<12}missing {hole.first} to {hole.last}, {hole.count} bars")
    if len(holes) > _HOLES_SHOWN:
        typer.echo(f"{'':<12}and {len(holes) - _HOLES_SHOWN} shorter or equal holes")
    for row in found.update.revisions.itertuples():
        typer.echo(f"{'':<12}revised {row.time} {row.column}: {row.old:.10g} is now {row.new:.10g}")


def _run(study: str, *, source: Any, output: Path | None, jobs: int, quiet: bool = False) -> dict[str, Any]:
    spec = volkit.load_study(study)
    if not quiet:
        typer.echo(f"{spec.name}: {spec.title}", err=True)
    result = volkit.run_study(spec, source=source, n_jobs=jobs)
    folder = volkit.write_run(result, output or Path("runs") / spec.name)
    rows = result.summary().reset_index()
    if not quiet:
        _print_rates(result)
    return {
        "study": spec.name,
        "source": result.source,
        "simulated": result.provenance.simulated,
        "as_of": str(result.as_of.date()),
        "folder": str(folder),
        "report": str(folder / "report.html"),
        "parameters": [_finite(row) for row in rows.to_dict("records")],
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    # JSON has no NaN; a parameter that is not in force is null.
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _print_rates(result: Any) -> None:
    mark = "SIMULATED prices; " if result.provenance.simulated else ""
    typer.echo(f"{mark}recommended rates, fractions of the notional", err=True)
    for asset, parameters in result.parameters.items():
        table = parameters.table["recommended"]
        typer.echo(
            f"  {asset:<10} initial {table['initial_margin_long']:.1%} long {table['initial_margin_short']:.1%} short, "
            f"maintenance {table['maintenance_margin_long']:.1%} long {table['maintenance_margin_short']:.1%} short, "
            f"valid to {parameters.valid_until.date()}",
            err=True,
        )
