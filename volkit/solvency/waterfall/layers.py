"""Who pays a loss: layers that absorb it in their order, over all scenarios at once.

Losses of scenarios and capacities of layers (USD) enter; amounts by layer, which sum to the loss to the last bit, and
the probability that each layer is reached, with its interval, leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_kinds
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.realtime.insolvency.tail import probability_interval
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.inputs import Floats, LossSample, check_losses, check_scenario_weights

__all__ = [
    "LAYER_KINDS",
    "Layer",
    "LayerKind",
    "LossWaterfall",
    "absorbed_amounts",
    "layer_table",
    "loss_waterfall",
    "venue_layers",
]

LayerKind = Literal[
    "margin", "defaulter fund share", "skin in the game", "fund", "mutual fund", "assessments", "adl", "socialised"
]
LAYER_KINDS = (
    "margin", "defaulter fund share", "skin in the game", "fund", "mutual fund", "assessments", "adl", "socialised",
)  # fmt: skip
UNCOVERED = "uncovered"
# Units in the last place by which a loss may miss the edge between two layers and still count as at it: the rounding
# of the sum of a few capacities.
_EDGE = 8.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Layer:
    """A source of payment.

    Attributes
    ----------
    kind : str
        One of `LAYER_KINDS`: it says what reaching the layer means.
    capacity : float or ndarray, shape (n_scenarios,)
        Most that it pays, USD, at least 0; infinite where it has no end (socialised losses).
    name : str
        For tables; the kind by default.

    Raises
    ------
    ArgumentError
        For an unknown kind, or a capacity that is negative or missing.

    Examples
    --------
    >>> Layer(kind="fund", capacity=1e6).name
    'fund'
    """

    kind: LayerKind
    capacity: float | Floats
    name: str = ""

    def __post_init__(self) -> None:
        check_choice(self.kind, argument="kind", choices=LAYER_KINDS)
        capacity = np.array(self.capacity, dtype=np.float64)
        if capacity.ndim > 1 or not (capacity >= 0.0).all():
            got = f"{self.capacity!r}" if capacity.ndim == 0 else f"shape {capacity.shape}, least {capacity.min():g}"
            rule = "must be at least 0 USD, one number or one a scenario"
            raise ArgumentError(f"capacity of {self.name or self.kind}", rule, got, "pass 0 for an empty layer")
        capacity.flags.writeable = False
        object.__setattr__(self, "capacity", float(capacity) if capacity.ndim == 0 else capacity)
        object.__setattr__(self, "name", self.name or self.kind)


def venue_layers(
    *,
    margin: float | Floats = 0.0,
    defaulter_fund_share: float | Floats = 0.0,
    skin_in_the_game: float | Floats = 0.0,
    fund: float | Floats = 0.0,
    mutual_fund: float | Floats = 0.0,
    assessments: float | Floats = 0.0,
    adl: float | Floats = 0.0,
) -> tuple[Layer, ...]:
    """Return the layers of a venue in the usual order, ending with socialised losses without a limit.

    Parameters
    ----------
    margin, defaulter_fund_share, skin_in_the_game, fund, mutual_fund, assessments, adl : float or array
        Capacities, USD, of shape () or (n_scenarios,): the defaulter's margin and share of the fund, the venue's own
        money, its insurance fund, what other members paid in and can be asked for, and the unrealised profit that
        auto-deleveraging may take from winners. A layer of 0 is left out.

    Returns
    -------
    tuple of Layer

    Examples
    --------
    >>> [layer.name for layer in venue_layers(fund=10.0, adl=5.0)]
    ['fund', 'adl', 'socialised']
    """
    capacities = (margin, defaulter_fund_share, skin_in_the_game, fund, mutual_fund, assessments, adl)
    kinds: tuple[LayerKind, ...] = (
        "margin", "defaulter fund share", "skin in the game", "fund", "mutual fund", "assessments", "adl",
    )  # fmt: skip
    paying = [Layer(kind=k, capacity=c) for k, c in zip(kinds, capacities, strict=True) if np.any(np.asarray(c) != 0.0)]
    return (*paying, Layer(kind="socialised", capacity=np.inf))


def absorbed_amounts(losses: Floats, capacities: Floats) -> Floats:
    """Return what each layer pays and, in the last column, what none of them does.

    Parameters
    ----------
    losses : ndarray, shape (n_scenarios,)
        USD, at least 0.
    capacities : ndarray, shape (n_layers,) or (n_scenarios, n_layers)
        USD, at least 0, infinite allowed; in the order of payment.

    Returns
    -------
    ndarray, shape (n_scenarios, n_layers + 1)
        USD. Each row sums to its loss exactly, in any order of summation.

    Notes
    -----
    A layer pays the step of min(loss, capacities up to it). These are rounded to whole units in the last place of the
    loss, so that all amounts of a row are whole multiples of one unit, and no sum of them below the loss is rounded. A
    layer pays its capacity to within a few of these units, 2e-16 of the loss.

    Examples
    --------
    >>> absorbed_amounts(np.array([5.0, 25.0]), np.array([10.0, 8.0]))
    array([[ 5.,  0.,  0.],
           [10.,  8.,  7.]])
    """
    limits = np.atleast_2d(np.cumsum(capacities, axis=-1))
    loss = losses[:, None]
    unit = np.spacing(loss)
    with np.errstate(invalid="ignore"):
        # Infinite less finite is infinite: far from the edge.
        at_edge = np.abs(limits - loss) <= _EDGE * unit
    filled = np.where(at_edge, loss, np.minimum(limits, loss))
    filled = np.rint(filled / unit) * unit
    edges = np.concatenate([np.zeros_like(loss), filled, loss], axis=1)
    return np.asarray(np.diff(edges, axis=1))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LossWaterfall(ResultDisplay):
    """Losses split by who pays them.

    Attributes
    ----------
    amounts : DataFrame, shape (n_scenarios, n_layers)
        USD by layer; rows sum to `losses` exactly. A last column "uncovered" stands where the layers have an end.
    losses : Series, shape (n_scenarios,)
        USD.
    table : DataFrame
        By layer: kind, expected (USD), share (of the expected loss), worst (USD, in the scenario with the largest
        loss), largest (USD, in any scenario), reached (probability), lower, upper and exhausted (probability that it
        pays all it has).
    coverage : float
        Of the intervals, decimal.
    weights : ndarray, shape (n_scenarios,), or None
        Mean 1.
    as_of : Timestamp or None
        Of the layers, UTC.
    provenance : Provenance
        Of the losses.
    """

    amounts: pd.DataFrame
    losses: pd.Series
    table: pd.DataFrame
    coverage: float
    weights: Floats | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.losses)

    @property
    def adl_probability(self) -> tuple[float, float, float]:
        """Probability that auto-deleveraging or what stands after it pays anything, with its interval's ends.

        Raises
        ------
        ArgumentError
            When no layer is of the kind "adl".
        """
        found = (self.table["kind"] == "adl").to_numpy()
        if not found.any():
            got = ", ".join(str(name) for name in self.table.index)
            raise ArgumentError("layers", "must hold one of the kind 'adl'", got, "add venue_layers(adl=...)")
        # A layer may be empty in some scenarios: what it cannot pay is then the next one's.
        from_there = self.amounts.iloc[:, int(found.argmax()) :].to_numpy()
        p, low, high = probability_interval((from_there > 0.0).any(axis=1), self.weights, coverage=self.coverage)
        return float(p), float(low), float(high)

    def reached(self, name: str) -> tuple[float, float, float]:
        """Return the probability that a layer pays anything, and the ends of its interval.

        Raises
        ------
        ArgumentError
            For a layer that there is none of.
        """
        check_choice(name, argument="name", choices=[str(n) for n in self.table.index])
        p, low, high = (float(self.table.loc[name, column]) for column in ("reached", "lower", "upper"))
        return p, low, high

    @property
    def headline(self) -> str:
        """Expected loss, its first payer, and how often the last layer is reached."""
        last = self.table[self.table["reached"] > 0.0]
        words = "no layer is reached"
        if len(last):
            name, row = last.index[-1], last.iloc[-1]
            words = (
                f"{name} reached in {percent_to(row['reached'], 3)} ({percent_to(row['lower'], 3)} to "
                f"{percent_to(row['upper'], 3)})"
            )
        return (
            f"expected loss {self.table['expected'].sum():,.6g} USD over {len(self.table)} layers, {words}, "
            f"{self.n_scenarios:,} scenarios"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table by layer, units in the labels."""
        names = {name: f"{name} (USD)" for name in ("expected", "worst", "largest")}
        return self.table.rename(columns=names)

    def to_frame(self) -> pd.DataFrame:
        """Return loss and amounts by scenario."""
        return pd.concat([self.losses, self.amounts], axis=1)


