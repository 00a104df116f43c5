"""Margin at a target insolvency probability: the smallest equity that lasts over simulated paths of a mixed book."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_kind
from volkit.errors import ArgumentError
from volkit.instruments import MarketState, PositionBook
from volkit.margin.horizon.clock import spoken_time
from volkit.margin.horizon.passage import DISCRETE_SHIFT
from volkit.margin.horizon.touch import check_probability
from volkit.realtime.insolvency.closed_form import EVENTS, Event
from volkit.realtime.insolvency.equity import EquityPaths, account_position, equity_paths
from volkit.realtime.insolvency.nested import NestedProbabilities, check_rates, nested_of
from volkit.realtime.insolvency.profits import Response, volatility_words
from volkit.realtime.insolvency.tail import LEAST_EVENTS, LossTail, TailMethod, check_weights, loss_tail
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["InsolvencyMargin", "Monitoring", "check_monitoring", "insolvency_margin", "margin_of_equity"]

Floats = npt.NDArray[np.float64]
Monitoring = Literal["steps", "continuous"]
_MONITORING = ("steps", "continuous")
_CURVE = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
# Paths around the margin's own whose steps tell how far equity moves between two looks.
_NEAR_PATHS = 100


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class InsolvencyMargin(ResultDisplay):
    """The smallest equity with which an account becomes insolvent with at most a target probability.

    Attributes
    ----------
    margin, lower, upper : float
        USD, with the ends of its Monte Carlo interval.
    target : float
        Probability of insolvency over the horizon.
    event : {"path minimum", "terminal"}
        Equity below zero at any time, or at the end.
    curve : DataFrame
        margin, lower, upper (USD) and tail ("empirical" or "pareto") by probability, largest first.
    probabilities : NestedProbabilities
        Of call, liquidation and insolvency with the margin as equity.
    held : NestedProbabilities
        The same with the account's equity today.
    shortfall : float
        Mean of what is missing given insolvency, with the margin as equity, USD; of the Pareto law where the margin is.
    events : float
        Paths expected beyond the margin; with weights as many equally likely ones.
    tail : {"empirical", "pareto"}
        What the margin was read from.
    shift : float
        USD added to every loss because equity is watched between steps too; 0 for a watch at the steps.
    coverage : float
        Of the intervals.
    account : Hashable
        Whose margin.
    horizon : Timedelta
        Of the paths.
    n_paths : int
        Behind the margin.
    method : str
        Paths, volatilities of options and what is left out, in words.
    as_of : Timestamp or None
        Of the market, UTC.
    provenance : Provenance
        Of the paths.
    """

    margin: float
    lower: float
    upper: float
    target: float
    event: Event
    curve: pd.DataFrame
    probabilities: NestedProbabilities
    held: NestedProbabilities
    shortfall: float
    events: float
    tail: Literal["empirical", "pareto"]
    shift: float
    coverage: float
    account: Hashable
    horizon: pd.Timedelta
    n_paths: int
    method: str
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def equity(self) -> float:
        """The account's equity today, USD."""
        return self.held.equity

    @property
    def missing(self) -> float:
        """Collateral to add today, USD: margin less equity, at least 0."""
        return max(self.margin - self.equity, 0.0)

    @property
    def headline(self) -> str:
        """Account, margin with interval, target and paths in one line."""
        read = "" if self.tail == "empirical" else ", Pareto tail"
        return (
            f"{self.account}, {self.margin:,.6g} USD ({self.lower:,.6g} to {self.upper:,.6g}) for insolvency "
            f"{100.0 * self.target:g} % over {spoken_time(self.horizon)}, {self.event} of {self.n_paths:,} paths{read}"
        )

    def summary(self) -> pd.DataFrame:
        """Return margin, equity, what is missing, shortfall and probabilities, units in the labels."""
        rows = {
            "margin (USD)": self.margin,
            f"lower {100.0 * self.coverage:g} % end (USD)": self.lower,
            f"upper {100.0 * self.coverage:g} % end (USD)": self.upper,
            "equity today (USD)": self.equity,
            "to add (USD)": self.missing,
            "shortfall given insolvency (USD)": self.shortfall,
        }
        rows |= {f"{name} with equity today": p for name, p in self.held.table["probability"].items()}
        rows |= {f"{name} with the margin": p for name, p in self.probabilities.table["probability"].items()}
        table = pd.DataFrame({"value": rows}).rename_axis(str(self.account))
        return table.assign(target=[self.target if n == "insolvency with the margin" else np.nan for n in rows])

    def to_frame(self) -> pd.DataFrame:
        """Return the curve of margins by probability."""
        return self.curve


