"""The parameter file read back: checked, and refused where it is not what was written."""

import hashlib
import json
import math
import sys
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError, DataError, DataQualityWarning
from volkit.margin.frontier import LEVELS
from volkit.results import ResultDisplay

__all__ = ["COLUMNS", "LEVEL_COLUMNS", "NUMBERS", "ParameterFile", "assets_seal", "load_parameters"]

NUMBERS = ("recommended", "low", "mid", "high")
COLUMNS = ("current", *NUMBERS, "unit", "reason")
LEVEL_COLUMNS = tuple(f"{level}_risk" for level in LEVELS)
_HEADER = {
    "volkit_version": str, "study": str, "simulated": bool, "as_of": datetime, "valid_from": datetime,
    "valid_until": datetime, "data_sha256": str, "config_sha256": str,
}  # fmt: skip
_ASSET = {
    "method": str, "confidence": float, "margin_period_of_risk": int, "measure": str, "floor": float, "buffer": float,
    "periods_per_year": float, "as_of": datetime, "valid_from": datetime, "valid_until": datetime, "parameters": dict,
}  # fmt: skip
_ROW = {"recommended": float, "low": float, "mid": float, "high": float, "unit": str, "reason": str}
_OVERRIDE = {"parameter": str, "value": float, "who": str, "why": str, "when": str}
_WORDS = {
    str: "text",
    bool: "true or false",
    datetime: "a time with offset",
    float: "a number",
    int: "a whole number",
    dict: "a table",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ParameterFile(ResultDisplay):
    """Parameters as read from a file.

    Attributes
    ----------
    table : DataFrame, one row a parameter
        Index (asset, parameter); columns current (NaN: not given), recommended, low, mid, high, unit, reason,
        low_risk, mid_risk and high_risk (NaN: not given), in_force (the recommended number unless one is set by hand).
    policies : DataFrame, one row an asset
        method, confidence, margin_period_of_risk (periods), measure, floor and buffer (fractions),
        periods_per_year, as_of, valid_from, valid_until (UTC), and what is known of the walk-forward test.
    overrides : DataFrame, one row an override
        asset, parameter, value, who, why, when.
    study, volkit_version : str
        What made it.
    simulated : bool
        Whether the prices behind it are simulated.
    as_of, valid_from, valid_until : Timestamp
        Of the oldest asset in the file (UTC): the whole file is as fresh as that one.
    data_sha256, config_sha256 : str
        Of the data and the study's configuration.
    """

    table: pd.DataFrame
    policies: pd.DataFrame
    overrides: pd.DataFrame
    study: str
    volkit_version: str
    simulated: bool
    as_of: pd.Timestamp
    valid_from: pd.Timestamp
    valid_until: pd.Timestamp
    data_sha256: str
    config_sha256: str

    @property
    def headline(self) -> str:
        """Study, assets and validity in one line."""
        mark = "SIMULATED " if self.simulated else ""
        return f"{mark}{self.study}, {', '.join(self.policies.index)}, valid to {self.valid_until.date()}"

    def summary(self) -> pd.DataFrame:
        """Return the table (units in their column)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table with asset and parameter as columns."""
        return self.table.reset_index()


def load_parameters(path: Path, *, as_of: pd.Timestamp | None = None) -> ParameterFile:
    """Return the parameters of a TOML file that `write_parameters` wrote.

    Parameters
    ----------
    path : Path
        Of ``parameters.toml``.
    as_of : Timestamp, optional
        When the parameters are to be used (with time zone); compared with the end of validity when given.

    Returns
    -------
    ParameterFile
        Numbers as written, times in UTC.

    Raises
    ------
    DataError
        For a file that is not there or not TOML, a missing or unknown kind of entry, a number that is not finite, or
        a file that was cut short or changed since it was written.
    ArgumentError
        For an `as_of` without time zone.

    Warns
    -----
    DataQualityWarning
        When `as_of` lies after `valid_until`.
    """
    content = _read_toml(Path(path))
    header = _checked(content.get("header"), _HEADER, where="header")
    assets = _checked(content, {"assets": dict}, where="file")["assets"]
    if not isinstance(assets, dict) or not assets:
        raise DataError("assets", "must hold at least one asset", "none", "write the file again with write_parameters")
    policies = {name: _checked(table, _ASSET, where=f"assets.{name}") for name, table in assets.items()}
    rows = {
        (asset, name): _row(row, where=f"assets.{asset}.parameters.{name}")
        for asset, policy in policies.items()
        for name, row in policy["parameters"].items()  # type: ignore[attr-defined]
    }
    _check_seal(Path(path), content)
    loaded = ParameterFile(
        table=pd.DataFrame.from_dict(rows, orient="index", columns=[*COLUMNS, *LEVEL_COLUMNS, "in_force"]).set_axis(
            pd.MultiIndex.from_tuples(rows, names=["asset", "parameter"])
        ),
        policies=pd.DataFrame({k: _policy_row(v) for k, v in policies.items()}).T.infer_objects().rename_axis("asset"),
        overrides=_overrides(assets),
        **{k: _stamp(v) if isinstance(v, datetime) else v for k, v in header.items()},  # type: ignore[arg-type]
    )
    _warn_expired(loaded, as_of)
    return loaded


def assets_seal(assets: Mapping[str, object]) -> str:
    """Return the sha-256 of the tables of all assets: a file cut short may still be valid TOML with fewer numbers.

    Examples
    --------
    >>> assets_seal({"BTC": {"floor": 0.02}})[:8]
    'aa3c8ee8'
    """
    return hashlib.sha256(json.dumps(assets, sort_keys=True, default=str).encode()).hexdigest()


def _check_seal(path: Path, content: Mapping[str, object]) -> None:
    header, assets = content["header"], content["assets"]
    if not (
        isinstance(header, dict) and isinstance(assets, dict) and header.get("assets_sha256") == assets_seal(assets)
    ):
        remedy = "write it again with write_parameters; a rate set by hand goes through override_parameters"
        raise DataError(str(path), "must be as it was written", "a file cut short or changed since", remedy)


def _stamp(moment: object) -> pd.Timestamp:
    return pd.Timestamp(moment).tz_convert("UTC")


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "pass the path of a file that write_parameters wrote"
        raise DataError(str(path), "must be a parameter file", "no such file", remedy) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        remedy = "write it again with write_parameters instead of editing it"
        raise DataError(str(path), "must be valid TOML", str(error), remedy) from error


def _checked(table: object, schema: Mapping[str, type], *, where: str) -> dict[str, object]:
    if not isinstance(table, dict):
        raise DataError(where, "must be a table", type(table).__name__, "write the file again with write_parameters")
    for key, kind in schema.items():
        if key not in table:
            remedy = "write the file again with write_parameters"
            raise DataError(f"{where}.{key}", "must be there", "nothing", remedy)
        if not _is_of(table[key], kind):
            raise DataError(f"{where}.{key}", f"must be {_WORDS[kind]}", repr(table[key]), "correct the file's entry")
    return {key: table[key] for key in schema}


def _is_of(value: object, kind: type) -> bool:
    if kind is float:
        # An int may be longer than any float.
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(value, kind)


def _row(table: object, *, where: str) -> tuple[object, ...]:
    row = _checked(table, _ROW, where=where)
    given = table if isinstance(table, dict) else {}
    other = {name: given.get(name, np.nan) for name in ("current", *LEVEL_COLUMNS, "in_force")}
    for name, value in other.items():
        if not (isinstance(value, float) and math.isnan(value)) and not _is_of(value, float):
            raise DataError(f"{where}.{name}", "must be a number", repr(value), "correct it or leave it out")
    in_force = other["in_force"] if "in_force" in given else row["recommended"]
    if float(row["low"]) > float(row["high"]):  # type: ignore[arg-type]
        raise DataError(
            f"{where}.low", "must not exceed high", f"{row['low']} and {row['high']}", "correct the file's entry"
        )
    numbers = [float(row[column]) for column in NUMBERS]  # type: ignore[arg-type]
    levels = [float(other[name]) for name in LEVEL_COLUMNS]
    return (float(other["current"]), *numbers, row["unit"], row["reason"], *levels, float(in_force))  # type: ignore[arg-type]


def _overrides(assets: Mapping[str, object]) -> pd.DataFrame:
    rows = []
    for asset, table in assets.items():
        where = f"assets.{asset}.overrides"
        entries = table.get("overrides", []) if isinstance(table, dict) else []
        if not isinstance(entries, list):
            raise DataError(where, "must be a list of tables", type(entries).__name__, "correct the file's entry")
        rows += [{"asset": asset, **_checked(entry, _OVERRIDE, where=where)} for entry in entries]
    return pd.DataFrame(rows, columns=["asset", *_OVERRIDE])


def _policy_row(policy: Mapping[str, object]) -> dict[str, object]:
    return {k: _stamp(v) if isinstance(v, datetime) else v for k, v in policy.items() if k != "parameters"}


def _warn_expired(loaded: ParameterFile, as_of: pd.Timestamp | None) -> None:
    if as_of is None:
        return
    if as_of.tzinfo is None:
        raise ArgumentError("as_of", "must have a time zone", str(as_of), 'pass pd.Timestamp(..., tz="UTC")')
    if as_of > loaded.valid_until:
        warnings.warn(
            f"the parameters of study {loaded.study} were valid until {loaded.valid_until:%Y-%m-%d %H:%M} UTC and are "
            f"used as of {as_of.tz_convert('UTC'):%Y-%m-%d %H:%M} UTC; calibrate again.",
            DataQualityWarning,
            stacklevel=3,
        )
