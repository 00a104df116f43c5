"""Commands of the desk: ``lab``, ``new``, ``gallery``."""

import shlex
import subprocess
from pathlib import Path
from typing import Annotated, Literal

import typer

from volkit.cli.common import app, errors_in_one_line

__all__ = ["gallery", "lab", "new"]


@app.command()
def lab(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="Where the copies go; by default ./volkit-notebooks, or a clone's own ./notebooks."
        ),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy/--no-copy", help="--no-copy opens FOLDER as it is.")] = True,
    copy_only: Annotated[bool, typer.Option("--copy-only", help="Copy, and do not start JupyterLab.")] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", "--no-open", help="Start JupyterLab and print its address only.")
    ] = False,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="By default 8888, or the next free one.")
    ] = None,
) -> None:
    """Copy the notebooks into a folder and open JupyterLab there; what you changed is kept."""
    with errors_in_one_line():
        from volkit.desk.lab import copy_notebooks, lab_command, lab_environment, lab_folder
        from volkit.errors import ArgumentError

        chosen = lab_folder(folder)
        if copy:
            for line in copy_notebooks(chosen).lines:
                typer.echo(line, err=True)
        elif not chosen.is_dir():
            raise ArgumentError("FOLDER", "must be a folder", str(chosen), "leave --no-copy out to make it")
    if copy_only:
        return
    words = lab_command(chosen, open_browser=not no_browser, port=port)
    try:
        status = subprocess.run(words, env=lab_environment(), check=False).returncode
    except KeyboardInterrupt:  # how one ends JupyterLab
        status = 0
    raise typer.Exit(status)


@app.command()
def new(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="Its name: small letters, digits and dashes, e.g. my-margins.")
    ],
    kind: Annotated[
        Literal["margin", "correlation", "stress"], typer.Option("--kind", help="What the study is about.")
    ] = "margin",
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help="bundled, simulated, files:FOLDER or live; by default data that come with volkit."
        ),
    ] = None,
    assets: Annotated[str, typer.Option("--assets", help="Series by catalogue name, with commas, e.g. BTC,ETH.")] = "",
    folder: Annotated[Path, typer.Option("--in", help="Where the study's folder is made.")] = Path(),
) -> None:
    """Write a study of your own, STUDY/STUDY.toml, and a notebook beside it; both run at once."""
    with errors_in_one_line():
        from volkit.desk.scaffold import new_study

        made = new_study(study, kind=kind, source=source, assets=assets.split(",") if assets else (), folder=folder)
    for note in made.notes:
        typer.echo(f"volkit: {note}", err=True)
    typer.echo(f"study: {made.study}")
    typer.echo(f"notebook: {made.notebook}")
    place = shlex.quote(str(made.study.parent))
    typer.echo(f"next: cd {place} && volkit run {made.study.name}")
    typer.echo(f"  or: volkit lab --no-copy {place}")


@app.command()
def gallery(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the pages.")] = Path("gallery"),
    force: Annotated[
        bool, typer.Option("--force", help="Run also notebooks that have not changed since their last run.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--notebooks", help="Folder of the notebooks; the packaged ones by default.")
    ] = None,
) -> None:
    """Run the notebooks, offline, and write them as pages with an index of cards."""
    with errors_in_one_line():
        from volkit.desk.gallery import build_gallery

        index = build_gallery(output, notebooks=folder, force=force, say=lambda line: typer.echo(line, err=True))
    typer.echo(f"gallery: {index}")
