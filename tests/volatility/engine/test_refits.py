"""Re-fits through time: the same optima as fits from scratch, on one core or two, whatever comes later."""

import numpy as np
import pytest
from arch.data import sp500
from compiled import make_design, solution_of

from volkit.volatility.engine.kernels import load_kernels
from volkit.volatility.engine.problem import fit_stretches
from volkit.volatility.refits import refit_windows

MODELS = {
    "GARCH-t": ("garch", "t"),
    "GJR-t": ("gjr", "t"),
    "EGARCH-normal": ("egarch", "normal"),
}


@pytest.fixture(scope="module")
def spx():
    r = sp500.load()["Adj Close"].pct_change().dropna().to_numpy()
    return r - r.mean()


def walk(values, name, *, window=1000, every=1, **changes):
    family, law = MODELS[name]
    design = make_design(family, law, mean=changes.pop("mean", "zero"))
    pushes = np.zeros((0, len(values) + 1))
    return design, refit_windows(design, values, n_lags=0, pushes=pushes, window=window, every=every, **changes)


@pytest.mark.parametrize("name", MODELS)
def test_refits_are_the_optima_of_fits_from_scratch(spx, name):
    # Three stretches of a hundred days: calm, the crisis, the years after.
    for first in (0, 1500, 3800):
        values = spx[first : first + 1099]

        design, found = walk(values, name)

        assert len(found.ends) == 100 and found.converged.all() and (found.gain < 1e-9).all()
        for i in range(100):
            cold = solution_of(design, values[i : i + 1000])
            # A warm fit may not lie below a cold one, nor a cold one below a warm.
            assert found.log_likelihood[i] == pytest.approx(cold.log_likelihood, rel=0, abs=1e-8), (first, i)


@pytest.mark.parametrize("name", MODELS)
def test_refits_on_two_cores_give_the_same_bits(spx, name):
    values = spx[2500:3800]

    (_, one), (_, two) = (walk(values, name, n_jobs=n_jobs) for n_jobs in (1, 2))

    for field in ("estimates", "errors", "next_variance", "log_likelihood", "gain", "active"):
        assert np.array_equal(getattr(one, field), getattr(two, field), equal_nan=True), field


@pytest.mark.parametrize("expanding", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_what_comes_later_changes_no_bit(spx, name, expanding):
    values = spx[2500:3750]
    other = np.concatenate([values[:1130], 4.0 * values[1130:][::-1]])

    _, full = walk(values, name, expanding=expanding)
    _, cut = walk(values[:1130], name, expanding=expanding)
    _, changed = walk(other, name, expanding=expanding)

    for field in ("estimates", "errors", "next_variance", "log_likelihood"):
        for later in (full, changed):
            assert np.array_equal(getattr(later, field)[:131], getattr(cut, field), equal_nan=True), field


def test_parts_of_a_walk_that_begin_at_a_chunk_are_the_walk(spx):
    # Chunks of fifty windows begin with a search of their own, so that a walk can be cut there.
    values = spx[:1199]

    _, whole = walk(values, "GARCH-t")
    _, tail = walk(values[100:], "GARCH-t")

    assert whole.estimates[100:].tolist() == tail.estimates.tolist()


@pytest.mark.parametrize("mean", ["zero", "constant"])
def test_refits_every_so_often_are_those_of_their_days(spx, mean):
    values = spx[:1500]

    design, found = walk(values, "GJR-t", every=50, mean=mean)

    assert found.ends.tolist() == list(range(1000, 1501, 50))
    assert found.starts.tolist() == list(range(0, 501, 50))
    for i, end in enumerate(found.ends):
        cold = solution_of(design, values[end - 1000 : end])
        assert found.log_likelihood[i] == pytest.approx(cold.log_likelihood, rel=0, abs=1e-8)
        assert found.next_variance[i] == pytest.approx(cold.variance[-1], rel=1e-6)
        words = design.constraints(1.0)[3]
        assert tuple(w for k, w in enumerate(words) if found.active[i] >> k & 1) == cold.active


@pytest.mark.parametrize("seed", [14, 18, 30, 34])
def test_re_fits_go_over_to_a_hill_that_was_lower_before(seed):
    """Without clusters of volatility there are several hills, and the highest changes from window to window."""
    values = 0.01 * np.random.default_rng(seed).standard_t(4, 560)
    design = make_design("garch", "t", mean="zero")
    found = refit_windows(design, values, n_lags=0, pushes=np.zeros((0, 561)), window=500, every=2)
    n_fits = len(found.ends)

    alone = fit_stretches(
        design, values, np.zeros((0, 560)), np.zeros((0, 561)), begins=found.starts, counts=np.full(n_fits, 500),
        cold=np.full(n_fits, load_kernels("_fit").FIRST), polish=False,
    )  # fmt: skip

    assert (found.log_likelihood >= alone.summary[:, load_kernels("_fit").LOG_LIKELIHOOD] - 1e-6).all()
