"""The model confidence set: which of many forecasts cannot be told from the best one.

Losses enter (a column a model, a row a period, lower is better); a `ModelConfidenceSet` leaves.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, check_table
from volkit.errors import ArgumentError, DataError
from volkit.results import ResultDisplay, freeze
from volkit.validation.comparison import never_changes
from volkit.validation.scoring import check_values

__all__ = ["EliminationRule", "ModelConfidenceSet", "model_confidence_set"]

EliminationRule: TypeAlias = Literal["max", "R"]

_MINIMUM = 10
_FEWEST_REPLICATIONS = 100


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ModelConfidenceSet(ResultDisplay):
    """The models that cannot be told from the best one.

    Attributes
    ----------
    p_values : Series, shape (n_models,)
        By model: the largest 1 - confidence at which the model still belongs to the set.
    mean_losses : Series, shape (n_models,)
        By model, in the unit of the losses.
    confidence : float
        Share of samples in which the set holds the best model.
    method : {"max", "R"}
        Statistic that decides which model goes next.
    block_length : int
        Mean length of the bootstrap's blocks, in periods.
    n_bootstrap, n_obs : int
        Replications and periods.
    """

    p_values: pd.Series
    mean_losses: pd.Series
    confidence: float
    method: EliminationRule
    block_length: int
    n_bootstrap: int
    n_obs: int

    @property
    def included(self) -> tuple[str, ...]:
        """Models of the set, in the order given."""
        # Rounded, because 1 - 0.9 is a little below 0.1 and p-values are shares of replications.
        inside = self.p_values > round(1.0 - self.confidence, 12)
        return tuple(self.p_values.index[inside])

    @property
    def headline(self) -> str:
        """Members, confidence and count in one line."""
        names = ", ".join(str(name) for name in self.included)
        return f"{names} of {len(self.p_values)} models at {self.confidence:g}, {self.n_obs} periods"

    def summary(self) -> pd.DataFrame:
        """Return mean loss (unit of the losses), p-value (probability) and membership by model."""
        table = pd.DataFrame({"mean loss": self.mean_losses, "p-value (probability)": self.p_values})
        return table.assign(**{f"in the set at {self.confidence:g}": table.index.isin(self.included)})


def model_confidence_set(
    losses: pd.DataFrame | npt.NDArray[np.float64],
    *,
    rng: np.random.Generator,
    confidence: float = 0.90,
    method: EliminationRule = "max",
    block_length: int | None = None,
    n_bootstrap: int = 1000,
) -> ModelConfidenceSet:
    """Return the model confidence set: what is left when models that lose significantly more are put out.

    Parameters
    ----------
    losses : DataFrame or ndarray, shape (n_obs, n_models)
        Losses of the same periods, lower is better, in the same unit; at least 10 rows and 2 models. Names of an
        array are its column numbers.
    rng : Generator
        Of the bootstrap; its state moves on.
    confidence : float
        0.90 for a set that holds the best model in nine samples of ten.
    method : {"max", "R"}
        "max" compares each model with the average of those left, "R" every pair.
    block_length : int, optional
        Mean length of the stationary bootstrap's blocks, in periods; default the root of n_obs.
    n_bootstrap : int
        Replications, at least 100.

    Returns
    -------
    ModelConfidenceSet
        p-values in the order of the columns; models with the same losses share one.

    Raises
    ------
    DataError
        For NaN, infinities, fewer than 10 rows or 2 models, names that repeat, or models whose losses differ by the
        same amount in every period.
    ArgumentError
        For a confidence outside 0.5 to 1, another method, or counts below their minimum.

    Notes
    -----
    Hansen, Lunde and Nason [1]_, computed by `arch.bootstrap.MCS`. The set grows when the data say little: many
    members mean an undecided comparison, not many good models.

    References
    ----------
    .. [1] Hansen, Lunde and Nason (2011), The model confidence set, Econometrica 79.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> losses = pd.DataFrame(rng.chisquare(1, (400, 3)), columns=["EWMA", "GARCH", "constant"])
    >>> losses["constant"] += 0.6
    >>> model_confidence_set(losses, rng=rng)
    <ModelConfidenceSet: EWMA, GARCH of 3 models at 0.9, 400 periods>
    """
    check_choice(method, argument="method", choices=get_args(EliminationRule))
    level = check_confidence(confidence)
    replications = check_count(n_bootstrap, argument="n_bootstrap", minimum=_FEWEST_REPLICATIONS, unit="replications")
    if not isinstance(rng, np.random.Generator):
        remedy = "pass np.random.default_rng(seed)"
        raise ArgumentError("rng", "must be a random generator", type(rng).__name__, remedy)
    table = _check_losses(losses)
    n = len(table)
    block = int(np.sqrt(n)) if block_length is None else check_count(block_length, argument="block_length")
    if block >= n:
        raise ArgumentError("block_length", f"must be below the {n} periods", str(block), "pass a longer history")
    twin = _twins(table)
    distinct = table[list(dict.fromkeys(twin.values()))]
    p_values = pd.Series(1.0, index=distinct.columns)
    if distinct.shape[1] > 1:
        from arch.bootstrap import MCS  # a second: only when a set is wanted

        # A number drawn, because arch puts a generator back to where it was: two calls would use the same draws.
        seed = int(rng.integers(2**63 - 1))
        found = MCS(
            distinct.to_numpy(), size=1.0 - level, reps=replications, block_size=block, method=method, seed=seed
        )
        found.compute()
        p_values = found.pvalues["Pvalue"].sort_index().set_axis(distinct.columns)
    return ModelConfidenceSet(
        p_values=freeze(p_values.loc[[twin[name] for name in table.columns]].set_axis(table.columns).rename("p_value")),
        mean_losses=freeze(table.mean().rename("mean_loss")),
        confidence=level,
        method=method,
        block_length=block,
        n_bootstrap=replications,
        n_obs=n,
    )


def _check_losses(losses: pd.DataFrame | npt.NDArray[np.float64]) -> pd.DataFrame:
    is_array = isinstance(losses, np.ndarray)
    table = pd.DataFrame(losses) if is_array else check_table(losses, argument="losses")
    if table.shape[1] < 2:
        raise DataError("losses", "must have at least 2 models", f"{table.shape[1]}", "pass one column a model")
    if table.columns.has_duplicates:
        got = ", ".join(str(name) for name in table.columns[table.columns.duplicated()])
        raise DataError("losses", "must name each model once", f"{got} more than once", "rename the columns")
    checked = {n: check_values(table[n], argument=f"losses of {n}", minimum=_MINIMUM) for n in table.columns}
    return pd.DataFrame(checked, index=table.index)


def _twins(table: pd.DataFrame) -> dict[str, str]:
    """Return for each model the first one with the same losses: itself, unless it repeats another."""
    twin: dict[str, str] = {}
    for name in table.columns:
        twin[name] = name
        for other in dict.fromkeys(twin.values()):
            if other == name or not (reason := never_changes(table[name].to_numpy(), table[other].to_numpy())):
                continue
            if "identical" not in reason:
                remedy = "leave one of them out: no sampling error is left to compare"
                raise DataError("losses", "must differ by a varying amount", f"{reason} ({other}, {name})", remedy)
            twin[name] = other
    return twin
