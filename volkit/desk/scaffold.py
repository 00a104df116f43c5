"""A study of one's own from a template: the study file, and a notebook that runs and explains it.

Both are texts under ``templates``; what they are filled with is checked first, so that what is written loads
and runs. Nothing that exists is written over.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from jinja2 import Environment, StrictUndefined

from volkit.checks import check_choice
from volkit.desk.notebook_files import make_notebook, notebook_text
from volkit.errors import ArgumentError
from volkit.sources import PriceSource, open_source
from volkit.study.spec import StudySpec, study_names

__all__ = ["StudyFiles", "StudyKind", "check_study_name", "new_study"]

StudyKind = Literal["margin", "correlation", "stress"]
_KINDS = get_args(StudyKind)
_DEFAULT_ASSETS = {"margin": ("BTC", "SPX"), "correlation": ("BTC",), "stress": ("BTC",)}
_DEFAULT_SOURCES = {
    "margin": ("bundled", "simulated"),
    "correlation": ("bundled", "simulated"),
    "stress": ("simulated",),
}
_FACTORS = ("SPX", "NASDAQ", "NDX", "VIX", "DXY", "GOLD", "US10Y")
_CLOCK = "SPX"
_LONGEST = 60
# Names that Windows keeps for devices, with any ending.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
# One real year: less history than the usual look-back, and closes taken at another hour than New York's.
_SHORT = {"bundled": ("BTC",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFiles:
    """What `new_study` wrote.

    Attributes
    ----------
    study : Path
        The study file.
    notebook : Path
        The notebook beside it.
    notes : tuple of str
        What the user should know, such as simulated prices.
    """

    study: Path
    notebook: Path
    notes: tuple[str, ...] = field(default=())


def check_study_name(name: str) -> str:
    """Return the name of a new study, which also names its folder and files.

    Parameters
    ----------
    name : str
        Small letters, digits and dashes; at most 60, beginning with a letter or digit.

    Raises
    ------
    ArgumentError
        When it has other characters, is too long, or is the name of a packaged study or of a device.

    Examples
    --------
    >>> check_study_name("my-margins")
    'my-margins'
    """
    rule = f"must be 1 to {_LONGEST} small letters, digits and dashes, beginning with a letter or digit"
    shown = repr(name if len(name) <= _LONGEST else f"{name[:20]}... ({len(name)} characters)")
    if not re.fullmatch(rf"[a-z0-9][a-z0-9-]{{0,{_LONGEST - 1}}}", name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST]
        raise ArgumentError("STUDY", rule, shown, f"write e.g. {_free(near or 'my-margins')}")
    if _free(name) != name:
        raise ArgumentError("STUDY", "must be a name that nobody else uses", shown, f"write e.g. {_free(name)}")
    return name


def _free(name: str) -> str:
    return f"my-{name}" if name in _DEVICES or name in study_names() else name


def new_study(
    name: str,
    *,
    kind: StudyKind = "margin",
    source: str | None = None,
    assets: Sequence[str] = (),
    folder: Path | None = None,
) -> StudyFiles:
    """Write a study file that loads and runs, and a notebook on it, into a new folder.

    Parameters
    ----------
    name : str
        Of the study, its folder and both files; see `check_study_name`.
    kind : {"margin", "correlation", "stress"}
        What it is about.
    source : str, optional
        As `volkit.open_source` takes it. By default the bundled series, or the simulated market when those lack
        an asset or the study needs hourly bars.
    assets : sequence of str
        Catalogue names; by default those that the bundled series have.
    folder : Path, optional
        Where the study's folder is made; the current one by default.

    Returns
    -------
    StudyFiles
        Paths, and what the user should know.

    Raises
    ------
    ArgumentError
        When the name or an asset does not fit, the source lacks a series, or the folder is there already.
    SourceError
        When the source cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> import volkit
    >>> with tempfile.TemporaryDirectory() as place:
    ...     made = new_study("my-margins", folder=Path(place))
    ...     volkit.load_study(made.study).margin.assets
    ['BTC', 'SPX']
    """
    check_study_name(name)
    check_choice(kind, argument="kind", choices=_KINDS)
    chosen = _check_assets(assets or _DEFAULT_ASSETS[kind], kind)
    text, held, notes = _settle_source(source, chosen, kind)
    facts = _facts(name, kind, text, chosen, held)
    settings, cells = _fill(f"{kind}.toml.j2", facts), _fill(f"{kind}.nb.j2", facts)
    StudySpec.model_validate(tomllib.loads(settings))  # before anything is on the disk
    place = _make_folder((folder or Path()) / name)
    made = StudyFiles(study=place / f"{name}.toml", notebook=place / f"{name}.ipynb", notes=notes)
    made.study.write_text(settings, encoding="utf-8")
    made.notebook.write_text(_notebook(cells), encoding="utf-8")
    return made


def _make_folder(place: Path) -> Path:
    try:
        place.mkdir(parents=True)
    except FileExistsError as error:
        remedy = "choose another name, or move it away; nothing was changed"
        raise ArgumentError("STUDY", "must not exist yet", str(place), remedy) from error
    except OSError as error:
        raise ArgumentError("STUDY", "must be a folder that can be made", str(error), "write elsewhere") from error
    return place


def _check_assets(assets: Sequence[str], kind: StudyKind) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(a.strip() for a in assets))
    for one in names:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,40}", one):
            remedy = "write names of the catalogue with commas between, e.g. BTC,ETH"
            raise ArgumentError("assets", "must be letters, digits and underscores", repr(one[:60]), remedy)
    if kind == "stress" and "BTC" not in names:
        remedy = "add BTC, which the simulated venue trades"
        raise ArgumentError("assets", "must hold the asset that the venue trades", ", ".join(names), remedy)
    return names


def _settle_source(
    source: str | None, assets: tuple[str, ...], kind: StudyKind
) -> tuple[str, PriceSource | None, tuple[str, ...]]:
    """Return the source's text, the open source (None for what may use the network) and notes."""
    if source is not None and source.partition(":")[0] == "live":
        return source, None, ("prices come over the network into your store: volkit pull, then volkit run",)
    needed = [*assets, *([_CLOCK] if kind == "correlation" else [])]
    candidates = (_absolute(source),) if source is not None else _DEFAULT_SOURCES[kind]
    for text in candidates:
        opened = open_source(text)
        missing = [n for n in needed if n not in _held(opened)]
        if not missing:
            return text, opened, _notes(text, candidates, assets)
    has = ", ".join(sorted(_held(opened))) or "nothing"
    remedy = f"choose among {has}, or another --source"
    raise ArgumentError("assets", f"must be held by the source {text}", ", ".join(missing), remedy)


