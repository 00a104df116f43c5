"""Dependence of shocks of several assets at one time: a normal or a t copula with one correlation matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.correlation.dependence import TCopulaFit
from volkit.errors import ArgumentError

__all__ = ["Copula"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Copula:
    """A normal or t copula.

    Parameters
    ----------
    correlation : DataFrame, shape (n_assets, n_assets)
        Of the copula's normal or t variables; labelled by asset, positive definite.
    degrees_of_freedom : float
        nu of the t copula, above 2; infinite for the normal copula.

    Raises
    ------
    ArgumentError
        For a table that is no correlation matrix, or nu of 2 or less.

    Examples
    --------
    >>> names = ["BTC", "ETH"]
    >>> Copula(correlation=pd.DataFrame([[1.0, 0.8], [0.8, 1.0]], names, names), degrees_of_freedom=4.0).words
    't copula, nu 4'
    """

    correlation: pd.DataFrame
    degrees_of_freedom: float = float("inf")

    def __post_init__(self) -> None:
        if not self.degrees_of_freedom > 2.0:
            got = f"{self.degrees_of_freedom:g}"
            raise ArgumentError("degrees_of_freedom", "must be above 2", got, "pass for example 4.0")
        self.root_of([str(name) for name in self.correlation.columns])

    @classmethod
    def independent(cls, assets: Sequence[str], *, degrees_of_freedom: float = float("inf")) -> "Copula":
        """Return the copula whose correlations are zero."""
        names = list(assets)
        return cls(correlation=pd.DataFrame(np.eye(len(names)), names, names), degrees_of_freedom=degrees_of_freedom)

    @classmethod
    def of_fit(cls, fit: TCopulaFit) -> "Copula":
        """Return the copula that `volkit.correlation.fit_t_copula` found for a pair."""
        names = list(fit.pair)
        return cls(correlation=pd.DataFrame([[1.0, fit.rho], [fit.rho, 1.0]], names, names), degrees_of_freedom=fit.nu)

    @property
    def is_normal(self) -> bool:
        """Whether the copula is normal."""
        return bool(np.isinf(self.degrees_of_freedom))

    @property
    def words(self) -> str:
        """The copula in words."""
        return "normal copula" if self.is_normal else f"t copula, nu {self.degrees_of_freedom:g}"

    def root_of(self, assets: Sequence[str]) -> Floats:
        """Return the lower Cholesky factor of the correlations in the order of the assets.

        Raises
        ------
        ArgumentError
            When the matrix names other assets, or is no positive definite correlation matrix.
        """
        R = self.correlation
        if list(R.index) != list(R.columns) or set(R.columns) != set(assets) or R.columns.has_duplicates:
            raise ArgumentError(
                "correlation",
                f"must have {', '.join(assets)} in rows and columns",
                f"{', '.join(map(str, R.index))} by {', '.join(map(str, R.columns))}",
                "label it by asset",
            )
        values = R.loc[list(assets), list(assets)].to_numpy(dtype=np.float64)
        sound = (
            np.isfinite(values).all() and (np.diag(values) == 1.0).all() and np.allclose(values, values.T, atol=1e-12)
        )
        try:
            if sound:
                return np.asarray(np.linalg.cholesky(values))
        except np.linalg.LinAlgError:
            pass
        raise ArgumentError(
            "correlation",
            "must be symmetric and positive definite with ones on its diagonal",
            str(np.round(values, 4).tolist()),
            "repair it first, e.g. with volkit.correlation.matrix",
        )
