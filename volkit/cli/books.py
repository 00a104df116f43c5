"""Commands on positions and bars: ``margin``, ``replay``."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import volkit
from volkit import portfolio, realtime
from volkit.cli.common import Json, app, errors_in_one_line, warnings_in_one_line
from volkit.errors import SourceError


@app.command()
def margin(
    context: typer.Context,
    positions: Annotated[
        Path, typer.Argument(metavar="POSITIONS", help="CSV or Parquet file; its columns stand above.")
    ],
    chain: Annotated[
        list[Path] | None,
        typer.Option("--chain", help="Option quotes with forwards and volatilities; may be given several times."),
    ] = None,
    spot: Annotated[
        list[str] | None,
        typer.Option("--spot", metavar="COIN=PRICE", help="Price in USD, e.g. BTC=60000; may be given several times."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Instant of the prices, UTC; by default the last quote of the chain, else now."),
    ] = None,
    rules: Annotated[
        str,
        typer.Option("--rules", help="all, or rule sets by name, with commas; a rule file of your own by its path."),
    ] = "all",
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="OUT", help="Write the table to this file.")] = None,
) -> None:
    """Print the margin of one position file under the packaged venue rule sets, offline.

    \b
    Columns of POSITIONS (only instrument and quantity are needed):
      instrument   BTC_USDC-PERPETUAL, BTC-26MAR27-90000-C, BTC/USDT:USDT
      quantity     units of the underlying, negative when sold
      account      who holds it; one account by default
      entry_price  USD (coins for coin-settled options)
      kind         position (default), cash (of USD), collateral (of BTC)
      spot         USD, index price of the underlying
      forward      USD at the contract's expiry; mark of a perpetual
      volatility   decimal per year, of an option
      mark         USD per unit, price of an option that has no volatility
    """
    with errors_in_one_line():
        instant = portfolio.parse_instant(as_of) if as_of else None
        if instant is None and not chain:
            instant = (context.obj or volkit.Feeds()).now()
        prices = portfolio.parse_prices(spot or ())
        held = portfolio.read_valued_book(positions, as_of=instant, spot=prices, chains=chain or ())
        chosen = rules if rules == "all" else [name.strip() for name in rules.split(",")]
        result = portfolio.margin_under_rules(held.book, held.market, rules=chosen)
    if csv is not None:
        # Here and not above: it loads more than `volkit --help` needs.
        from volkit.report.export_content import shield_cells

        shield_cells(result.to_frame()).to_csv(csv, index=False)
    typer.echo(
        json.dumps(portfolio.margin_record(result), indent=2) if as_json else "\n".join(portfolio.margin_lines(result))
    )


@app.command()
def replay(
    source: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_SOURCE", help="A file of bars (time, close), a folder of series, or a source."),
    ] = "simulated",
    asset: Annotated[
        str | None, typer.Option("--asset", help="Name of the series; by default BTC, or the name of the file.")
    ] = None,
    interval: Annotated[
        Literal["1d", "1h", "1m"] | None,
        typer.Option("--interval", help="Step of the bars; by default the finest there is."),
    ] = None,
    target: Annotated[
        float, typer.Option("--target", help="Accepted chance that a block's loss exceeds the margin.")
    ] = 0.005,
    horizon: Annotated[
        str, typer.Option("--horizon", help="Length of a block of bars; blocks count from 00:00 UTC.")
    ] = "8h",
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of tables and figures.")] = Path("runs/replay"),
    as_json: Json = False,
) -> None:
    """Replay bars through a live margin, beside a static one: margin, equity, calls, exceedances."""
    with errors_in_one_line(), warnings_in_one_line():
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
            written += [str(files.png_path), str(files.svg_path), str(files.pdf_path)]
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
