"""Scores, Murphy diagrams and rankings."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.validation import diebold_mariano_test, model_confidence_set
from volkit.validation.shortfall import (
    elementary_quantile_scores,
    elementary_shortfall_scores,
    fz0_score,
    murphy_diagram,
    quantile_score,
    rank_tail_forecasts,
)

LOSS = st.floats(-1.0, 3.0)
MARGIN = st.floats(0.1, 2.0)
LEVEL = st.sampled_from([0.9, 0.975, 0.99])


@given(LOSS, MARGIN, LEVEL)
def test_elementary_quantile_scores_integrate_to_the_quantile_loss(loss, margin, confidence):
    theta = np.linspace(-1.5, 3.5, 500_001)

    S = elementary_quantile_scores(np.array([loss]), np.array([margin]), theta, confidence=confidence)

    width = theta[1] - theta[0]
    expected = quantile_score([loss], [margin], confidence=confidence)[0]
    assert S.sum() * width == pytest.approx(expected, abs=2 * width)  # an interval's two ends


@given(LOSS, MARGIN, MARGIN, st.floats(0.0, 1.0), st.floats(0.0, 1.0), LEVEL)
def test_elementary_shortfall_scores_mix_to_differences_of_fz0(loss, v, w, more, other, confidence):
    e, f = v + more, w + other
    low, high = min(e, f) / 1.01, max(e, f) * 1.01
    theta = np.linspace(low, high, 200_001)

    one, two = (
        elementary_shortfall_scores(np.array([loss]), np.array([a]), np.array([b]), theta, confidence=confidence)[0]
        for a, b in ((v, e), (w, f))
    )

    # Beyond the larger forecast the scores differ by the difference of the depths, weighed with 1 / theta^2 as well.
    depth = [a + max(loss - a, 0.0) / (1.0 - confidence) for a in (v, w)]
    mixed = np.trapezoid((one - two) / theta**2, theta) + (depth[0] - depth[1]) / high
    direct = fz0_score([loss], [v], [e], confidence=confidence) - fz0_score([loss], [w], [f], confidence=confidence)
    jump = (theta[1] - theta[0]) * (max(map(abs, depth)) + high) / low**2
    assert mixed == pytest.approx(direct[0], abs=2 * jump + 1e-9)


@given(LOSS, MARGIN, st.floats(0.0, 1.0), LEVEL)
def test_scores_in_return_space_are_the_same_numbers(loss, v, more, confidence):
    e, a = v + more, 1 - confidence
    r, q, s = -loss, -v, -e
    hit = r < q

    pinball = (a - hit) * (r - q)
    fz0 = -hit * (q - r) / (a * s) + q / s + np.log(-s) - 1

    assert quantile_score([loss], [v], confidence=confidence)[0] == pytest.approx(pinball, abs=1e-12)
    assert fz0_score([loss], [v], [e], confidence=confidence)[0] == pytest.approx(fz0, abs=1e-9)


def test_true_forecasts_have_the_lowest_scores(sample):
    L, V, E = sample(200_000, confidence=0.95)
    worse = {
        "larger": (1.2 * V, 1.2 * E),
        "smaller": (0.8 * V, 0.8 * E),
        "no scale": (V.mean() + 0 * V, E.mean() + 0 * E),
    }

    for v, e in worse.values():
        assert quantile_score(L, v, confidence=0.95).mean() > quantile_score(L, V, confidence=0.95).mean()
        assert fz0_score(L, v, e, confidence=0.95).mean() > fz0_score(L, V, E, confidence=0.95).mean()


def test_scores_stay_in_their_rows():
    found = fz0_score([0.1, np.nan, 0.1], [0.2, 0.2, np.nan], [0.3] * 3, confidence=0.95)

    assert np.isfinite(found[0]) and np.isnan(found[1:]).all()


@pytest.mark.parametrize("functional", ["quantile", "expected shortfall"])
def test_murphy_diagram_of_a_better_forecast_lies_below(sample, functional):
    L, V, E = sample(8000, confidence=0.95)
    flat = np.quantile(L, 0.95) + 0 * L, L[np.quantile(L, 0.95) < L].mean() + 0 * L

    found = murphy_diagram(
        L, (V, E), flat, functional=functional, confidence=0.95, rng=np.random.default_rng(1), names=("right", "flat")
    )

    assert found.first_better > 0.15 and found.second_better == 0.0
    assert (found.frame["difference"] == found.frame["right"] - found.frame["flat"]).all()
    assert (found.frame["lower"] <= found.frame["difference"] + 1e-15).mean() > 0.99
    assert found.to_frame().columns[0] == "theta" and found.summary().loc["observations (count)", "value"] == 8000


def test_murphy_curves_are_means_of_scores_and_the_band_a_plain_bootstrap(sample):
    L, V, E = sample(60, confidence=0.9)
    theta = np.array([0.5, 1.0, 2.0])

    found = murphy_diagram(
        L, (V, E), (1.3 * V, 1.3 * E), functional="expected shortfall", confidence=0.9, thresholds=theta,
        rng=np.random.default_rng(1), block_length=4, n_bootstrap=200,
    )  # fmt: skip

    S = [elementary_shortfall_scores(L, k * V, k * E, theta, confidence=0.9) for k in (1.0, 1.3)]
    rng, d = np.random.default_rng(1), S[0] - S[1]
    starts = rng.integers(0, 60, (200, 15))
    means = np.array([d[((s[:, None] + np.arange(4)) % 60).ravel()].mean(axis=0) for s in starts])
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    assert found.frame["first"].to_numpy() == pytest.approx(S[0].mean(axis=0))
    assert found.frame["lower"].to_numpy() == pytest.approx(2 * d.mean(axis=0) - high)
    assert found.frame["upper"].to_numpy() == pytest.approx(2 * d.mean(axis=0) - low)


def test_murphy_diagram_leaves_out_rows_missing_on_either_side(sample):
    L, V, _ = sample(100)
    first, second = V.copy(), V.copy()
    first[1], second[[2, 3]] = np.nan, np.nan

    found = murphy_diagram(L, first, second, functional="quantile", confidence=0.975, rng=np.random.default_rng(1))

    assert (found.n_obs, found.n_missing) == (97, 3)
    assert (found.frame["difference"] == 0.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"functional": "mean"}, "functional must be one of quantile, expected shortfall"),
        ({"functional": "expected shortfall"}, "first must be a tuple of two forecasts; got ndarray"),
        ({"thresholds": [2.0, 1.0]}, "thresholds must be finite and rise"),
        ({"n_bootstrap": 5}, "n_bootstrap must be"),
        ({"block_length": 100}, "block_length must be below the 100 periods"),
        ({"rng": 3}, "rng must be a random generator"),
        ({"band_confidence": 0.05}, "band_confidence"),
    ],
)
def test_murphy_diagram_refuses_what_it_cannot_use(sample, change, message):
    L, V, _ = sample(100)
    terms = {"functional": "quantile", "confidence": 0.975, "rng": np.random.default_rng(1)} | change

    with pytest.raises(ArgumentError, match=message):
        murphy_diagram(L, V, V, **terms)


def test_murphy_diagram_needs_ten_rows():
    with pytest.raises(DataError, match="must have 10 rows that both forecasts share; got 3"):
        murphy_diagram(
            [0.1] * 3, [0.2] * 3, [0.3] * 3, functional="quantile", confidence=0.95, rng=np.random.default_rng(1)
        )


def test_ranking_is_made_of_the_tests_of_the_house(sample):
    L, V, E = sample(1500, confidence=0.95)
    forecasts = {"right": (V, E), "larger": (1.5 * V, 1.5 * E), "flat": (V.mean() + 0 * V, E.mean() + 0 * E)}
    holed = L.copy()
    holed[[5, 70]] = np.nan
    times = pd.date_range("2020-01-01", periods=1500, tz="UTC")

    found = rank_tail_forecasts(
        pd.Series(holed, index=times), forecasts, benchmark="flat", confidence=0.95, rng=np.random.default_rng(2)
    )

    scores = pd.DataFrame({k: fz0_score(holed, *f, confidence=0.95) for k, f in forecasts.items()}).dropna()
    assert (found.n_obs, found.n_missing, found.as_of) == (1498, 2, times[-1])
    assert found.best == "right" and list(found.tests) == ["right", "larger"]
    for name in found.tests:
        assert found.tests[name].statistic == diebold_mariano_test(scores[name], scores["flat"]).statistic
    members = model_confidence_set(scores, rng=np.random.default_rng(2), block_length=38)
    assert found.confidence_set.p_values.to_numpy() == pytest.approx(members.p_values.to_numpy())
    assert found.summary().index[0] == "right" and found.summary().loc["flat", "note"] == "benchmark"
    assert len(found.to_frame()) == 3


def test_ranking_by_the_quantile_does_not_see_the_shortfall(sample):
    L, V, E = sample(500, confidence=0.95)
    terms = {"benchmark": "a", "confidence": 0.95, "score": "quantile"}

    found = rank_tail_forecasts(L, {"a": (V, E), "b": (V, 2 * E)}, rng=np.random.default_rng(1), **terms)

    assert found.tests["b"].reason == "the losses are identical"


def test_ranking_refuses_an_unknown_benchmark(sample):
    L, V, E = sample(50)

    with pytest.raises(ArgumentError, match="benchmark must be one of a; got 'b'"):
        rank_tail_forecasts(L, {"a": (V, E)}, benchmark="b", confidence=0.975, rng=np.random.default_rng(1))
