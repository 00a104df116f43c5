"""Does a central counterparty for one class of contracts lower exposures? Duffie and Zhu's netting benefit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import ResultDisplay

__all__ = ["ClearingBenefit", "clearing_benefit", "least_members"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ClearingBenefit(ResultDisplay):
    """Expected exposure of one member with and without a counterparty that clears one class.

    Attributes
    ----------
    bilateral, with_ccp : float
        Mean positive exposure to all others, unit of the standard deviations.
    n_members : int
        Members that trade with each other.
    deviations : tuple of float
        Standard deviation of the position of a pair in each class; the first class is cleared.
    """

    bilateral: float
    with_ccp: float
    n_members: int
    deviations: tuple[float, ...]

    @property
    def reduction(self) -> float:
        """1 - with_ccp / bilateral; negative where clearing one class raises exposure."""
        return 1.0 - self.with_ccp / self.bilateral

    @property
    def headline(self) -> str:
        """Exposures and reduction in one line."""
        return (
            f"{self.n_members} members, {len(self.deviations)} classes, one cleared: exposure {self.bilateral:.4g} "
            f"bilateral, {self.with_ccp:.4g} with the counterparty ({percent_to(self.reduction, signed=True)} saved)"
        )

    def summary(self) -> pd.DataFrame:
        """Return both exposures (unit of the standard deviations) and the reduction (fraction)."""
        rows = {
            "bilateral (exposure)": self.bilateral,
            "with counterparty (exposure)": self.with_ccp,
            "reduction (fraction)": self.reduction,
        }
        return pd.Series(rows, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def clearing_benefit(n_members: int, *, n_classes: int, deviations: Sequence[float] | None = None) -> ClearingBenefit:
    """Return expected exposures before and after one class of contracts is cleared.

    Parameters
    ----------
    n_members : int
        At least 2.
    n_classes : int
        Classes of contracts that a pair nets against each other, at least 1; the first is cleared.
    deviations : sequence of float, shape (n_classes,), optional
        Standard deviation of a pair's position in each class; all 1 by default.

    Returns
    -------
    ClearingBenefit
        In the unit of the deviations.

    Raises
    ------
    ArgumentError
        For too few members or classes, or a deviation that is not positive.
    DataError
        For another number of deviations than classes.

    Notes
    -----
    Positions are independent normal across pairs and classes; the mean positive part of a normal is s / sqrt(2 pi).
    Bilateral: (N - 1) sqrt(sum s_k^2) / sqrt(2 pi). Cleared: (N - 1) sqrt(sum over k > 1 of s_k^2) / sqrt(2 pi) +
    sqrt(N - 1) s_1 / sqrt(2 pi). With equal deviations clearing helps if and only if K < N^2 / (4 (N - 1)) [1]_.

    References
    ----------
    .. [1] Duffie and Zhu (2011), Does a central clearing counterparty reduce counterparty risk?, Review of Asset
       Pricing Studies 1, 74-95, proposition 1.

    Examples
    --------
    >>> clearing_benefit(12, n_classes=2)
    <ClearingBenefit: 12 members, 2 classes, one cleared: exposure 6.206 bilateral, 5.712 with the counterparty \
(+8.0 % saved)>
    """
    N = check_count(n_members, argument="n_members", minimum=2, unit="members")
    K = check_count(n_classes, argument="n_classes", unit="classes")
    given = [1.0] * K if deviations is None else list(deviations)
    if len(given) != K:
        raise DataError("deviations", "must have one number a class", f"{len(given)} for {K}", "pass one for each")
    s = np.array([check_positive(d, argument="deviations", unit="money") for d in given])
    half_normal = 1.0 / np.sqrt(2.0 * np.pi)
    return ClearingBenefit(
        bilateral=float((N - 1) * np.sqrt(s @ s) * half_normal),
        with_ccp=float(((N - 1) * np.sqrt(s[1:] @ s[1:]) + np.sqrt(N - 1) * s[0]) * half_normal),
        n_members=N,
        deviations=tuple(map(float, s)),
    )


def least_members(n_classes: int) -> int:
    """Return the smallest number of members for which clearing one of equal classes lowers exposure.

    Parameters
    ----------
    n_classes : int
        At least 1.

    Raises
    ------
    ArgumentError
        For fewer than one class.

    Examples
    --------
    >>> [least_members(k) for k in (2, 4, 6, 8)]
    [7, 15, 23, 31]
    """
    K = check_count(n_classes, argument="n_classes", unit="classes")
    # K < N^2 / (4 (N - 1)) in whole numbers, strictly; the two roots lie about 1 and 4 K - 1.
    N = max(3, 4 * K - 3) if K > 1 else 3
    while not 4 * K * (N - 1) < N * N:
        N += 1
    return N
