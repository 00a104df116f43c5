"""The tables of a study file on data, volatility and correlation. Unknown keys are errors."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = [
    "Confidence",
    "CorrelationSection",
    "Count",
    "DataSection",
    "Day",
    "Fraction",
    "ModelName",
    "PortfolioSection",
    "Section",
    "SpilloverSection",
    "StressSection",
    "VolatilitySection",
]

ModelName = Literal["GARCH-normal", "GARCH-t", "GJR-normal", "GJR-t"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Confidence = Annotated[float, Field(ge=0.5, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
CorrelationPart = Literal["change", "betas", "models", "lead_lag", "spillovers", "events", "tails", "offsets"]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", description="a UTC date, 2024-01-31")]


class Section(BaseModel):
    """A table of a study file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSection(Section):
    """Which series, from where, over which span."""

    source: str = Field("bundled", description="default source; --source replaces it")
    required: list[str] = Field(min_length=1, description="catalogue names that must be there")
    optional: list[str] = Field(default=[], description="names that may be missing; the report says which are")
    start: Day | None = Field(None, description="first label, inclusive")
    end: Day | None = Field(None, description="last label, exclusive")
    clock: str | None = Field(None, description="series whose closes pair crypto with macro")
    tolerance_hours: Annotated[float, Field(gt=0, le=24)] = Field(8.0, description="largest distance of paired closes")
    intervals: dict[str, Literal["1d", "1h"]] = Field(default={}, description="step by series for the pairing; 1d")


class VolatilitySection(Section):
    """Which models, on which assets."""

    assets: list[str] = Field(default=[], description="empty: the assets of the margin section")
    models: list[ModelName] = ["GARCH-t", "GJR-t"]
    window: Annotated[int, Field(ge=100)] = Field(1000, description="returns in each re-fit")
    refit_every: Count = Field(21, description="periods between re-fits")
    half_life: Annotated[float, Field(gt=0)] = Field(11.2, description="of the EWMA beside the models, periods")
    realized_window: Annotated[int, Field(ge=2)] = Field(30, description="of close-to-close volatility, periods")


class SpilloverSection(Section):
    """Which series hang together, over which window."""

    series: list[str] = Field(default=[], description="empty: the assets and factors of the correlation section")
    window: Annotated[int, Field(ge=50)] = Field(200, description="rows in a window")
    lags: Count = Field(2, description="of the autoregression, periods")
    horizon: Count = Field(10, description="periods ahead")


class CorrelationSection(Section):
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


class PortfolioSection(Section):
    """A book of positions, the rules it is put under, and how its scenarios are made."""

    positions: str = Field(description="CSV or Parquet file of positions, relative to the study file")
    chains: list[str] = Field(default=[], description="files of option quotes, relative to the study file")
    as_of: str | None = Field(None, description="instant of the prices, UTC; the last quote of the chains by default")
    rules: str | list[str] = Field("all", description="all, or names of rule sets, or paths of rule files")
    confidence: Confidence = 0.99
    cost_of_capital: Annotated[float, Field(ge=0, lt=1)] = Field(0.10, description="of margin, decimal a year")
    price_range: Annotated[float, Field(gt=0, lt=1)] = Field(0.16, description="outermost price of the grid")
    volatility_range: Annotated[float, Field(gt=0)] = Field(0.40, description="rise of volatility on the grid")
    volatility_fall: Annotated[float, Field(ge=0)] = Field(1.0, description="relative, per unit of a falling price")
    volatility_rise: Annotated[float, Field(ge=0)] = Field(0.25, description="relative, per unit of a rising price")


class StressSection(Section):
    """A venue, the shocks that it is put under, and how its market answers."""

    venue: str = Field("demo", description="folder of tables, relative to the study file, or demo: simulated")
    direction: Literal["down", "up"] | None = Field(
        None, description="of the shocks; down by default, or up where nobody is long"
    )
    shock: Annotated[float, Field(gt=0, lt=1)] = Field(0.08, description="move that is shown round by round, decimal")
    shocks: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3],
        min_length=1,
        description="moves of the tables, decimals, rising",
    )
    interval: Literal["1d", "1h"] = Field("1h", description="step of the simulated price paths, as of the bars")
    horizon: Count = Field(24, description="steps of a path")
    n_paths: Annotated[int, Field(ge=1000)] = Field(2000, description="simulated price paths")
    half_life: Annotated[float, Field(gt=0)] | None = Field(
        None, description="minutes in which half of an impact goes; as the venue's tables say by default"
    )
    permanent_share: Fraction | None = Field(None, description="of an impact; as the venue's tables say by default")
    evaporation: Annotated[float, Field(ge=0)] = Field(0.1, description="of depth, per unit of relative volatility")
    skin_in_the_game: Annotated[float, Field(ge=0)] = Field(0.0, description="USD that pay before the fund")
    leverages: list[Annotated[float, Field(ge=1)]] = Field(
        default=[5.0, 10.0, 20.0, 35.0, 50.0], min_length=1, description="caps of the phase diagram, rising"
    )
    depths: list[Annotated[float, Field(gt=0)]] = Field(
        default=[0.25, 0.5, 1.0, 2.0, 4.0], min_length=1, description="multiples of today's depth, rising"
    )
    caps: list[Annotated[float, Field(gt=1)]] = Field(
        default=[20.0, 10.0],
        description="largest leverages compared inside the cascade; maintenance is half of initial",
    )
    rules: list[str] = Field(
        default=["binance-tiers", "hyperliquid-tiers"], description="tier tables compared inside the cascade"
    )
    depletion_target: Annotated[float, Field(gt=0, lt=1)] = Field(0.01, description="of the fund, per horizon")

    @field_validator("shocks", "leverages", "depths")
    @classmethod
    def _rising(cls, values: list[float]) -> list[float]:
        if sorted(set(values)) != values:
            raise ValueError("must rise")
        return values
