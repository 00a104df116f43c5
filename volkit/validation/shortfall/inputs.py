"""What every back-test of expected shortfall takes: losses beside two tail forecasts, row by row the same period.

Losses are positive when money is lost, and so are both forecasts. The literature writes returns r, v and e instead;
here L = -r, V = -v and E = -e, and every formula of this folder is written in L, V and E. An exception is a loss
strictly above V. A row with a missing value is left out and counted; nothing is paired across it.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence, real_floats, real_number, refuse_overflow
from volkit.errors import ArgumentError, DataError
from volkit.validation.scoring import Values, check_rows

__all__ = ["TailRows", "check_optional", "check_rng", "check_significance", "check_tail"]

Floats = npt.NDArray[np.float64]

_REMEDY = "losses and forecasts are positive numbers here: pass minus the return, and margins as they are held"


class TailRows(NamedTuple):
    """Complete rows of losses and forecasts.

    Attributes
    ----------
    loss, value_at_risk, expected_shortfall : ndarray, shape (n_obs,)
        In one unit, positive for losses.
    known : ndarray of bool, shape (n_rows,)
        Which of the rows that came are complete.
    as_of : object
        Last label of the losses when they are a Series; None otherwise.
    """

    loss: Floats
    value_at_risk: Floats
    expected_shortfall: Floats
    known: npt.NDArray[np.bool_]
    as_of: object

    @property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Where the loss was strictly above the Value at Risk, shape (n_obs,)."""
        return np.asarray(self.loss > self.value_at_risk)

    @property
    def n_missing(self) -> int:
        """Rows left out."""
        return int((~self.known).sum())

    def facts(self, confidence: float) -> dict[str, object]:
        """Return the counts that every result carries."""
        return {
            "n_obs": len(self.loss),
            "n_exceptions": int(self.hits.sum()),
            "n_missing": self.n_missing,
            "confidence": float(confidence),
            "as_of": self.as_of,
        }


def check_tail(
    losses: Values, value_at_risk: Values, expected_shortfall: Values | None = None, *, confidence: float
) -> TailRows:
    """Return the complete rows of losses and tail forecasts, shape (n_obs,) each.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost, in order of time; NaN where unknown.
    value_at_risk, expected_shortfall : sequence, ndarray or Series, shape (n_rows,)
        Forecasts for the same rows and in the same unit, positive; NaN where there is none. Without an expected
        shortfall the Value at Risk stands in its place.
    confidence : float
        Of both forecasts, 0.99 for a tail of 1 %.

    Returns
    -------
    TailRows
        Rows without any NaN.

    Raises
    ------
    DataError
        For text, other rows, infinities, no complete row, an expected shortfall at or below zero, or one below the
        Value at Risk.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Examples
    --------
    >>> check_tail([0.01, None, 0.09], [0.05] * 3, [0.06] * 3, confidence=0.99).loss
    array([0.01, 0.09])
    """
    check_confidence(confidence)
    named = {"losses": losses, "value_at_risk": value_at_risk}
    if expected_shortfall is not None:
        named["expected_shortfall"] = expected_shortfall
    columns = {name: check_optional(values, losses, argument=name) for name, values in named.items()}
    known = np.asarray(~np.isnan(np.column_stack(list(columns.values()))).any(axis=1), dtype=np.bool_)
    if not known.any():
        raise DataError(" and ".join(named), "must have a complete row", f"{len(known)} rows, none complete", _REMEDY)
    L, V = columns["losses"][known], columns["value_at_risk"][known]
    E = columns["expected_shortfall"][known] if "expected_shortfall" in columns else V
    if expected_shortfall is not None:
        _check_order(V, E)
    as_of = losses.index[-1] if isinstance(losses, pd.Series) else None
    return TailRows(L, V, E, known, as_of)


def check_optional(values: Values, losses: Values, *, argument: str) -> Floats:
    """Return numbers beside the losses as an array of float64, shape (n_rows,); NaN stays.

    Raises
    ------
    DataError
        For text, a second dimension, other rows than the losses, or infinities.

    Examples
    --------
    >>> check_optional([0.05, None], [0.01, 0.02], argument="value_at_risk")
    array([0.05,  nan])
    """
    try:
        array = real_floats(pd.Series(values))
    except (TypeError, ValueError) as error:
        raise DataError(argument, "must be one-dimensional numbers", str(error), "pass one number a period") from error
    check_rows(losses, values, arguments=("losses", argument))
    if np.isinf(array).any():
        got = f"{int(np.isinf(array).sum())} infinities, first at position {int(np.argmax(np.isinf(array)))}"
        raise DataError(argument, "must be finite or missing", got, "mark unknown rows with NaN")
    refuse_overflow(array, argument=argument)
    return np.asarray(array, dtype=np.float64)


def check_significance(significance: float) -> float:
    """Return the probability of a false alarm, above 0 and at most 0.2.

    Raises
    ------
    ArgumentError
        When it lies outside.

    Examples
    --------
    >>> check_significance(0.05)
    0.05
    """
    if not 0.0 < real_number(significance, argument="significance") <= 0.2:
        remedy = "pass for example significance=0.05"
        raise ArgumentError("significance", "must be above 0 and at most 0.2", f"{significance!r}", remedy)
    return float(significance)


def check_rng(rng: np.random.Generator) -> np.random.Generator:
    """Return a random generator, or refuse what is none.

    Raises
    ------
    ArgumentError
        For anything but a Generator.

    Examples
    --------
    >>> check_rng(7)
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: rng must be a random generator; got int; pass np.random.default_rng(seed).
    """
    if not isinstance(rng, np.random.Generator):
        remedy = "pass np.random.default_rng(seed)"
        raise ArgumentError("rng", "must be a random generator", type(rng).__name__, remedy)
    return rng


def _check_order(margin: Floats, shortfall: Floats) -> None:
    if (bad := shortfall <= 0.0).any():
        got = f"{int(bad.sum())} other values, first {shortfall[bad][0]:g}"
        raise DataError("expected_shortfall", "must be positive", got, _REMEDY)
    if (bad := shortfall < margin).any():
        k = int(np.argmax(bad))
        got = f"{int(bad.sum())} rows below, first {shortfall[k]:g} beside {margin[k]:g}"
        raise DataError("expected_shortfall", "must be at least the value_at_risk", got, "check that both are positive")