def insolvency_margin(
    book: PositionBook,
    market: MarketState,
    paths: PathSet,
    *,
    target: float = 0.01,
    event: Event = "path minimum",
    account: Hashable | None = None,
    monitoring: Monitoring = "steps",
    initial_rate: float | None = None,
    maintenance_rate: float | None = None,
    response: Response | None = None,
    tail: TailMethod = "auto",
    probabilities: Sequence[float] | None = None,
    coverage: float = 0.95,
) -> InsolvencyMargin:
    """Return the smallest equity with which an account becomes insolvent with at most a target probability.

    Parameters
    ----------
    book : PositionBook
        Perpetuals, futures, options and coins, linear and inverse.
    market : MarketState
        Today's; it stays as it is.
    paths : PathSet
        Of every coin that the book is exposed to, from today's state. Their weights, if any, are respected.
    target : float
        Probability of insolvency over the horizon of the paths, 0.01 is one per cent.
    event : {"path minimum", "terminal"}
        Whether equity counts after every step, or at the end alone.
    account : Hashable, optional
        Needed where the book has several; `insolvency_margins` margins all of them.
    monitoring : {"steps", "continuous"}
        Whether equity is watched at the steps alone, or between them too. The latter adds 0.5826 standard deviations
        of a step of equity (Notes), and only for the path minimum.
    initial_rate, maintenance_rate : float, optional
        Requirements for margin call and liquidation, fractions of the gross notional at the spot of each step.
    response : VolatilityResponse or mapping, optional
        Of implied volatility to the coin's return since the start. None follows the volatility on the paths where they
        carry one, relative to its mean after the first step, whatever the time to expiry: where the paths' volatility
        reverts within days, state a response for options of weeks. Without a path volatility each option keeps its
        strike's volatility, which ``VolatilityResponse(fall=0.0, rise=0.0)`` also says.
    tail : {"auto", "empirical", "pareto"}
        Read the margin from the sample, or from a Pareto law fitted to the largest 5 % of the losses; "auto" fits where
        fewer than ten paths are expected beyond the target.
    probabilities : sequence of float, optional
        Of the curve; by default from 10 % down to what ten paths allow, and to the target where that is fitted.
    coverage : float
        Of the intervals, fraction.

    Returns
    -------
    InsolvencyMargin

    Raises
    ------
    ArgumentError
        For a target outside (0, 1), too few paths for it, or a choice that is not known; says how many are needed.
    DataError
        For a coin without paths, a contract without a price, or weights that are no likelihood ratios.

    Notes
    -----
    With X the profit of today's positions and coins, the margin is the smallest m with P(min X < -m) <= target, the
    start counting as X = 0; it is equity as `volkit.instruments.book_value` reckons it. Options are priced by Black-76
    at the time left. Nothing is traded on the way and funding is not paid. The interval holds the quantile of the
    paths' law by order statistics of a binomial count, by resampled paths where they have weights, or by the profile
    likelihood of a fitted tail (from its threshold to its end where its shape is at most -0.5, which has no such
    interval); the error of the model is not in it. Between steps a diffusion goes 0.5826 standard deviations of a step
    further [1]_, taken from the steps of the paths around the margin; jumps do not.

    References
    ----------
    .. [1] Broadie, Glasserman and Kou (1997), A continuity correction for discrete barrier options, Mathematical
       Finance 7(4), 325-349, theorem 1.1.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [-1.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    >>> ends = np.linspace(0.8, 1.2, 1001)[:, None, None]
    >>> paths = PathSet(values=ends, step=pd.Timedelta("1D"), assets=("BTC",), engine="given", seed="none")
    >>> found = insolvency_margin(PositionBook.from_frame(frame), market, paths, target=0.02)
    >>> round(found.margin, 2), round(found.probabilities.insolvency, 4)
    (19.2, 0.02)
    """
    check_kind(book, PositionBook, argument="book")
    check_kind(market, MarketState, argument="market")
    check_kind(paths, PathSet, argument="paths", remedy="pass what simulate_path_set returns")
    p = check_probability(target, argument="target")
    check_choice(event, argument="event", choices=EVENTS)
    check_monitoring(monitoring, event, paths)
    rates = check_rates(initial_rate, maintenance_rate)
    position = account_position(book, market, account)
    found = equity_paths(position, paths, response=response, rates=rates, event=event)
    words = f"{paths.engine}, {volatility_words(position.terms, paths, response)}, no funding"
    return margin_of_equity(
        found, paths, target=p, event=event, monitoring=monitoring, tail=tail, probabilities=probabilities,
        coverage=coverage, account=position.name, equity=position.equity, method=words, as_of=market.as_of,
        priced_by=market.provenance,
    )  # fmt: skip


