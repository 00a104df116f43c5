"""Commands on data: ``pull``, ``status``, ``sources``."""

import json
from typing import Annotated, Any, Literal

import typer

import volkit
from volkit.cli.common import Json, StoreFolder, app, errors_in_one_line
from volkit.errors import VolkitError

# A futures market is closed on some thirty holidays in three years: a list of them hides the hole that matters.
_HOLES_SHOWN = 3


_SOURCE_WORDS = {
    "bundled": "real daily series that come with the packages",
    "files": "a folder of CSV or Parquet files of your own: files:FOLDER",
    "simulated": "simulated series with known truth",
    "live": "exchanges, Yahoo and FRED through the store; live:offline asks nobody",
}


@app.command()
def pull(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMES", help="Series by catalogue name; by default those of btc-margin."),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", help="First UTC day, when a series is pulled for the first time.")
    ] = "2015-01-01",
    venue: Annotated[str, typer.Option("--venue", help="Exchange of crypto series, by ccxt's name.")] = "binance",
    interval: Annotated[Literal["1d", "1h", "1m"], typer.Option("--interval", help="Step of the bars.")] = "1d",
    store: StoreFolder = None,
) -> None:
    """Pull series from exchanges, Yahoo and FRED into the store: what is new, and the last ten bars again."""
    failed = 0
    with errors_in_one_line():
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
    with errors_in_one_line():
        found = volkit.Store(store, now=(context.obj or volkit.Feeds()).now).status()
    if as_json:
        typer.echo(found.to_frame().to_json(orient="records", date_format="iso", indent=2))
        return
    typer.echo(f"{found.headline}")
    if not len(found.summary()):
        typer.echo("Bring prices with `volkit pull BTC`.")
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
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Show what one source holds, e.g. files:FOLDER.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the sources, or the series that one of them holds."""
    with errors_in_one_line():
        if source is None:
            names = list(volkit.source_names())
            lines = [f"{name:<12}{_SOURCE_WORDS.get(name, 'from another package')}" for name in names]
            typer.echo(json.dumps(names) if as_json else "\n".join(lines))
            return
        holdings = volkit.open_source(source).holdings()
    rows = [{"name": h.name, "interval": h.interval, "title": h.title, "note": h.note} for h in holdings]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['name']:<14}{row['interval']:<4}{row['title']:<46}{row['note']}")


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
