"""Pearson, rolling, weighted, by era, as a matrix: values, invariants, look-ahead, refusals."""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation import (
    correlation_by_era,
    correlation_matrix,
    ewma_correlation,
    pearson_correlation,
    rolling_correlation,
)
from volkit.correlation.intervals import cosine_terms, ewc_band
from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.prices import Synchrony

PATHS = {
    "rolling": lambda x, y, **k: rolling_correlation(x, y, window=60, periods_per_year=365, **k),
    "ewma": lambda x, y, **k: ewma_correlation(x, y, half_life=30, periods_per_year=365, **k),
}
NEAR = Synchrony(clocks=("24:00 UTC", "23:00 UTC"), overlap_share=0.96, attenuation=0.97)
INTERVALS = {"one": pearson_correlation, **PATHS}


def pair_of(n=300, *, rho=0.4, seed=1, missing=0.0):
    rng = np.random.default_rng(seed)
    x, e = rng.standard_t(5, (2, n)) * 0.03
    values = np.stack([x, rho * x + np.sqrt(1 - rho**2) * e])
    values[rng.random(values.shape) < missing] = np.nan
    times = pd.date_range("2023-01-01", periods=n, tz="UTC", name="time", unit="us")
    return pd.Series(values[0], index=times, name="BTC"), pd.Series(values[1], index=times, name="SPX")


def slow_interval(x, y, confidence=0.95):
    """Plain twin of the cosine interval: the formula of the paper, term by term, NaN rows left out."""
    seen = np.isfinite(x) & np.isfinite(y)
    x, y = x[seen], y[seen]
    n, r = len(x), stats.pearsonr(x, y).statistic
    u, v = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    psi = (u * v - r / 2 * (u**2 + v**2)) / (1 - r**2)
    psi = psi * (1 + (u**2 + v**2) / (4 * n))
    nu = max(3, int(np.floor(0.4 * n ** (2 / 3))))
    terms = [
        np.sqrt(2 / n) * sum(psi[t - 1] * np.cos(np.pi * j * (t - 0.5) / n) for t in range(1, n + 1))
        for j in range(1, nu + 1)
    ]
    se = np.sqrt(np.mean(np.square(terms)) / n)
    excess = np.mean((psi - psi.mean()) ** 4) / np.var(psi) ** 2 - 3
    freedom = 2 / (2 / nu + max(excess, 0) / n * (1 + 1 / (2 * nu)))
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * se
    return r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half), n


def slow_ewma(x, y, half_life, confidence=0.95):
    """Plain twin of the weighted interval at the last row: explicit weights, NaN rows weigh nothing."""
    age = np.arange(len(x))[::-1]
    seen = np.isfinite(x) & np.isfinite(y)
    w = 0.5 ** (age[seen] / half_life)
    w /= w.sum()
    x, y = x[seen], y[seen]
    u, v = x / np.sqrt(np.sum(w * x**2)), y / np.sqrt(np.sum(w * y**2))
    r = np.sum(w * u * v)
    psi = (u * v - r / 2 * (u**2 + v**2)) / (1 - r**2)
    se = np.sqrt(np.sum(w**2 * psi**2) / (1 - np.sum(w**2)))
    half = stats.t.ppf(0.5 + confidence / 2, np.sum(w**2) ** 2 / np.sum(w**4)) * se
    return r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half), 1 / np.sum(w**2)


def exact_pearson(x, y):
    """Correlation in rational arithmetic up to the last root: no rounding whatever the level."""
    a, b = [Fraction(float(v)) for v in x], [Fraction(float(v)) for v in y]
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    s_ab = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b, strict=True))
    s_aa, s_bb = sum((p - mean_a) ** 2 for p in a), sum((q - mean_b) ** 2 for q in b)
    return float(np.sign(float(s_ab)) * np.sqrt(float(s_ab * s_ab / (s_aa * s_bb))))


def row_of(estimate, position=-1):
    return estimate.path.iloc[position].to_numpy()


