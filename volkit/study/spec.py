"""A study is one TOML file: what to load, what to estimate, what to recommend. Unknown keys are errors."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from volkit.errors import StudyError
from volkit.margin import CANDIDATES, MarginMethod
from volkit.resources import studies_folder

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

ModelName = Literal["GARCH-normal", "GARCH-t", "GJR-normal", "GJR-t"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Confidence = Annotated[float, Field(ge=0.5, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
CorrelationPart = Literal["change", "betas", "models", "lead_lag", "spillovers", "events", "tails", "offsets"]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", description="a UTC date, 2024-01-31")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSection(_Section):
    """Which series, from where, over which span."""

    source: str = Field("bundled", description="default source; --source replaces it")
    required: list[str] = Field(min_length=1, description="catalogue names that must be there")
    optional: list[str] = Field(default=[], description="names that may be missing; the report says which are")
    start: Day | None = Field(None, description="first label, inclusive")
    end: Day | None = Field(None, description="last label, exclusive")
    clock: str | None = Field(None, description="series whose closes pair crypto with macro")
    tolerance_hours: Annotated[float, Field(gt=0, le=24)] = Field(8.0, description="largest distance of paired closes")
    intervals: dict[str, Literal["1d", "1h"]] = Field(default={}, description="step by series for the pairing; 1d")


class VolatilitySection(_Section):
    """Which models, on which assets."""

    assets: list[str] = Field(default=[], description="empty: the assets of the margin section")
    models: list[ModelName] = ["GARCH-t", "GJR-t"]
    window: Annotated[int, Field(ge=100)] = Field(1000, description="returns in each re-fit")
    refit_every: Count = Field(21, description="periods between re-fits")
    half_life: Annotated[float, Field(gt=0)] = Field(11.2, description="of the EWMA beside the models, periods")
    realized_window: Annotated[int, Field(ge=2)] = Field(30, description="of close-to-close volatility, periods")


class SpilloverSection(_Section):
    """Which series hang together, over which window."""

    series: list[str] = Field(default=[], description="empty: the assets and factors of the correlation section")
    window: Annotated[int, Field(ge=50)] = Field(200, description="rows in a window")
    lags: Count = Field(2, description="of the autoregression, periods")
    horizon: Count = Field(10, description="periods ahead")


class CorrelationSection(_Section):
    """Which pairs, over which windows and eras, and the stressed macro day."""

    assets: list[str] = Field(default=[], description="empty: no correlation")
    factors: list[str] = []
    window: Annotated[int, Field(ge=10)] = Field(90, description="of the rolling correlation, periods")
    half_life: Annotated[float, Field(gt=0)] = Field(45.0, description="of the EWMA correlation, periods")
    confidence: Confidence = Field(0.95, description="of intervals")
    eras: dict[str, tuple[Day, Day]] = Field(default={}, description="name = [start, end), end exclusive")
    max_loss: Fraction = Field(0.10, description="largest share of rows that missing values may cost the betas")
    stress_factor: str | None = Field(None, description="factor of the stressed macro day; first factor by default")
    stress_days: Count = Field(10, description="worst days of that factor that are averaged")
    parts: list[CorrelationPart] = Field(default=[], description="what is worked out beside correlations and betas")
    announcements: list[Literal["cpi", "fomc"]] = Field(default=["cpi", "fomc"], description="kinds of dated releases")
    max_lag: Annotated[int, Field(ge=1, le=60)] = Field(5, description="of leads and lags, periods")
    spillovers: SpilloverSection = SpilloverSection()


class MarginSection(_Section):
    """The margin policy, its candidates, and what is in force."""

    assets: list[str] = Field(min_length=1)
    methods: list[MarginMethod] = Field(default=list(CANDIDATES), min_length=1)
    model: ModelName = "GARCH-t"
    measure: Literal["value_at_risk", "expected_shortfall"] = "value_at_risk"
    confidence: Confidence = 0.99
    margin_period_of_risk: Count = Field(1, description="periods")
    lookback: Annotated[int, Field(ge=100)] = Field(500, description="returns")
    refit_every: Count = Field(21, description="periods")
    floor: Fraction = Field(0.0, description="least maintenance margin, fraction of notional")
    buffer: Annotated[float, Field(ge=0.0)] = Field(0.25, description="initial over maintenance margin, less one")
    rounding: Annotated[float, Field(gt=0.0, le=0.1)] = Field(
        0.001, description="recommended rates go up to a multiple"
    )
    validity_days: Count = 30
    by_asset: dict[str, "AssetMargin"] = Field(default={}, description="other values for single assets")


class AssetMargin(_Section):
    """What differs for one asset."""

    lookback: Annotated[int, Field(ge=100)] | None = None
    refit_every: Count | None = None
    floor: Fraction | None = None
    current: dict[str, Annotated[float, Field(gt=0)]] = Field(default={}, description="parameters in force, by name")


class StudySpec(_Section):
    """A whole study."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="also the name of its run folder")
    title: str = Field(description="the question it answers")
    summary: str = ""
    seed: int = Field(20240601, ge=0)
    data: DataSection
    volatility: VolatilitySection = VolatilitySection()
    correlation: CorrelationSection = CorrelationSection()
    margin: MarginSection

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
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"study {path} cannot be read: {error}.") from error
    try:
        return StudySpec.model_validate(table)
    except ValidationError as error:
        faults = "; ".join(_fault(f) for f in error.errors())
        raise StudyError(f"study {path}: {faults}. 'volkit schema' prints the keys.") from error


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
