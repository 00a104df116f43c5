"""SRISK: the capital that would be missing after a long fall of the market."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CapitalShortfall", "srisk"]

_WARNING = (
    "For an exchange's token or a protocol, debt is a modelling choice (customer balances, tokens lent, borrowings: "
    "say which), and a token is no claim on equity."
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CapitalShortfall(ResultDisplay):
    """Expected capital shortfall by institution.

    Attributes
    ----------
    table : DataFrame, shape (n_institutions, 8)
        debt, equity (money), long_run_shortfall (decimal), srisk (money; negative for a surplus), lower, upper (money,
        NaN without limits), shortfall (srisk above zero), share (of all shortfalls, decimal).
    prudential_ratio : float
        Equity over assets that is asked for.
    warning : str
        What "debt" means here.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    prudential_ratio: float
    warning: str
    provenance: Provenance

    @property
    def total(self) -> float:
        """Sum of the shortfalls; a surplus elsewhere does not help."""
        return float(self.table["shortfall"].sum())

    @property
    def as_of(self) -> None:
        """None: balance sheets and shortfalls carry their own dates."""
        return None

    @property
    def headline(self) -> str:
        """Total, largest share and the warning in one line."""
        top = self.table["srisk"].idxmax()
        if self.total == 0.0:
            return (
                f"nobody is short at {self.prudential_ratio:.4g} of assets, nearest {top} (surplus "
                f"{-self.table['srisk'][top]:,.4g}); debt is a modelling choice"
            )
        return (
            f"{self.total:,.4g} short at {self.prudential_ratio:.4g} of assets, most in {top} "
            f"({percent_to(self.table['share'][top], 0)}); debt is a modelling choice"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table, the largest shortfall first, with units; its columns are named by the warning."""
        words = {
            "debt": "debt (money)",
            "equity": "equity (money)",
            "long_run_shortfall": "long-run shortfall (decimal)",
            "srisk": "SRISK (money)",
            "lower": "lower (money)",
            "upper": "upper (money)",
            "share": "share (decimal)",
        }
        ranked = self.table.sort_values("srisk", ascending=False, kind="stable")
        shown = ranked[list(words)].rename(columns=words)
        shown.columns.name = self.warning
        return shown

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def srisk(
    debt: Mapping[str, float] | pd.Series,
    *,
    equity: Mapping[str, float] | pd.Series,
    long_run_shortfall: Mapping[str, float] | pd.Series,
    lower: Mapping[str, float] | pd.Series | None = None,
    upper: Mapping[str, float] | pd.Series | None = None,
    prudential_ratio: float = 0.08,
    provenance: Provenance | None = None,
) -> CapitalShortfall:
    """Return the capital shortfall expected after a long fall of the market.

    Parameters
    ----------
    debt : Series or mapping
        Book debt by institution, money, not negative. For a venue or protocol a modelling choice: the result says so.
    equity : Series or mapping
        Market value, same unit, positive.
    long_run_shortfall : Series or mapping
        LRMES, decimal below 1 (`long_run_shortfall`, `long_run_shortfall_from_beta`).
    lower, upper : Series or mapping, optional
        Limits of it, decimals; SRISK rises with it, so that they carry over.
    prudential_ratio : float
        k, above 0 and below 1.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CapitalShortfall
        Same unit as the debt.

    Raises
    ------
    DataError
        For names that do not match, numbers that are missing or out of range (an equity of 0, an LRMES of 1), and a
        lower limit above the upper.
    ArgumentError
        For a ratio out of range.

    Notes
    -----
    SRISK = k D - (1 - k)(1 - LRMES) W: debt keeps its value while equity falls (Brownlees and Engle 2017, Review of
    Financial Studies 30(1), 48-79).

    Examples
    --------
    >>> found = srisk({"X": 900.0}, equity={"X": 100.0}, long_run_shortfall={"X": 0.3685541325106447})
    >>> round(found.total, 6)
    13.90698
    """
    k = check_positive(prudential_ratio, argument="prudential_ratio", unit="equity over assets")
    if k >= 1.0:
        raise ArgumentError("prudential_ratio", "must be below 1", f"{k:g}", "pass 0.08 for 8 %")
    D = _numbers(debt, None, "debt", 0.0, np.inf)
    W = _numbers(equity, D.index, "equity", 0.0, np.inf, outside=0.0)
    fall = _numbers(long_run_shortfall, D.index, "long_run_shortfall", -np.inf, 1.0, outside=1.0)
    limits = [
        pd.Series(np.nan, index=D.index) if limit is None else _numbers(limit, D.index, name, -np.inf, 1.0)
        for limit, name in ((lower, "lower"), (upper, "upper"))
    ]
    if (crossed := limits[0] > limits[1]).any():
        name = D.index[crossed][0]
        got = f"{limits[0][name]:g} and {limits[1][name]:g} for {name}"
        raise DataError("lower and upper", "must be in this order", got, "swap them")
    values = [k * D - (1.0 - k) * (1.0 - f) * W for f in (fall, *limits)]
    short = values[0].clip(lower=0.0)
    total = float(short.sum())
    table = pd.DataFrame(
        {
            "debt": D,
            "equity": W,
            "long_run_shortfall": fall,
            "srisk": values[0],
            "lower": values[1],
            "upper": values[2],
            "shortfall": short,
            "share": short / total if total > 0.0 else 0.0 * short,
        }
    )
    return CapitalShortfall(
        table=freeze(table),
        prudential_ratio=k,
        warning=_WARNING,
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _numbers(
    values: Mapping[str, float] | pd.Series, names: pd.Index | None, argument: str, low: float, high: float,
    *, outside: float | None = None,
) -> pd.Series:  # fmt: skip
    given = values if isinstance(values, pd.Series) else pd.Series(dict(values), dtype=object)
    if not given.map(lambda v: isinstance(v, (int, float, np.number)) and not isinstance(v, complex)).all():
        raise DataError(argument, "must be numbers", "text or another object", "convert them first")
    given = given.astype(np.float64)
    if given.index.has_duplicates or not len(given):
        raise DataError(argument, "must name each institution once", f"{len(given)} values", "pass one each")
    lacking = [] if names is None else [name for name in names if name not in given.index]
    if lacking:
        raise DataError(argument, "must name every institution", f"nothing for {lacking[0]}", "add it")
    numbers = (given if names is None else given.reindex(names)).astype(np.float64)
    bad = ~(np.isfinite(numbers) & (numbers >= low) & (numbers <= high) & (numbers != outside))
    if bad.any():
        name = numbers.index[bad][0]
        rule = f"must be finite, from {low:g} to {high:g}" + ("" if outside is None else f", without {outside:g}")
        raise DataError(argument, rule, f"{numbers[name]} for {name}", "repair or leave out")
    return numbers