def shipped_changes():
    """The fixture of the reference table: 100 log differences of three series that arch ships, inner-joined."""
    from arch.data import nasdaq, sp500, vix

    closes = {"SPX": sp500.load()["Adj Close"], "NASDAQ": nasdaq.load()["Adj Close"], "VIX": vix.load().iloc[:, 0]}
    moves = {name: 100 * np.log(close).diff().dropna() for name, close in closes.items()}
    return pd.concat(moves, axis=1, join="inner").tz_localize("UTC")


# Values


def test_correlation_matches_pearson_and_the_written_out_interval():
    x, y = pair_of()

    found = pearson_correlation(x, y)

    expected = slow_interval(x.to_numpy(), y.to_numpy())
    assert (found.correlation, found.lower, found.upper) == pytest.approx(expected[:3], abs=1e-12)
    assert found.correlation == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-14)
    assert 10 < found.degrees_of_freedom <= 17
    assert np.arctanh(found.upper) - np.arctanh(found.correlation) == pytest.approx(
        stats.t.ppf(0.975, found.degrees_of_freedom) * found.standard_error
    )


def test_matrix_matches_the_values_printed_for_series_that_arch_ships():
    # Pearson column of the reference table for 1,211 joint rows of sp500, nasdaq and vix, six decimals.
    moves = shipped_changes()

    found = correlation_matrix(moves)

    assert len(moves) == 1211
    assert found.to_frame()["correlation"].round(6).tolist() == [0.942753, -0.822686, -0.789738]


@pytest.mark.parametrize("missing", [0.0, 0.08])
def test_rolling_matches_a_slow_loop(missing):
    x, y = pair_of(160, missing=missing)
    window, least = 60, 30

    path = rolling_correlation(x, y, window=window, periods_per_year=365).path

    for end in range(window, len(x) + 1):
        expected = slow_interval(x.to_numpy()[end - window : end], y.to_numpy()[end - window : end])
        assert expected[3] >= least
        np.testing.assert_allclose(path.iloc[end - 1, :4].to_numpy(), expected, atol=1e-12, rtol=0)
    assert path.iloc[: window - 1].isna().all(axis=None)


def test_rolling_matches_pandas():
    x, y = pair_of(900)

    path = rolling_correlation(x, y, window=250, periods_per_year=365).path

    pd.testing.assert_series_equal(
        path["correlation"], x.rolling(250).corr(y), check_names=False, check_freq=False, atol=1e-12
    )


@pytest.mark.parametrize("missing", [0.0, 0.08])
def test_ewma_matches_a_slow_weighted_loop(missing):
    x, y = pair_of(200, missing=missing)

    path = ewma_correlation(x, y, half_life=30, periods_per_year=365).path

    for position in (110, 111, 150, 199):
        expected = slow_ewma(x.to_numpy()[: position + 1], y.to_numpy()[: position + 1], 30)
        np.testing.assert_allclose(path.iloc[position].to_numpy(), expected, atol=1e-12, rtol=1e-12)


def test_ewma_starts_after_two_half_lives_and_again_after_a_gap():
    x, y = pair_of(300)
    x.iloc[100:200] = np.nan

    known = ewma_correlation(x, y, half_life=25, periods_per_year=365).path["correlation"].notna()

    assert known.idxmax() == x.index[49]
    # Half of the weight is gone one half-life into the gap, less the little that was not yet there.
    assert known.iloc[49:120].all() and not known.iloc[125:220].any() and known.iloc[225:].all()


def test_eras_are_the_correlations_of_their_slices():
    x, y = pair_of(300, missing=0.05)
    cut = x.index[150]

    table = correlation_by_era(
        x, y, {"early": (x.index[0], cut), "late": (cut, x.index[-1] + pd.Timedelta(days=9))}
    ).table

    for row, part in zip(table.itertuples(), (slice(0, 150), slice(150, None)), strict=True):
        alone = pearson_correlation(x.iloc[part], y.iloc[part])
        assert (row.correlation, row.lower, row.upper, row.n) == pytest.approx(
            (alone.correlation, alone.lower, alone.upper, alone.n_obs), abs=1e-14
        )
        assert (row.first, row.last) == (alone.start, alone.as_of)


