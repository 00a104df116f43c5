"""The test of a constant correlation for many pairs at once, with p-values that count how many were looked at."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE, devolatilize
from volkit.correlation.inference.power import expected_power
from volkit.correlation.inference.resampling import (
    BLOCK_LENGTH,
    CLIP,
    check_test_window,
    draw_extremes,
    line_extremes,
    p_value,
)
from volkit.correlation.inputs import MINIMUM_PAIRS, check_frame
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.blocks import block_starts

__all__ = ["ConstancyFamily", "constancy_tests", "step_down"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ConstancyFamily(ResultDisplay):
    """Tests of a constant correlation, one a pair, adjusted for their number.

    Attributes
    ----------
    table : DataFrame, shape (n_pairs, 5)
        `first`, `second`, `statistic` (range of atanh(correlation) on the rolling line, no unit), `p_value` as if it
        were the only test, and `adjusted`, the p-value in the family (Romano and Wolf).
    power : float
        Of one test alone, as in `ConstancyTest`.
    window : int
        In complete rows.
    block_length, n_draws : int
        Of the bootstrap, in rows and in histories.
    confidence : float
        One less the probability of any false rejection, fraction.
    method : str
        Test in words.
    n_obs, n_missing : int
        Rows that every series has, and rows that were left out.
    start, as_of : Timestamp
        First and last time (UTC) used, both inclusive.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    power: float
    window: int
    block_length: int
    n_draws: int
    confidence: float
    method: str
    n_obs: int
    n_missing: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def n_tests(self) -> int:
        """Size of the family."""
        return len(self.table)

    @property
    def rejected(self) -> pd.DataFrame:
        """The rows of the pairs whose correlation changed, at this confidence for the whole family."""
        return self.table[self.table["adjusted"] <= 1.0 - self.confidence + 1e-12]

    @property
    def headline(self) -> str:
        """Number of pairs and of changes, alone and in the family, and power in one line."""
        alone = int((self.table["p_value"] <= 1.0 - self.confidence + 1e-12).sum())
        changed = f"{len(self.rejected)} changed after adjustment ({alone} one by one)"
        return (
            f"{self.n_tests} pairs, {self.window}-period lines: {changed}; power of one test "
            f"{percent_to(self.power, 0)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return by pair: range of atanh(correlation) (no unit), both p-values and the verdict, smallest first."""
        table = self.table.sort_values(["adjusted", "p_value"], kind="stable")
        verdict = np.where(table["adjusted"] <= 1.0 - self.confidence + 1e-12, "changed", "no change shown")
        return pd.DataFrame(
            {
                "pair": table["first"] + " and " + table["second"],
                "range of atanh(correlation) (no unit)": table["statistic"].round(3),
                "p-value, alone": table["p_value"].round(3),
                f"p-value, one of {self.n_tests}": table["adjusted"].round(3),
                "verdict": verdict,
            }
        ).set_index("pair")

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, one row a pair."""
        return self.table.copy()


def constancy_tests(
    changes: pd.DataFrame,
    *,
    window: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
    n_draws: int = 999,
    block_length: int = BLOCK_LENGTH,
    half_life: float = DEFAULT_HALF_LIFE,
    provenance: Provenance | None = None,
) -> ConstancyFamily:
    """Return tests that each pair of columns has one correlation, with p-values for the family.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_series)
        Changes, each column in its own unit, UTC times. Only rows that every column has are used, so that all pairs
        are resampled together.
    window, rng, confidence, n_draws, block_length, half_life, provenance
        As in `constancy_test`.

    Returns
    -------
    ConstancyFamily
        One row a pair.

    Raises
    ------
    ArgumentError
        As `constancy_test`.
    DataError
        For fewer than two columns, a name twice, bad columns, fewer than 20 rows that all have.

    Notes
    -----
    Statistic and p-value of a pair are those of `constancy_test`. All pairs are resampled with the same block starts,
    and statistics over their own bootstrap mean and deviation enter the step-down maximum of Romano and Wolf
    (Econometrica 73(4), 2005, algorithm 4.1): the probability of one false rejection or more is one less the
    confidence, however the pairs hang together.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).tail(1250)
    >>> constancy_tests(moves, window=90, rng=np.random.default_rng(1)).n_tests
    3
    """
    level = check_confidence(confidence)
    draws = check_count(n_draws, argument="n_draws", minimum=99, unit="histories")
    block = check_count(block_length, argument="block_length", unit="rows")
    columns = check_frame(changes)
    index, shocks = _common_shocks(columns, half_life)
    n = len(index)
    width = check_test_window(window, n)
    windows = np.array([width])
    starts = block_starts(n, block_length=block, n_draws=draws, rng=rng)
    pairs = list(zip(*np.triu_indices(len(columns), k=1), strict=True))
    statistic = np.array([line_extremes(shocks[i], shocks[j], windows).spread[0] for i, j in pairs])
    drawn = np.stack(
        [draw_extremes(shocks[i], shocks[j], windows, starts, block_length=block).spread[:, 0] for i, j in pairs]
    )
    names = [str(c.name) for c in columns]
    table = pd.DataFrame(
        {
            "first": [names[i] for i, _ in pairs],
            "second": [names[j] for _, j in pairs],
            "statistic": statistic,
            "p_value": [p_value(s, d) for s, d in zip(statistic, drawn, strict=True)],
            "adjusted": step_down(statistic, drawn),
        }
    )
    return ConstancyFamily(
        table=freeze(table),
        power=expected_power(width, n),
        window=width,
        block_length=block,
        n_draws=draws,
        confidence=level,
        method="range of the rolling line, common circular blocks, step-down maximum",
        n_obs=n,
        n_missing=len(changes) - n,
        start=index[0],
        as_of=index[-1],
        provenance=provenance or Provenance(()),
    )


def step_down(statistic: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return step-down p-values of a family, shape (n_tests,).

    Parameters
    ----------
    statistic : ndarray, shape (n_tests,)
        Large where the null is wrong.
    drawn : ndarray, shape (n_tests, n_draws)
        The same statistics under the null, each column one history that all tests share.

    Returns
    -------
    ndarray, shape (n_tests,)
        At least the p-value of each test alone on its studentised statistic.

    Examples
    --------
    >>> drawn = np.random.default_rng(1).standard_normal((3, 999))
    >>> step_down(np.array([9.0, 0.0, 0.0]), drawn).round(2).tolist()[0]
    0.0
    """
    mean, deviation = drawn.mean(axis=1), drawn.std(axis=1)
    scale = np.where(deviation > 0.0, deviation, 1.0)
    observed, null = (statistic - mean) / scale, (drawn - mean[:, None]) / scale[:, None]
    order = np.argsort(-observed, kind="stable")
    # The largest of the tests that are not yet decided: from the last one upward, a running maximum.
    largest = np.maximum.accumulate(null[order][::-1], axis=0)[::-1]
    exceeding = (largest >= observed[order, None]).sum(axis=1)
    adjusted = np.empty(len(statistic))
    adjusted[order] = np.maximum.accumulate((1.0 + exceeding) / (drawn.shape[1] + 1.0))
    return adjusted


def _common_shocks(columns: list[pd.Series], half_life: float) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Times and clipped shocks, shape (n_series, n), of the rows where every series has one."""
    shocks = np.stack([devolatilize(c, half_life=half_life).to_numpy() for c in columns])
    complete = np.isfinite(shocks).all(axis=0)
    if complete.sum() < MINIMUM_PAIRS:
        got = f"{int(complete.sum())} of {shocks.shape[1]} rows"
        remedy = "leave the series with most gaps out, or test pairs one by one with constancy_test"
        raise DataError("changes", f"must have {MINIMUM_PAIRS} rows that every series has", got, remedy)
    kept = np.clip(shocks[:, complete], -CLIP, CLIP)
    flat = np.ptp(kept, axis=1) == 0.0
    if flat.any():
        name = columns[int(np.argmax(flat))].name
        raise DataError("changes", "must vary", f"one value throughout in {name}", f"leave {name} out")
    return pd.DatetimeIndex(columns[0].index)[complete], kept
