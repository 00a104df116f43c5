"""Does liquidity velocity tell better than capital adequacy which venues break? Put to a test in simulation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence, check_count, check_positive
from volkit.contagion.fracture.discrimination import LogisticFit, area_under_curve, fit_logistic, log_loss, roc_curve
from volkit.contagion.fracture.population import (
    CAPITAL,
    DEPTH,
    FRACTURES,
    VELOCITY,
    VenuePopulation,
    simulate_population,
)
from volkit.errors import DataError
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, SeriesProvenance, content_hash, freeze

__all__ = ["MODELS", "RIVALS", "VelocityClaim", "velocity_claim"]

Floats = npt.NDArray[np.float64]
# Model: the numbers known beforehand that it is made of, in logs.
MODELS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in CAPITAL},
    DEPTH: (DEPTH,),
    VELOCITY: (VELOCITY,),
    "capital and velocity": (*CAPITAL, VELOCITY),
}
# What velocity is held against: capital adequacy, and depth without its refilling.
RIVALS = (*CAPITAL, DEPTH)
_EVENT_WORDS = {"dislocated": "price dislocation", "exhausted": "exhaustion of the fund"}
_MODEL_WORDS = {
    "fund_to_open_interest": "fund over open interest",
    "fund_to_expected_shortfall": "fund over expected shortfall",
    "fund_to_stressed_loss": "fund over stressed loss",
    DEPTH: "depth alone",
}
# Too few paths on which something happened, or did not, tell nothing.
_FEWEST = 20


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VelocityClaim(ResultDisplay):
    """What capital adequacy and liquidity velocity each tell of fractures, out of sample.

    Attributes
    ----------
    venues : DataFrame
        One row a venue: parameters, predictors, counts of paths, and is_test.
    scores : DataFrame
        Index fracture and model; auc and log_loss (nats a path) on the test venues, each with _low and _high.
    differences : DataFrame
        Index fracture and measure, three of capital adequacy and depth without its refilling; auc and log_loss of
        velocity less those of the measure, with _low and _high, and verdict: ``velocity``, ``measure`` or
        ``undecided``.
    coefficients : DataFrame
        Index fracture and model: log odds a standard deviation of each log predictor, fitted on the other venues.
    population : VenuePopulation
        Ranges.
    dislocation : float
        Log move beyond the exogenous one that counts as dislocated.
    confidence : float
        Of all intervals.
    n_paths, seed : int
        Paths a venue, and what fixes all draws.
    provenance : Provenance
        Simulated.
    """

    venues: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame
    coefficients: pd.DataFrame
    population: VenuePopulation
    dislocation: float
    confidence: float
    n_paths: int
    seed: int
    provenance: Provenance

    @property
    def as_of(self) -> None:
        """None: nothing was observed."""
        return

    @property
    def n_obs(self) -> int:
        """Venues."""
        return len(self.venues)

    @property
    def verdict(self) -> str:
        """What the test says, in words, by kind of fracture; numbers are AUC of velocity less that of the measure."""
        said = [f"{_EVENT_WORDS[f]}: {_verdict_words(self.differences.loc[f])}" for f in FRACTURES]
        return "; ".join(said) + "."

    @property
    def headline(self) -> str:
        """Sample and verdict in one line."""
        return f"{self.n_obs} venues x {self.n_paths} paths; {self.verdict}"

    def curve(self, fracture: str, model: str) -> pd.DataFrame:
        """Return the ROC curve on the test venues: false (share of other paths flagged) and caught (of fractures)."""
        test, train = (self.venues[self.venues["is_test"] == x] for x in (True, False))
        coefficients = self.coefficients.loc[(fracture, model)].dropna()
        names = list(coefficients.index)
        # As in the fit: the predictors' own units are their standard deviations over the other venues.
        score = np.log(test[names].to_numpy()) / np.log(train[names].to_numpy()).std(axis=0) @ coefficients.to_numpy()
        false, caught = roc_curve(score, test[fracture].to_numpy(), test["paths"].to_numpy())
        return pd.DataFrame({"false": false, "caught": caught})

    def summary(self) -> pd.DataFrame:
        """Return scores by fracture and model (AUC: 0.5 tells nothing, 1 all; log loss in nats a path)."""
        return self.scores

    def to_frame(self) -> pd.DataFrame:
        """Return the venues."""
        return self.venues


def velocity_claim(
    *,
    population: VenuePopulation | None = None,
    n_venues: int = 600,
    n_paths: int = 100,
    dislocation: float = 0.03,
    n_replications: int = 500,
    confidence: float = 0.95,
    seed: int = 9,
) -> VelocityClaim:
    """Return how well velocity and capital adequacy, known beforehand, predict fractures of simulated venues.

    Parameters
    ----------
    population : VenuePopulation, optional
        Ranges of depth, half-life, fund, leverage and volatility.
    n_venues : int
        At least 40: a half of them to fit on, the other to test on.
    n_paths : int
        Six-hour paths a venue.
    dislocation : float
        Log move of the price beyond the exogenous one that counts as dislocated.
    n_replications : int
        Bootstrap samples of the test venues, drawn whole with their paths.
    confidence : float
        Of the intervals.
    seed : int
        Of all draws; the same seed gives the same numbers.

    Returns
    -------
    VelocityClaim

    Raises
    ------
    ArgumentError
        For a value out of range.
    DataError
        When fractures, or their absence, are too few to tell.

    Notes
    -----
    Each model is a logistic regression of fractures among paths on logs of what was known, fitted on one half of the
    venues; both scores come from the other half. The intervals hold the fits as they are. Dislocation is about price:
    the fund does not enter it at all, so that capital can predict it only through what goes with it. Exhaustion is
    about the fund. The answer holds for the population that was drawn: what varies more predicts more. Depth over
    forced flow is velocity without the half-life: what velocity adds to it is what refilling tells.

    Examples
    --------
    >>> claim = velocity_claim(n_venues=40, n_paths=30, n_replications=20)
    >>> bool(claim.scores.loc[("dislocated", "velocity_to_forced_flow"), "auc"] > 0.6)
    True
    """
    check_count(n_venues, argument="n_venues", minimum=40, unit="venues")
    check_count(n_paths, argument="n_paths", minimum=10, unit="paths")
    check_count(n_replications, argument="n_replications", minimum=20, unit="samples")
    check_confidence(confidence)
    check_positive(dislocation, argument="dislocation", unit="log move")
    ranges = population or VenuePopulation()
    table = simulate_population(ranges, n_venues=n_venues, n_paths=n_paths, dislocation=dislocation, seed=seed)
    table["is_test"] = np.arange(n_venues) % 2 == 1
    train, test = table[~table["is_test"]], table[table["is_test"]]
    rng = np.random.default_rng([seed, 1])
    rows = rng.integers(0, len(test), (n_replications, len(test)))
    scores, differences, coefficients = {}, {}, {}
    for fracture in FRACTURES:
        _refuse_too_few(table, fracture)
        samples = {}
        for model, names in MODELS.items():
            fit = _fit(train, names, fracture)
            samples[model] = _resampled(fit, test, names, fracture, rows)
            scores[(fracture, model)] = _with_intervals(samples[model], confidence)
            coefficients[(fracture, model)] = dict(zip(names, fit.coefficients[1:], strict=True))
        for measure in RIVALS:
            less = samples[VELOCITY] - samples[measure]
            difference = _with_intervals(less, confidence)
            differences[(fracture, measure)] = difference | {"verdict": _verdict(difference)}
    return VelocityClaim(
        venues=freeze(table),
        scores=freeze(_tabled(scores, "model")),
        differences=freeze(_tabled(differences, "measure")),
        coefficients=freeze(_tabled(coefficients, "model")),
        population=ranges,
        dislocation=dislocation,
        confidence=confidence,
        n_paths=n_paths,
        seed=seed,
        provenance=_simulated(table, seed),
    )


def _fit(train: pd.DataFrame, names: tuple[str, ...], fracture: str) -> LogisticFit:
    predictors = np.log(train[list(names)].to_numpy())
    return fit_logistic(predictors, train[fracture].to_numpy(), train["paths"].to_numpy())


def _resampled(
    fit: LogisticFit, test: pd.DataFrame, names: tuple[str, ...], fracture: str, rows: npt.NDArray[np.int64]
) -> Floats:
    """Return AUC and log loss, shape (1 + n_replications, 2), of the test venues as they are and resampled."""
    predictors = np.log(test[list(names)].to_numpy())
    score, probability = fit.score(predictors), fit.probability(predictors)
    events, trials = test[fracture].to_numpy(), test["paths"].to_numpy()
    found = [
        (area_under_curve(score[i], events[i], trials[i]), log_loss(probability[i], events[i], trials[i]))
        for i in progress([np.arange(len(test)), *rows], label="resampled venues")
    ]
    return np.array(found)


def _with_intervals(samples: Floats, confidence: float) -> dict[str, float]:
    tail = 0.5 * (1.0 - confidence)
    low, high = np.nanquantile(samples[1:], [tail, 1.0 - tail], axis=0)
    found: dict[str, float] = {}
    for k, name in enumerate(("auc", "log_loss")):
        found |= {name: float(samples[0, k]), f"{name}_low": float(low[k]), f"{name}_high": float(high[k])}
    return found


def _verdict(difference: Mapping[str, float]) -> str:
    # One score must be better beyond doubt, and the other not worse.
    if difference["auc_low"] > 0.0 and difference["log_loss"] < 0.0:
        return "velocity"
    if difference["auc_high"] < 0.0 and difference["log_loss"] > 0.0:
        return "measure"
    return "undecided"


def _verdict_words(differences: pd.DataFrame) -> str:
    by_verdict: dict[str, list[str]] = {"velocity": [], "measure": [], "undecided": []}
    for measure, row in differences.iterrows():
        gap = f"{_MODEL_WORDS[str(measure)]} ({row['auc']:+.2f})".replace("-", "\u2212")
        by_verdict[str(row["verdict"])].append(gap)
    lead = {"velocity": "velocity predicts better than ", "measure": "worse than ", "undecided": "no telling against "}
    return ", ".join(lead[v] + " and ".join(names) for v, names in by_verdict.items() if names)


def _refuse_too_few(table: pd.DataFrame, fracture: str) -> None:
    for is_test, half in table.groupby("is_test"):
        hits, paths = float(half[fracture].sum()), float(half["paths"].sum())
        if min(hits, paths - hits) < _FEWEST:
            raise DataError(
                fracture,
                f"must happen and not happen on {_FEWEST} paths of either half at least",
                f"{hits:.0f} of {paths:.0f} paths of the {'test' if is_test else 'fitting'} half",
                "widen the population, or raise n_venues or n_paths",
            )


def _tabled(rows: Mapping[tuple[str, str], Mapping[str, object]], second: str) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(dict(rows), orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["fracture", second])
    return table


def _simulated(table: pd.DataFrame, seed: int) -> Provenance:
    numbers = table.drop(columns="is_test").set_axis(pd.to_datetime(table.index, unit="s", utc=True))
    return Provenance(
        (
            SeriesProvenance(
                name="venue population",
                source=f"simulated: volkit venue population, seed {seed}",
                sha256=content_hash(numbers),
                unit="ratios and counts",
                close_rule="one instant",
                simulated=True,
                licence="simulated by volkit, no rights of others",
            ),
        )
    )
