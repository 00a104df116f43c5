"""The waterfall of losses that were split already: by a cascade, or in a venue's own report.

Amounts by scenario and layer (USD) enter; the same result as that of `loss_waterfall` leaves.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence
from volkit.errors import DataError
from volkit.results import Provenance, freeze
from volkit.solvency.default.inputs import LossSample, check_losses, check_scenario_weights
from volkit.solvency.waterfall.layers import LAYER_KINDS, LayerKind, LossWaterfall, layer_table

__all__ = ["observed_waterfall"]

# Of the loss: what sums of many small payments leave.
_ROUNDING = 1e-9


def observed_waterfall(
    amounts: pd.DataFrame,
    *,
    kinds: Mapping[str, LayerKind] | None = None,
    losses: LossSample | None = None,
    weights: npt.ArrayLike | None = None,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> LossWaterfall:
    """Return the waterfall of amounts that layers paid in each scenario.

    Parameters
    ----------
    amounts : DataFrame, shape (n_scenarios, n_layers)
        USD, at least 0, columns in the order of payment.
    kinds : mapping, optional
        Kind of a layer by its name; a name that is a kind needs none.
    losses : array-like or Series, shape (n_scenarios,), optional
        To be checked against the sums; the sums themselves by default.
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios of scenarios.
    coverage : float
        Of the intervals, decimal.
    as_of : Timestamp, optional
        Of the layers, UTC.
    provenance : Provenance, optional
        Of the losses.

    Returns
    -------
    LossWaterfall
        Capacities being unknown, "exhausted" is the probability that a later layer had to pay.

    Raises
    ------
    DataError
        For amounts that are negative or missing, or that do not sum to the losses (relative 1e-9).
    ArgumentError
        For a layer of no known kind, or a coverage out of range.

    Examples
    --------
    >>> paid = pd.DataFrame({"fund": [3.0, 5.0, 0.0], "adl": [0.0, 2.0, 0.0]})
    >>> observed_waterfall(paid).table["reached"].round(3).to_dict()
    {'fund': 0.667, 'adl': 0.333}
    """
    share = check_confidence(coverage, argument="coverage")
    if not isinstance(amounts, pd.DataFrame) or not amounts.shape[1] or amounts.columns.has_duplicates:
        got, remedy = "anything else", "pass a frame with one column a layer, each with a name of its own"
        raise DataError("amounts", "must be a table of layers with names", got, remedy)
    columns = [check_losses(amounts[name], argument=f"amounts of {name}")[0] for name in amounts.columns]
    values = np.column_stack(columns)
    total = values.sum(axis=1)
    if losses is not None:
        _check_conserved(check_losses(losses)[0], total)
    of = dict(kinds or {})
    named = [str(check_choice(of.get(str(n), str(n)), argument="kinds", choices=LAYER_KINDS)) for n in amounts.columns]
    later = np.cumsum(values[:, ::-1], axis=1)[:, ::-1] - values
    w = check_scenario_weights(weights, len(values))
    table = layer_table(values, later > _ROUNDING * total[:, None], named, w, share, worst=int(total.argmax()))
    names = pd.Index([str(name) for name in amounts.columns], name="layer")
    return LossWaterfall(
        amounts=freeze(pd.DataFrame(values, index=amounts.index, columns=names)),
        losses=freeze(pd.Series(total, index=amounts.index, name="loss")), table=freeze(table.set_axis(names)),
        coverage=share, weights=w, as_of=as_of, provenance=provenance or Provenance(()),
    )  # fmt: skip


def _check_conserved(losses: npt.NDArray[np.float64], total: npt.NDArray[np.float64]) -> None:
    if len(losses) != len(total):
        got, remedy = f"{len(losses)} for {len(total)} rows of amounts", "pass both of the same scenarios"
        raise DataError("losses", "must be one a scenario", got, remedy)
    off = np.abs(losses - total) > _ROUNDING * np.maximum(losses, total)
    if off.any():
        at = int(off.argmax())
        got = f"{int(off.sum())} that differ, first {total[at]:,.6g} of {losses[at]:,.6g} USD at scenario {at}"
        raise DataError("amounts", "must sum to the losses", got, "look which layer's payments are left out")
