"""The parameter file: what a venue puts in force, as TOML for programs and CSV for spreadsheets.

`volkit.report.parameter_file.load_parameters` reads the TOML back.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import tomli_w

from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.margin import CalibratedParameters
from volkit.margin.frontier import OverriddenParameters, RiskLevels
from volkit.report.export_content import shield_cells
from volkit.report.parameter_file import COLUMNS, LEVEL_COLUMNS, NUMBERS, assets_seal
from volkit.resources import VERSION

__all__ = ["write_parameters"]


def write_parameters(
    parameters: Sequence[CalibratedParameters],
    folder: Path,
    *,
    study: str,
    data_sha256: str,
    config_sha256: str,
    overridden: Mapping[str, OverriddenParameters] | None = None,
    levels: Sequence[RiskLevels] = (),
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
    overridden : mapping of str to OverriddenParameters, optional
        Of assets with a number set by hand: it is written as `in_force` beside the recommended one, with who set it,
        why and when.
    levels : sequence of RiskLevels, optional
        Rates at three levels of risk (one entry a group of assets), written beside the recommended ones.

    Returns
    -------
    tuple of Path
        The TOML and the CSV file. Numbers are written so that reading them gives the same bits.

    Raises
    ------
    ArgumentError
        For no asset, one asset twice, overrides of another calibration, or a number that is missing or infinite (only
        `current` may be missing).
    """
    assets = [one.asset for one in parameters]
    if not assets or len(set(assets)) != len(assets):
        raise ArgumentError(
            "parameters", "must hold each asset once, and at least one", str(assets), "pass one an asset"
        )
    changed, risk = overridden or {}, _levels(levels)
    for one in parameters:
        _refuse_not_finite(one)
        if one.asset in changed and changed[one.asset].calibrated is not one:
            remedy = "override the calibration that is written"
            raise ArgumentError("overridden", "must be of the same calibration", f"another of {one.asset}", remedy)
    tables = {one.asset: _asset_table(one, changed.get(one.asset), risk) for one in parameters}
    content = {
        "header": {
            "assets_sha256": assets_seal(tables),
            "volkit_version": VERSION,
            "study": study,
            "simulated": any(one.provenance.simulated for one in parameters),
            "as_of": _moment(min(one.as_of for one in parameters)),
            "valid_from": _moment(min(_valid_from(one) for one in parameters)),
            "valid_until": _moment(min(one.valid_until for one in parameters)),
            "data_sha256": data_sha256,
            "config_sha256": config_sha256,
        },
        "assets": tables,
    }
    folder.mkdir(parents=True, exist_ok=True)
    toml_path, csv_path = folder / "parameters.toml", folder / "parameters.csv"
    toml_path.write_bytes(tomli_w.dumps(content).encode("utf-8"))
    csv_path.write_bytes(
        shield_cells(_tidy(parameters, data_sha256, changed, risk))
        .to_csv(index=False, lineterminator="\n")
        .encode("utf-8")
    )
    return toml_path, csv_path


def _refuse_not_finite(one: CalibratedParameters) -> None:
    for name, row in one.table.iterrows():
        for column in ("current", *NUMBERS):
            value = float(row[column])
            if not math.isfinite(value) and not (column == "current" and math.isnan(value)):
                remedy = "calibrate again on complete data; an unusable number is never written"
                raise ArgumentError(f"{column} of {name} of {one.asset}", "must be a finite number", str(value), remedy)


def _levels(levels: Sequence[RiskLevels]) -> dict[tuple[str, str], dict[str, float]]:
    """Rates at each level by asset and parameter."""
    return {
        (str(asset), str(name)): {column: float(row[column]) for column in LEVEL_COLUMNS}
        for one in levels
        for (asset, name), row in one.table.iterrows()
    }


def _evidence(one: CalibratedParameters) -> dict[str, object]:
    """What speaks for the rates: the walk-forward test of each side."""
    test = one.backtest
    found: dict[str, object] = {"n_tested": int(test.n_obs), "expected": (1.0 - test.confidence) * test.n_obs}
    found |= {"first_rate": _moment(one.schedule.frame.index[0]), "data_sha256": one.provenance.sha256}
    for side in SIDES:
        coverage = test.coverage[side]
        found[f"exceptions_{side}"] = int(coverage.n_exceptions)
        if math.isfinite(coverage.p_value):
            found[f"kupiec_p_{side}"] = float(coverage.p_value)
    return found


def _asset_table(
    one: CalibratedParameters,
    changed: OverriddenParameters | None,
    levels: Mapping[tuple[str, str], Mapping[str, float]],
) -> dict[str, object]:
    policy = one.policy
    rows = {str(name): _row_table(row) for name, row in one.table.iterrows()}
    for name, row in rows.items():
        row |= levels.get((one.asset, name), {})
        if changed is not None:
            row["in_force"] = float(changed.table.loc[name, "in_force"])
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
        "lookback": int(policy.lookback),
        "expanding": policy.expanding,
        "model": policy.model.words if policy.is_filtered else "none",
        "evidence": _evidence(one),
        "overrides": changed.records() if changed is not None else [],
        "parameters": rows,
    }


def _row_table(row: pd.Series) -> dict[str, object]:
    numbers = {column: float(row[column]) for column in ("current", *NUMBERS) if not math.isnan(row[column])}
    return {**numbers, "unit": str(row["unit"]), "reason": str(row["reason"])}


def _tidy(
    parameters: Sequence[CalibratedParameters],
    data_sha256: str,
    overridden: Mapping[str, OverriddenParameters],
    levels: Mapping[tuple[str, str], Mapping[str, float]],
) -> pd.DataFrame:
    parts = []
    for one in parameters:
        table = overridden[one.asset].table if one.asset in overridden else one.table.assign(who="", why="")
        in_force = table["in_force"] if "in_force" in table else table["recommended"]
        rates = {c: [levels.get((one.asset, n), {}).get(c, np.nan) for n in table.index] for c in LEVEL_COLUMNS}
        parts.append(
            table.assign(
                in_force=in_force, **rates, asset=one.asset, valid_until=one.valid_until.isoformat()
            ).reset_index()
        )
    columns = ["asset", "parameter", *COLUMNS, *LEVEL_COLUMNS, "in_force", "who", "why", "valid_until", "data_sha256"]
    return pd.concat(parts, ignore_index=True).assign(data_sha256=data_sha256)[columns]


def _valid_from(one: CalibratedParameters) -> pd.Timestamp:
    # The label is the open instant of the last bar; its return is known when that UTC day is over.
    return one.as_of.normalize() + pd.Timedelta(days=1)


def _moment(time: pd.Timestamp) -> datetime:
    # As a plain datetime: TOML has no nanoseconds.
    return datetime.fromisoformat(time.tz_convert("UTC").floor("us").isoformat())
