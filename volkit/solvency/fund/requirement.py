"""How large a fund must be, and how adequate one is: over open interest, margin, tail losses and cover.

Losses that reach the fund, by scenario (USD), enter; the fund for a target depletion probability and the ratios of the
fund held leave, with intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence, check_positive
from volkit.formatting import money_words, percent_to
from volkit.margin.horizon.touch import check_probability
from volkit.realtime.insolvency.tail import (
    LEAST_EVENTS,
    TailMethod,
    check_weights,
    loss_tail,
    probability_interval,
)
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.bad_debt import sample_tail_mean
from volkit.solvency.default.inputs import Floats, LossSample, check_amount, check_losses, check_scenario_weights

__all__ = ["FundAdequacy", "FundRequirement", "fund_adequacy", "required_fund"]

_CURVE = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FundRequirement(ResultDisplay):
    """The smallest fund that losses deplete with at most a target probability.

    Attributes
    ----------
    fund, lower, upper : float
        USD, with the ends of its interval.
    target : float
        Depletion probability.
    tail : {"empirical", "pareto"}
        What the fund was read from: an order statistic, or a Pareto law fitted to the largest 5 % of the losses.
    events : float
        Scenarios expected beyond it; with weights as many equally likely ones.
    curve : DataFrame
        fund, lower, upper (USD) and tail by target probability, largest first.
    n_scenarios : int
        Behind the fund.
    coverage : float
        Of the intervals, decimal.
    as_of : Timestamp or None
        Of the positions, UTC.
    provenance : Provenance
        Of the scenarios.
    """

    fund: float
    lower: float
    upper: float
    target: float
    tail: Literal["empirical", "pareto"]
    events: float
    curve: pd.DataFrame
    n_scenarios: int
    coverage: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Fund with its interval, target and scenarios."""
        read = "" if self.tail == "empirical" else ", Pareto tail"
        return (
            f"fund of {self.fund:,.6g} USD ({self.lower:,.6g} to {self.upper:,.6g}) for depletion in "
            f"{100.0 * self.target:g} % of {self.n_scenarios:,} scenarios{read}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the fund by target, units in the labels."""
        return self.curve.rename(columns={name: f"{name} (USD)" for name in ("fund", "lower", "upper")})

    def to_frame(self) -> pd.DataFrame:
        """Return the curve."""
        return self.curve


def required_fund(
    losses: LossSample,
    *,
    target: float = 0.01,
    weights: npt.ArrayLike | None = None,
    tail: TailMethod = "auto",
    probabilities: Sequence[float] | None = None,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> FundRequirement:
    """Return the smallest fund that losses exceed with at most a target probability.

    Parameters
    ----------
    losses : array-like or Series, shape (n_scenarios,)
        That reach the fund in each scenario, USD; gains of the fund may stand among them as negative numbers.
    target : float
        Depletion probability over the horizon of the scenarios: 0.01.
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios of scenarios, mean 1 within their error.
    tail : {"auto", "empirical", "pareto"}
        As in `volkit.realtime.insolvency_margin`: "auto" fits a Pareto law where fewer than ten scenarios are expected
        beyond the target.
    probabilities : sequence of float, optional
        Other targets of the curve; by default those that ten scenarios allow.
    coverage : float
        Of the intervals, decimal.
    as_of : Timestamp, optional
        Of the positions, UTC.
    provenance : Provenance, optional
        Of the scenarios.

    Returns
    -------
    FundRequirement

    Raises
    ------
    ArgumentError
        For a target outside (0, 1), or too few scenarios for it; says how many are needed.
    DataError
        For losses that are missing, a tail that does not vary, or weights that are no likelihood ratios.

    Notes
    -----
    The refusal and the intervals are those of `insolvency_margin`: order statistics around a binomial count, bootstrap
    with weights, profile likelihood for a fitted tail. The error of the scenarios' model is not in them.

    Examples
    --------
    >>> found = required_fund(np.arange(1.0, 2001.0), target=0.01)
    >>> found.fund, found.events
    (1980.0, 20.0)
    >>> required_fund(np.arange(100.0), target=0.01)
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: paths must be at least 1,000 for a Pareto tail at 0.01; got 100; draw more paths, or \
draw them by importance sampling.
    """
    values, _ = check_losses(losses, signed=True)
    w = _likelihood_ratios(weights, len(values))
    p, share = check_probability(target, argument="target"), check_confidence(coverage, argument="coverage")
    found = loss_tail(values, w, target=p, method=tail)
    if probabilities is None:
        told = [q for q in _CURVE if found.events(q) >= LEAST_EVENTS or (found.pareto is not None and q >= p)]
    else:
        told = [check_probability(q, argument="probabilities") for q in probabilities]
        for q in told:
            loss_tail(values, w, target=q, method=tail)
    levels = np.array(sorted({*told, p}, reverse=True))
    ends = np.array(found.intervals(levels, share))
    # A fund is at least empty, however surely it gains.
    amounts = np.maximum(np.column_stack([[found.margin(float(q)) for q in levels], ends]), 0.0)
    curve = pd.DataFrame(amounts, index=pd.Index(levels, name="target"), columns=["fund", "lower", "upper"])
    curve["tail"] = ["empirical" if found.law_at(float(q)) is None else "pareto" for q in levels]
    fund, lower, upper, read = curve.loc[p]
    return FundRequirement(
        fund=float(fund), lower=float(lower), upper=float(upper), target=p, tail=read, events=found.events(p),
        curve=freeze(curve), n_scenarios=len(values), coverage=share, as_of=as_of,
        provenance=provenance or Provenance(()),
    )  # fmt: skip


def _likelihood_ratios(weights: npt.ArrayLike | None, n_scenarios: int) -> Floats | None:
    if weights is None:
        return None
    check_scenario_weights(weights, n_scenarios)
    # Taken as they are: scaled to a mean of exactly 1 they would move the tail by an error that no interval holds.
    with np.errstate(divide="ignore"):
        return check_weights(np.log(np.asarray(weights, dtype=np.float64)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FundAdequacy(ResultDisplay):
    """A fund beside what it has to bear.

    Attributes
    ----------
    fund : float
        USD.
    table : DataFrame
        By yardstick ("open interest", "margin", "expected shortfall", "Cover-1", ...): amount (USD) and ratio (fund
        over amount, decimal; infinite over 0).
    depletion, lower, upper : float
        Probability that losses exceed the fund, with the ends of its exact interval; NaN without losses.
    confidence : float
        Of the expected shortfall.
    coverage : float
        Of the interval, decimal.
    as_of : Timestamp or None
        Of the fund, UTC.
    provenance : Provenance
        Of the losses.
    """

    fund: float
    table: pd.DataFrame
    depletion: float
    lower: float
    upper: float
    confidence: float
    coverage: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def ratio(self, yardstick: str) -> float:
        """Return the fund over a yardstick of the table, decimal."""
        return float(self.table.loc[yardstick, "ratio"])

    @property
    def headline(self) -> str:
        """Fund, its ratios and the depletion probability."""
        parts = [f"{ratio:.4g} of {name}" for name, ratio in self.table["ratio"].items()]
        if np.isfinite(self.depletion):
            parts.append(
                f"depleted in {percent_to(self.depletion, 3)} ({percent_to(self.lower, 3)} to "
                f"{percent_to(self.upper, 3)})"
            )
        return f"fund of {money_words(self.fund)} USD: {', '.join(parts)}"

    def summary(self) -> pd.DataFrame:
        """Return the table, units in the labels."""
        return self.table.rename(columns={"amount": "amount (USD)", "ratio": "fund over amount (decimal)"})

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table


def fund_adequacy(
    fund: float,
    *,
    open_interest: float,
    margin: float | None = None,
    losses: LossSample | None = None,
    weights: npt.ArrayLike | None = None,
    covers: pd.Series | None = None,
    confidence: float = 0.99,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> FundAdequacy:
    """Return a fund over open interest, margin, expected shortfall and covers, and how likely losses exceed it.

    Parameters
    ----------
    fund : float
        USD, at least 0.
    open_interest : float
        Notional, USD, positive.
    margin : float, optional
        Held by all accounts, USD, positive.
    losses : array-like or Series, shape (n_scenarios,), optional
        That reach the fund in each scenario, USD, at least 0.
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios of scenarios.
    covers : Series, optional
        Cover-k by k, USD: ``cover_k(...).table["cover"]``.
    confidence : float
        Of the expected shortfall.
    coverage : float
        Of the interval of the probability, decimal.
    as_of : Timestamp, optional
        Of the fund, UTC.
    provenance : Provenance, optional
        Of the losses.

    Returns
    -------
    FundAdequacy

    Raises
    ------
    ArgumentError
        For a negative fund, or an open interest or margin that is not positive.
    DataError
        For losses that are negative or missing.

    Examples
    --------
    >>> found = fund_adequacy(50.0, open_interest=1e4, margin=500.0, losses=np.arange(100.0))
    >>> found.table["ratio"].round(4).to_dict(), found.depletion
    ({'open interest': 0.005, 'margin': 0.1, 'expected shortfall': 0.5051}, 0.49)
    """
    held = check_amount(fund, argument="fund")
    level, share = check_confidence(confidence), check_confidence(coverage, argument="coverage")
    amounts = {"open interest": check_positive(open_interest, argument="open_interest", unit="USD")}
    if margin is not None:
        amounts["margin"] = check_positive(margin, argument="margin", unit="USD")
    chance = (float("nan"),) * 3
    if losses is not None:
        values, _ = check_losses(losses)
        w = check_scenario_weights(weights, len(values))
        amounts["expected shortfall"] = sample_tail_mean(values, level, w)
        chance = probability_interval(values > held, w, coverage=share)
    if covers is not None:
        amounts |= {f"Cover-{k}": check_amount(amount, argument=f"Cover-{k}") for k, amount in covers.items()}
    return FundAdequacy(
        fund=held, table=freeze(_ratios(held, amounts)), depletion=chance[0], lower=chance[1], upper=chance[2],
        confidence=level, coverage=share, as_of=as_of, provenance=provenance or Provenance(()),
    )  # fmt: skip


def _ratios(fund: float, amounts: dict[str, float]) -> pd.DataFrame:
    amount: Floats = np.array(list(amounts.values()))
    ratio = np.divide(fund, amount, out=np.full(len(amount), np.inf), where=amount > 0.0)
    return pd.DataFrame({"amount": amount, "ratio": ratio}, index=pd.Index(list(amounts), name="yardstick"))
