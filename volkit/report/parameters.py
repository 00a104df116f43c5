"""The parameter file: what a venue puts in force, as TOML for programs and CSV for spreadsheets.

`write_parameters` writes both from calibrated parameters; `load_parameters` reads the TOML back, checks it
and warns when it is past its validity.
"""

import math
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import tomli_w

from volkit.errors import ArgumentError, DataError, DataQualityWarning
from volkit.margin import CalibratedParameters
from volkit.resources import VERSION
from volkit.results import ResultDisplay

__all__ = ["ParameterFile", "load_parameters", "write_parameters"]

_NUMBERS = ("recommended", "low", "mid", "high")
_COLUMNS = ("current", *_NUMBERS, "unit", "reason")
_HEADER = {
    "volkit_version": str, "study": str, "simulated": bool, "as_of": datetime, "valid_from": datetime,
    "valid_until": datetime, "data_sha256": str, "config_sha256": str,
}  # fmt: skip
_ASSET = {
    "method": str, "confidence": float, "margin_period_of_risk": int, "measure": str, "floor": float, "buffer": float,
    "periods_per_year": float, "as_of": datetime, "valid_from": datetime, "valid_until": datetime, "parameters": dict,
}  # fmt: skip
_ROW = {"recommended": float, "low": float, "mid": float, "high": float, "unit": str, "reason": str}
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
        Index (asset, parameter); columns current (NaN: not given), recommended, low, mid, high, unit, reason.
    policies : DataFrame, one row an asset
        method, confidence, margin_period_of_risk (periods), measure, floor and buffer (fractions),
        periods_per_year, as_of, valid_from, valid_until (UTC).
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


def write_parameters(
    parameters: Sequence[CalibratedParameters], folder: Path, *, study: str, data_sha256: str, config_sha256: str
) -> tuple[Path, Path]:
    """Write ``parameters.toml`` and ``parameters.csv`` and return their paths.

    Parameters
    ----------
    parameters : sequence of CalibratedParameters
        One entry an asset.
    folder : Path
        Made when it is not there; files of these names are replaced.
    study : str
        Name of the study.
    data_sha256, config_sha256 : str
        Hashes of the data and of the configuration.

    Returns
    -------
    tuple of Path
        The TOML and the CSV file. Numbers are written so that reading them gives the same bits.

    Raises
    ------
    ArgumentError
        For no asset, one asset twice, or a number that is missing or infinite (only `current` may be missing).
    """
    assets = [one.asset for one in parameters]
    if not assets or len(set(assets)) != len(assets):
        raise ArgumentError(
            "parameters", "must hold each asset once, and at least one", str(assets), "pass one an asset"
        )
    for one in parameters:
        _refuse_not_finite(one)
    content = {
        "header": {
            "volkit_version": VERSION,
            "study": study,
            "simulated": any(one.provenance.simulated for one in parameters),
            "as_of": _moment(min(one.as_of for one in parameters)),
            "valid_from": _moment(min(_valid_from(one) for one in parameters)),
            "valid_until": _moment(min(one.valid_until for one in parameters)),
            "data_sha256": data_sha256,
            "config_sha256": config_sha256,
        },
        "assets": {one.asset: _asset_table(one) for one in parameters},
    }
    folder.mkdir(parents=True, exist_ok=True)
    toml_path, csv_path = folder / "parameters.toml", folder / "parameters.csv"
    toml_path.write_bytes(tomli_w.dumps(content).encode("utf-8"))
    csv_path.write_bytes(_tidy(parameters, data_sha256).to_csv(index=False, lineterminator="\n").encode("utf-8"))
    return toml_path, csv_path


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
        For a file that is not there or not TOML, a missing or unknown kind of entry, or a number that is not finite.
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
    loaded = ParameterFile(
        table=pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS)).set_axis(
            pd.MultiIndex.from_tuples(rows, names=["asset", "parameter"])
        ),
        policies=pd.DataFrame({k: _policy_row(v) for k, v in policies.items()}).T.infer_objects().rename_axis("asset"),
        **{k: _stamp(v) if isinstance(v, datetime) else v for k, v in header.items()},  # type: ignore[arg-type]
    )
    _warn_expired(loaded, as_of)
    return loaded


def _refuse_not_finite(one: CalibratedParameters) -> None:
    for name, row in one.table.iterrows():
        for column in ("current", *_NUMBERS):
            value = float(row[column])
            if not math.isfinite(value) and not (column == "current" and math.isnan(value)):
                remedy = "calibrate again on complete data; an unusable number is never written"
                raise ArgumentError(f"{column} of {name} of {one.asset}", "must be a finite number", str(value), remedy)


def _asset_table(one: CalibratedParameters) -> dict[str, object]:
    policy = one.policy
    return {
        "method": policy.method,
        "confidence": float(policy.confidence),
        "margin_period_of_risk": int(policy.margin_period_of_risk),
        "measure": policy.measure,
        "floor": float(policy.floor),
        "buffer": float(policy.buffer),
        "periods_per_year": float(one.periods_per_year),
        "as_of": _moment(one.as_of),
        "valid_from": _moment(_valid_from(one)),
        "valid_until": _moment(one.valid_until),
        "parameters": {str(name): _row_table(row) for name, row in one.table.iterrows()},
    }


def _row_table(row: pd.Series) -> dict[str, object]:
    numbers = {column: float(row[column]) for column in ("current", *_NUMBERS) if not math.isnan(row[column])}
    return {**numbers, "unit": str(row["unit"]), "reason": str(row["reason"])}


def _tidy(parameters: Sequence[CalibratedParameters], data_sha256: str) -> pd.DataFrame:
    parts = [
        one.table.reset_index().assign(asset=one.asset, valid_until=one.valid_until.isoformat()) for one in parameters
    ]
    return pd.concat(parts, ignore_index=True).assign(data_sha256=data_sha256)[
        ["asset", "parameter", *_COLUMNS, "valid_until", "data_sha256"]
    ]


def _valid_from(one: CalibratedParameters) -> pd.Timestamp:
    # The label is the open instant of the last bar; its return is known when that UTC day is over.
    return one.as_of.normalize() + pd.Timedelta(days=1)


def _moment(time: pd.Timestamp) -> datetime:
    # As a plain datetime: TOML has no nanoseconds.
    return datetime.fromisoformat(time.tz_convert("UTC").floor("us").isoformat())


def _stamp(moment: object) -> pd.Timestamp:
    return pd.Timestamp(moment).tz_convert("UTC")


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "pass the path of a file that write_parameters wrote"
        raise DataError(str(path), "must be a parameter file", "no such file", remedy) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(value, kind)


def _row(table: object, *, where: str) -> tuple[object, ...]:
    row = _checked(table, _ROW, where=where)
    current = table.get("current", np.nan) if isinstance(table, dict) else np.nan
    if not (isinstance(current, float) and math.isnan(current)) and not _is_of(current, float):
        raise DataError(f"{where}.current", "must be a number", repr(current), "correct it or leave it out")
    if float(row["low"]) > float(row["high"]):  # type: ignore[arg-type]
        raise DataError(
            f"{where}.low", "must not exceed high", f"{row['low']} and {row['high']}", "correct the file's entry"
        )
    numbers = [float(row[column]) for column in _NUMBERS]  # type: ignore[arg-type]
    return (float(current), *numbers, row["unit"], row["reason"])


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
