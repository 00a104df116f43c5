"""Closed forms: the reference entries, simulation, limits and refusals."""

import numpy as np
import pandas as pd
import pytest

from tests.realtime.insolvency.conftest import random_walks
from volkit.errors import ArgumentError
from volkit.margin.horizon import touch_margin
from volkit.realtime.insolvency import garch_t_margin, linear_insolvency_margin, reflection_margin

GARCH = {"omega": 2e-5, "alpha": 0.08, "beta": 0.9, "variance_next": 0.0016, "degrees_of_freedom": 4.0}
DAY = 0.6 / 365**0.5


@pytest.mark.parametrize(
    ("target", "terminal", "continuous"),
    [(0.01, 0.07305996777239167, 0.08089504067918302), (0.001, 0.09705009092456153, 0.1033404245511275)],
)
def test_reflection_margins_are_those_of_the_reference(target, terminal, continuous):
    """Entry margin.reflection: -s Phi^-1(p) and -s Phi^-1(p / 2) by scipy, one day of 60 % a year."""
    assert reflection_margin(target, volatility=DAY, event="terminal") == pytest.approx(terminal, abs=1e-12)
    assert reflection_margin(target, volatility=DAY) == pytest.approx(continuous, abs=1e-12)


def test_garch_margin_is_that_of_the_reference():
    """Entry margin.garch_t: variance over two days by recursion, quantile and shortfall of the standardised t."""
    day, two = garch_t_margin(0.001, **GARCH), garch_t_margin(0.001, **GARCH, horizon=2)

    assert day.margin == pytest.approx(0.20288823161179367, abs=1e-10)
    assert day.expected_shortfall == pytest.approx(0.2739676515814538, abs=1e-10)
    assert two.variance == pytest.approx(0.003188, abs=1e-12)


def test_garch_variance_is_the_recursion_of_expectations():
    h, total = GARCH["variance_next"], 0.0
    for _ in range(7):
        total += h
        h = GARCH["omega"] + (GARCH["alpha"] + GARCH["beta"]) * h

    assert garch_t_margin(0.01, **GARCH, horizon=7).variance == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("looks", [None, 24, 288])
def test_reflection_agrees_with_the_log_price_for_small_moves(looks):
    """`touch_margin` is of a log-normal price: for one per mille over the horizon both are the same to that order."""
    horizon = pd.Timedelta("1D")
    between = None if looks is None else horizon / looks
    other = touch_margin(
        0.01, side="long", volatility=1e-3, horizon=1, interval=horizon, drift=0.5e-6, monitoring=between
    ).margin

    assert reflection_margin(0.01, volatility=1e-3, looks=looks) == pytest.approx(other, rel=2e-3)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_simulated_margins_meet_the_closed_forms_within_four_standard_errors(side):
    """A quantile's standard error is that of the probability over the density there."""
    n, looks, target = 60_000, 96, 0.01
    paths = random_walks(n, looks, deviation=DAY, seed=7)
    error = (target * (1 - target) / n) ** 0.5
    watched = {
        ("terminal", "steps"): reflection_margin(target, volatility=DAY, event="terminal"),
        ("path minimum", "steps"): reflection_margin(target, volatility=DAY, looks=looks),
        ("path minimum", "continuous"): reflection_margin(target, volatility=DAY),
    }
    for (event, monitoring), expected in watched.items():
        found = linear_insolvency_margin(side, paths, target=target, event=event, monitoring=monitoring)

        twice = 1.0 if event == "terminal" else 2.0
        z = expected / DAY
        density = twice * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / DAY
        assert abs(found.margin - expected) < 4.0 * error / density, (event, monitoring)


def test_the_shift_between_looks_is_what_discrete_watch_leaves_out():
    """Without it hourly looks would miss the continuous margin by nine standard errors."""
    paths = random_walks(60_000, 24, deviation=DAY, seed=8)
    steps, continuous = (linear_insolvency_margin(1.0, paths, monitoring=m) for m in ("steps", "continuous"))

    assert continuous.shift == pytest.approx(0.5826 * DAY / 24**0.5, rel=0.03)
    assert continuous.margin == pytest.approx(steps.margin + continuous.shift, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: reflection_margin(1.0, volatility=0.1), "target must be above 0 and below 1"),
        (lambda: reflection_margin(0.6, volatility=0.1), "target must be below 0.5"),
        (lambda: reflection_margin(0.01, volatility=0.0), "volatility must be a positive number"),
        (lambda: reflection_margin(0.01, volatility=0.1, event="end"), "event must be one of path minimum, terminal"),
        (lambda: reflection_margin(0.01, volatility=0.1, event="terminal", looks=3), "looks must be None"),
        (lambda: reflection_margin(0.01, volatility=0.1, looks=0), "looks must be a whole number"),
        (lambda: garch_t_margin(0.01, **GARCH | {"beta": 0.95}), "beta must keep the persistence below 1"),
        (lambda: garch_t_margin(0.01, **GARCH | {"alpha": -0.1}), "alpha must be at least 0"),
        (lambda: garch_t_margin(0.01, **GARCH | {"degrees_of_freedom": 2.0}), "degrees_of_freedom must be above 2"),
        (lambda: garch_t_margin(0.01, **GARCH, horizon=0), "horizon must be a whole number"),
        (lambda: garch_t_margin(0.7, **GARCH), "target must be below 0.5"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()
