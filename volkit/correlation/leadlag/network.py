"""Who helps to predict whom among many series: Granger tests of all ordered pairs, whose number is counted.

A frame of changes enters; a `GrangerNetwork` with adjusted p-values leaves.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, real_number
from volkit.correlation.leadlag.granger import Covariance, check_granger, granger_test
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm

__all__ = ["GrangerNetwork", "granger_network"]

_ADJUSTMENTS = {
    "benjamini-yekutieli": (benjamini_yekutieli, "Benjamini-Yekutieli"),
    "benjamini-hochberg": (benjamini_hochberg, "Benjamini-Hochberg"),
    "holm": (holm, "Holm"),
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class GrangerNetwork(ResultDisplay):
    """Granger tests of all ordered pairs. Rows receive, columns send.

    Attributes
    ----------
    statistic, p_value, adjusted_p_value : DataFrame, shape (n_series, n_series)
        F, its p-value, and the p-value adjusted over the family; NaN on the diagonal.
    n_hypotheses : int
        Tests in the family.
    significance : float
        Adjusted p-value up to which an edge is drawn, fraction.
    lags : int
        Periods of past.
    method : str
        Covariance, conditioning and adjustment in words.
    n_obs : int
        Rows used, the fewest of all tests.
    as_of : Timestamp
        Last time (UTC) of the sample.
    provenance : Provenance
        Series behind it.
    """

    statistic: pd.DataFrame
    p_value: pd.DataFrame
    adjusted_p_value: pd.DataFrame
    n_hypotheses: int
    significance: float
    lags: int
    method: str
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def edges(self) -> pd.DataFrame:
        """Pairs that stay significant after adjustment, smallest adjusted p first."""
        table = self.to_frame()
        kept = table[table["adjusted_p_value"] <= self.significance]
        return kept.sort_values(["adjusted_p_value", "p_value"]).reset_index(drop=True)

    @property
    def headline(self) -> str:
        """Edges found, tests made, lags and rows."""
        found = f"{len(self.edges)} of {self.n_hypotheses} edges at {self.significance:g} adjusted"
        return f"{found}, {self.lags} lags, n {self.n_obs}"

    def summary(self) -> pd.DataFrame:
        """Return the adjusted p-values; rows receive, columns send."""
        return self.adjusted_p_value.rename_axis(index="caused (adjusted p-value)", columns="causing")

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row an ordered pair: causing, caused, statistic, p_value, adjusted_p_value."""
        rows = [
            (causing, caused, *(float(table.loc[caused, causing]) for table in self._tables))
            for caused in self.p_value.index
            for causing in self.p_value.columns
            if caused != causing
        ]
        return pd.DataFrame(rows, columns=["causing", "caused", "statistic", "p_value", "adjusted_p_value"])

    @property
    def _tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.statistic, self.p_value, self.adjusted_p_value


def granger_network(
    changes: pd.DataFrame,
    *,
    lags: int,
    covariance: Covariance = "robust",
    given: Literal["pair", "all"] = "pair",
    adjustment: Literal["benjamini-yekutieli", "benjamini-hochberg", "holm"] = "benjamini-yekutieli",
    significance: float = 0.05,
    provenance: Provenance | None = None,
) -> GrangerNetwork:
    """Return the Granger tests of all ordered pairs with p-values adjusted for their number.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_series)
        As in `granger_test`.
    lags : int
        Periods of past.
    covariance : {"classical", "robust", "hac"}
        As in `granger_test`.
    given : {"pair", "all"}
        Whose past is in the equation: of the two series alone, or of all columns, so that what passes through a
        third is not counted.
    adjustment : {"benjamini-yekutieli", "benjamini-hochberg", "holm"}
        Share of false discoveries under any dependence, the same under independence, or chance of any (family-wise).
        The words of `correlation_matrix`, which has Romano-Wolf besides.
    significance : float
        Up to which an adjusted p-value makes an edge, fraction below 0.5.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    GrangerNetwork
        Rows receive, columns send.

    Raises
    ------
    ArgumentError
        For an unknown choice, a bad count or significance.
    DataError
        As `granger_test`.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal((400, 3))
    >>> times = pd.date_range("2022-01-01", periods=400, tz="UTC")
    >>> moves = pd.DataFrame(noise, index=times, columns=["BTC", "ETH", "SPX"])
    >>> moves["ETH"] += 0.4 * moves["BTC"].shift(1, fill_value=0.0)
    >>> granger_network(moves, lags=1).edges[["causing", "caused"]].to_numpy().tolist()
    [['BTC', 'ETH']]
    """
    names, values, index = check_granger(changes)
    check_choice(given, argument="given", choices=("pair", "all"))
    check_choice(adjustment, argument="adjustment", choices=_ADJUSTMENTS)
    level = 1.0 - check_confidence(
        1.0 - real_number(significance, argument="significance"), argument="1 - significance"
    )
    frame = pd.DataFrame(values, index=index, columns=names)
    pairs = [(caused, causing) for caused in names for causing in names if caused != causing]
    tests = [
        granger_test(
            frame if given == "all" else frame[[caused, causing]],
            caused=caused,
            causing=causing,
            lags=lags,
            covariance=covariance,
            degrees_of_freedom="equation",
        )
        for caused, causing in pairs
    ]
    p_values = np.array([test.p_value for test in tests])
    adjust, words = _ADJUSTMENTS[adjustment]
    adjusted = adjust(p_values)
    past = "the past of all series" if given == "all" else "the pair's own past"
    return GrangerNetwork(
        statistic=_square(names, pairs, np.array([test.statistic for test in tests])),
        p_value=_square(names, pairs, p_values),
        adjusted_p_value=_square(names, pairs, adjusted),
        n_hypotheses=len(pairs),
        significance=level,
        lags=lags,
        method=f"{tests[0].method}, given {past}; {words} over {len(pairs)} tests",
        n_obs=min(test.n_obs for test in tests),
        as_of=index[-1],
        provenance=provenance or Provenance(()),
    )


def _square(names: list[str], pairs: list[tuple[str, str]], values: np.ndarray) -> pd.DataFrame:
    table = np.full((len(names), len(names)), np.nan)
    for (caused, causing), value in zip(pairs, values, strict=True):
        table[names.index(caused), names.index(causing)] = value
    return freeze(pd.DataFrame(table, index=pd.Index(names, name="caused"), columns=pd.Index(names, name="causing")))
