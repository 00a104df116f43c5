"""One number for the tail of a profit and loss: expected shortfall, Value at Risk, or the worst scenario."""

from typing import Literal

import numpy as np

from volkit.checks import check_choice, check_confidence
from volkit.margin.rates import require_tail
from volkit.portfolio.netting.inputs import Floats

__all__ = ["MEASURES", "MarginMeasure", "check_measure", "measure_words", "tail_measure", "tail_weights"]

MarginMeasure = Literal["expected_shortfall", "value_at_risk", "worst"]
MEASURES: tuple[MarginMeasure, ...] = ("expected_shortfall", "value_at_risk", "worst")
# Relative to the size of losses: what rounding leaves between scenarios that tie.
_TIE = 1e-12


def check_measure(measure: str, *, confidence: float, n_scenarios: int) -> float:
    """Return the confidence, after a look at measure, confidence and number of scenarios together.

    Raises
    ------
    ArgumentError
        For an unknown measure, a confidence outside 0.5 to 1, or fewer than one scenario in the tail.

    Examples
    --------
    >>> check_measure("expected_shortfall", confidence=0.99, n_scenarios=100)
    0.99
    """
    check_choice(measure, argument="measure", choices=MEASURES)
    level = check_confidence(confidence)
    if measure != "worst":
        require_tail(n_scenarios, level)
    return level


def measure_words(measure: MarginMeasure, confidence: float) -> str:
    """Return the measure in words.

    Examples
    --------
    >>> measure_words("expected_shortfall", 0.975)
    '97.5 % expected shortfall'
    """
    name = measure.replace("_", " ")
    return "worst scenario" if measure == "worst" else f"{round(100.0 * confidence, 4):g} % {name}"


def tail_measure(
    losses: Floats, *, confidence: float, measure: MarginMeasure = "expected_shortfall",
    probabilities: Floats | None = None,
) -> Floats:  # fmt: skip
    """Return the measure of each row of losses, unchecked.

    Parameters
    ----------
    losses : ndarray, shape (..., n_scenarios)
        Positive for losses, finite, any unit.
    confidence : float
        For example 0.99; not used by "worst".
    measure : {"expected_shortfall", "value_at_risk", "worst"}
        See Notes.
    probabilities : ndarray, shape (n_scenarios,), optional
        Of the scenarios; equal by default.

    Returns
    -------
    ndarray, shape (...)
        In the unit of the losses; negative where even the tail gains.

    Notes
    -----
    Expected shortfall is that of Rockafellar and Uryasev: the mean over the worst 1 - c of the probability, the
    scenario at its edge counted in part. With n (1 - c) whole it is the mean over the n (1 - c) worst. It is
    subadditive in every sample, so that netting never costs. `volkit.margin.tail_of_losses` averages from the type
    6 quantile on instead and counts the scenario at the edge in full. Value at Risk is the type 6 quantile, as
    there; with `probabilities` it is the smallest loss with at least c of them at or below it.

    References
    ----------
    .. [1] Rockafellar and Uryasev (2002), Conditional value-at-risk for general loss distributions, Journal of Banking
       and Finance 26, 1443-1471, proposition 8.

    Examples
    --------
    >>> lost = np.arange(1.0, 11.0)
    >>> float(tail_measure(lost, confidence=0.8)), float(tail_measure(lost, confidence=0.75).round(6))
    (9.5, 9.2)
    """
    if measure == "worst":
        used = losses if probabilities is None else losses[..., probabilities > 0.0]
        return np.asarray(used.max(axis=-1))
    if measure == "value_at_risk":
        if probabilities is None:
            return np.asarray(np.quantile(losses, confidence, axis=-1, method="weibull"))
        order = np.argsort(losses, axis=-1)
        below = np.cumsum(probabilities[order], axis=-1)
        at = np.argmax(below >= confidence - 1e-12, axis=-1)[..., None]
        return np.asarray(np.take_along_axis(losses, np.take_along_axis(order, at, axis=-1), axis=-1)[..., 0])
    if probabilities is not None:
        return np.asarray((losses * tail_weights(losses, confidence=confidence, probabilities=probabilities)).sum(-1))
    wanted = losses.shape[-1] * (1.0 - confidence)
    whole = int(np.floor(wanted + 1e-9))
    # One more than the whole ones: the scenario at the edge.
    kept = min(whole + 1, losses.shape[-1])
    worst = np.partition(losses, losses.shape[-1] - kept, axis=-1)[..., losses.shape[-1] - kept :]
    worst.sort(axis=-1)
    part = max(wanted - whole, 0.0) if kept > whole else 0.0
    edge = worst[..., 0] * part if kept > whole else 0.0
    return np.asarray((worst[..., kept - whole :].sum(axis=-1) + edge) / (whole + part))


def tail_weights(losses: Floats, *, confidence: float, probabilities: Floats | None = None) -> Floats:
    """Return the weights of scenarios in the expected shortfall of each row; each row sums to 1.

    Parameters
    ----------
    losses : ndarray, shape (..., n_scenarios)
        Positive for losses, finite.
    confidence, probabilities
        As in `tail_measure`.

    Returns
    -------
    ndarray, shape (..., n_scenarios)
        Fractions; scenarios that tie at the edge share its weight by their probability, so that no order matters.

    Examples
    --------
    >>> tail_weights(np.array([5.0, 1.0, 3.0, 3.0]), confidence=0.5).tolist()
    [0.5, 0.0, 0.25, 0.25]
    """
    n = losses.shape[-1]
    p = np.full(n, 1.0 / n) if probabilities is None else probabilities
    order = np.argsort(-losses, axis=-1, kind="stable")
    before = np.cumsum(p[order], axis=-1)
    at = np.argmax(before >= (1.0 - confidence) * (1.0 - 1e-12), axis=-1)[..., None]
    edge = np.take_along_axis(losses, np.take_along_axis(order, at, axis=-1), axis=-1)
    slack = _TIE * np.abs(losses).max(axis=-1, keepdims=True)
    above, tied = losses > edge + slack, np.abs(losses - edge) <= slack
    inside = (above * p).sum(axis=-1, keepdims=True)
    share = (1.0 - confidence - inside) / (tied * p).sum(axis=-1, keepdims=True)
    weights = np.where(above, p, np.where(tied, p * share, 0.0)) / (1.0 - confidence)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
