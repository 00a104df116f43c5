"""Covariances and standard errors of several kinds by name, as every fit shows them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from volkit.checks import check_choice

__all__ = ["covariance_of_kind", "errors_of"]


def covariance_of_kind(covariances: np.ndarray, names: pd.Index, *, kind: str, kinds: Sequence[str]) -> pd.DataFrame:
    """Return the covariance of estimates of one kind, shape (K, K), from those of all, shape (n_kinds, K, K).

    Raises
    ------
    ArgumentError
        For an unknown kind.

    Examples
    --------
    >>> covariance_of_kind(np.ones((2, 1, 1)), pd.Index(["a"]), kind="robust", kinds=("naive", "robust"))
         a
    a  1.0
    """
    check_choice(kind, argument="kind", choices=kinds)
    return pd.DataFrame(covariances[list(kinds).index(kind)], index=names, columns=names)


def errors_of(covariance: pd.DataFrame, *, kind: str) -> pd.Series:
    """Return standard errors by parameter, named by their kind; NaN where a variance is not positive.

    Examples
    --------
    >>> errors_of(pd.DataFrame([[4.0]], index=["a"], columns=["a"]), kind="robust").to_dict()
    {'a': 2.0}
    """
    variances = np.diag(covariance)
    with np.errstate(invalid="ignore"):
        errors = np.where(variances > 0.0, np.sqrt(variances), np.nan)
    return pd.Series(errors, index=covariance.index, name=kind)