def test_matrix_is_pairwise_complete_symmetric_and_counts():
    x, y = pair_of(300, missing=0.1)
    moves = pd.DataFrame({"BTC": x, "SPX": y, "GOLD": pair_of(seed=9)[1]})

    found = correlation_matrix(moves)

    np.testing.assert_allclose(found.correlation, moves.corr(), atol=1e-13)
    assert (found.n == moves.notna().astype(int).T @ moves.notna().astype(int)).all(axis=None)
    assert (found.lower == found.lower.T).all(axis=None) and (found.upper == found.upper.T).all(axis=None)
    assert found.to_frame().shape == (3, 8)
    one = pearson_correlation(x, y)
    assert (found.lower.loc["BTC", "SPX"], found.upper.loc["BTC", "SPX"]) == pytest.approx((one.lower, one.upper))


def test_number_of_cosine_terms_is_four_tenths_of_the_two_thirds_power():
    assert [cosine_terms(n) for n in (20, 90, 250, 1000)] == [3, 8, 15, 40]


# Coverage


def simulate(kind, n, replications, rng, rho=0.4):
    warm_up = 200 if kind == "garch-t5" else 0
    e = rng.standard_normal((2, n + warm_up, replications))
    e[1] = rho * e[0] + np.sqrt(1 - rho**2) * e[1]
    if kind != "normal":
        e *= np.sqrt(3 / rng.chisquare(5, e.shape[1:]))
    if kind == "garch-t5":
        variance = np.ones((2, replications))
        for t in range(e.shape[1]):
            e[:, t] *= np.sqrt(variance)
            variance = 0.03 + 0.10 * e[:, t] ** 2 + 0.87 * variance
    return np.ascontiguousarray(e[:, warm_up:].transpose(0, 2, 1))


def fisher_coverage(correlations, n, rho=0.4):
    return np.mean(np.abs(np.arctanh(correlations) - np.arctanh(rho)) <= stats.norm.ppf(0.975) / np.sqrt(n - 3))


@pytest.mark.parametrize("n", [90, 250])
@pytest.mark.parametrize("kind", ["normal", "t5", "garch-t5"])
def test_cosine_interval_covers_where_fishers_does_not(kind, n):
    # 1,500 replications: two standard errors of a share of 0.94 are 0.012, hence the band around 0.95.
    x, y = simulate(kind, n, 1500, np.random.default_rng(20))

    band = ewc_band(x, y, confidence=0.95)

    coverage = np.mean((band.lower <= 0.4) & (band.upper >= 0.4))
    assert 0.915 <= coverage <= 0.97
    if kind != "normal":
        assert fisher_coverage(band.correlation, n) < 0.88


@pytest.mark.parametrize("kind", ["normal", "t5", "garch-t5"])
def test_ewma_interval_covers(kind):
    # Half-life 33 after 250 rows; a weighted mean of fat tails keeps 0.92 to 0.94, as measured with 4,000 draws.
    x, y = simulate(kind, 250, 600, np.random.default_rng(21))
    times = pd.date_range("2023-01-01", periods=250, tz="UTC")

    last = [
        row_of(ewma_correlation(pd.Series(a, times), pd.Series(b, times), half_life=33, periods_per_year=365))
        for a, b in zip(x, y, strict=True)
    ]

    lower, upper = np.array(last)[:, 1:3].T
    assert 0.90 <= np.mean((lower <= 0.4) & (upper >= 0.4)) <= 0.97


