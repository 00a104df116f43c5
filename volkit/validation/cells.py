"""Every test of one cell of a battery: hits of one instrument, side and regime, with overlap taken apart.

Losses over h periods overlap, and no test for independent hits holds for them. A cell is then tested on each of the h
series of every h-th hit, in which nothing overlaps, and the h p-values become one: twice their mean, at most 1, which
is valid whatever their dependence (Vovk and Wang 2020, Biometrika 107(4), 791-808).
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.validation.berkowitz import berkowitz_tail_test
from volkit.validation.coverage import CoverageTest, binomial_from_counts, kupiec_from_counts
from volkit.validation.durations import duration_test
from volkit.validation.dynamic_quantile import dynamic_quantile_test
from volkit.validation.exact import ExceptionLaw, TestName, exception_law, kupiec_exact_p_value
from volkit.validation.independence import christoffersen_independence_test, christoffersen_test
from volkit.validation.multinomial import multinomial_test
from volkit.validation.outcome import MarginTest, known_runs
from volkit.validation.time_between import time_between_test, tuff_test

__all__ = ["ALL_TESTS", "BATTERY_TESTS", "Cell", "Draws", "examine_cell"]

Floats: TypeAlias = npt.NDArray[np.float64]
Row: TypeAlias = dict[str, object]

BATTERY_TESTS = (
    "kupiec",
    "binomial",
    "tuff",
    "independence",
    "conditional_coverage",
    "time_between",
    "time_between_mixed",
    "duration",
    "dynamic_quantile",
)
_PIT_TESTS = ("multinomial", "berkowitz")
ALL_TESTS = (*BATTERY_TESTS, *_PIT_TESTS)
# Averaged over the offsets; probabilities of a rejection belong to one offset's test and not to their combination.
_AVERAGED = ("statistic", "degrees_of_freedom", "critical_value")
_PROBABILITIES = ("size", "power", "power_clustered", "undefined_share")


class Cell(NamedTuple):
    """What is tested: hits (0, 1, NaN), margins and probability integral transforms (or None), all of shape (n,)."""

    hits: Floats
    margins: Floats
    pit: Floats | None


class Draws(NamedTuple):
    """How laws are simulated: samples (count; 0 for none), seed, and lags (periods) of the dynamic quantile test."""

    n_draws: int
    seed: int
    lags: int


def examine_cell(cell: Cell, *, confidence: float, horizon: int, draws: Draws) -> dict[str, Row]:
    """Return the outcome of every test of a cell.

    Parameters
    ----------
    cell : Cell
        In order of time.
    confidence : float
        Target of the margin.
    horizon : int
        Periods that one loss covers.
    draws : Draws
        How laws are simulated.

    Returns
    -------
    dict of test to dict
        Statistics without unit, probabilities, and the reason where a test is undefined.

    Examples
    --------
    >>> cell = Cell(np.array([0.0] * 95 + [1.0] * 5), np.ones(100), None)
    >>> rows = examine_cell(cell, confidence=0.95, horizon=1, draws=Draws(0, 0, 4))
    >>> list(rows)[:3], rows["independence"]["p_value"] < 1e-6
    (['kupiec', 'binomial', 'tuff'], True)
    """
    offsets = [_every(cell, horizon, start) for start in range(horizon)]
    each = [_tests(one, confidence, draws) for one in offsets if not np.isnan(one.hits).all()]
    names = BATTERY_TESTS if cell.pit is None else ALL_TESTS
    if not each:
        empty = "no known observations"
        return {name: {"p_value": np.nan, "exact_p_value": np.nan, "p_used": np.nan, "reason": empty} for name in names}
    return {name: _combined([rows[name] for rows in each]) for name in names}


def _every(cell: Cell, step: int, start: int) -> Cell:
    return Cell(*(None if part is None else part[start::step] for part in cell))  # type: ignore[arg-type]


def _tests(cell: Cell, confidence: float, draws: Draws) -> dict[str, Row]:
    hits = cell.hits
    known = hits[~np.isnan(hits)]
    law = _law(hits, cell.margins, confidence, draws)
    x, n = int(known.sum()), len(known)
    exact = kupiec_exact_p_value(x, n, confidence=confidence)
    rows = {
        "kupiec": {**_row(kupiec_from_counts(x, n, confidence=confidence), law, "kupiec"), "exact_p_value": exact},
        "binomial": _row(binomial_from_counts(x, n, confidence=confidence)),
        "tuff": _row(tuff_test(hits, confidence=confidence)),
        "independence": _row(christoffersen_independence_test(hits), law, "independence"),
        "conditional_coverage": _row(christoffersen_test(hits, confidence=confidence), law, "conditional_coverage"),
        "time_between": _row(time_between_test(hits, confidence=confidence, mixed=False), law, "time_between"),
        "time_between_mixed": _row(time_between_test(hits, confidence=confidence), law, "time_between_mixed"),
        "duration": _row(duration_test(hits, confidence=confidence), law, "duration"),
        "dynamic_quantile": _row(
            dynamic_quantile_test(hits, confidence=confidence, margins=cell.margins, lags=draws.lags),
            law,
            "dynamic_quantile",
        ),
    }
    if cell.pit is not None:
        rows |= _pit_tests(cell.pit, confidence, draws)
    return {name: {**row, "p_used": _used(row)} for name, row in rows.items()}


def _pit_tests(pit: Floats, confidence: float, draws: Draws) -> dict[str, Row]:
    if np.isnan(pit).all():
        return {name: {"p_value": np.nan, "exact_p_value": np.nan, "reason": "no known pit"} for name in _PIT_TESTS}
    cells = multinomial_test(pit, confidence=confidence, n_draws=draws.n_draws, seed=draws.seed)
    nass = {str(key): value for key, value in cells.table.loc["Nass"].items() if key != "power_heavy_tail"}
    tail = berkowitz_tail_test(pit, confidence=confidence, n_draws=draws.n_draws, seed=draws.seed)
    return {"multinomial": {**nass, "reason": ""}, "berkowitz": _row(tail)}


def _law(hits: Floats, margins: Floats, confidence: float, draws: Draws) -> ExceptionLaw | None:
    if not draws.n_draws:
        return None
    return exception_law(
        [len(run) for run in known_runs(hits)],
        confidence=confidence,
        margins=margins[~np.isnan(hits)],
        lags=draws.lags,
        n_draws=draws.n_draws,
        seed=draws.seed,
    )


def _row(test: CoverageTest | MarginTest, law: ExceptionLaw | None = None, name: TestName | None = None) -> Row:
    freedom = test.degrees_of_freedom
    critical = float(stats.norm.isf(0.025)) if freedom is None else stats.chi2.isf(0.05, freedom)
    row: Row = {
        "statistic": test.statistic,
        "degrees_of_freedom": np.nan if freedom is None else freedom,
        "p_value": test.p_value,
        "critical_value": np.nan if test.reason else float(critical),
        "exact_p_value": test.exact_p_value,
        **{key: getattr(test, key, np.nan) for key in _PROBABILITIES},
        "reason": test.reason,
    }
    if law is None or name is None:
        return row
    simulated: Row = {key: float(law.table.loc[name, key]) for key in _PROBABILITIES}
    if name == "kupiec":  # size and power of Kupiec's test are finite sums
        simulated |= {"size": test.size, "power": test.power}
    return {**row, **simulated, "exact_p_value": law.p_value(name, test.p_value)}


def _used(row: Row) -> float:
    exact = float(row["exact_p_value"])  # type: ignore[arg-type]
    return exact if not np.isnan(exact) else float(row["p_value"])  # type: ignore[arg-type]


def _combined(rows: list[Row]) -> Row:
    """Return the one row, or the average of the offsets with twice the mean p-value."""
    if len(rows) == 1:
        return rows[0]
    p_values = {key: _merged(_column(rows, key)) for key in ("p_value", "exact_p_value", "p_used")}
    undefined = np.isnan(p_values["p_used"])
    averages = {key: _mean(_column(rows, key)) for key in _AVERAGED}
    return {
        **averages,
        **p_values,
        **dict.fromkeys(_PROBABILITIES, np.nan),
        "reason": f"every offset: {rows[0]['reason']}" if undefined else "",
    }


def _column(rows: list[Row], key: str) -> Floats:
    return np.array([row.get(key, np.nan) for row in rows], dtype=np.float64)


def _merged(p: Floats) -> float:
    """Twice the mean p-value; an offset without a test counts as no evidence (1), and all of them as no test (NaN)."""
    return np.nan if np.isnan(p).all() else min(1.0, 2.0 * float(np.where(np.isnan(p), 1.0, p).mean()))


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
