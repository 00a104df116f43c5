"""Absorption ratio, turbulence and the ranking: closed forms, plain loops, no look-ahead, errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.contagion.measures import absorption_ratio, systemic_table, turbulence
from volkit.errors import ArgumentError, DataError


def panel(n=400, k=5, seed=1, common=1.0):
    rng = np.random.default_rng(seed)
    values = 0.01 * (common * rng.standard_normal((n, 1)) + rng.standard_normal((n, k)) * np.arange(1, k + 1))
    times = pd.date_range("2015-01-01", periods=n, tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=[f"A{i}" for i in range(k)])


@pytest.mark.parametrize("matrix", ["correlation", "covariance"])
def test_absorption_equals_eigenvalues_of_pandas_matrices(matrix):
    frame = panel(120)

    found = absorption_ratio(frame, window=60, n_components=2, matrix=matrix)

    for t in (59, 80, 119):
        part = frame.iloc[t - 59 : t + 1]
        values = np.linalg.eigvalsh(part.corr() if matrix == "correlation" else part.cov())
        assert found.path["ratio"][frame.index[t]] == pytest.approx(values[-2:].sum() / values.sum(), rel=1e-10)


def test_absorption_of_one_factor_is_known():
    # Correlation r = 1 / (1 + s^2) of all pairs: the first eigenvalue is 1 + (k - 1) r.
    rng = np.random.default_rng(2)
    values = rng.standard_normal((20_000, 1)) + 0.5 * rng.standard_normal((20_000, 4))
    times = pd.date_range("1900-01-01", periods=20_000, tz="UTC")

    found = absorption_ratio(pd.DataFrame(0.01 * values, index=times, columns=list("abcd")), window=20_000)

    truth = (1.0 + 3.0 * 0.8) / 4.0
    row = found.path.iloc[0]
    assert row["lower"] < truth < row["upper"] and row["upper"] - row["lower"] < 0.02


@pytest.mark.parametrize("matrix", ["correlation", "covariance"])
def test_absorption_intervals_hold_the_truth(matrix):
    rng = np.random.default_rng(9)
    loadings = np.array([1.0, 1.0, 1.0, 0.5])
    covariance = np.outer(loadings, loadings) + np.diag([0.5, 0.5, 0.5, 0.5])
    scale = np.sqrt(np.diag(covariance))
    moments = covariance / np.outer(scale, scale) if matrix == "correlation" else covariance
    values = np.linalg.eigvalsh(moments)
    draws = rng.multivariate_normal(np.zeros(4), covariance * 1e-4, 300 * 200)
    times = pd.date_range("1900-01-01", periods=len(draws), freq="h", tz="UTC")
    frame = pd.DataFrame(draws, index=times, columns=list("abcd"))

    rows = pd.concat(
        absorption_ratio(frame.iloc[300 * i : 300 * (i + 1)], window=300, matrix=matrix).path for i in range(200)
    )

    truth = values[-1] / values.sum()
    # A standard error of 1.5 points at 95 %.
    assert ((rows["lower"] < truth) & (truth < rows["upper"])).mean() > 0.90
    # As wide as the ratio's own spread asks for: t quantiles of 17 terms and fewer are 2.1 to 2.3; 5 % for 200 draws.
    width = (rows["upper"] - rows["lower"]).mean() / (2.0 * rows["ratio"].std())
    assert 1.8 < width < 2.6


def test_absorption_noise_lies_above_an_equal_share():
    found = absorption_ratio(panel(300, common=0.0), window=60, rng=np.random.default_rng(1))

    assert 0.2 < found.noise < found.noise_upper < 0.5
    assert (found.path["ratio"] < found.noise_upper).mean() > 0.8
    assert np.isnan(absorption_ratio(panel(300), window=60).noise)
    scaled = absorption_ratio(panel(300), window=60, matrix="covariance", rng=np.random.default_rng(1))
    assert scaled.noise > found.noise


@settings(max_examples=20)
@given(seed=st.integers(0, 1_000), cut=st.integers(70, 119))
def test_nothing_looks_ahead(seed, cut):
    frame = panel(120, seed=seed)

    ratios = [absorption_ratio(part, window=60).path for part in (frame, frame.iloc[:cut])]
    distances = [turbulence(part, minimum=40).path for part in (frame, frame.iloc[:cut])]
    rolling = [turbulence(part, window=40).path for part in (frame, frame.iloc[:cut])]

    for whole, early in (ratios, distances, rolling):
        pd.testing.assert_frame_equal(whole.iloc[: len(early)], early, rtol=1e-12)


@pytest.mark.parametrize("window", [None, 50])
def test_turbulence_equals_a_plain_loop(window):
    frame = panel(90)

    found = turbulence(frame, window=window, minimum=50)

    values = frame.to_numpy()
    for t in (50, 51, 70, 89):
        past = values[:t] if window is None else values[t - 50 : t]
        away = values[t] - past.mean(axis=0)
        covariance = np.cov(past, rowvar=False)
        squared = away @ np.linalg.inv(covariance) @ away
        row = found.path.loc[frame.index[t]]
        assert row["turbulence"] == pytest.approx(squared / 5, rel=1e-9)
        assert row["magnitude"] == pytest.approx((away**2 / np.diag(covariance)).sum() / 5, rel=1e-9)
        assert row["correlation_surprise"] == pytest.approx(row["turbulence"] / row["magnitude"], rel=1e-9)


def test_tail_probabilities_of_normal_rows_are_uniform():
    found = turbulence(panel(3_000, k=4, seed=8), window=60)

    assert stats.kstest(found.path["tail_probability"], "uniform").pvalue > 0.01


def test_turbulence_does_not_depend_on_units():
    frame = panel(200)

    base, scaled = turbulence(frame, minimum=100), turbulence(frame * [1.0, 10.0, 0.1, 2.0, 3.0], minimum=100)

    assert scaled.path["turbulence"].to_numpy() == pytest.approx(base.path["turbulence"].to_numpy(), rel=1e-8)


def test_a_crash_is_turbulent():
    frame = panel(300)
    frame.iloc[250] = -0.2

    found = turbulence(frame, minimum=100)

    assert found.path["turbulence"].idxmax() == frame.index[250] and frame.index[250] == found.summary().index[0]
    assert "highest" in found.headline and found.to_frame().shape == (200, 4)


def test_shift_is_standardised():
    frame = panel(600)
    found = absorption_ratio(frame, window=100)

    shift = found.shift(short=15, long=250)

    ratio = found.path["ratio"]
    wanted = (ratio.iloc[-15:].mean() - ratio.iloc[-250:].mean()) / ratio.iloc[-250:].std()
    assert shift.iloc[-1] == pytest.approx(wanted) and shift.iloc[:249].isna().all()
    assert "factors absorb" in found.headline and list(found.summary().index) == [
        "lowest",
        "median",
        "highest",
        "latest",
    ]
    with pytest.raises(ArgumentError, match="below long"):
        found.shift(short=250, long=15)


def market_of(n=800, seed=1):
    rng = np.random.default_rng(seed)
    m = rng.standard_normal(n)
    draws = {
        "M": m,
        "NEAR": m + rng.standard_normal(n),
        "ALSO": m + rng.standard_normal(n),
        "FAR": rng.standard_normal(n),
    }
    times = pd.date_range("2015-01-01", periods=n, tz="UTC", name="time")
    return pd.DataFrame(draws, index=times) * 0.01


def test_ranking_tells_far_from_near_and_not_twins():
    found = systemic_table(
        market_of(), market="M", debt={"NEAR": 900.0}, equity={"NEAR": 100.0, "FAR": 1.0}, rng=np.random.default_rng(1),
        n_draws=30,
    )  # fmt: skip

    table = found.table
    assert table.index[-1] == "FAR" and table["rank"].tolist() == [1, 2, 3]
    assert table.loc["FAR", ["rank_best", "rank_worst"]].tolist() == [3, 3]
    assert table.loc[["NEAR", "ALSO"], "rank_worst"].tolist() == [2, 2]
    assert table.loc[["NEAR", "ALSO"], "rank_best"].tolist() == [1, 1]
    assert "ranks 1 to 2 cannot be told" in found.headline and found.interval == "bootstrap"
    assert found.capital is not None and found.capital.table.index.tolist() == ["NEAR"]
    assert found.summary().shape == (3, 9) and found.to_frame().shape == (3, 13)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: absorption_ratio(panel()[["A0", "A1"]], window=50), DataError, "three series"),
        (lambda: absorption_ratio(panel(), window=10), ArgumentError, "window"),
        (lambda: absorption_ratio(panel(k=30), window=25), ArgumentError, "above the number of series"),
        (lambda: absorption_ratio(panel(), window=50, n_components=5), ArgumentError, "n_components"),
        (lambda: absorption_ratio(panel(), window=50, matrix="other"), ArgumentError, "matrix"),
        (lambda: absorption_ratio(panel(30), window=50), DataError, "at least 50"),
        (lambda: absorption_ratio(panel().mask(panel() > 0.05), window=50), DataError, "missing value"),
        (lambda: turbulence(panel()[["A0"]]), DataError, "two series"),
        (lambda: turbulence(panel(), window=8), ArgumentError, "window must be long enough"),
        (lambda: turbulence(panel(), minimum=8), ArgumentError, "minimum must be long enough"),
        (lambda: turbulence(panel().assign(again=lambda f: f["A0"] + f["A1"])), DataError, "none follows"),
        (lambda: turbulence(panel(100)), DataError, "at least 251"),
        (lambda: systemic_table(market_of(), market="M", assets=["M"]), ArgumentError, "without the market"),
        (lambda: systemic_table(market_of(), market="M", debt={"NEAR": 1.0}), ArgumentError, "come together"),
    ],
)
def test_bad_input_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_series_that_stands_still_is_named():
    frame = panel(100)
    frame.iloc[20:80, 2] = 0.0

    with pytest.raises(DataError, match="series 2 constant over the 50 rows"):
        absorption_ratio(frame, window=50)


def test_a_huge_row_leaves_with_its_window():
    frame = panel(200, k=3)
    frame.iloc[60] = [1e6, -2e5, 3e6]

    path = turbulence(frame.iloc[:60], window=40).path
    after = turbulence(frame.iloc[61:], window=40).path

    with pytest.raises(DataError, match=r"must not hang on one row; got .* outweighs all others; repair"):
        turbulence(frame, window=40)
    mild = frame.copy()
    mild.iloc[60] = [1e4, 0.02, -0.01]
    found = turbulence(mild, window=40).path
    pd.testing.assert_frame_equal(found.loc[path.index], path, rtol=1e-12)
    pd.testing.assert_frame_equal(found.loc[after.index], after, rtol=1e-12)


def test_a_window_of_nothing_is_named():
    with pytest.raises(ArgumentError, match="window must be"):
        turbulence(panel(), window=0)
