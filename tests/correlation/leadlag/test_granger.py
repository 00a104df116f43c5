"""Granger tests: against Luetkepohl and statsmodels, size on volatile data, networks, moving windows, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
from statsmodels.tsa.api import VAR
from statsmodels.tsa.stattools import grangercausalitytests

from volkit.correlation.inference.power import simulate_pairs
from volkit.correlation.leadlag import (
    granger_network,
    granger_test,
    instantaneous_test,
    lag_criteria,
    rolling_granger,
)
from volkit.correlation.matrix.family import ADJUSTMENTS
from volkit.errors import ArgumentError, DataError

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "leadlag.json").read_text())


def quarterly(frame):
    index = pd.date_range("1959-01-01", periods=len(frame), freq="QS", tz="UTC")
    return np.log(frame.set_axis(index)).diff().dropna()


@pytest.fixture(scope="module")
def german():
    file = Path(statsmodels.__file__).parent / "tsa/vector_ar/tests/results/e1.dat"
    frame = pd.read_csv(file, sep=r"\s+", skiprows=7, header=None, names=["investment", "income", "consumption"])
    return quarterly(frame)[:75]


@pytest.fixture(scope="module")
def american():
    return quarterly(sm.datasets.macrodata.load_pandas().data[["realgdp", "realcons", "realinv"]])


def moves(n=300, k=2, *, seed=1, link=0.0):
    values = 0.01 * np.random.default_rng(seed).standard_normal((n, k))
    frame = pd.DataFrame(values, index=pd.date_range("2021-01-01", periods=n, tz="UTC"), columns=list("abcdef")[:k])
    frame["b"] += link * frame["a"].shift(1, fill_value=0.0)
    return frame


def test_luetkepohl_example(german):
    expected = REFERENCE["luetkepohl"]

    found = granger_test(german, caused="investment", causing=["income", "consumption"], lags=2)
    at_once = instantaneous_test(german, caused="investment", causing=["income", "consumption"], lags=2)

    assert found.statistic == pytest.approx(expected["F"], abs=5e-7)
    assert found.p_value == pytest.approx(expected["p_value"], abs=5e-7)
    assert list(found.degrees_of_freedom) == expected["degrees_of_freedom"]
    assert at_once.statistic == pytest.approx(expected["wald"], abs=5e-7)
    assert at_once.p_value == pytest.approx(expected["wald_p_value"], abs=5e-7)


def test_three_american_series(american):
    expected = REFERENCE["macrodata"]

    found = granger_test(american, caused="realgdp", causing=["realinv", "realcons"], lags=3)

    assert found.statistic == pytest.approx(expected["F"], abs=5e-7)
    assert found.p_value == pytest.approx(expected["p_value"], rel=2e-5)
    assert list(found.degrees_of_freedom) == expected["degrees_of_freedom"]


def test_lag_choice_is_that_of_statsmodels(american):
    criteria = lag_criteria(american, max_lags=15)

    assert criteria.idxmin().to_dict() == REFERENCE["macrodata"]["lags"]
    peer = VAR(american.to_numpy()).select_order(15).ics
    for name in ("aic", "bic", "hqic", "fpe"):
        np.testing.assert_allclose(criteria[name], peer[name], rtol=1e-9)


def test_single_equation_equals_statsmodels(american):
    expected = REFERENCE["single_equation"]
    pair = american[["realgdp", "realinv"]]

    for lags, f, p in zip(expected["lags"], expected["F"], expected["p_value"], strict=True):
        found = granger_test(pair, caused="realgdp", causing="realinv", lags=lags, degrees_of_freedom="equation")
        assert (found.statistic, found.p_value) == pytest.approx((f, p), abs=5e-7)
        peer = grangercausalitytests(pair.to_numpy(), [lags])[lags][0]["ssr_ftest"]
        assert (found.statistic, found.p_value) == pytest.approx(peer[:2], rel=1e-9)


@pytest.mark.parametrize("lags", [1, 3])
def test_robust_equals_statsmodels_and_hac_the_score_of_its_residuals(american, lags):
    pair = american[["realgdp", "realinv"]].to_numpy()
    past = np.column_stack([pair[lags - i : len(pair) - i] for i in range(1, lags + 1)])
    model = sm.OLS(pair[lags:, 0], sm.add_constant(past))
    restriction = np.eye(2 * lags + 1)[2::2]
    n = len(past)

    robust = granger_test(american[["realgdp", "realinv"]], caused="realgdp", causing="realinv", lags=lags,
                          covariance="robust")  # fmt: skip
    hac = granger_test(american[["realgdp", "realinv"]], caused="realgdp", causing="realinv", lags=lags,
                       covariance="hac", bandwidth=4)  # fmt: skip

    peer = model.fit(cov_type="HC3", use_t=True).f_test(restriction)
    assert (robust.statistic, robust.p_value) == pytest.approx((peer.fvalue, peer.pvalue), rel=1e-8)
    kept = sm.add_constant(past[:, ::2])
    e = sm.OLS(pair[lags:, 0], kept).fit().resid
    x = np.column_stack([sm.OLS(column, kept).fit().resid for column in past[:, 1::2].T])
    sums = np.add.reduceat(x * e[:, None], np.arange(0, n, 4), axis=0)
    W = len(sums) * sm.OLS(np.ones(len(sums)), sums).fit().rsquared
    assert hac.statistic == pytest.approx((len(sums) - lags) * W / (lags * (len(sums) - W)), rel=1e-8)
    numerator, denominator = hac.degrees_of_freedom
    assert numerator / denominator == pytest.approx(lags / (len(sums) - lags))
    assert hac.method == "score test over blocks of 4 rows"


@pytest.mark.parametrize("covariance", ["classical", "robust", "hac"])
def test_units_and_unrelated_order_do_not_matter(covariance):
    frame = moves(k=3, link=0.2)

    plain = granger_test(frame, caused="b", causing="a", lags=2, covariance=covariance)
    scaled = granger_test(frame[["c", "b", "a"]] * [1e-3, 1e4, 1e6], caused="b", causing="a", lags=2,
                          covariance=covariance)  # fmt: skip

    assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-8)


def test_missing_rows_are_left_out_and_counted():
    frame = moves(link=0.3)
    frame.iloc[100, 0] = np.nan

    found = granger_test(frame, caused="b", causing="a", lags=2)

    assert (found.n_obs, found.n_missing) == (300 - 2 - 3, 3)


def test_network_finds_the_chain_and_no_shortcut():
    frame = moves(2000, 3, link=0.4)
    frame["c"] += 0.4 * frame["b"].shift(1, fill_value=0.0)

    alone = granger_network(frame, lags=2)
    given_all = granger_network(frame, lags=2, given="all")

    edges = set(map(tuple, given_all.edges[["causing", "caused"]].to_numpy()))
    assert edges == {("a", "b"), ("b", "c")}
    assert ("a", "c") in set(map(tuple, alone.edges[["causing", "caused"]].to_numpy()))
    assert alone.n_hypotheses == 6
    assert (alone.to_frame()["adjusted_p_value"] >= alone.to_frame()["p_value"]).all()
    assert np.isnan(np.diag(alone.p_value)).all()


def test_rolling_p_values_do_not_change_as_history_grows():
    frame = moves(400, link=0.1)
    ask = {"caused": "b", "causing": "a", "lags": 1, "window": 100, "every": 7, "horizon": 500, "n_draws": 199}

    long = rolling_granger(frame, rng=np.random.default_rng(3), **ask).path
    short = rolling_granger(frame[:251], rng=np.random.default_rng(3), **ask).path

    pd.testing.assert_frame_equal(long[: len(short)], short, check_exact=True, check_freq=False)


def test_rolling_window_equals_the_test_on_it():
    frame = moves(400, link=0.2)

    path = rolling_granger(frame, caused="b", causing="a", lags=2, window=150, horizon=400, every=50,
                           rng=np.random.default_rng(3)).path  # fmt: skip

    direct = granger_test(frame[50:200], caused="b", causing="a", lags=2, covariance="robust")
    assert path.iloc[1][["statistic", "p_value"]].tolist() == pytest.approx([direct.statistic, direct.p_value])
    assert (path["adjusted_p_value"] >= path["p_value"]).all()


def test_a_series_causing_itself_is_refused():
    with pytest.raises(ArgumentError, match=r"causing must name other series than b, each once; got b; leave it out\."):
        granger_test(moves(), caused="b", causing="b", lags=1)


def test_a_copy_of_a_series_is_refused():
    frame = moves().assign(c=lambda f: f["a"] * 2)
    with pytest.raises(DataError, match="told apart; got series that are combinations of one another"):
        granger_test(frame, caused="b", causing="a", lags=1)


def test_levels_are_refused():
    with pytest.raises(DataError, match="must be changes of both signs"):
        granger_test(np.exp(moves()), caused="b", causing="a", lags=1)


@pytest.mark.parametrize("adjustment", ["benjamini-yekutieli", "benjamini-hochberg", "holm"])
def test_network_takes_the_words_of_the_matrix(adjustment):
    found = granger_network(moves(k=3), lags=1, adjustment=adjustment)

    assert found.method.lower().endswith(f"{adjustment} over 6 tests")
    assert found.to_frame()["adjusted_p_value"].between(found.to_frame()["p_value"], 1.0).all()
    if adjustment in ADJUSTMENTS:
        assert ADJUSTMENTS[adjustment] in found.method
    with pytest.raises(ArgumentError, match=r"adjustment must be one of.*got 'by'"):
        granger_network(moves(k=3), lags=1, adjustment="by")


def test_blocks_too_long_for_the_rows_are_refused():
    with pytest.raises(DataError, match=r"long enough for a HAC test; got 3 blocks of 100 rows for 1 coefficients"):
        granger_test(moves(), caused="b", causing="a", lags=1, covariance="hac", bandwidth=100)
    with pytest.raises(ArgumentError, match="bandwidth must be a whole number of at least 1"):
        granger_test(moves(), caused="b", causing="a", lags=1, covariance="hac", bandwidth=0)


@pytest.mark.slow
def test_size_on_volatile_fat_tailed_data(capsys):
    rows = []
    for n, lags in ((250, 1), (500, 2), (1000, 5)):
        x, y = simulate_pairs(np.full(n, 0.4), rng=np.random.default_rng(n), n_samples=1000, warm_up=50)
        index = pd.date_range("2015-01-01", periods=n + 50, tz="UTC")
        frames = [pd.DataFrame({"a": a, "b": b}, index=index)[50:] for a, b in zip(x, y, strict=True)]
        rows.append(
            {
                kind: np.mean(
                    [
                        granger_test(f, caused="b", causing="a", lags=lags, covariance=kind).p_value < 0.05
                        for f in frames
                    ]
                )
                for kind in ("classical", "robust", "hac")
            }
            | {"n": n, "lags": lags}
        )
    table = pd.DataFrame(rows).set_index(["n", "lags"])
    with capsys.disabled():
        print("\nGranger, GARCH-t5, size at 5 %, 1,000 samples (simulated)\n", table)

    assert table["robust"].between(0.03, 0.075).all()
    # Two simulation errors of 1,000 samples are 0.014.
    assert table["hac"].between(0.03, 0.075).all()
    assert table["classical"].iloc[1:].min() > 0.08


@pytest.mark.slow
def test_family_wise_error_of_moving_windows(capsys):
    found = []
    for seed in range(400):
        path = rolling_granger(moves(500, seed=seed), caused="b", causing="a", lags=1, window=125, every=5, horizon=500,
                               rng=np.random.default_rng(seed), n_draws=399, covariance="classical").path  # fmt: skip
        found.append([path["p_value"].min() <= 0.05, path["adjusted_p_value"].min() <= 0.05])
    naive, adjusted = np.mean(found, axis=0)
    with capsys.disabled():
        print(f"\nrolling Granger, any window below 5 % without causality: raw {naive:.1%}, adjusted {adjusted:.1%}")

    assert naive > 0.3
    assert 0.02 <= adjusted <= 0.085
