"""What the commands share: the application, its options, errors and warnings in one line."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import click
import typer

import volkit
from volkit.errors import VolkitError, VolkitWarning

__all__ = ["Jobs", "Json", "Output", "StoreFolder", "app", "errors_in_one_line", "warnings_in_one_line"]

app = typer.Typer(
    help="From prices to validated margin parameters, offline or on your own data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StoreFolder = Annotated[
    Path | None,
    typer.Option("--store", help="Folder of the store; by default VOLKIT_STORE, else your user data folder."),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Run folder; by default runs/STUDY.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes for the fits; the numbers do not depend on it.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        # Shown, whatever the caller's own filter makes of them.
        warnings.simplefilter("default", VolkitWarning)
        yield
    for one in caught:
        typer.echo(f"volkit: {one.message}", err=True)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    command = click.get_current_context(silent=True)
    # Who reads JSON is a program: no bar on its terminal.
    quiet = command is not None and command.params.get("as_json")
    try:
        with volkit.show_progress(False) if quiet else nullcontext():
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
