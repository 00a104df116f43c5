"""The search never ends below the best known optimum, and proves its end.

Rivals, all judged by the compiled likelihood inside the same feasible set: arch's parameters (projected, because arch
oversteps its linear constraints by 1e-8), scivol's where it is installed, and SLSQP from random feasible starts.
EGARCH rivals that lean on the edge of the set whose filter forgets its start do not count: no optimum is there.
"""

import os
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import nasdaq, sp500, wti
from compiled import Compiled, make_design, solution_of
from rivals import best_rival, simulate

LAWS = {"normal": (), "t": (6.0,), "skewt": (6.0,), "ged": (1.4,)}
TRUTHS = {
    "garch": {"mu": 0.05, "omega": 0.05, "alpha": 0.08, "beta": 0.88},
    "gjr": {"mu": 0.05, "omega": 0.05, "alpha": 0.03, "gamma": 0.1, "beta": 0.88},
    "tarch": {"mu": 0.05, "omega": 0.04, "alpha": 0.05, "gamma": 0.08, "beta": 0.89},
    "egarch": {"mu": 0.05, "omega": 0.0, "alpha": 0.15, "gamma": -0.08, "beta": 0.97},
    "aparch": {"mu": 0.05, "omega": 0.05, "alpha": 0.08, "gamma": 0.4, "beta": 0.88, "delta": 1.3},
}
# Families that are equations within others: no rival program has them with all laws, SLSQP has.
EQUATIONS = ("igarch", "ewma")
WINDOWS = (500, 1000, 1500)
HILLS = ("own", "independent", "integrated", "two hills")
# Series on which a search once ended lower, or without a certificate: family, law, mean; kind of market or series, seed
# or first return, length; the log-likelihood of the best point known, which the slow twin confirms.
TRAPS = (
    # No shocks at all, and a variance that only decays from where it began.
    ("garch", "t", "zero", ("independent", 3805, 1500), -2102.5668183),
    ("garch", "ged", "constant", ("two hills", 3315, 1000), -1209.0803682),
    pytest.param(("garch", "t", "zero", ("BTC", 1100, 1000), -2514.4957580), marks=pytest.mark.real),
    # Two hills that differ in how long shocks last.
    ("garch", "ged", "constant", ("independent", 3075, 1500), -2137.1051305),
    ("aparch", "ged", "zero", ("independent", 3139, 1500), -2112.0780170),
    ("egarch", "skewt", "zero", ("independent", 3733, 1500), -2002.7569840),
    # Gamma at its bound, degrees of freedom at theirs, and two hills in the power.
    ("aparch", "t", "zero", ("S&P 500", 350, 1500), -2056.6600224),
    # Another top on the other side of the next kink.
    ("tarch", "skewt", "constant", ("own", 3512, 1500), -2046.9516231),
    pytest.param(("aparch", "ged", "constant", ("BTC", 382, 1500), -3884.4731770), marks=pytest.mark.real),
)
# EGARCH whose likelihood rises up to the edge where the filter no longer forgets its start: there is no optimum.
EDGES = (
    ("ged", ("Nasdaq", 698, 1000)),
    ("skewt", ("Nasdaq", 1115, 500)),
    ("skewt", ("two hills", 3213, 1500)),
)
# What the log-likelihood may lie below the best known, and what may be left to gain.
_WITHIN = 1e-6


def simulated(family, law, n_obs, seed, kind):
    """Return values of a kind of market: the family's own, or one on which estimates meet a bound or two hills."""
    shape = LAWS[law]
    if kind == "own":
        return simulate(family, TRUTHS[family], n_obs, seed, law=law, shape=shape)
    if kind == "independent":
        return simulate("garch", {"omega": 1.0, "alpha": 0.0, "beta": 0.0}, n_obs, seed, law=law, shape=shape)
    if kind == "integrated":
        return simulate("garch", {"omega": 0.01, "alpha": 0.1, "beta": 0.9}, n_obs, seed)
    # Slow waves with regular outliers, which a short memory explains as well as a long one.
    values = simulate("garch", {"omega": 0.02, "alpha": 0.03, "beta": 0.95}, n_obs, seed, law="t", shape=(4.0,))
    values[::97] *= 4.0
    return values


@cache
def real_series():
    """Return series of daily returns in per cent: arch's own, and bitcoin and ether where real data are."""
    series = {
        "S&P 500": sp500.load()["Adj Close"],
        "Nasdaq": nasdaq.load()["Adj Close"],
        "oil": wti.load().iloc[:, 0].dropna(),
    }
    folder = os.environ.get("VOLKIT_REAL_DATA")
    for coin in ("BTC", "ETH") if folder else ():
        bars = pd.read_csv(Path(folder) / "daily" / f"{coin}-USDT_binance_1d.csv.gz", index_col=0, parse_dates=True)
        series[coin] = bars["close"].loc["2018":"2023"]
    return {name: 100.0 * prices.pct_change().dropna().to_numpy() for name, prices in series.items()}


