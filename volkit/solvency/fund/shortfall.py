"""What margins leave uncovered when members default, and how often that exhausts a fund.

Losses of member groups by scenario and their margins (USD) enter; shortfalls by member and scenario leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.realtime.insolvency.tail import probability_interval
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.inputs import Floats, check_amount, check_scenario_weights
from volkit.solvency.fund.cover import check_member_losses

__all__ = ["MarginShortfall", "margin_shortfall"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginShortfall(ResultDisplay):
    """Losses beyond margin.

    Attributes
    ----------
    uncovered : DataFrame, shape (n_scenarios, n_members)
        USD: max(loss - margin, 0). What `cover_k` takes.
    table : DataFrame
        By member: margin, expected and largest shortfall (USD), probability of any, lower, upper.
    expected : float
        Mean of the shortfalls' sum, USD.
    fund : float
        USD.
    exhausted, lower, upper : float
        Probability that the sum exceeds the fund, with the ends of its exact interval.
    beyond_fund : float
        Mean of the sum beyond the fund, USD: what auto-deleveraging or the next layer has to bear.
    coverage : float
        Of the intervals, decimal.
    as_of : Timestamp or None
        Of the positions, UTC.
    provenance : Provenance
        Of the scenarios.
    """

    uncovered: pd.DataFrame
    table: pd.DataFrame
    expected: float
    fund: float
    exhausted: float
    lower: float
    upper: float
    beyond_fund: float
    coverage: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Expected shortfall, and how often it exceeds the fund."""
        return (
            f"expected shortfall after margin {self.expected:,.6g} USD, above the fund of {self.fund:,.6g} in "
            f"{percent_to(self.exhausted, 3)} ({percent_to(self.lower, 3)} to {percent_to(self.upper, 3)}) of "
            f"{len(self.uncovered):,} scenarios"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table by member, units in the labels."""
        return self.table.rename(columns={name: f"{name} (USD)" for name in ("margin", "expected", "largest")})

    def to_frame(self) -> pd.DataFrame:
        """Return the shortfalls by scenario."""
        return self.uncovered


def margin_shortfall(
    losses: npt.ArrayLike | pd.DataFrame,
    margin: float | Mapping[str, float] | pd.Series | npt.ArrayLike,
    *,
    fund: float = 0.0,
    weights: npt.ArrayLike | None = None,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> MarginShortfall:
    """Return what members' margins leave of their losses, and how often that exceeds a fund.

    Parameters
    ----------
    losses : array-like or DataFrame, shape (n_scenarios, n_members)
        Of each member group, USD; gains, negative numbers, count as none.
    margin : float, array-like, mapping or Series, shape (n_members,)
        USD, at least 0; by name, every member needs one.
    fund : float
        That pays the sum of the shortfalls, USD.
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios of scenarios.
    coverage : float
        Of the intervals, decimal.
    as_of : Timestamp, optional
        Of the positions, UTC.
    provenance : Provenance, optional
        Of the scenarios.

    Returns
    -------
    MarginShortfall
        A higher margin of any member never raises any of its numbers.

    Raises
    ------
    DataError
        For losses that are missing, a member without margin, or a negative one.
    ArgumentError
        For a negative fund or a coverage out of range.

    Examples
    --------
    >>> left = margin_shortfall([[10.0, 4.0], [3.0, 9.0]], [5.0, 5.0], fund=4.5)
    >>> left.uncovered.to_numpy().tolist(), left.expected, left.exhausted
    ([[5.0, 0.0], [0.0, 4.0]], 4.5, 0.5)
    """
    table = check_member_losses(losses, argument="losses", signed=True)
    held = _margins(margin, table.columns)
    money, share = check_amount(fund, argument="fund"), check_confidence(coverage, argument="coverage")
    w = check_scenario_weights(weights, len(table))
    left = np.maximum(table.to_numpy() - held, 0.0)
    total = left.sum(axis=1)
    chances = np.array([probability_interval(column > 0.0, w, coverage=share) for column in left.T])
    by_member = pd.DataFrame(
        {
            "margin": held,
            "expected": np.average(left, axis=0, weights=w),
            "largest": left.max(axis=0),
            "probability": chances[:, 0],
            "lower": chances[:, 1],
            "upper": chances[:, 2],
        },
        index=table.columns.rename("member"),
    )
    p, low, high = probability_interval(total > money, w, coverage=share)
    return MarginShortfall(
        uncovered=freeze(pd.DataFrame(left, index=table.index, columns=table.columns)), table=freeze(by_member),
        expected=float(np.average(total, weights=w)), fund=money, exhausted=p, lower=low, upper=high,
        beyond_fund=float(np.average(np.maximum(total - money, 0.0), weights=w)), coverage=share, as_of=as_of,
        provenance=provenance or Provenance(()),
    )  # fmt: skip


def _margins(margin: float | Mapping[str, float] | pd.Series | npt.ArrayLike, members: pd.Index) -> Floats:
    if isinstance(margin, (Mapping, pd.Series)):
        values = pd.Series(margin, dtype=np.float64).reindex(members).to_numpy()
    else:
        values = np.array(margin, dtype=np.float64)
        if values.shape not in ((), (len(members),)):
            got, remedy = f"shape {values.shape} for {len(members)} members", "pass one number, or one a member"
            raise DataError("margin", "must be one a member", got, remedy)
        values = np.broadcast_to(values, len(members))
    bad = ~(np.isfinite(values) & (values >= 0.0))
    if bad.any():
        named = ", ".join(str(name) for name in members[bad][:5])
        raise DataError("margin", "must be finite and at least 0 for every member", f"others for {named}", "add them")
    return np.asarray(values, dtype=np.float64)
