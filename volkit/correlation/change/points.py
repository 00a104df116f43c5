"""Change points by the search algorithms of the optional package ruptures: fast on long series, without tests.

For dates with intervals and tests use `structural_breaks`.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive
from volkit.correlation.change.observations import check_observations
from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ChangePoints", "change_points"]

_SEARCHES = {"pelt": "Pelt", "binary": "Binseg", "dynamic": "Dynp", "window": "Window", "bottom_up": "BottomUp"}
_COSTS = {"l2": "mean", "l1": "median", "normal": "mean and variance", "rbf": "distribution", "rank": "ranks"}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ChangePoints(ResultDisplay):
    """Change points without intervals. All of it looks at the whole sample.

    Attributes
    ----------
    points : DataFrame, shape (n_points, 2)
        `position` (complete rows up to and with the last one before the change) and its `time` (UTC).
    segments : DataFrame, shape (n_points + 1, 5)
        `start`, `end` (inclusive), `n`, `mean` and `standard_deviation` in units of the values.
    label : str
        What was searched.
    method : str
        Search, cost and stopping in words.
    n_obs, n_missing : int
        Complete rows, and rows left out.
    as_of : Timestamp
        Last time (UTC).
    provenance : Provenance
        Series behind it.
    """

    points: pd.DataFrame
    segments: pd.DataFrame
    label: str
    method: str
    n_obs: int
    n_missing: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Points found and their dates."""
        dates = ", ".join(str(time.date()) for time in self.points["time"]) or "none"
        return f"{self.label}, {len(self.points)} change points: {dates}, n {self.n_obs}"

    def summary(self) -> pd.DataFrame:
        """Return one row a segment."""
        return self.segments

    def to_frame(self) -> pd.DataFrame:
        """Return the points as a tidy frame."""
        return self.points


def change_points(
    values: pd.Series,
    *,
    method: Literal["pelt", "binary", "dynamic", "window", "bottom_up"] = "pelt",
    cost: Literal["l2", "l1", "normal", "rbf", "rank"] = "l2",
    n_points: int | None = None,
    penalty: float | None = None,
    shortest: int = 10,
    provenance: Provenance | None = None,
) -> ChangePoints:
    """Return the change points that a search of ruptures finds in a series.

    Parameters
    ----------
    values : Series, shape (n_obs,)
        As in `structural_breaks`; searched in units of its own standard deviation.
    method : {"pelt", "binary", "dynamic", "window", "bottom_up"}
        ``pelt`` and ``dynamic`` are exact, the others greedy.
    cost : {"l2", "l1", "normal", "rbf", "rank"}
        What changes: mean, median, mean and variance, distribution, ranks.
    n_points : int, optional
        Points to be found; needed by ``dynamic``, impossible with ``pelt``.
    penalty : float, optional
        Cost of a point; 2 ln(n) by default, near BIC for l2.
    shortest : int
        Rows in a segment at least.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ChangePoints
        Positions count complete rows from 1; a change comes after its row.

    Raises
    ------
    ArgumentError
        When ruptures is not installed, for an unknown choice, a bad count, or both or the wrong one of `n_points`
        and `penalty`.
    DataError
        For what `check_observations` refuses.

    Notes
    -----
    Truong, Oudre and Vayatis (2020), Signal Processing 167, 107299. Every row is a candidate (``jump=1``; the
    package's default of 5 looks at every fifth). No p-value: a penalised search finds points in noise that is
    correlated in time.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=200, tz="UTC")
    >>> level = pd.Series(np.repeat([0.0, 2.0], 100) + rng.standard_normal(200), index=times, name="spread")
    >>> change_points(level)
    <ChangePoints: spread, 1 change points: 2020-04-09, n 200>
    """
    observed = check_observations(values)
    check_choice(method, argument="method", choices=_SEARCHES)
    check_choice(cost, argument="cost", choices=_COSTS)
    least = check_count(shortest, argument="shortest", minimum=2, unit="rows")
    n = len(observed.y)
    stop = _stopping(method, n_points, penalty, n)
    search = getattr(_ruptures(), _SEARCHES[method])(model=cost, min_size=least, jump=1)
    scaled = (observed.y - observed.y.mean()) / observed.y.std()
    if least > n:
        raise ArgumentError("shortest", f"must be at most the {n} rows", f"{shortest!r}", "pass a shorter one")
    ends = [int(end) for end in search.fit(scaled.reshape(-1, 1)).predict(**stop)]
    found = np.array(ends[:-1], dtype=np.int64)
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    segments = [
        (observed.index[a], observed.index[b - 1], b - a, observed.y[a:b].mean(), observed.y[a:b].std(ddof=1))
        for a, b in spans
    ]
    words = ", ".join(f"{name} {value:.4g}" for name, value in stop.items())
    return ChangePoints(
        points=freeze(pd.DataFrame({"position": found, "time": observed.index[found - 1]})),
        segments=freeze(pd.DataFrame(segments, columns=["start", "end", "n", "mean", "standard_deviation"])),
        label=observed.label,
        method=f"ruptures {_SEARCHES[method]}, {_COSTS[cost]} ({cost}), {words.replace('pen', 'penalty')}",
        n_obs=n,
        n_missing=observed.n_missing,
        as_of=observed.index[-1],
        provenance=provenance or Provenance(()),
    )


def _stopping(method: str, n_points: int | None, penalty: float | None, n: int) -> dict[str, float]:
    if n_points is not None and penalty is not None:
        raise ArgumentError("n_points and penalty", "must not both be given", f"{n_points} and {penalty}", "drop one")
    if n_points is not None:
        if method == "pelt":
            remedy = 'pass penalty, or method="dynamic"'
            raise ArgumentError("n_points", "must be left out with pelt", str(n_points), remedy)
        return {"n_bkps": check_count(n_points, argument="n_points", unit="points")}
    if method == "dynamic":
        raise ArgumentError("n_points", "must be given with dynamic", "None", "pass for example n_points=1")
    chosen = 2.0 * np.log(n) if penalty is None else check_positive(penalty, argument="penalty", unit="cost of a point")
    return {"pen": float(chosen)}


def _ruptures() -> Any:
    try:
        import ruptures
    except ImportError as error:
        remedy = 'install it, e.g. pip install "volkit[tails]", or use structural_breaks'
        raise ArgumentError("change_points", "needs the package ruptures", "no such package", remedy) from error
    return ruptures
