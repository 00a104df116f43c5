"""Spearman, Kendall, Gerber of one pair: values, influence, coverage, invariants, look-ahead, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation.intervals import cosine_terms
from volkit.correlation.rank_influence import gerber_influence, kendall_influence, spearman_influence
from volkit.correlation.ranks import gerber_correlation, kendall_correlation, spearman_correlation
from volkit.errors import ArgumentError, AsynchronousWarning, DataError, SmallSampleWarning
from volkit.prices.synchrony import Synchrony

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "ranks.json").read_text())["entries"]
}
ESTIMATORS = {"spearman": spearman_correlation, "kendall": kendall_correlation, "gerber": gerber_correlation}
INFLUENCES = {
    "spearman": spearman_influence,
    "kendall": kendall_influence,
    "gerber": lambda x, y: gerber_influence(x, y, threshold=0.5),
}
SCIPY = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}


def pair_of(n=300, *, rho=0.4, seed=1, missing=0.0, digits=None):
    rng = np.random.default_rng(seed)
    x, e = rng.standard_t(5, (2, n)) * 0.03
    values = np.stack([x, rho * x + np.sqrt(1 - rho**2) * e])
    if digits is not None:
        values = np.round(values, digits)
    values[rng.random(values.shape) < missing] = np.nan
    times = pd.date_range("2023-01-01", periods=n, tz="UTC", name="time", unit="us")
    return pd.Series(values[0], index=times, name="BTC"), pd.Series(values[1], index=times, name="SPX")


def shipped_changes():
    """The fixture of the reference table: 100 log differences of three series that arch ships, inner-joined."""
    from arch.data import nasdaq, sp500, vix

    closes = {"SPX": sp500.load()["Adj Close"], "NASDAQ": nasdaq.load()["Adj Close"], "VIX": vix.load().iloc[:, 0]}
    moves = {name: 100 * np.log(close).diff().dropna() for name, close in closes.items()}
    return pd.concat(moves, axis=1, join="inner").tz_localize("UTC")


def weighted(name, x, y, w):
    """Each estimator with a weight on every row, from its definition; the thresholds are those of equal weights."""
    w = w / w.sum()
    s_x, s_y = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
    if name == "spearman":
        a, b = s_x @ w / 2, s_y @ w / 2
        return (w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum())
    if name == "kendall":
        return (w @ (s_x * s_y) @ w) / np.sqrt((w @ s_x**2 @ w) * (w @ s_y**2 @ w))
    u, v = (np.sign(a) * (np.abs(a) >= 0.5 * a.std(ddof=1)) for a in (x, y))
    return (w * u * v).sum() / (w * ((u != 0) | (v != 0))).sum()


def garch_pair(rng, n_draws, n, rho=0.4):
    """GARCH(0.10, 0.87) with t5 shocks, unit variance, after 200 rows of warm-up, shape (2, n_draws, n)."""
    h, rows = np.ones((2, n_draws)), []
    for _ in range(n + 200):
        e = rng.standard_normal((2, n_draws)) / np.sqrt(rng.chisquare(5, n_draws) / 5) * np.sqrt(3 / 5)
        r = np.sqrt(h) * np.stack([e[0], rho * e[0] + np.sqrt(1 - rho**2) * e[1]])
        h = 0.03 + 0.10 * r**2 + 0.87 * h
        rows.append(r)
    return np.stack(rows[200:], axis=-1)


# Values


@pytest.mark.parametrize("name", ESTIMATORS)
def test_values_on_series_that_arch_ships(name):
    moves, wanted = shipped_changes(), REFERENCE[f"trio_{name}"]["expected"]

    for pair, value in wanted.items():
        first, second = pair.split("-")
        found = ESTIMATORS[name](moves[first], moves[second])
        assert found.correlation == pytest.approx(value, abs=1e-6 if name != "gerber" else 1e-12)
        assert found.n_obs == 1211


@pytest.mark.parametrize("entry", ["scipy_kendalltau_example", "scipy_spearmanr_example"])
def test_documented_examples_with_ties(entry):
    example = REFERENCE[entry]

    found = INFLUENCES[example["method"]](np.array(example["x"], float), np.array(example["y"], float))

    assert found.correlation == pytest.approx(example["expected"], abs=1e-14)


@pytest.mark.parametrize("digits", [None, 3, 2])
@pytest.mark.parametrize("name", SCIPY)
def test_values_equal_scipy_with_and_without_ties(name, digits):
    x, y = pair_of(500, digits=digits, missing=0.05)

    found = ESTIMATORS[name](x, y)

    seen = (x.notna() & y.notna()).to_numpy()
    assert found.correlation == pytest.approx(SCIPY[name](x[seen], y[seen]).statistic, abs=1e-14)
    assert (found.n_obs, found.n_missing) == (seen.sum(), (~seen).sum())


def test_gerber_counts_by_hand():
    # Standard deviations sqrt(2.4) and sqrt(1.2): UU, DD, ND, UD, NN, DD make (3 - 1) / (6 - 1).
    x = np.array([2.0, -2.0, 0.1, 2.0, 0.0, -2.0])
    y = np.array([1.0, -1.0, -1.0, -1.0, 0.0, -1.0])

    assert gerber_influence(x, y, threshold=0.5).correlation == 2 / 5


def test_gerber_counts_a_change_on_the_threshold():
    x = np.array([1.0, -1.0] * 10)  # threshold 0.97 standard deviations of sqrt(20 / 19) is below 1, 0.98 above
    y = x + 0.0

    assert gerber_influence(x, y, threshold=1.0 / x.std(ddof=1)).correlation == 1.0


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("name", INFLUENCES)
def test_influence_is_the_derivative_in_the_weight_of_a_row(name, digits):
    x, y = (a.to_numpy() for a in pair_of(60, digits=digits))
    step = 1e-5

    found = INFLUENCES[name](x, y).influence

    slopes = []
    for i in range(60):
        up, down = (np.full(60, 1 / 60) + sign * step * (np.arange(60) == i) for sign in (1, -1))
        slopes.append((weighted(name, x, y, up) - weighted(name, x, y, down)) / (2 * step))
    np.testing.assert_allclose(found - found.mean(), np.array(slopes) - np.mean(slopes), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_interval_is_the_cosine_interval_of_the_influence(name):
    x, y = pair_of(250)
    found = ESTIMATORS[name](x, y, confidence=0.9)

    psi = INFLUENCES[name](x.to_numpy(), y.to_numpy()).influence / (1 - found.correlation**2)
    nu, n = cosine_terms(250), 250
    terms = [
        np.sqrt(2 / n) * sum(psi[t - 1] * np.cos(np.pi * j * (t - 0.5) / n) for t in range(1, n + 1))
        for j in range(1, nu + 1)
    ]
    error = np.sqrt(np.mean(np.square(terms)) / n)
    assert found.standard_error == pytest.approx(error)
    half = stats.t.ppf(0.95, found.degrees_of_freedom) * error
    assert found.lower == pytest.approx(np.tanh(np.arctanh(found.correlation) - half))
    assert found.upper == pytest.approx(np.tanh(np.arctanh(found.correlation) + half))


def test_influence_matches_the_large_sample_variances_of_independent_normal_changes():
    # Kendall: 4/9 of n var; Spearman: 1 (Hoeffding 1948), both under independence.
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 200_000))

    assert kendall_influence(x, y).influence.var() == pytest.approx(4 / 9, rel=0.01)
    assert spearman_influence(x, y).influence.var() == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.4, 0.8])
def test_estimators_recover_what_a_normal_correlation_implies(rho):
    rng = np.random.default_rng(3)
    x, e = rng.standard_normal((2, 100_000))
    y = rho * x + np.sqrt(1 - rho**2) * e

    assert kendall_influence(x, y).correlation == pytest.approx(2 / np.pi * np.arcsin(rho), abs=0.01)
    assert spearman_influence(x, y).correlation == pytest.approx(6 / np.pi * np.arcsin(rho / 2), abs=0.01)
    beyond = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    both_up = beyond.cdf([-0.5, -0.5])
    up_down = stats.multivariate_normal([0, 0], [[1, -rho], [-rho, 1]]).cdf([-0.5, -0.5])
    neutral = 1 - 4 * stats.norm.sf(0.5) + 2 * both_up + 2 * up_down
    wanted = 2 * (both_up - up_down) / (1 - neutral)
    assert gerber_influence(x, y, threshold=0.5).correlation == pytest.approx(wanted, abs=0.012)


# Invariants


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_do_not_feel_order_of_names_sign_or_unit(name):
    for seed in range(5):
        x, y = pair_of(200, seed=seed, digits=2)
        plain = ESTIMATORS[name](x, y)

        swapped, turned = ESTIMATORS[name](y, x), ESTIMATORS[name](1e6 * x, -1e-3 * y)

        for found, sign in ((swapped, 1), (turned, -1)):
            assert found.correlation == pytest.approx(sign * plain.correlation, abs=1e-14)
            assert found.standard_error == pytest.approx(plain.standard_error, rel=1e-9)
        assert -1.0 <= plain.lower <= plain.correlation <= plain.upper <= 1.0


@pytest.mark.parametrize("name", ["spearman", "kendall"])
def test_ranks_do_not_feel_a_bad_print(name):
    x, y = pair_of(300)
    wild = x.copy()
    wild.iloc[x.argmax()] *= 1e10

    assert ESTIMATORS[name](wild, y).correlation == ESTIMATORS[name](x, y).correlation


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_series_with_itself_is_one_without_width(name):
    x, _ = pair_of(100, digits=2)

    found = ESTIMATORS[name](x, x.rename("same"))

    assert (found.correlation, found.lower, found.upper, found.standard_error) == (1.0, 1.0, 1.0, 0.0)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_only_the_rows_given_count(name):
    # A static estimate looks ahead when it feels rows that were cut, here through a missing value's place.
    x, y = pair_of(300)
    late = x.copy()
    late.iloc[200:] = np.nan

    found, cut = ESTIMATORS[name](late, y), ESTIMATORS[name](x[:200], y[:200])

    assert (found.correlation, found.lower, found.upper) == (cut.correlation, cut.lower, cut.upper)
    assert found.as_of == cut.as_of == x.index[199]


# Messages


@pytest.mark.parametrize("name", ESTIMATORS)
def test_clocks_and_short_samples_warn(name):
    x, y = pair_of(100)
    clocks = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.9)
    with pytest.warns(AsynchronousWarning, match="BTC and SPX compares two clocks"):
        assert ESTIMATORS[name](x, y, synchrony=clocks).synchrony is clocks
    with pytest.warns(SmallSampleWarning, match="rests on 40 complete pairs"):
        ESTIMATORS[name](x[:40], y[:40])


def test_refusals_name_the_argument():
    x, y = pair_of(100)
    with pytest.raises(DataError, match="x and y must have at least 20 complete pairs"):
        spearman_correlation(x[:10], y[:10])
    with pytest.raises(DataError, match="must vary"):
        kendall_correlation(x * 0.0, y)
    with pytest.raises(ArgumentError, match="threshold must be a positive number"):
        gerber_correlation(x, y, threshold=0.0)
    with pytest.raises(DataError, match="threshold must be reached by some row; got no row of 100 beyond 50"):
        gerber_correlation(x, y, threshold=50.0)
    with pytest.raises(ArgumentError, match=r"confidence must be a fraction .* confidence=0\.95"):
        gerber_correlation(x, y, confidence=95)


# Coverage


@pytest.mark.slow
def test_intervals_cover(capsys):
    rng, n_draws, rho = np.random.default_rng(20240601), 1500, 0.4

    def normal(n):
        e = rng.standard_normal((2, n_draws, n))
        return np.stack([e[0], rho * e[0] + np.sqrt(1 - rho**2) * e[1]])

    kinds = {
        "iid normal": normal,
        "iid t5": lambda n: normal(n) / np.sqrt(rng.chisquare(5, (n_draws, n)) / 5),
        "GARCH-t5": lambda n: garch_pair(rng, n_draws, n),
    }
    table = {}
    for kind, draw in kinds.items():
        large = draw(600).reshape(2, -1)
        for name, influence in INFLUENCES.items():
            truth = influence(*large).correlation
            for n in (30, 90, 250):
                pairs = draw(n)
                hits = 0
                for x, y in zip(*pairs, strict=True):
                    band = interval(influence(x, y))
                    hits += band[0] <= truth <= band[1]
                table[kind, name, n] = hits / n_draws
    shown = pd.Series(table).unstack().round(3)
    with capsys.disabled():
        print(f"\ncoverage of 95 % intervals, simulated, {n_draws} draws\n{shown}")
    assert shown.to_numpy().min() >= 0.925 and shown.to_numpy().max() <= 0.975


def interval(found):
    """The interval of the public functions without their checks."""
    from volkit.correlation.intervals import atanh_band, ewc_freedom, ewc_variance

    psi = found.influence[None, :] / (1 - found.correlation**2)
    band = atanh_band(
        np.array([found.correlation]), np.sqrt(ewc_variance(psi)), degrees_of_freedom=ewc_freedom(psi), confidence=0.95
    )
    return band.lower[0], band.upper[0]