def check_monitoring(monitoring: Monitoring, event: Event, paths: PathSet) -> None:
    """Refuse a watch between steps where there is nothing between them.

    Raises
    ------
    ArgumentError
        For an unknown watch, or a continuous one of the terminal event or of paths of one step.
    """
    check_choice(monitoring, argument="monitoring", choices=_MONITORING)
    if monitoring == "continuous" and (event == "terminal" or paths.n_steps < 2):
        got = "the terminal event" if event == "terminal" else "paths of one step"
        remedy = "pass monitoring='steps', or paths with more steps and event='path minimum'"
        raise ArgumentError("monitoring", "must be 'steps' without steps between which to look", got, remedy)


def margin_of_equity(
    found: EquityPaths, paths: PathSet, *, target: float, event: Event, monitoring: Monitoring, tail: TailMethod,
    probabilities: Sequence[float] | None, coverage: float, account: Hashable, equity: float, method: str,
    as_of: pd.Timestamp | None, priced_by: Provenance | None = None,
) -> InsolvencyMargin:  # fmt: skip
    """Return the margin of an account whose profits along the paths are known; arguments as `insolvency_margin`."""
    share = check_confidence(coverage, argument="coverage")
    sources = paths.provenance if priced_by is None else paths.provenance.joined(priced_by)
    weights = check_weights(paths.log_weights)
    losses = loss_tail(found.losses(event), weights, target=target, method=tail)
    shift = _shift(found, losses, weights, target) if monitoring == "continuous" else 0.0
    curve = _curve(losses, target, probabilities, share, shift)
    margin, lower, upper, read = curve.loc[target]
    nested = {
        at: nested_of(
            found, weights, equity=at, event=event, coverage=share, account=account, method=method, as_of=as_of,
            provenance=sources, shift=shift,
        )
        for at in (float(margin), equity)
    }  # fmt: skip
    return InsolvencyMargin(
        margin=float(margin), lower=float(lower), upper=float(upper), target=target, event=event, curve=freeze(curve),
        probabilities=nested[float(margin)], held=nested[equity],
        shortfall=_shortfall(losses, target, nested[float(margin)].shortfall),
        events=losses.events(target), tail=read, shift=shift, coverage=share, account=account, horizon=paths.horizon,
        n_paths=paths.n_paths, method=method, as_of=as_of, provenance=sources,
    )  # fmt: skip


def _shortfall(losses: LossTail, target: float, sampled: float) -> float:
    law = losses.law_at(target)
    if law is None:
        return sampled
    # A shape of 1 and more has no mean beyond any level.
    mean = law.expected_shortfall(1.0 - target) if law.shape < 1.0 else float("inf")
    return mean - law.value_at_risk(1.0 - target)


def _shift(found: EquityPaths, losses: LossTail, weights: Floats | None, target: float) -> float:
    """Return how far equity goes beyond its lowest look, USD, from the steps of paths that end up near the margin."""
    size = found.losses("path minimum")
    margin = losses.margin(target)
    near = np.argsort(np.abs(size - margin), kind="stable")[: max(_NEAR_PATHS, int(target * len(size)))]
    w = None if weights is None else weights[near]
    return float(DISCRETE_SHIFT * np.sqrt(np.average(found.step_variance[near], weights=w)))


def _curve(
    losses: LossTail, target: float, probabilities: Sequence[float] | None, coverage: float, shift: float
) -> pd.DataFrame:
    if probabilities is None:
        told = [p for p in _CURVE if losses.events(p) >= LEAST_EVENTS or (losses.pareto is not None and p >= target)]
    else:
        told = [check_probability(p, argument="probabilities") for p in probabilities]
        few = [p for p in told if losses.events(p) < LEAST_EVENTS and losses.law_at(p) is None]
        if few:
            rule = f"must have {LEAST_EVENTS} paths expected beyond each"
            raise ArgumentError("probabilities", rule, f"{min(few):g}", "drop it, or pass tail='pareto'")
    levels = np.array(sorted({*told, target}, reverse=True))
    ends = np.array(losses.intervals(levels, coverage))
    # No account needs less than nothing, however surely it gains.
    table = np.maximum(np.column_stack([[losses.margin(float(p)) for p in levels], ends]) + shift, 0.0)
    frame = pd.DataFrame(table, index=pd.Index(levels, name="probability"), columns=["margin", "lower", "upper"])
    return frame.assign(tail=["empirical" if losses.law_at(float(p)) is None else "pareto" for p in levels])
