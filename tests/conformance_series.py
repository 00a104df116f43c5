"""Series that a file of reference numbers names: read, transformed and checked against the stated length.

Series come in the unit of the file (often per cent); volkit takes decimals. `in_decimals` divides by a power of two,
which changes no digit of a number, and says by which.
"""

import gzip
import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from volkit.volatility import Recursion

__all__ = ["Case", "generated", "in_decimals", "read_series", "read_table"]

_TRANSFORMS = {
    "none": lambda x: x,
    "pct_change": lambda x: x.pct_change(fill_method=None),
    "log_diff": lambda x: np.log(x).diff(),
    "diff": lambda x: x.diff(),
    "negate": lambda x: -x,
}
# A typical daily move of this size is the middle of what volkit takes for decimals.
_TYPICAL = 0.01


@dataclass(frozen=True)
class Case:
    """One entry: what goes in, which keys are asked for, and where its files and the other entries are."""

    inputs: dict[str, Any]
    expected: Any
    folder: Path
    others: dict[str, dict] = field(default_factory=dict)


def read_series(spec: dict[str, Any], folder: Path) -> pd.Series:
    """Return the observations of a series object by time (UTC, made up where the data have no dates)."""
    level = read_table(spec, folder).iloc[:, 0]
    if spec.get("drop_missing"):
        level = level.dropna()
    wanted = spec.get("n_obs")
    for cut_levels in (False, True):  # a start may be that of the returns or that of the prices
        moves = _TRANSFORMS[spec.get("transform", "none")](_span(level, spec) if cut_levels else level)
        moves = _span(moves, spec).dropna() * spec.get("scale", 1)
        moves = moves.iloc[-int(spec.get("last", len(moves))) :]
        if wanted is None or len(moves) == wanted:
            return moves
    raise ValueError(f"series has {len(moves)} observations, not the {wanted} stated")


def read_table(spec: dict[str, Any], folder: Path) -> pd.DataFrame:
    """Return the columns that a series object names, all numbers, by time (UTC)."""
    if "values" in spec:
        table = pd.DataFrame({"value": pd.Series(spec["values"], dtype="float64")})
    elif spec.get("source") == "arch.data":
        table = importlib.import_module(f"arch.data.{spec['name']}").load()
    else:
        table = _read_file(folder / spec["file"])
    if not isinstance(table.index, pd.DatetimeIndex):
        table.index = pd.date_range("2000-01-01", periods=len(table), freq="D")
    table.index = table.index.tz_localize("UTC") if table.index.tz is None else table.index.tz_convert("UTC")
    names = spec.get("columns", spec.get("column"))
    if isinstance(names, str):
        names = [names] if names in table.columns else names.split()
    return table[list(names)] if names else table


def _span(values: pd.Series, spec: dict[str, Any]) -> pd.Series:
    return values.loc[spec.get("start") : spec.get("end")]


def _read_file(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise FileNotFoundError(f"no file {path.name}")
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        first = next(lines).strip()
    separator = "," if "," in first else r"\s+"
    has_names = any(re.search("[A-Za-z]", word) for word in re.split(separator, first))
    table = pd.read_csv(path, sep=separator, header=0 if has_names else None)
    if table.shape[1] > 1 and not pd.api.types.is_numeric_dtype(table.iloc[:, 0]):
        table = table.set_index(pd.DatetimeIndex(pd.to_datetime(table.iloc[:, 0]))).iloc[:, 1:]
    return table


def in_decimals(values: pd.Series) -> tuple[pd.Series, float]:
    """Return the values divided by a power of two that makes them look like decimal returns, and that divisor."""
    exponent = np.round(np.log2(np.sqrt(np.mean(np.square(values.to_numpy()))) / _TYPICAL))
    divisor = float(2.0 ** max(exponent, 0.0))
    return values / divisor, divisor


def generated(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the returns and the volatilities of the entry of method `generator` that `data` names."""
    source = case.others[case.inputs["data"]]["inputs"] if "data" in case.inputs else case.inputs
    x, n = int(re.search(r"x_0 = (\d+)", source["lcg"])[1]), int(source["n"])
    degrees = float(re.search(r"student_t\((\d+)\)", source["z"])[1])
    first, omega, alpha, beta = (float(v) for v in re.findall(r"(?:= |\+ )([\d.]+)(?= r_| s2_|;| \+)", source["garch"]))
    uniform = np.empty(n)
    for k in range(n):
        x = 16807 * x % 2147483647
        uniform[k] = x / 2147483647
    shocks = stats.t(degrees).ppf(uniform) * np.sqrt((degrees - 2.0) / degrees)
    returns, variances = Recursion(0.0, omega, alpha, 0.0, beta).simulate(first, shocks[None, :])
    volatility = np.sqrt(variances[0])
    if case.inputs.get("model") == "const":
        volatility = np.full(n, np.sqrt(np.mean(returns[0] ** 2)))
    return returns[0], volatility
