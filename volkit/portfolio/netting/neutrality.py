"""Does netting change how often an account cannot pay? Losses above gross and above net margin, side by side."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_fraction
from volkit.formatting import percent_to
from volkit.portfolio.netting.inputs import Floats, Labels, Pnl, check_labels, check_pnl
from volkit.portfolio.netting.measure import MarginMeasure, check_measure, measure_words
from volkit.portfolio.netting.sets import margins_of_sets
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.proportion import exact_interval

__all__ = ["InsolvencyNeutrality", "insolvency_neutrality"]

Judged = Literal["same scenarios", "second half"]
_JUDGED: tuple[Judged, ...] = ("same scenarios", "second half")
RULES = ("gross, isolated", "gross, pooled", "net")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class InsolvencyNeutrality(ResultDisplay):
    """How often losses exceed margin under gross and net rules, and the net margin that is as safe.

    Attributes
    ----------
    table : DataFrame, shape (3 n_accounts, 10)
        Index (account, rule). "gross, isolated": each position has its own margin, and the account counts as insolvent
        when any position loses more; "gross, pooled": the sum of these margins against the account's loss; "net": the
        net margin against the account's loss. `margin` and `mean_excess` (mean loss above margin over all scenarios:
        what somebody else pays), money; `n_insolvent` of `n_judged` scenarios; `share`, `low`, `high` (exact binomial
        interval), fractions; `mean_excess_if_insolvent`, money, NaN with none; `equal_net_margin`, the least net margin
        whose share of insolvent scenarios is at most that of the row, money; `equal_ratio`, it over the gross margin.
    judged : {"same scenarios", "second half"}
        Where the shares were counted.
    n_fitted : int
        Scenarios that set the margins.
    method : str
        Measure in words.
    confidence, coverage : float
        Of the margin and of the interval, fractions.
    as_of : Timestamp or None
        Last time (UTC) behind the numbers, as handed on.
    provenance : Provenance
        Series behind them, as handed on.
    """

    table: pd.DataFrame
    judged: Judged
    n_fitted: int
    method: str
    confidence: float
    coverage: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def is_neutral(self) -> pd.Series:
        """By account: whether net margin is exceeded no more often, beyond chance, than isolated margin."""
        share = self.table["low"].xs("net", level="rule")
        return share <= self.table["high"].xs("gross, isolated", level="rule")

    @property
    def headline(self) -> str:
        """Shares under the three rules for the first account, and accounts where netting is less safe."""
        first = self.table.index[0][0]
        shares = self.table.loc[first]["share"]
        words = ", ".join(f"{rule} {percent_to(shares[rule], 2)}" for rule in RULES)
        worse = int((~self.is_neutral).sum())
        return f"insolvent under {words} ({first}); net less safe in {worse} of {len(self.is_neutral)} accounts"

    def summary(self) -> pd.DataFrame:
        """Return the table with units in its labels."""
        share = percent_to(self.coverage, 0)
        units = {
            "margin": "margin (money)", "n_insolvent": "insolvent (scenarios)", "n_judged": "judged (scenarios)",
            "share": "insolvent (share)", "low": f"low ({share})", "high": f"high ({share})",
            "mean_excess": "mean loss above margin (money)",
            "mean_excess_if_insolvent": "the same if insolvent (money)",
            "equal_net_margin": "net margin as safe (money)", "equal_ratio": "it over gross margin (fraction)",
        }  # fmt: skip
        return self.table.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return the table with account and rule as columns."""
        return self.table.reset_index()


