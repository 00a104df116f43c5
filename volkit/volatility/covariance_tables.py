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


def errors_of(covariances: np.ndarray, names: pd.Index, *, kind: str, kinds: Sequence[str]) -> pd.Series:
    """Return standard errors of one kind by parameter, named by their kind; NaN where a variance is not positive.

    Raises
    ------
    ArgumentError
        For an unknown kind.

    Examples
    --------
    >>> errors_of(np.array([[[4.0]]]), pd.Index(["a"]), kind="robust", kinds=("robust",)).to_dict()
    {'a': 2.0}
    """
    check_choice(kind, argument="kind", choices=kinds)
    variances = covariances[list(kinds).index(kind)].diagonal()
    with np.errstate(invalid="ignore"):
        errors = np.where(variances > 0.0, np.sqrt(variances), np.nan)
    return pd.Series(errors, index=names, name=kind)
