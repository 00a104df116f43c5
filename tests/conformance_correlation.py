"""Methods of correlation entries: what an entry asks for, computed with volkit's public functions."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels
from arch.data import nasdaq, sp500, vix
from conformance_series import Case

from volkit.correlation import (
    Dcc,
    connectedness_from_var,
    forbes_rigobon,
    gerber_correlation,
    granger_test,
    kendall_correlation,
    pearson_correlation,
    rolling_connectedness,
    spearman_correlation,
    t_copula_tail_dependence,
    tvp_var_connectedness,
)
from volkit.correlation.connectedness import connectedness

__all__ = ["CORRELATION_METHODS"]

_PAIRS = {
    "pearson": pearson_correlation,
    "spearman": spearman_correlation,
    "kendall": kendall_correlation,
    "gerber": gerber_correlation,
}
_PER_CENT = 100.0


def _on_times(table: pd.DataFrame) -> pd.DataFrame:
    """Rows on made-up UTC days: the files' own dates are not needed."""
    times = pd.date_range("1990-01-01", periods=len(table), tz="UTC", name="time")
    return table.set_axis(times, axis=0)


def _changes(inputs: dict[str, Any], case: Case) -> pd.DataFrame:
    """Return the changes of a series object in decimals."""
    spec = inputs["series"]
    if spec.get("source") == "arch.data":
        closes = {
            "sp500": sp500.load()["Adj Close"],
            "nasdaq": nasdaq.load()["Adj Close"],
            "vix": vix.load().iloc[:, 0],
        }
        moves = {name: np.log(close).diff().dropna() for name, close in closes.items()}
        table = _on_times(pd.concat(moves, axis=1, join="inner"))
    else:
        table = _on_times(np.log(_numbers(spec["file"], case)).diff().dropna())
    if "n_obs" in spec and len(table) != spec["n_obs"]:
        raise ValueError(f"series has {len(table)} observations, not the {spec['n_obs']} stated")
    return table[inputs["names"]] if "names" in inputs else table


def _numbers(file: str, case: Case) -> pd.DataFrame:
    table = pd.read_csv(case.folder / file)
    dated = [c for c in table.columns if c.lower() in ("date", "time", "index") or c.startswith("Unnamed")]
    return table.drop(columns=dated).select_dtypes("number")


def _correlation(case: Case) -> dict[str, float]:
    changes = _changes(case.inputs, case)
    estimate = _PAIRS[case.inputs["method"]]
    pairs = combinations(changes.columns, 2)
    return {f"{a}-{b}": estimate(changes[a], changes[b]).correlation for a, b in pairs}


def _dcc_fit(case: Case) -> dict[str, float]:
    inputs = case.inputs
    changes = _changes(inputs, case)
    model = Dcc(
        family=inputs.get("family", "dcc"),
        distribution=inputs.get("distribution", "normal"),
        convention=inputs.get("convention", "volkit"),
    )
    fit = model.fit(changes, periods_per_year=252)
    first, second = changes.columns[:2]
    rho = fit.path[(first, second)]
    found = {"loglikelihood_at_least": fit.log_likelihood - changes.size * np.log(_PER_CENT)}
    found |= {str(name): float(value) for name, value in fit.parameters.items()}
    for label in ("rho", "rho12"):
        found |= {f"{label}_last": rho.iloc[-1], f"{label}_min": rho.min(), f"{label}_max": rho.max()}
    return found | {"shape": found.get("nu", np.nan), "g": found.get("g", 0.0)}


def _connectedness(case: Case) -> dict[str, Any]:
    inputs = case.inputs
    found = connectedness(
        _on_times(_numbers(inputs["file"], case)), lags=inputs["lags"], horizon=inputs["horizon"],
        decomposition=inputs["decomposition"], kind="volatilities",
    )  # fmt: skip
    return _table_numbers(found)


def _from_var(case: Case) -> dict[str, Any]:
    inputs = case.inputs
    sigma = np.array(inputs["sigma"], dtype=float)
    found = connectedness_from_var(
        np.array(inputs["A"], dtype=float), sigma, horizon=inputs["horizon"], decomposition=inputs["decomposition"],
        names=[f"S{i}" for i in range(len(sigma))],
    )  # fmt: skip
    return _table_numbers(found)


def _table_numbers(found: Any) -> dict[str, Any]:
    sent, received, net = (list(v) for v in (found.to_others, found.from_others, found.net))
    return {
        "tci": found.total, "tci_corrected": found.corrected_total, "to": sent, "from": received, "net": net,
        "table": found.table.to_numpy().tolist(),
    }  # fmt: skip


def _rolling(case: Case) -> dict[str, float]:
    inputs = case.inputs
    window = inputs.get("usable_rows", inputs["window"]) + inputs["lags"]
    path = rolling_connectedness(
        _on_times(_numbers(inputs["file"], case)), window=window, lags=inputs["lags"], horizon=inputs["horizon"],
        decomposition=inputs["decomposition"], kind="volatilities", adjust=False,
    )  # fmt: skip
    total = path.total["total"].dropna()
    return {
        "n": len(total), "min": total.min(), "max": total.max(), "mean": total.mean(), "first": total.iloc[0],
        "last": total.iloc[-1],
    }  # fmt: skip


def _tvp_var(case: Case) -> dict[str, float]:
    inputs = case.inputs
    path = tvp_var_connectedness(
        _on_times(_numbers(inputs["file"], case)), lags=inputs["lags"], horizon=inputs["horizon"],
        prior_window=inputs["prior_window"], kappa_state=inputs["kappa"][0], kappa_noise=inputs["kappa"][1],
        demean="sample", keep_prior=True, kind="volatilities",
    )  # fmt: skip
    return {"tci": path.mean_total, "tci_corrected": path.total["corrected"].mean()}


def _granger(case: Case) -> dict[str, Any]:
    inputs = case.inputs
    if "e1" not in inputs["data"]:
        raise ValueError(f"unknown data: {inputs['data']}")
    file = Path(statsmodels.__file__).parent / "tsa/vector_ar/tests/results/e1.dat"
    levels = pd.read_csv(file, sep=r"\s+", skiprows=7, header=None, names=["investment", "income", "consumption"])
    changes = _on_times(np.log(levels).diff().dropna().iloc[:75])
    found = granger_test(changes, caused=inputs["caused"], causing=inputs["causing"], lags=inputs["lags"])
    return {"F": found.statistic, "p_value": found.p_value, "df": list(found.degrees_of_freedom)}


def _forbes_rigobon(case: Case) -> dict[str, float]:
    return {"adjusted": forbes_rigobon(case.inputs["rho"], case.inputs["delta"])}


def _t_copula(case: Case) -> dict[str, list[float]]:
    nu, rho = case.inputs["nu"], case.inputs["rho"]
    return {"lambda": [float(t_copula_tail_dependence(nu, one)) for one in np.atleast_1d(rho)]}


CORRELATION_METHODS = {
    "connectedness": _connectedness,
    "connectedness_from_var": _from_var,
    "connectedness_rolling": _rolling,
    "connectedness_tvp_var": _tvp_var,
    "correlation": _correlation,
    "dcc_fit": _dcc_fit,
    "forbes_rigobon": _forbes_rigobon,
    "granger_causality": _granger,
    "t_copula_tail_dependence": _t_copula,
}