def loss_waterfall(
    losses: LossSample,
    layers: Sequence[Layer],
    *,
    weights: npt.ArrayLike | None = None,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> LossWaterfall:
    """Return what each layer pays of the losses of scenarios.

    Parameters
    ----------
    losses : array-like or Series, shape (n_scenarios,)
        USD, at least 0, before any layer has paid.
    layers : sequence of Layer
        In the order of payment; `venue_layers` makes the usual one. With an end, what is left is "uncovered".
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios of scenarios.
    coverage : float
        Of the intervals of probabilities, decimal.
    as_of : Timestamp, optional
        Of the layers, UTC.
    provenance : Provenance, optional
        Of the losses.

    Returns
    -------
    LossWaterfall
        Amounts sum to each loss exactly (`absorbed_amounts`).

    Raises
    ------
    DataError
        For losses that are negative, missing or none, or capacities of another number of scenarios.
    ArgumentError
        For no layer, two of one name, or a coverage out of range.

    Examples
    --------
    >>> layers = venue_layers(margin=10.0, fund=20.0, adl=15.0)
    >>> fall = loss_waterfall([0.0, 8.0, 25.0, 60.0], layers)
    >>> fall.amounts.iloc[-1].to_dict()
    {'margin': 10.0, 'fund': 20.0, 'adl': 15.0, 'socialised': 15.0}
    >>> fall.table["reached"].to_dict()
    {'margin': 0.75, 'fund': 0.5, 'adl': 0.25, 'socialised': 0.25}
    """
    layers = check_kinds(layers, Layer, argument="layers")
    values, labels = check_losses(losses)
    share = check_confidence(coverage, argument="coverage")
    w = check_scenario_weights(weights, len(values))
    capacities = _capacities(layers, len(values))
    amounts = absorbed_amounts(values, capacities)
    names, kinds = [layer.name for layer in layers], [str(layer.kind) for layer in layers]
    if np.isinf(np.asarray(layers[-1].capacity)).all():
        amounts = amounts[:, :-1]
    else:
        names, kinds = [*names, UNCOVERED], [*kinds, UNCOVERED]
    within = values[:, None] + _EDGE * np.spacing(values)[:, None]
    full = (np.atleast_2d(np.cumsum(capacities, axis=-1)) <= within) & (values > 0.0)[:, None]
    table = layer_table(amounts, full, kinds, w, share, worst=int(values.argmax()))
    return LossWaterfall(
        amounts=freeze(pd.DataFrame(amounts, index=labels, columns=pd.Index(names, name="layer"))),
        losses=freeze(pd.Series(values, index=labels, name="loss")),
        table=freeze(table.set_axis(pd.Index(names, name="layer"))),
        coverage=share, weights=w, as_of=as_of, provenance=provenance or Provenance(()),
    )  # fmt: skip


def _capacities(layers: Sequence[Layer], n_scenarios: int) -> Floats:
    if not layers:
        raise ArgumentError("layers", "must be at least one", "none", "pass venue_layers(fund=...)")
    names = [layer.name for layer in layers]
    twice = sorted({name for name in names if names.count(name) > 1} | ({UNCOVERED} & set(names)))
    if twice:
        raise ArgumentError("layers", "must have names of their own", ", ".join(twice), "pass name= to each of them")
    for layer in layers:
        shape = np.shape(layer.capacity)
        if shape not in ((), (n_scenarios,)):
            got, remedy = f"{shape[0]} for {n_scenarios} scenarios", "pass one number, or one a scenario"
            raise DataError(f"capacity of {layer.name}", "must fit the losses", got, remedy)
    if all(np.ndim(layer.capacity) == 0 for layer in layers):
        return np.array([layer.capacity for layer in layers], dtype=np.float64)
    return np.column_stack([np.broadcast_to(layer.capacity, n_scenarios) for layer in layers])


def layer_table(
    amounts: Floats, full: npt.NDArray[np.bool_], kinds: list[str], weights: Floats | None, coverage: float, worst: int
) -> pd.DataFrame:
    """Return the table of `LossWaterfall` from amounts and whether each layer paid all it had."""
    expected = np.average(amounts, axis=0, weights=weights)
    total = float(expected.sum())
    reached = np.array([probability_interval(column > 0.0, weights, coverage=coverage) for column in amounts.T])
    paid_all = np.zeros(amounts.shape[1])
    paid_all[: full.shape[1]] = np.average(full, axis=0, weights=weights)
    return pd.DataFrame(
        {
            "kind": kinds,
            "expected": expected,
            "share": expected / total if total > 0.0 else np.zeros_like(expected),
            "worst": amounts[worst],
            "largest": amounts.max(axis=0),
            "reached": reached[:, 0],
            "lower": reached[:, 1],
            "upper": reached[:, 2],
            "exhausted": paid_all,
        }
    )
