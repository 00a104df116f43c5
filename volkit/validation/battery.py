"""All tests of exceptions at once: by instrument, side and regime, both ways, corrected for their number.

Tables of losses and margins enter, one column an instrument and side; a `CoverageBattery` leaves. Nothing here knows
where margins come from. Losses over several periods overlap, and are never tested as if they did not (see `cells`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, check_floats
from volkit.errors import DataError
from volkit.parallel import progress
from volkit.results import ResultDisplay, freeze
from volkit.validation.cells import ALL_TESTS, BATTERY_TESTS, Cell, Draws, Floats, examine_cell
from volkit.validation.multiplicity import benjamini_yekutieli, holm
from volkit.validation.power import SIGNIFICANCE, kupiec_region
from volkit.validation.traffic import traffic_light

__all__ = ["ALL_PERIODS", "BATTERY_TESTS", "CoverageBattery", "coverage_battery"]

# Name of the cell that takes every period, whatever its regime.
ALL_PERIODS = "all"
_KEYS = ("instrument", "side", "regime")
_COLUMNS = (
    "statistic",
    "degrees_of_freedom",
    "p_value",
    "critical_value",
    "exact_p_value",
    "size",
    "power",
    "power_clustered",
    "undefined_share",
    "p_used",
    "holm",
    "benjamini_yekutieli",
    "reason",
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CoverageBattery(ResultDisplay):
    """Outcome of all tests of exceptions.

    Attributes
    ----------
    table : DataFrame, shape (n_cells * n_tests, 13)
        Index (instrument, side, regime, test). Columns statistic, degrees_of_freedom, p_value and critical_value (law
        for long samples), exact_p_value (exact or simulated, NaN where there is none), size, power, power_clustered and
        undefined_share (probabilities), p_used (exact_p_value where there is one), holm and benjamini_yekutieli (p_used
        adjusted over the cells of the same test) and the reason where a test is undefined.
    cells : DataFrame, shape (n_cells, 18)
        Index (instrument, side, regime). Counts: n_obs, n_missing, n_exceptions, expected, accept_from and accept_to
        (exceptions that Kupiec's 5 % test accepts), green_to and red_from with the zone of the traffic light.
        Fractions: exception_rate, target_rate. The verdict ("too many", "too few", "not rejected", "undefined") is that
        of Kupiec's test, Holm over the cells; p_too_many and p_too_few are one-sided binomial probabilities. In the
        unit of the margins: mean_margin, and of margin - loss on the exceptions (negative) its mean, median and worst.
        Limits of counts and one-sided probabilities are for independent hits and NaN where losses overlap.
    confidence : float
        Target of the margins.
    horizon : int
        Periods that one loss covers.
    n_draws, seed : int
        Simulated samples a law (0 for none), and their seed.
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    confidence: float
    horizon: int
    n_draws: int
    seed: int

    @property
    def rejected(self) -> pd.DataFrame:
        """Rows of the table whose p-value, Holm-corrected over the cells, is below 5 % (probabilities)."""
        return self.table[self.table["holm"] < SIGNIFICANCE]

    @property
    def headline(self) -> str:
        """Cells, verdicts on the rate, and rejections in one line."""
        verdicts = self.cells["verdict"].value_counts()
        rate = ", ".join(f"{verdicts[words]} {words}" for words in ("too many", "too few") if words in verdicts)
        tests = int((~self.table["p_used"].isna()).sum())
        return (
            f"{len(self.cells)} cells at {self.confidence:g}: exceptions {rate or 'not rejected anywhere'}; "
            f"{len(self.rejected)} of {tests} tests reject at 5 % (Holm)"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a cell: counts, rates (fractions), verdict, and the Holm-corrected p-value of every test."""
        columns = ["n_obs", "n_exceptions", "expected", "exception_rate", "target_rate", "zone", "verdict"]
        adjusted = self.table["holm"].unstack("test")
        adjusted = adjusted[[name for name in ALL_TESTS if name in adjusted.columns]]
        return self.cells[columns].join(adjusted.add_suffix(" (p, Holm)"))

    def to_frame(self) -> pd.DataFrame:
        """Return the table, tidy: one row a cell and test (probabilities, statistics without unit)."""
        return self.table.reset_index()


def coverage_battery(
    losses: pd.DataFrame,
    margins: pd.DataFrame,
    *,
    confidence: float,
    regimes: pd.Series | pd.DataFrame | None = None,
    pits: pd.DataFrame | None = None,
    horizon: int = 1,
    lags: int = 4,
    n_draws: int = 10_000,
    seed: int = 0,
) -> CoverageBattery:
    """Return every test of the exceptions of every instrument, side and regime.

    Parameters
    ----------
    losses, margins : DataFrame, shape (n_obs, n_columns)
        The same index, in order of time, and the same columns: (instrument, side), or instruments alone. Losses and
        margins in one unit, losses positive. A row where either is missing has no hit, and what stood before it is
        never joined to what comes after.
    confidence : float
        Target of the margins.
    regimes : Series, shape (n_obs,), or DataFrame with a column an instrument, optional
        Label of each period ("calm", "normal", "crisis"), known before its loss; missing labels belong to no regime.
        Each label is one cell more a column, in which periods of other labels are holes.
    pits : DataFrame, shape as losses, optional
        The model's probability of a loss of at least what came; with them Nass's multinomial and Berkowitz's tail test.
    horizon : int
        Periods that one loss covers. Above 1 each of the `horizon` series of non-overlapping losses is tested; the
        p-value is twice their mean.
    lags : int
        Of the dynamic quantile test, in periods.
    n_draws : int
        Simulated samples a law; 0 leaves only laws for long samples and exact ones.
    seed : int
        Of the draws.

    Returns
    -------
    CoverageBattery
        Table of tests and table of cells.

    Raises
    ------
    DataError
        When the tables are not aligned (other clocks, other columns), hold infinities, or a column has no known hit;
        for regimes of other rows or a regime called "all".
    ArgumentError
        For a confidence outside 0.5 to 1, a horizon below 1, negative lags, or from 1 to 99 draws.

    Notes
    -----
    A hit is a loss strictly above its margin. Holm's correction holds for any dependence between cells: both sides of
    one instrument, regimes inside all periods. It is taken over the cells of one test, not over the tests, which look
    at the same hits in different ways; choose the tests that count before looking. The dynamic quantile test has the
    margin among its regressors.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> losses = pd.DataFrame({"simulated": rng.normal(size=500)})
    >>> margins = pd.DataFrame({"simulated": np.full(500, 2.326)})
    >>> coverage_battery(losses, margins, confidence=0.99, n_draws=0)
    <CoverageBattery: 1 cells at 0.99: exceptions not rejected anywhere; 0 of 9 tests reject at 5 % (Holm)>
    """
    level, h = check_confidence(confidence), check_count(horizon, argument="horizon")
    draws = Draws(
        check_count(n_draws, argument="n_draws", minimum=0, unit="draws"),
        check_count(seed, argument="seed", minimum=0, unit="(a seed)"),
        check_count(lags, argument="lags", minimum=0),
    )
    loss, margin, pit = _aligned(losses, margins, pits)
    labels = _labels(regimes, loss)
    tests: dict[tuple[str, str, str, str], dict[str, object]] = {}
    cells: dict[tuple[str, str, str], dict[str, object]] = {}
    named = list(_named(loss.columns))
    for position, (instrument, side) in enumerate(progress(named, label="instruments and sides")):
        pits_here = None if pit is None else pit.iloc[:, position].to_numpy()
        columns = (loss.iloc[:, position].to_numpy(), margin.iloc[:, position].to_numpy(), pits_here)
        for regime, inside in _regimes(labels, instrument, len(loss)):
            key = (instrument, side, regime)
            cell, cells[key] = _cell(columns, inside, level, h)
            for name, row in examine_cell(cell, confidence=level, horizon=h, draws=draws).items():
                tests[(*key, name)] = row
    # Sorted, so that part of a key finds its rows without a warning of pandas.
    table = _adjusted(pd.DataFrame.from_dict(tests, orient="index")).sort_index()
    frame = pd.DataFrame.from_dict(cells, orient="index").rename_axis(list(_KEYS)).sort_index()
    frame.insert(6, "verdict", _verdicts(frame, table))
    return CoverageBattery(
        table=freeze(table), cells=freeze(frame), confidence=level, horizon=h, n_draws=draws.n_draws, seed=draws.seed
    )


def _cell(
    columns: tuple[Floats, Floats, Floats | None], inside: np.ndarray, confidence: float, h: int
) -> tuple[Cell, dict[str, object]]:
    loss, margin, pit = columns
    hits = np.where(np.isnan(loss) | np.isnan(margin), np.nan, (loss > margin).astype(np.float64))
    n_missing = int(np.isnan(hits[inside]).sum())
    hits = np.where(inside, hits, np.nan)
    known = ~np.isnan(hits)
    n, x, p = int(known.sum()), int(np.nansum(hits)), 1.0 - confidence
    left = (margin - loss)[hits == 1.0]
    row: dict[str, object] = {"n_obs": n, "n_missing": n_missing, "n_exceptions": x, "expected": n * p}
    row |= {"exception_rate": x / n if n else np.nan, "target_rate": p}
    row |= _limits(x, n, confidence) if h == 1 and n else dict.fromkeys(_LIMITS, np.nan) | {"zone": ""}
    row |= {
        "mean_margin": float(margin[known].mean()) if n else np.nan,
        "mean_left": float(left.mean()) if x else np.nan,
        "median_left": float(np.median(left)) if x else np.nan,
        "worst_left": float(left.min()) if x else np.nan,
    }
    tested = None if pit is None else np.where(known, pit, np.nan)
    return Cell(hits, margin, tested), row


_LIMITS = ("accept_from", "accept_to", "p_too_many", "p_too_few", "green_to", "red_from")


def _limits(x: int, n: int, confidence: float) -> dict[str, object]:
    """What independent hits would do: accepted counts, one-sided probabilities, zones."""
    accepted = kupiec_region(n, confidence=confidence)
    count, light = stats.binom(n, 1.0 - confidence), traffic_light(x, n, confidence=confidence)
    numbers = (*accepted, float(count.sf(x - 1)), float(count.cdf(x)), light.green_max, light.red_from)
    return {**dict(zip(_LIMITS, numbers, strict=True)), "zone": light.zone}


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    table.index = pd.MultiIndex.from_tuples(table.index, names=[*_KEYS, "test"])
    by_test = table.groupby(level="test", sort=False)["p_used"]
    table["holm"] = by_test.transform(lambda p: holm(p.to_numpy()))
    table["benjamini_yekutieli"] = by_test.transform(lambda p: benjamini_yekutieli(p.to_numpy()))
    return table.reindex(columns=list(_COLUMNS))


def _verdicts(cells: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    p = table.xs("kupiec", level="test")["holm"].to_numpy()
    words = np.where(cells["n_exceptions"] > cells["expected"], "too many", "too few")
    return np.where(np.isnan(p), "undefined", np.where(p < SIGNIFICANCE, words, "not rejected"))


def _named(columns: pd.Index) -> list[tuple[str, str]]:
    return [(str(c[0]), str(c[1])) if isinstance(c, tuple) else (str(c), "") for c in columns]


def _regimes(labels: pd.DataFrame | None, instrument: str, n: int) -> Iterator[tuple[str, np.ndarray]]:
    yield ALL_PERIODS, np.ones(n, dtype=bool)
    if labels is not None:
        column = labels[instrument if instrument in labels.columns else ALL_PERIODS]
        for label in pd.unique(labels.stack()):
            yield str(label), (column == label).fillna(False).to_numpy(dtype=bool)


def _aligned(
    losses: pd.DataFrame, margins: pd.DataFrame, pits: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    tables = {"losses": losses, "margins": margins} | ({} if pits is None else {"pits": pits})
    for argument, table in tables.items():
        if not isinstance(table, pd.DataFrame) or not table.columns.is_unique or table.columns.nlevels > 2:
            remedy = "pass a DataFrame with columns (instrument, side)"
            raise DataError(argument, "must be a table of one column a side", type(table).__name__, remedy)
        if not table.index.equals(losses.index):
            got = f"{len(table)} rows from {_start(table)} beside {len(losses)} from {_start(losses)}"
            raise DataError(argument, "must be on the clock of the losses", got, "reindex both to one clock first")
        if not table.columns.equals(losses.columns):
            got = f"columns {list(table.columns)} beside {list(losses.columns)}"
            raise DataError(argument, "must have the columns of the losses", got, f"use {argument}[losses.columns]")
        if np.isinf(check_floats(table, argument=argument)).any():
            raise DataError(argument, "must be finite or missing", "infinities", "find out where they come from")
    known = losses.notna().to_numpy() & margins.notna().to_numpy()
    if not known.any(axis=0).all() or not known.size:
        empty = [name for name, some in zip(_named(losses.columns), known.any(axis=0), strict=True) if not some]
        remedy = "align losses with the margins that were known before them"
        raise DataError("losses", "must stand beside a margin somewhere in every column", f"none for {empty}", remedy)
    return (
        losses.astype(np.float64), margins.astype(np.float64), None if pits is None else pits.astype(np.float64),
    )  # fmt: skip


def _start(table: pd.DataFrame) -> str:
    return str(table.index[0]) if len(table) else "nowhere"


def _labels(regimes: pd.Series | pd.DataFrame | None, loss: pd.DataFrame) -> pd.DataFrame | None:
    if regimes is None:
        return None
    if isinstance(regimes, pd.Series):
        labels = regimes.astype(object).to_frame(ALL_PERIODS)
    else:
        labels = regimes.astype(object)
        lacking = [name for name, _ in _named(loss.columns) if name not in labels.columns]
        if lacking:
            raise DataError(
                "regimes", "must have a column an instrument", f"none for {lacking}", "pass a Series for all"
            )
    if not labels.index.equals(loss.index):
        got = f"{len(labels)} rows beside {len(loss)}"
        raise DataError("regimes", "must be on the clock of the losses", got, "reindex them to the losses")
    if (labels == ALL_PERIODS).any(axis=None):
        raise DataError("regimes", f"must not be called {ALL_PERIODS!r}", "that label", "rename it")
    return labels
