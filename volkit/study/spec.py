"""A study is one TOML file: what to load, what to estimate, what to recommend. Unknown keys are errors."""

import json
import tomllib
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from volkit.errors import StudyError
from volkit.resources import studies_folder
from volkit.study.margin_sections import MarginSection
from volkit.study.sections import (
    CorrelationSection,
    DataSection,
    PortfolioSection,
    Section,
    StressSection,
    VolatilitySection,
)
from volkit.study.venue_files import DEMO_VENUE, venue_files

__all__ = [
    "CorrelationSection",
    "DataSection",
    "MarginSection",
    "StudySpec",
    "VolatilitySection",
    "find_study",
    "load_study",
    "study_names",
    "study_schema",
]

# What systems take for one name.
_LONGEST_PATH = 250


class StudySpec(Section):
    """A whole study."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="also the name of its run folder")
    title: str = Field(description="the question it answers")
    summary: str = ""
    seed: int = Field(20240601, ge=0)
    data: DataSection
    volatility: VolatilitySection = VolatilitySection()
    correlation: CorrelationSection = CorrelationSection()
    margin: MarginSection
    portfolio: PortfolioSection | None = Field(None, description="no book without it")
    stress: StressSection | None = Field(None, description="no venue without it")

    @field_validator("data")
    @classmethod
    def _span(cls, data: DataSection) -> DataSection:
        if data.start and data.end and data.start >= data.end:
            raise ValueError(f"start {data.start} must lie before end {data.end}")
        return data

    @model_validator(mode="after")
    def _names(self) -> "StudySpec":
        known = {*self.data.required, *self.data.optional}
        c = self.correlation
        used = [
            *self.volatility.assets,
            *c.assets,
            *c.factors,
            *c.spillovers.series,
            *self.margin.assets,
            *self.margin.by_asset,
        ]
        used += [n for n in (self.data.clock, c.stress_factor) if n]
        if unknown := sorted(set(used) - known):
            raise ValueError(f"{', '.join(unknown)} must stand in data.required or data.optional")
        if bool(c.assets) != bool(c.factors):
            raise ValueError("correlation.assets and correlation.factors go together")
        if c.parts and not c.assets:
            raise ValueError("correlation.parts need correlation.assets and correlation.factors")
        return self

    def generator(self, *words: str) -> np.random.Generator:
        """Return a generator of its own for each part of a study, so that no part moves another's draws."""
        return np.random.default_rng([self.seed, crc32("/".join(words).encode())])

    @property
    def carried_files(self) -> dict[str, Path]:
        """Files of the book and of the venue by their place in a run folder."""
        files: dict[str, Path] = {}
        if self.portfolio is not None:
            positions = Path(self.portfolio.positions)
            files[f"book/positions{positions.suffix}"] = positions
            chains = (Path(chain) for chain in self.portfolio.chains)
            files |= {f"book/chain_{i}{''.join(p.suffixes)}": p for i, p in enumerate(chains, start=1)}
        if self.stress is not None and self.stress.venue != DEMO_VENUE:
            files |= {f"venue/{path.name}": path for path in venue_files(Path(self.stress.venue))}
        return files

    def settings(self) -> dict[str, Any]:
        """Return the settings as plain values, with carried files where a run folder keeps them."""
        values = self.model_dump(mode="json", exclude_none=True)
        if self.portfolio is not None:
            places = [place for place in self.carried_files if place.startswith("book/")]
            values["portfolio"] |= {"positions": places[0], "chains": places[1:]}
        if self.stress is not None and self.stress.venue != DEMO_VENUE:
            values["stress"]["venue"] = "venue"
        return values

    @property
    def volatility_assets(self) -> list[str]:
        """Assets of the volatility section, those of the margin section by default."""
        return self.volatility.assets or self.margin.assets


def study_names() -> tuple[str, ...]:
    """Return the names of the packaged studies.

    Examples
    --------
    >>> "btc-margin" in study_names()
    True
    """
    return tuple(sorted(p.stem for p in studies_folder().glob("*.toml")))


def find_study(name: str) -> Path:
    """Return the file of a study: a path as it is, or the name of a packaged one.

    Raises
    ------
    StudyError
        When there is neither; lists the packaged ones.

    Examples
    --------
    >>> find_study("demo").name
    'demo.toml'
    """
    path = Path(name)
    if path.is_file():
        return path
    packaged = studies_folder() / f"{name}.toml"
    if packaged.is_file():
        return packaged
    raise StudyError(
        f"there is no study file {name!r} and no packaged study of that name; those are {', '.join(study_names())}."
    )


def load_study(name: str | Path) -> StudySpec:
    """Return a study from its file or packaged name.

    Parameters
    ----------
    name : str or Path
        Path of a TOML file, or a name such as ``btc-margin``.

    Returns
    -------
    StudySpec
        Checked; dates in UTC.

    Raises
    ------
    StudyError
        When the file cannot be read, a key is unknown or a value does not fit: names file, key and value.

    Examples
    --------
    >>> load_study("demo").data.source
    'bundled'
    """
    path = find_study(str(name))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(f"study {path} cannot be read: {error}.") from error
    _resolve_paths(table, path.parent)
    try:
        return StudySpec.model_validate(table)
    except ValidationError as error:
        faults = "; ".join(_fault(f) for f in error.errors())
        raise StudyError(f"study {path}: {faults}. 'volkit schema' prints the keys.") from error


def _resolve_paths(table: dict[str, Any], folder: Path) -> None:
    """Make the paths of a book and of a venue those seen from the study file's folder."""
    venue = table.get("stress")
    if isinstance(venue, dict) and isinstance(venue.get("venue"), str) and venue["venue"] != DEMO_VENUE:
        venue["venue"] = _seen_from(folder, venue["venue"])
    book = table.get("portfolio")
    if not isinstance(book, dict):
        return
    if isinstance(book.get("positions"), str):
        book["positions"] = _seen_from(folder, book["positions"])
    if isinstance(book.get("chains"), list):
        book["chains"] = [_seen_from(folder, chain) if isinstance(chain, str) else chain for chain in book["chains"]]


def _seen_from(folder: Path, place: str) -> str:
    if "\0" in place or len(place) > _LONGEST_PATH:
        raise StudyError(f"{place[:40]!r}, of {len(place):,} characters, is no path of a file; correct the study.")
    return str(folder / place)


def _fault(fault: Any) -> str:
    key = ".".join(map(str, fault["loc"])) or "study"
    if fault["type"] == "extra_forbidden":
        return f"{key} is not a known key (got {fault['input']!r})"
    shown = "" if isinstance(fault["input"], dict) else f" (got {fault['input']!r})"
    return f"{key}: {fault['msg']}{shown}"


def study_schema() -> str:
    """Return the JSON schema of a study file, as indented text.

    Examples
    --------
    >>> "margin_period_of_risk" in study_schema()
    True
    """
    return json.dumps(StudySpec.model_json_schema(), indent=2)
