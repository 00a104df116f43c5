"""CoVaR: closed form, an independent linear program, coverage, state variables, errors."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from volkit.contagion.measures import covar, gaussian_covar
from volkit.contagion.measures.quantile_lines import fit_quantile_line
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, SeriesProvenance

SIMULATED = Provenance(
    (SeriesProvenance(name="X", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)
NORMAL = {"correlation": 0.6, "system_volatility": 0.02, "institution_volatility": 0.03}


def pairs(n, seed=1):
    rng = np.random.default_rng(seed)
    x = 0.03 * rng.standard_normal(n)
    y = 0.6 * 0.02 / 0.03 * x + 0.02 * 0.8 * rng.standard_normal(n)
    times = pd.date_range("2000-01-01", periods=n, freq="min", tz="UTC", name="time")
    return pd.DataFrame({"SYS": y, "X": x}, index=times)


def primal_plane(design, losses, level):
    """Koenker and Bassett's primal: losses = design b + up - down, least level up + (1 - level) down."""
    n, k = design.shape
    cost = np.concatenate([np.zeros(k), np.full(n, level), np.full(n, 1.0 - level)])
    found = optimize.linprog(
        cost,
        A_eq=np.hstack([design, np.eye(n), -np.eye(n)]),
        b_eq=losses,
        bounds=[(None, None)] * k + [(0.0, None)] * (2 * n),
    )
    return found.x[:k]


def test_closed_form_of_the_reference():
    found = gaussian_covar(**NORMAL, confidence=0.99)

    assert found.covar == pytest.approx(0.06513774047314355, abs=1e-12)
    assert found.covar_median == pytest.approx(0.037221565984653454, abs=1e-12)
    assert found.delta_covar == pytest.approx(0.02791617448849009, abs=1e-12)


@pytest.mark.slow
def test_a_million_pairs_give_the_closed_form():
    found = covar(pairs(1_000_000), system="SYS", institution="X", confidence=0.99)

    exact = gaussian_covar(**NORMAL)
    # Two per cent are asked for.
    assert found.delta_covar == pytest.approx(exact.delta_covar, rel=0.02)
    assert found.covar == pytest.approx(exact.covar, rel=0.01)
    assert found.lower < exact.delta_covar < found.upper and found.upper - found.lower < 0.03 * exact.delta_covar
    assert "iterated" in found.method


def test_equals_another_linear_program():
    frame = pairs(300)

    found = covar(frame, system="SYS", institution="X", confidence=0.95)

    x, y = -frame["X"].to_numpy(), -frame["SYS"].to_numpy()
    ones = np.ones((300, 1))
    at_risk, median = (primal_plane(ones, x, level)[0] for level in (0.95, 0.5))
    a, b = primal_plane(np.column_stack([ones, x]), y, 0.95)
    assert found.value_at_risk == pytest.approx(at_risk, abs=1e-9)
    assert found.beta == pytest.approx(b, abs=1e-9)
    assert found.covar == pytest.approx(a + b * at_risk, abs=1e-9)
    # A median between two losses may be either.
    assert found.delta_covar == pytest.approx(b * (at_risk - median), abs=1e-4)


def test_intervals_hold_the_truth():
    exact = gaussian_covar(**NORMAL, confidence=0.95).delta_covar
    inside = {"standard_error": 0, "bootstrap": 0}
    for seed in range(12):
        for name, n, rng in (("standard_error", 2_000, None), ("bootstrap", 400, np.random.default_rng(seed))):
            found = covar(pairs(n, 100 + seed), system="SYS", institution="X", confidence=0.95, n_draws=20, rng=rng)
            inside[name] += found.lower < exact < found.upper
            assert found.interval == name and found.lower < found.delta_covar < found.upper

    # At 95 % eight or fewer of 12 come twice in a thousand; 20 draws make the bootstrap rough.
    assert min(inside.values()) >= 9


def test_a_year_of_days_is_drawn_again_unasked_and_holds_the_truth():
    exact = gaussian_covar(**NORMAL, confidence=0.99).delta_covar
    inside = 0
    for seed in range(60):
        found = covar(pairs(365, 500 + seed), system="SYS", institution="X", n_draws=100)
        assert found.interval == "bootstrap"
        inside += found.lower < exact < found.upper

    # Standard errors hold it in about 40 of 60; at 95 %, 51 or fewer come once in two hundred times.
    assert inside >= 52


def test_without_a_generator_the_same_draws_come_back():
    one, two = (covar(pairs(300), system="SYS", institution="X", confidence=0.95) for _ in range(2))
    seeded = covar(pairs(300), system="SYS", institution="X", confidence=0.95, rng=np.random.default_rng(0))

    assert (one.lower, one.upper) == (two.lower, two.upper) == (seeded.lower, seeded.upper)