def _absolute(source: str) -> str:
    # A study file is run from any folder.
    kind, _, place = source.partition(":")
    return f"{kind}:{Path(place).expanduser().resolve().as_posix()}" if kind == "files" and place else source


def _held(source: PriceSource) -> set[str]:
    return {one.name for one in source.holdings() if one.interval == "1d"}


def _notes(text: str, candidates: tuple[str, ...], assets: tuple[str, ...]) -> tuple[str, ...]:
    if text.partition(":")[0] != "simulated":
        return ()
    why = f" (the bundled series lack one of {', '.join(assets)})" if candidates[0] == "bundled" else ""
    return (f"prices are SIMULATED{why}; --source files:FOLDER or live takes real ones",)


def _facts(
    name: str, kind: StudyKind, source: str, assets: tuple[str, ...], held: PriceSource | None
) -> dict[str, Any]:
    known = _held(held) if held is not None else set(_FACTORS)
    factors = [f for f in _FACTORS if f in known and f not in assets]
    hourly = held is None or any(h.name == "BTC" and h.interval == "1h" for h in held.holdings())
    return {
        "name": name,
        "kind": kind,
        "source": source,
        "assets": list(assets),
        "words": " and ".join(filter(None, [", ".join(assets[:-1]), assets[-1]])),
        "verb": "do" if len(assets) > 1 else "does",
        "factors": factors or [_CLOCK],
        "clock": _CLOCK,
        "short": [a for a in assets if a in _SHORT.get(source, ())],
        "is_simulated": source.partition(":")[0] == "simulated",
        "hourly": hourly,
    }


def _fill(template: str, facts: dict[str, Any]) -> str:
    folder = files("volkit.desk") / "templates"
    texts = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    texts.globals["begin"] = lambda part: texts.from_string((folder / part).read_text("utf-8")).render(facts)
    return texts.from_string((folder / template).read_text("utf-8")).render(facts)


def _notebook(text: str) -> str:
    """Return a notebook file from a text whose cells begin with ``%% markdown`` or ``%% code TAG``."""
    cells = []
    for part in re.split(r"^%% ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind, *tags = head.split()
        cells.append((kind, tags, body.strip("\n")))
    return notebook_text(make_notebook(cells))
