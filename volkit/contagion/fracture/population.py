"""Many simulated venues and the shocks that hit them: what is known of each beforehand, and what broke.

Ranges enter; a table of venues leaves, with capital adequacy and liquidity velocity before the shock, and counts of
paths on which the price was dislocated or the fund exhausted.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.contagion.cascade import LiquidationLadder, Venue, cascade_paths
from volkit.errors import ArgumentError
from volkit.impact.laws import LinearImpact
from volkit.impact.velocity import liquidity_velocity
from volkit.parallel import progress

__all__ = ["CAPITAL", "DEPTH", "FRACTURES", "VELOCITY", "VenuePopulation", "simulate_population"]

Floats = npt.NDArray[np.float64]
CAPITAL = ("fund_to_open_interest", "fund_to_expected_shortfall", "fund_to_stressed_loss")
DEPTH = "depth_to_forced_flow"
VELOCITY = "velocity_to_forced_flow"
FRACTURES = ("dislocated", "exhausted")
_PRICE = 100.0
_COINS = 1e6
_ACCOUNTS = 800
_RATE = 0.005
_LEVERAGES = (1.2, 60.0)
_STEP = pd.Timedelta("5min")
_STEPS = 72
_FREEDOM = 4.0  # of Student's t of a step
_PATH_DEVIATION = 0.6  # of the log volatility between paths
_CAP = 0.02  # log move within which velocity is measured
_TAIL = 0.99
_REFERENCE_PATHS = 20_000
_LEAST_LOSS = 1e-6  # of the open interest, so that a ratio to a loss of nil stays finite


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePopulation:
    """Ranges that venues are drawn from, each uniform in the logarithm and independent of the others.

    Attributes
    ----------
    feedback : tuple of float
        Coins liquidated by the impact of one coin, were liquidation prices uniform over a log distance of 0.5: it sets
        the depth.
    half_life : tuple of float
        Of impact, minutes: how fast the venue refills.
    fund_share : tuple of float
        Insurance fund over open interest.
    leverage : tuple of float
        Median leverage of the accounts.
    dispersion : tuple of float
        Standard deviation of the log leverage between accounts: small for leverage that is concentrated.
    volatility : tuple of float
        Of the exogenous log price over five minutes, decimal.
    """

    feedback: tuple[float, float] = (0.05, 0.8)
    half_life: tuple[float, float] = (5.0, 240.0)
    fund_share: tuple[float, float] = (0.001, 0.03)
    leverage: tuple[float, float] = (4.0, 16.0)
    dispersion: tuple[float, float] = (0.3, 0.9)
    volatility: tuple[float, float] = (0.003, 0.008)

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = getattr(self, field.name)
            if not 0.0 < low <= high < np.inf:
                rule = "must be a lowest and a highest positive number"
                raise ArgumentError(field.name, rule, f"({low!r}, {high!r})", "pass for example (0.5, 2.0)")

    def draw(self, rng: np.random.Generator, n_venues: int) -> pd.DataFrame:
        """Return parameters of venues, shape (n_venues, 6)."""
        columns = {}
        for field in fields(self):
            low, high = np.log(getattr(self, field.name))
            columns[field.name] = np.exp(low + (high - low) * rng.random(n_venues))
        return pd.DataFrame(columns, index=pd.RangeIndex(n_venues, name="venue"))


def simulate_population(
    population: VenuePopulation, *, n_venues: int, n_paths: int, dislocation: float, seed: int
) -> pd.DataFrame:
    """Return venues with what was known of them before the shocks, and how often they broke.

    Parameters
    ----------
    population : VenuePopulation
        Ranges.
    n_venues, n_paths : int
        Venues, and six-hour paths of five-minute steps a venue (Student t with 4 degrees of freedom, volatility that
        differs from path to path).
    dislocation : float
        Log move of the price beyond the exogenous one that counts as dislocated.
    seed : int
        Of all draws.

    Returns
    -------
    DataFrame, shape (n_venues, 14)
        The six parameters; fund_to_open_interest, fund_to_expected_shortfall (fund over open interest times the 99 %
        expected shortfall of the exogenous move), fund_to_stressed_loss (fund over the loss beyond collateral of a move
        of that size closed at once without impact), depth_to_forced_flow (coins that the venue takes at once within
        2 %, over the coins that such a move liquidates) and velocity_to_forced_flow (coins a minute that it takes for
        ever within 2 %, over those coins spread over the six hours), all higher for safer; dislocated and exhausted,
        the paths on which that happened, and paths.
    """
    venues = population.draw(np.random.default_rng([seed, 0]), n_venues)
    shortfall = _unit_shortfall(np.random.default_rng([seed, 1]))
    drawn = progress(list(venues.itertuples()), label="simulated venues")
    rows = [_one_venue(seed, row, shortfall * row.volatility, n_paths, dislocation) for row in drawn]
    return venues.join(pd.DataFrame(rows, index=venues.index))


def _one_venue(
    seed: int, drawn: "tuple[float, ...]", move: float, n_paths: int, dislocation: float
) -> dict[str, float]:
    p = dict(zip(("index", *(f.name for f in fields(VenuePopulation))), drawn, strict=True))
    # Accounts and paths have streams of their own: what is known beforehand does not hang on the paths.
    books, shocks = (np.random.default_rng([seed, k, int(p["index"])]) for k in (2, 3))
    ladder = _ladder(books, p["leverage"], p["dispersion"])
    law = LinearImpact(p["feedback"] * 0.5 / _COINS)
    fund = p["fund_share"] * _COINS * _PRICE
    half_life = pd.Timedelta(p["half_life"], unit="min")
    venue = Venue(
        price=_PRICE, impact=law, half_life=half_life / _STEP, permanent_share=0.3, fund=fund, leftover="returned",
        liquidation_fee=0.001,
    )  # fmt: skip
    found = cascade_paths(ladder, venue, np.exp(_paths(shocks, n_paths, p["volatility"])), series=False)
    totals = found.totals
    beyond = np.log(totals["exogenous_low"] / totals["low_price"])
    shocked = _PRICE * np.exp(-move)
    reached = ladder.long.level >= shocked
    lost = float((np.maximum(ladder.long.bankruptcy - shocked, 0.0) * ladder.long.size)[reached].sum())
    liquid = liquidity_velocity(law, price=_PRICE, half_life=half_life, caps=(_CAP,))
    minutes = _STEPS * _STEP / pd.Timedelta("1min")
    coins = max(float(ladder.long.size[reached].sum()), _LEAST_LOSS * _COINS)
    return {
        "fund_to_open_interest": p["fund_share"],
        "fund_to_expected_shortfall": fund / (_COINS * _PRICE * -np.expm1(-move)),
        "fund_to_stressed_loss": fund / max(lost, _LEAST_LOSS * _COINS * _PRICE),
        "depth_to_forced_flow": liquid.at(_CAP).coins / coins,
        "velocity_to_forced_flow": liquid.per_minute(_CAP) * minutes / coins,
        "dislocated": float((beyond > dislocation).sum()),
        "exhausted": float(found.is_depleted.sum()),
        "paths": float(n_paths),
    }


def _ladder(rng: np.random.Generator, median: float, dispersion: float) -> LiquidationLadder:
    """Return longs of lognormal sizes and leverages that entered at the price; nobody is short."""
    leverage = np.clip(median * np.exp(dispersion * rng.standard_normal(_ACCOUNTS)), *_LEVERAGES)
    size = np.exp(1.2 * rng.standard_normal(_ACCOUNTS))
    bankruptcy = _PRICE * (1.0 - 1.0 / leverage)
    return LiquidationLadder.from_levels(
        liquidation_price=bankruptcy / (1.0 - _RATE),
        bankruptcy_price=bankruptcy,
        quantity=size / size.sum() * _COINS,
        entry_price=np.full(_ACCOUNTS, _PRICE),
    )


def _paths(rng: np.random.Generator, n_paths: int, volatility: float) -> Floats:
    """Return log prices, shape (n_paths, n_steps), over the start."""
    shocks = rng.standard_t(_FREEDOM, (n_paths, _STEPS)) * np.sqrt((_FREEDOM - 2.0) / _FREEDOM)
    scale = np.exp(_PATH_DEVIATION * rng.standard_normal((n_paths, 1)) - 0.5 * _PATH_DEVIATION**2)
    return np.cumsum(volatility * scale * shocks, axis=1)


def _unit_shortfall(rng: np.random.Generator) -> float:
    """Return the 99 % expected shortfall of the lowest log price of a path, for a volatility of one."""
    falls = -_paths(rng, _REFERENCE_PATHS, 1.0).min(axis=1)
    return float(falls[falls >= np.quantile(falls, _TAIL)].mean())