@pytest.mark.parametrize("n", [40, 300])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_quick_lines_are_the_linear_program(n, level):
    frame = pairs(n, seed=7)
    x, y = -frame["X"].to_numpy(), -frame["SYS"].to_numpy()
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(n), x])
    for _ in range(10):
        weights = rng.multinomial(n, np.full(n, 1.0 / n)).astype(float)
        line = fit_quantile_line(x, y, weights, level=level, start=int(rng.integers(n)))
        rows = np.repeat(np.arange(n), weights.astype(int))

        def loss(plane, rows=rows):
            left = y[rows] - design[rows] @ plane
            return np.maximum(level * left, (level - 1.0) * left).sum()

        assert line is not None
        assert loss(line) == pytest.approx(loss(primal_plane(design[rows], y[rows], level)), rel=1e-10)


def test_ties_and_a_standing_regressor_are_left_to_the_linear_program():
    ones = np.ones(6)

    assert fit_quantile_line(ones, np.arange(6.0), ones, level=0.9, start=0) is None
    frame = pairs(300).round(2)
    found = covar(frame, system="SYS", institution="X", confidence=0.95, n_draws=20, rng=np.random.default_rng(1))
    assert found.lower <= found.delta_covar <= found.upper


def test_independent_series_add_nothing():
    rng = np.random.default_rng(3)
    times = pd.date_range("2000-01-01", periods=2_000, tz="UTC")
    frame = pd.DataFrame(0.01 * rng.standard_normal((2_000, 2)), index=times, columns=["SYS", "X"])

    found = covar(frame, system="SYS", institution="X", confidence=0.95)

    assert found.lower < 0.0 < found.upper


def test_lagged_states_are_seen():
    rng = np.random.default_rng(5)
    n = 4_000
    # From row to row anew: a state of the wrong row explains nothing.
    state = np.exp(0.3 * rng.standard_normal(n))
    scale = np.concatenate([[1.0], state[:-1]])
    x = 0.02 * scale * rng.standard_normal(n)
    y = 0.5 * x + 0.01 * scale * rng.standard_normal(n)
    times = pd.date_range("2000-01-01", periods=n, tz="UTC")
    frame = pd.DataFrame({"SYS": y, "X": x}, index=times)

    found = covar(frame, system="SYS", institution="X", confidence=0.95, state=pd.DataFrame({"M": state}, index=times))

    # VaR = 1.645 x 0.02 x state of the row before; none of a row's own.
    truth = 1.644854 * 0.02 * state[:-1]
    slope, level = np.polyfit(truth, found.path["value_at_risk"].to_numpy(), 1)
    # A plane in the lagged state, so that only its two numbers are estimates: about 4 % each.
    assert found.path["value_at_risk"].to_numpy() == pytest.approx(slope * truth + level, abs=1e-12)
    assert slope == pytest.approx(1.0, abs=0.15) and abs(level) < 0.15 * truth.mean()
    assert found.value_at_risk == pytest.approx(slope * 1.644854 * 0.02 * state[-1] + level, abs=1e-12)
    assert found.n_obs == n - 1 and found.state == ("M",)


def test_scale_and_shift():
    frame = pairs(400)
    base = covar(frame, system="SYS", institution="X", confidence=0.95)

    scaled = covar(frame * [3.0, 0.5], system="SYS", institution="X", confidence=0.95)

    assert scaled.delta_covar == pytest.approx(3.0 * base.delta_covar, rel=1e-6)
    assert scaled.value_at_risk == pytest.approx(0.5 * base.value_at_risk, rel=1e-6)


def test_words_and_frames():
    found = covar(pairs(300), system="SYS", institution="X", confidence=0.95, provenance=SIMULATED)

    assert "SIMULATED" in repr(found) and "X in distress adds" in found.headline
    assert found.summary().loc["DeltaCoVaR (decimal)", "lower"] == found.lower
    assert found.to_frame().shape == (300, 4) and found.as_of == pairs(300).index[-1]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"institution": "SYS"}, ArgumentError, "another series"),
        ({"institution": "Z"}, DataError, "must have a column Z"),
        ({"confidence": 0.01}, ArgumentError, "confidence"),
        ({"confidence": 0.9999}, ArgumentError, "tail"),
        ({"state": pd.DataFrame({"M": [1.0]})}, DataError, "index of the returns"),
    ],
)
def test_bad_input_is_named(options, error, words):
    with pytest.raises(error, match=words):
        covar(pairs(300), **({"system": "SYS", "institution": "X"} | options))


def test_missing_values_are_named():
    frame = pairs(300)
    frame.iloc[5, 1] = np.nan

    with pytest.raises(DataError, match="1 of 300 rows"):
        covar(frame, system="SYS", institution="X")
    with pytest.raises(DataError, match="state must be finite"):
        covar(pairs(300), system="SYS", institution="X", state=frame)
    with pytest.raises(DataError, match="none follows"):
        covar(pairs(300), system="SYS", institution="X", state=pairs(300)[["X"]].assign(again=lambda f: 2 * f["X"]))
    with pytest.raises(ArgumentError, match="correlation"):
        gaussian_covar(correlation=1.5, system_volatility=0.1, institution_volatility=0.1)