def find_fault(family, law, mean, values, *, n_starts, seed):
    """Return what is wrong with the optimum found, in words; an empty text when nothing is."""
    design = make_design(family, law, mean=mean)
    found, compiled = solution_of(design, values), Compiled(design, values)
    height, name, theta = best_rival(compiled, values, n_starts=n_starts, seed=seed)
    case = f"{family}-{law}, {mean} mean, {len(values)} values, seed {seed}"
    scaled, p = compiled.scaled(found.theta)[0], compiled.problem
    if found.log_likelihood < height - _WITHIN:
        at = compiled.natural(theta)[0].round(6).tolist()
        return f"{case}: {height - found.log_likelihood:.2g} above {found.log_likelihood:.6f}, by {name} at {at}"
    if not (found.optimum.converged and found.optimum.gain < _WITHIN):
        return f"{case}: no certificate, gain {found.optimum.gain:.2g}"
    # The height is that of the parameters that are reported, but for a pinned mean's last digit.
    if abs(compiled.value(scaled) - found.log_likelihood) > 1e-9 * abs(found.log_likelihood):
        return f"{case}: {found.log_likelihood} is not the height of the parameters, {compiled.value(scaled)}"
    slack = p.C @ scaled - p.bound
    if slack.min() < -1e-12 or np.abs(slack[: p.n_equal]).max(initial=0.0) > 1e-12:
        return f"{case}: a constraint is broken by {slack.min():.2g}"
    return ""


@pytest.mark.parametrize("family", TRUTHS)
@pytest.mark.parametrize("law", LAWS)
def test_no_rival_is_higher_on_simulated_returns(family, law):
    seed = 10 * list(TRUTHS).index(family) + list(LAWS).index(law)

    values = simulated(family, law, 600, seed, "own")

    assert not find_fault(family, law, "constant", values, n_starts=4, seed=seed)


@pytest.mark.parametrize("kind", HILLS[1:])
@pytest.mark.parametrize("family", TRUTHS)
def test_no_rival_is_higher_at_the_edges(family, kind):
    seed = 7 + list(TRUTHS).index(family)
    law = list(LAWS)[seed % 4]

    values = simulated(family, law, 500, seed, kind)

    assert not find_fault(family, law, "zero", values, n_starts=4, seed=seed)


@pytest.mark.parametrize("family", [*TRUTHS, *EQUATIONS])
@pytest.mark.parametrize("mean", ["zero", "constant"])
def test_no_rival_is_higher_on_shares(family, mean):
    values = real_series()["S&P 500"]
    seed = list(TRUTHS | dict.fromkeys(EQUATIONS)).index(family)
    start = 600 * seed

    for law in ("t", "ged") if mean == "zero" else ("normal",):
        assert not find_fault(family, law, mean, values[start : start + 700], n_starts=4, seed=seed)


def values_of(family, law, source):
    kind, first, n_obs = source
    if kind in HILLS:
        return simulated(family, law, n_obs, first, kind)
    return real_series()[kind][first : first + n_obs]


@pytest.mark.parametrize(("law", "source"), EDGES)
def test_no_optimum_at_the_edge_of_invertibility_is_said(law, source):
    found = solution_of(make_design("egarch", law, mean="zero"), values_of("egarch", law, source))

    assert not found.optimum.converged


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: f"{trap[0]}-{trap[1]}-{trap[3][0]}-{trap[3][1]}")
def test_every_known_trap_is_passed(trap):
    family, law, mean, source, at_least = trap

    found = solution_of(make_design(family, law, mean=mean), values_of(family, law, source))

    assert found.log_likelihood >= at_least - _WITHIN
    assert found.optimum.converged


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_no_rival_is_higher_on_any_of_two_hundred_simulated_series(block):
    faults = []
    for seed in range(1000 + 20 * block, 1020 + 20 * block):
        rng = np.random.default_rng(seed)
        family, law, mean = list(product(TRUTHS, LAWS, ("zero", "constant")))[seed % 40]
        kind = rng.choice(HILLS, p=[0.64, 0.12, 0.12, 0.12])
        values = simulated(family, law, int(rng.choice(WINDOWS)), seed, kind)

        faults.append(find_fault(family, law, mean, values, n_starts=16, seed=seed))

    assert not list(filter(None, faults))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(15))
def test_no_rival_is_higher_on_any_of_three_hundred_windows(block):
    series, faults = real_series(), []
    for seed in range(5000 + 20 * block, 5020 + 20 * block):
        rng = np.random.default_rng(seed)
        family, law, mean = list(product([*TRUTHS, *EQUATIONS], LAWS, ("zero", "constant")))[seed % 56]
        values, n_obs = series[rng.choice(list(series))], int(rng.choice(WINDOWS))
        start = int(rng.integers(len(values) - n_obs))

        window = values[start : start + n_obs]
        faults.append(find_fault(family, law, mean, window, n_starts=16, seed=seed))

    assert not list(filter(None, faults))
