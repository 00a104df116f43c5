"""Rule files: dated TOML tables of a venue's parameters, read strictly and told when they are old.

A file of ``data/venues`` or of one's own enters; a `VenueRules` leaves. Nothing in it is "current": the date says when
its numbers were in force or read.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import pandas as pd
from pydantic import BaseModel, Field, ValidationError

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.portfolio.venues.engines import ENGINES, Engine
from volkit.portfolio.venues.entry import Entry
from volkit.resources import data_folder
from volkit.results import ResultDisplay

__all__ = ["VenueRules", "load_venue_rules", "venue_rule_names"]

Table = TypeVar("Table", bound=BaseModel)
Kind = Literal["perpetual", "future", "option"]
# A venue's parameters that were not looked at for this long are told to be old.
_LARGEST_AGE_DAYS = 365


class _File(Entry):
    title: str
    engine: str
    source: str
    date: date
    units: str
    instruments: tuple[Kind, ...]
    note: str = ""
    illustrative: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    underlyings: dict[str, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VenueRules(ResultDisplay):
    """One rule set: an engine with parameters, their source and date.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    title : str
        In a reader's words.
    engine : Engine
        What computes the margin.
    source : str
        Where the numbers were read.
    date : Timestamp
        When they were in force or read, UTC.
    units, note : str
        Units of the numbers; what the rule leaves out.
    instruments : tuple of str
        Kinds of contract that it margins: perpetual, future, option.
    illustrative : tuple of str
        Parameters that no source at hand states.
    default : Entry or None
        Parameters of an underlying that the file does not name; None where it must be named.
    by_underlying : mapping of str to Entry
        Parameters of the named ones.
    stated : mapping of str to object
        What the file states, by path of the key.
    """

    name: str
    title: str
    engine: Engine
    source: str
    date: pd.Timestamp
    units: str
    note: str
    instruments: tuple[str, ...]
    illustrative: tuple[str, ...]
    default: Entry | None
    by_underlying: Mapping[str, Entry]
    stated: Mapping[str, Any]

    def parameters_for(self, underlying: str) -> Any:
        """Return the parameters of an underlying.

        Raises
        ------
        ArgumentError
            When the file has none for it.
        """
        found = self.by_underlying.get(underlying, self.default)
        if found is None:
            known = ", ".join(self.by_underlying)
            remedy = f"add a table [underlyings.{underlying}] to a copy of the file"
            raise ArgumentError("underlying", f"must be one that {self.name} names: {known}", underlying, remedy)
        return found

    @property
    def parameters(self) -> Any:
        """Parameters of an underlying that is not named.

        Raises
        ------
        ArgumentError
            When the file names every underlying it knows.
        """
        return self.parameters_for("another underlying")

    def illustrative_for(self, underlyings: Sequence[str]) -> tuple[str, ...]:
        """Return the illustrative parameters that bear on these underlyings.

        Examples
        --------
        >>> load_venue_rules("hyperliquid-tiers").illustrative_for(["BTC"])
        ()
        """
        own = [coin for coin in underlyings if coin in self.by_underlying]
        return tuple(mark for mark in self.illustrative if _bears_on(mark, own, shared=len(own) < len(underlyings)))

    def age_words(self, as_of: pd.Timestamp, *, largest_age_days: int = _LARGEST_AGE_DAYS) -> str:
        """Return what is to be said of the age of the parameters at an instant (UTC); empty when they are fresh.

        Examples
        --------
        >>> rules = load_venue_rules("dydx-open-interest")
        >>> rules.age_words(rules.date + pd.Timedelta(days=500))
        'parameters are 500 days old; compare them with the source, and load a copy of the file with a new date'
        >>> rules.age_words(rules.date - pd.Timedelta(days=500))
        'parameters are from 500 days after the market; load a file that was in force then'
        """
        days = (as_of - self.date) // pd.Timedelta(days=1)
        if days > largest_age_days:
            remedy = "compare them with the source, and load a copy of the file with a new date"
            return f"parameters are {days} days old; {remedy}"
        if -days > largest_age_days:
            return f"parameters are from {-days} days after the market; load a file that was in force then"
        return ""

    @property
    def headline(self) -> str:
        """Title, engine, date and number of illustrative parameters in one line."""
        n = len(self.illustrative)
        return f"{self.title} ({self.engine.name}), {self.date:%Y-%m-%d}, {n} illustrative parameter{'s' * (n != 1)}"

    def summary(self) -> pd.DataFrame:
        """Return one row a parameter that the file states: value (in the `units`), and whether it is illustrative."""
        rows = [
            {"parameter": key, "value": value, "illustrative": any(_covers(mark, key) for mark in self.illustrative)}
            for key, value in self.stated.items()
        ]
        return pd.DataFrame(rows).set_index("parameter")

    def to_frame(self) -> pd.DataFrame:
        """Return the summary with source and date beside each parameter."""
        return self.summary().assign(source=self.source, date=self.date)


def venue_rule_names() -> tuple[str, ...]:
    """Return the names of the packaged rule sets, sorted.

    Examples
    --------
    >>> "derive-portfolio" in venue_rule_names()
    True
    """
    return tuple(sorted(path.stem for path in (data_folder() / "venues").glob("*.toml")))


def load_venue_rules(name: str | Path) -> VenueRules:
    """Return a rule set from its packaged name, or from a TOML file.

    Parameters
    ----------
    name : str or Path
        A packaged name such as ``derive-portfolio``, or the path of a file ending in ``.toml``.

    Returns
    -------
    VenueRules
        Parameters as the file's ``units`` say.

    Raises
    ------
    SourceError
        When there is no such name or file, or it is no TOML.
    DataError
        For an unknown key, engine or instrument kind, a missing or unfit value, a date that is none, or an
        `illustrative` key that the file does not hold; names the file, the key and what is allowed.

    Examples
    --------
    >>> load_venue_rules("hyperliquid-tiers").parameters_for("BTC").leverages
    (40.0, 20.0)
    """
    path = _path(name)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"rule file {path} cannot be read: {error}.") from error
    file = _validated(_File, content, where=path.name)
    if file.engine not in ENGINES:
        raise DataError(
            f"engine in {path.name}", f"must be one of {', '.join(ENGINES)}", repr(file.engine), "choose one"
        )
    engine = ENGINES[file.engine]
    if not file.parameters and not file.underlyings:
        raise DataError(path.name, "must hold [parameters] or [underlyings.NAME]", "neither", "add one of them")
    known = {coin: {**file.parameters, **own} for coin, own in file.underlyings.items()}
    named = {
        coin: _validated(engine.parameters, table, where=f"[underlyings.{coin}] in {path.name}")
        for coin, table in known.items()
    }
    # What only completes the tables of named underlyings need not be complete itself.
    alone = bool(file.parameters) and not (named and _is_partial(engine.parameters, file.parameters))
    default = _validated(engine.parameters, file.parameters, where=f"[parameters] in {path.name}") if alone else None
    stated = dict(_leaves({"parameters": file.parameters, "underlyings": file.underlyings}, ""))
    _check_marks(file.illustrative, stated, path.name)
    return VenueRules(
        name=path.stem,
        title=file.title,
        engine=engine,
        source=file.source,
        date=pd.Timestamp(file.date, tz="UTC").as_unit("us"),
        units=file.units,
        note=file.note,
        instruments=file.instruments,
        illustrative=file.illustrative,
        default=default,
        by_underlying=named,
        stated=stated,
    )


def _path(name: str | Path) -> Path:
    if isinstance(name, Path) or str(name).endswith(".toml"):
        return Path(name)
    if name not in venue_rule_names():
        raise SourceError(
            f"there is no rule set {name!r}; the packaged ones are {', '.join(venue_rule_names())}; "
            "a file of your own is given by its path, ending in .toml."
        )
    return data_folder() / "venues" / f"{name}.toml"


def _validated(model: type[Table], table: Mapping[str, Any], *, where: str) -> Table:
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        raise _refusal(model, error, where) from error


def _refusal(model: type[BaseModel], error: ValidationError, where: str) -> DataError:
    faults = error.errors()
    # An unknown key explains a missing one better than the reverse.
    fault = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    *outer, last = fault["loc"] or ("",)
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        allowed = ", ".join(_model_at(model, outer).model_fields)
        return DataError(f"key {key!r} of {where}", f"must be one of {allowed}", repr(last), "rename or remove it")
    if fault["type"] == "missing":
        return DataError(f"key {key!r} of {where}", "must be given", "nothing", "add it")
    named = f"key {key!r} of {where}" if key else where
    return DataError(named, f"must fit: {fault['msg']}", repr(fault["input"])[:60], "correct the file")


def _model_at(model: type[BaseModel], location: list[str | int]) -> type[BaseModel]:
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        model = next(_models_in(field.annotation), model) if field else model
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _is_partial(model: type[BaseModel], table: Mapping[str, Any]) -> bool:
    return any(field.is_required() and name not in table for name, field in model.model_fields.items())


def _check_marks(marks: tuple[str, ...], held: Mapping[str, Any], file: str) -> None:
    for mark in marks:
        if not any(_covers(mark, key) for key in held):
            remedy = "write the path of a key, as in parameters.initial_factor, or underlyings.BTC.floors"
            raise DataError(f"illustrative in {file}", "must name keys of the file", repr(mark), remedy)


def _bears_on(mark: str, own: Sequence[str], *, shared: bool) -> bool:
    table, _, rest = mark.partition(".")
    if table == "underlyings":
        return bool(own) and (not rest or rest.split(".")[0] in ("*", *own))
    # Tables of underlyings are filled up from the common one.
    return shared or bool(own)


def _covers(mark: str, key: str) -> bool:
    """Return whether a mark names a key or a table above it; * stands for any one part."""
    wanted, parts = mark.split("."), key.split(".")
    return len(wanted) <= len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=False))


def _leaves(table: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(table, Mapping):
        for key, value in table.items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, table
