"""Which copula family fits a pair: the optional package pyvinecopulib behind a frozen result.

Two series of changes enter; families with their rotations, compared by an information criterion, leave.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.correlation.dependence.t_likelihood import pseudo_observations
from volkit.correlation.inputs import check_pair, require_pairs
from volkit.errors import ArgumentError
from volkit.prices.synchrony import Synchrony, clock_words, warn_asynchronous
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["FAMILIES", "PairCopulaFit", "fit_pair_copula"]

FAMILIES = ("indep", "gaussian", "student", "clayton", "gumbel", "frank", "joe", "bb1", "bb6", "bb7", "bb8")
_COLUMNS = ["rotation", "parameters", "log_likelihood", "aic", "bic", "kendall_tau", "lower_tail", "upper_tail"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PairCopulaFit(ResultDisplay):
    """Copula families fitted to the ranks of a pair, best first.

    Attributes
    ----------
    table : DataFrame, shape (n_families, 8)
        By `family`: `rotation` (degrees), `parameters` in words, `log_likelihood`, `aic`, `bic`, `kendall_tau`,
        `lower_tail`, `upper_tail` (limits of the joint tails, no unit).
    criterion : str
        By which the families are ordered.
    pair : tuple of str
        Names of the two series.
    n_obs, n_missing : int
        Complete pairs, and rows left out.
    method : str
        In words.
    as_of : Timestamp
        Last time (UTC).
    synchrony : Synchrony or None
        What the two clocks have in common.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    criterion: str
    pair: tuple[str, str]
    n_obs: int
    n_missing: int
    method: str
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def family(self) -> str:
        """Name of the best family."""
        return str(self.table.index[0])

    @property
    def headline(self) -> str:
        """Best family, rotation, and its tails."""
        best = self.table.iloc[0]
        words = (
            f"{self.family} rotated by {best['rotation']}, tails {best['lower_tail']:.2f} and {best['upper_tail']:.2f}"
        )
        return (
            f"{self.pair[0]} and {self.pair[1]}, {words}, {self.criterion} {best[self.criterion]:.1f}, n {self.n_obs}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table of families, with the clocks in its columns' name."""
        return self.table.rename_axis(columns=clock_words(self.synchrony))

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a family."""
        return self.table.reset_index()


def fit_pair_copula(
    x: pd.Series,
    y: pd.Series,
    *,
    families: tuple[str, ...] = FAMILIES,
    criterion: Literal["aic", "bic"] = "aic",
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> PairCopulaFit:
    """Return copula families with rotations fitted to the ranks of two series, best first.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out and counted.
    families : tuple of str
        Of `FAMILIES`: independence, normal, t, Clayton, Gumbel, Frank, Joe, BB1, BB6, BB7, BB8. Of each the best
        rotation is kept.
    criterion : {"aic", "bic"}
        That orders them.
    synchrony : Synchrony, optional
        What the two clocks have in common.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    PairCopulaFit
        One row a family.

    Raises
    ------
    ArgumentError
        When pyvinecopulib or what it needs is not installed, or for an unknown family or criterion.
    DataError
        As `pearson_correlation`.

    Warns
    -----
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    Maximum likelihood of pyvinecopulib on ranks over n + 1 (Nagler and Vatter). The criteria take rows as
    independent, so that on clustered changes they prefer families with a parameter too many; no errors are given, see
    `fit_t_copula` and `tail_dependence` for intervals.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=500, tz="UTC")
    >>> x, y = (pd.Series(rng.standard_normal(500), index=times, name=name) for name in ("BTC", "SPX"))
    >>> fit_pair_copula(x, y, families=("vine",))
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: families must be one of indep, gaussian, student, clayton, gumbel, frank, joe, bb1, \
bb6, bb7, bb8; got 'vine'; choose one of these.
    """
    for name in families:
        check_choice(name, argument="families", choices=FAMILIES)
    if not families:
        raise ArgumentError("families", "must name at least one", "none", 'pass for example families=("student",)')
    order = check_choice(criterion, argument="criterion", choices=("aic", "bic"))
    pair = check_pair(x, y)
    kept = require_pairs(pair, argument="x and y", remedy="pass a longer history")
    warn_asynchronous(synchrony, what=f"the copula of {pair.label}")
    ranks = np.column_stack([pseudo_observations(kept.x), pseudo_observations(kept.y)])
    package = _pyvinecopulib()
    rows = {name: _fit(package, name, ranks) for name in dict.fromkeys(families)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS).rename_axis(index="family")
    return PairCopulaFit(
        table=freeze(table.sort_values(order, kind="stable")),
        criterion=order,
        pair=pair.names,
        n_obs=len(ranks),
        n_missing=len(pair.index) - len(ranks),
        method=f"pyvinecopulib {package.__version__}, maximum likelihood on ranks, ordered by {order}",
        as_of=pair.index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _fit(package: Any, name: str, ranks: np.ndarray) -> tuple[Any, ...]:
    controls = package.FitControlsBicop(family_set=[getattr(package.BicopFamily, name)], preselect_families=False)
    copula = package.Bicop.from_data(ranks, controls)
    words = ", ".join(f"{value:.4f}" for value in np.ravel(copula.parameters))
    lower, upper = _tails(copula)
    likelihood = float(copula.loglik(ranks))
    # Criteria are taken here: the package's own are cached with the data that it was fitted to.
    aic, bic = (weight * copula.npars - 2.0 * likelihood for weight in (2.0, np.log(len(ranks))))
    return int(copula.rotation), words, likelihood, float(aic), float(bic), float(copula.tau), lower, upper


def _tails(copula: Any) -> tuple[float, float]:
    tails = np.asarray(copula.taildep, dtype=np.float64)
    # Rows and columns: low and high end of the first and of the second series.
    return float(tails[0, 0]), float(tails[1, 1])


def _pyvinecopulib() -> Any:
    try:
        import pyvinecopulib
    except ImportError as error:
        remedy = 'install it, e.g. pip install "volkit[tails]", or use fit_t_copula'
        raise ArgumentError("fit_pair_copula", "needs the package pyvinecopulib", str(error), remedy) from error
    return pyvinecopulib
