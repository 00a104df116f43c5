"""The command on the dashboard: ``dashboard``."""

from typing import Annotated

import typer

import volkit
from volkit.cli.common import app, errors_in_one_line

__all__ = ["dashboard"]


@app.command()
def dashboard(
    source: Annotated[
        str, typer.Option("--source", help="bundled, simulated, files:FOLDER, live, or an installed source.")
    ] = "bundled",
    port: Annotated[
        int | None, typer.Option("--port", help="By default 8866, or the next free one; 0 for any.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Whether to open a browser.")] = True,
) -> None:
    """Open the dashboard in the browser: margins, their tests, crises, correlation and policies, on this machine."""
    with errors_in_one_line():
        # Here and not above: it loads pandas and a web server, and `volkit --help` does without.
        from volkit.desk.dashboard.serve import HOST, free_port, serve_dashboard

        chosen = free_port(port)
        volkit.open_source(source)
        typer.echo(f"dashboard: http://{HOST}:{chosen}/ (Ctrl-C ends it)")
        serve_dashboard(source, port=chosen, open_browser=browser)