def insolvency_neutrality(
    pnl: npt.ArrayLike | pd.DataFrame,
    *,
    confidence: float,
    measure: MarginMeasure = "expected_shortfall",
    account: Labels | None = None,
    judged: Judged = "same scenarios",
    coverage: float = 0.95,
    names: Sequence[Hashable] | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> InsolvencyNeutrality:
    """Return how often losses exceed gross and net margin, with exact intervals.

    Parameters
    ----------
    pnl : array or DataFrame, shape (n_positions, n_scenarios)
        Profits (positive) and losses in money, scenarios equally likely; for "second half" in order of time.
    confidence : float
        Of the margins.
    measure : {"expected_shortfall", "value_at_risk", "worst"}
        Of the margins.
    account : str, sequence, Series or mapping, optional
        Owner of each position; one account by default.
    judged : {"same scenarios", "second half"}
        Count in the scenarios that set the margins, or set them on the first half and count in the second.
    coverage : float
        Of the binomial intervals, fraction.
    names : sequence, optional
        Of the positions.
    as_of : Timestamp, optional
        Last time (UTC) behind the numbers; handed on.
    provenance : Provenance, optional
        Series behind them; handed on.

    Returns
    -------
    InsolvencyNeutrality
        Three rows an account.

    Raises
    ------
    ArgumentError
        For a bad measure, confidence, choice or coverage, or too few scenarios (in the first half).
    DataError
        For what `check_pnl` and `check_labels` refuse.

    Notes
    -----
    The intervals are Clopper and Pearson's; they hold for independent scenarios, not for overlapping windows. Counted
    in the scenarios that set the margin, the share is below its promise on average; "second half" is the fair count.
    `equal_net_margin` is an order statistic of the judged losses, at least 0: with no insolvent scenario it is the
    largest loss, so that a share of zero says little about how much less margin would do.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.standard_normal((2, 20_000))
    >>> book = pd.DataFrame([x[0], -0.8 * x[0] + 0.3 * x[1]], index=["spot", "future"])
    >>> found = insolvency_neutrality(book, confidence=0.99, measure="value_at_risk", judged="second half")
    >>> found.table["share"].round(4).tolist(), found.table["equal_ratio"].round(2).tolist()
    ([0.018, 0.0, 0.0101], [0.17, 0.29, 0.19])
    """
    book = check_pnl(pnl, names=names)
    check_choice(judged, argument="judged", choices=_JUDGED)
    half = book.n_scenarios // 2
    n_fitted = half if judged == "second half" else book.n_scenarios
    level = check_measure(measure, confidence=confidence, n_scenarios=n_fitted)
    share = check_fraction(coverage, argument="coverage")
    owners = check_labels(account, book.names, argument="account")
    labels = pd.Series("all", index=book.names) if owners is None else owners
    rows: dict[tuple[Hashable, str], tuple[float, ...]] = {}
    for name in dict.fromkeys(labels):
        values = book.values[(labels == name).to_numpy()]
        seen = values[:, half:] if judged == "second half" else values
        found = _account(Pnl(values[:, :n_fitted], book.names, book.scenarios), seen, level, measure, share)
        rows |= {(name, rule): row for rule, row in zip(RULES, found, strict=True)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["account", "rule"])
    return InsolvencyNeutrality(
        table=freeze(table.astype({"n_insolvent": "int64", "n_judged": "int64"})),
        judged=judged,
        n_fitted=n_fitted,
        method=measure_words(measure, level),
        confidence=level,
        coverage=share,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


_COLUMNS = [
    "margin", "n_insolvent", "n_judged", "share", "low", "high", "mean_excess", "mean_excess_if_insolvent",
    "equal_net_margin", "equal_ratio",
]  # fmt: skip


def _account(
    fitted: Pnl, seen: Floats, level: float, measure: MarginMeasure, coverage: float
) -> list[tuple[float, ...]]:
    alone = margins_of_sets(fitted.values, np.arange(len(fitted.values)), level, measure)
    net = float(margins_of_sets(fitted.values, np.zeros(len(alone), dtype=np.intp), level, measure)[0])
    gross, loss = float(alone.sum()), -seen.sum(axis=0)
    excess = {
        # Isolated positions: a gain elsewhere pays for nothing.
        RULES[0]: (gross, np.maximum(-seen - alone[:, None], 0.0).sum(axis=0)),
        RULES[1]: (gross, np.maximum(loss - gross, 0.0)),
        RULES[2]: (net, np.maximum(loss - net, 0.0)),
    }
    return [_row(margin, above, loss, gross, coverage) for margin, above in excess.values()]


def _row(margin: float, above: Floats, loss: Floats, gross: float, coverage: float) -> tuple[float, ...]:
    n, x = len(above), int((above > 0.0).sum())
    low, high = exact_interval(x, n, coverage=coverage)
    # With x scenarios allowed above it, the least margin is the loss of rank x + 1 from above.
    equal = max(float(np.partition(loss, n - x - 1)[n - x - 1]), 0.0) if x < n else 0.0
    if_insolvent = float(above.sum() / x) if x else np.nan
    ratio = equal / gross if gross > 0.0 else np.nan
    return margin, x, n, x / n, low, high, float(above.mean()), if_insolvent, equal, ratio