# Invariants and look-ahead


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("kept", [120, 173, 299])
def test_later_rows_change_nothing(name, kept):
    x, y = pair_of(300, missing=0.05)
    z = y.copy()
    z.iloc[kept:] = np.resize([1e6, -1e6, -1e6], len(z) - kept)

    whole, prefix = PATHS[name](x, z).path.iloc[:kept, :4], PATHS[name](x.iloc[:kept], y.iloc[:kept]).path.iloc[:, :4]

    pd.testing.assert_frame_equal(whole, prefix, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", INTERVALS)
def test_units_and_time_labels_do_not_matter(name):
    x, y = pair_of()
    shifted = x.index + pd.Timedelta(days=400)

    one = INTERVALS[name](x, y).to_frame()
    other = INTERVALS[name]((x * 1e4).set_axis(shifted), (y * 1e-9).set_axis(shifted)).to_frame()

    for column in ("correlation", "lower", "upper"):
        np.testing.assert_allclose(one[column], other[column], atol=1e-11)


@pytest.mark.parametrize("name", INTERVALS)
def test_exchanging_the_series_or_the_sign_mirrors_the_interval(name):
    x, y = pair_of()

    one, swapped, negative = (INTERVALS[name](*p).to_frame().dropna().iloc[-1] for p in ((x, y), (y, x), (x, -y)))

    bounds = ["lower", "correlation", "upper"]
    assert one[bounds].tolist() == pytest.approx(swapped[bounds].tolist(), abs=1e-12)
    assert one[bounds].tolist() == pytest.approx([-v for v in negative[bounds[::-1]]], abs=1e-12)


def test_value_ignores_the_order_of_the_rows_while_the_interval_does_not():
    x, y = pair_of()
    order = np.random.default_rng(3).permutation(len(x))

    one, other = (
        pearson_correlation(x, y),
        pearson_correlation(*(pd.Series(s.to_numpy()[order], index=s.index) for s in (x, y))),
    )

    assert one.correlation == pytest.approx(other.correlation, abs=1e-14)
    assert one.lower != pytest.approx(other.lower, abs=1e-6)


def test_higher_confidence_widens_the_interval():
    x, y = pair_of()

    narrow, wide = pearson_correlation(x, y, confidence=0.9), pearson_correlation(x, y, confidence=0.99)

    assert wide.lower < narrow.lower < narrow.correlation < narrow.upper < wide.upper


# Hostile inputs


@pytest.mark.parametrize("level", [0.0, 1e4, 1e6])
@pytest.mark.parametrize("bad_print", [1.0, 1e6, 1e10])
def test_rolling_keeps_nine_digits_on_a_level_and_after_a_bad_print(level, bad_print):
    x, y = pair_of(200)
    x = x - level
    x.iloc[70] *= bad_print

    path = rolling_correlation(x, y, window=60, periods_per_year=365).path["correlation"]

    ends = range(60, 201, 7)
    exact = [exact_pearson(x.iloc[e - 60 : e], y.iloc[e - 60 : e]) for e in ends]
    np.testing.assert_allclose(path.to_numpy()[[e - 1 for e in ends]], exact, atol=1e-9, rtol=0)
    assert path.dropna().abs().max() <= 1.0


def test_shifting_a_level_by_a_power_of_two_that_loses_no_digit_changes_nothing():
    x, y = pair_of(200)
    coarse = (x * 2**20).round() / 2**20

    one = rolling_correlation(coarse, y, window=60, periods_per_year=365).path
    other = rolling_correlation(coarse - 2.0**20, y, window=60, periods_per_year=365).path

    pd.testing.assert_frame_equal(one, other, atol=1e-9, rtol=0)


def test_halted_series_gives_missing_values_never_numbers():
    x, y = pair_of(3000)
    x.iloc[100:200] = 0.0
    x.iloc[400:] = 0.0

    rolled = rolling_correlation(x, y, window=60, periods_per_year=365).path
    weighted = ewma_correlation(x, y, half_life=22, periods_per_year=365).path

    assert rolled[["correlation", "lower", "upper"]].iloc[160:199].isna().all(axis=None)
    assert (rolled["n"].iloc[160:199] == 60).all()
    assert not np.isinf(rolled.to_numpy()).any() and not np.isinf(weighted.to_numpy()).any()
    # The last moves were on rows 99 and 399; 44 rows are two half-lives.
    assert weighted["correlation"].iloc[[142, 442]].notna().all()
    assert weighted.drop(columns="n").iloc[[*range(143, 200), *range(443, 3000)]].isna().all(axis=None)


def test_perfect_correlation_has_no_width():
    x, _ = pair_of()

    same, opposite = pearson_correlation(x, 2.0 * x), pearson_correlation(x, -x)

    assert (same.correlation, same.lower, same.upper, same.standard_error) == pytest.approx((1, 1, 1, 0))
    assert (opposite.lower, opposite.upper) == pytest.approx((-1, -1))
    assert row_of(PATHS["ewma"](x, 3.0 * x))[:3] == pytest.approx([1, 1, 1])


def test_rows_without_both_values_are_counted_out():
    x, y = pair_of(300, missing=0.1)

    found = pearson_correlation(x, y)

    both = x.notna() & y.notna()
    assert (found.n_obs, found.n_missing) == (both.sum(), 300 - both.sum())
    assert found.correlation == pytest.approx(pearson_correlation(x[both], y[both]).correlation, abs=1e-15)


def test_rolling_has_no_value_below_the_minimum_and_states_the_count():
    x, y = pair_of(200)
    x.iloc[80:120] = np.nan

    path = rolling_correlation(x, y, window=60, minimum=50, periods_per_year=365).path

    assert path["correlation"].notna().equals(path["n"] >= 50)
    assert path["n"].min() == 20


# Results


def test_results_state_their_facts():
    x, y = pair_of()

    estimate = rolling_correlation(x, y, window=90, periods_per_year=365, synchrony=NEAR)

    assert (estimate.pair, estimate.window, estimate.half_life) == (("BTC", "SPX"), 90, None)
    assert (estimate.as_of, estimate.n_obs, estimate.overlap_share) == (x.index[-1], 300, 0.96)
    assert estimate.method == "Pearson, 90 periods, EWC-HAR interval"
    assert repr(estimate).startswith("<CorrelationEstimate: BTC and SPX, latest 0.")
    assert list(estimate.summary().index) == ["latest", "lowest", "highest"]
    assert estimate.latest["correlation"] == estimate.path["correlation"].iloc[-1]
    with pytest.raises(ValueError, match="read-only"):
        estimate.path.iloc[-1, 0] = 0.0


def test_every_result_shows_itself():
    x, y = pair_of()
    eras = {"all": (x.index[0], x.index[-1])}

    for result in (
        pearson_correlation(x, y),
        PATHS["ewma"](x, y),
        correlation_matrix(pd.DataFrame({"a": x, "b": y})),
        correlation_by_era(x, y, eras),
    ):
        assert type(result).__name__ in repr(result) and "<table" in result._repr_html_()
        assert {"correlation", "lower", "upper", "n"} <= set(result.to_frame().columns)


# Refusals: argument, value, remedy


def refusals():
    x, y = pair_of()
    flat = y * 0.0
    short = x.iloc[:15]
    infinite = x.copy()
    infinite.iloc[3] = np.inf
    day = pd.Timestamp("2023-06-01", tz="UTC")
    scarce = x.where(np.arange(300) % 2 == 0)
    frame = pd.DataFrame({"BTC": x, "USDT": flat})
    return {
        "levels": (
            lambda: pearson_correlation(x.abs() + 1, y),
            DataError,
            r"x \(BTC\).*only positive.*look like levels.*log_ret",
        ),
        "infinite": (
            lambda: pearson_correlation(infinite, y),
            DataError,
            r"1 infinite values, first at 2023-01-04.*NaN",
        ),
        "naive": (lambda: pearson_correlation(x.tz_localize(None), y), DataError, "naive times from 2023.*tz_localize"),
        "unsorted": (lambda: pearson_correlation(x[::-1], y), DataError, "sorted.*sort_index"),
        "duplicates": (
            lambda: pearson_correlation(pd.concat([x, x]), y),
            DataError,
            "300 duplicate times.*keep='last'",
        ),
        "clocks": (
            lambda: pearson_correlation(x, y.iloc[5:]),
            DataError,
            "300 and 295 rows with 295 in common.*volkit.align",
        ),
        "constant": (lambda: pearson_correlation(x, flat), DataError, "300 times the value 0 in SPX.*SPX was traded"),
        "short": (
            lambda: pearson_correlation(short, y.iloc[:15]),
            DataError,
            "at least 20 complete pairs; got 15 of 15.*longer",
        ),
        "frame": (lambda: pearson_correlation(frame, y), DataError, r'got DataFrame; pass one column.*frame\["BTC"\]'),
        "confidence": (
            lambda: pearson_correlation(x, y, confidence=95),
            ArgumentError,
            "got 95; pass a fraction.*0.95",
        ),
        "one asset": (lambda: correlation_matrix(x.to_frame()), DataError, "at least two series; got BTC"),
        "twice": (lambda: correlation_matrix(pd.concat([x, x], axis=1)), DataError, "got BTC twice; rename"),
        "flat column": (lambda: correlation_matrix(frame), DataError, "300 times the value 0 in USDT"),
        "window": (
            lambda: rolling_correlation(x, y, window=9, periods_per_year=1),
            ArgumentError,
            "at least 10.*got 9",
        ),
        "wide": (
            lambda: rolling_correlation(x, y, window=301, periods_per_year=1),
            ArgumentError,
            "301; pass window=300",
        ),
        "minimum": (
            lambda: rolling_correlation(x, y, window=60, minimum=61, periods_per_year=1),
            ArgumentError,
            "minimum must fit into the window of 60; got 61; pass minimum=60",
        ),
        "scarce": (
            lambda: rolling_correlation(scarce, y, window=60, minimum=40, periods_per_year=1),
            DataError,
            "must have 40 complete pairs.*at most 30 in 60 rows.*smaller minimum",
        ),
        "half-life": (lambda: ewma_correlation(x, y, half_life=2, periods_per_year=1), ArgumentError, "2 periods: 5.8"),
        "long": (
            lambda: ewma_correlation(x, y, half_life=200, periods_per_year=1),
            ArgumentError,
            "200 periods for 300.*shorter",
        ),
        "negative": (
            lambda: ewma_correlation(x, y, half_life=-1, periods_per_year=1),
            ArgumentError,
            "positive.*got -1",
        ),
        "no eras": (lambda: correlation_by_era(x, y, {}), ArgumentError, "at least one span; got none"),
        "naive era": (
            lambda: correlation_by_era(x, y, {"war": (pd.Timestamp("2023-02-01"), day)}),
            ArgumentError,
            r"eras\['war'\].*naive 2023-02-01.*tz=\"UTC\"",
        ),
        "backward era": (lambda: correlation_by_era(x, y, {"war": (day, day)}), ArgumentError, "end after it starts"),
        "thin era": (
            lambda: correlation_by_era(x, y, {"war": (day, day + pd.Timedelta(days=19))}),
            DataError,
            r"eras\['war'\] must have at least 20.*19 of 19 rows.*leave this era out",
        ),
    }


@pytest.mark.parametrize("case", refusals())
def test_refusal_names_argument_value_and_remedy(case):
    call, error, message = refusals()[case]

    with pytest.raises(error, match=message):
        call()


def test_small_samples_warn_with_their_number():
    x, y = pair_of()
    day = x.index[40]
    calls = {
        "BTC and SPX rests on 59 complete": lambda: pearson_correlation(x.iloc[:59], y.iloc[:59]),
        "rests on 30 complete": lambda: rolling_correlation(x, y, window=30, periods_per_year=365),
        "rests on 32 complete": lambda: ewma_correlation(x, y, half_life=11.2, periods_per_year=365),
        "BTC and SPX rests on 50 complete": lambda: correlation_matrix(pd.concat([x, y], axis=1).iloc[:50]),
        "in era 'start' rests on 40 complete": lambda: correlation_by_era(x, y, {"start": (x.index[0], day)}),
    }

    for message, call in calls.items():
        with pytest.warns(SmallSampleWarning, match=message) as caught:
            call()
        assert caught[0].filename == __file__


def test_matrix_warning_names_the_pair_with_fewest_rows():
    x, y = pair_of()
    moves = pd.DataFrame({"BTC": x, "SPX": y, "NEW": x.shift(1).iloc[-40:].reindex(x.index), "GOLD": y.shift(2)})
    moves.loc[x.index[-5:], "GOLD"] = np.nan

    with pytest.warns(SmallSampleWarning, match="NEW and GOLD rests on 35 complete"):
        correlation_matrix(moves)


def test_sixty_pairs_are_enough_to_stay_silent():
    x, y = pair_of(60)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pearson_correlation(x, y)
