"""What must hold whatever the numbers: scale, order, shift, sign, monotony, ranges, and inputs left as they were."""

import numpy as np
import pandas as pd
import pytest
from documented_calls import WITHOUT_EXAMPLE, documented_call, public_functions, untouched_copy
from hypothesis import given, settings
from hypothesis import strategies as st

import volkit

QUICK = settings(max_examples=8)
SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.floats(0.05, 5.0)
WITH_EXAMPLE = [name for name in public_functions() if name not in WITHOUT_EXAMPLE]
PAIRS = ("pearson_correlation", "kendall_correlation", "spearman_correlation", "gerber_correlation")


def market(seed, *, columns=3, rows=240):
    rng = np.random.default_rng(seed)
    mix = np.eye(columns) + 0.4 * rng.normal(size=(columns, columns))
    moves = 0.01 * rng.standard_t(6, size=(rows, columns)) @ mix
    times = pd.date_range("2024-01-01", periods=rows, tz="UTC", name="time")
    return pd.DataFrame(moves, index=times, columns=[f"A{k}" for k in range(columns)])


def rates(returns, *, confidence=0.9, horizon=1):
    scenarios = volkit.historical_scenarios(returns, horizon=horizon, periods_per_year=365)
    return volkit.margin_rates(scenarios, confidence=confidence)


def tails(returns, confidence, side="long"):
    return volkit.tail_risk(np.asarray(returns), confidence=confidence, side=side)


@QUICK
@given(SEEDS, SCALES)
def test_tail_measures_scale_with_the_returns(seed, scale):
    r = market(seed)["A0"].to_numpy() * 0.2
    plain, scaled = tails(r, 0.9), tails(scale * r, 0.9)

    assert scaled.value_at_risk == pytest.approx(scale * plain.value_at_risk, rel=1e-12)
    assert scaled.expected_shortfall == pytest.approx(scale * plain.expected_shortfall, rel=1e-12)


@QUICK
@given(SEEDS)
def test_long_of_the_returns_is_short_of_their_opposite(seed):
    r = market(seed)["A0"].to_numpy()
    long, short = tails(r, 0.9, "long"), tails(-r, 0.9, "short")

    assert long.value_at_risk == pytest.approx(short.value_at_risk, rel=1e-12)
    assert long.expected_shortfall == pytest.approx(short.expected_shortfall, rel=1e-12)


@QUICK
@given(SEEDS)
def test_tail_measures_rise_with_confidence_and_shortfall_is_no_less_than_the_quantile(seed):
    r = market(seed)["A0"].to_numpy()
    found = [tails(r, c) for c in (0.6, 0.8, 0.9, 0.95)]
    var = [f.value_at_risk for f in found]
    es = [f.expected_shortfall for f in found]

    assert var == sorted(var)
    assert es == sorted(es)
    assert all(e >= v - 1e-15 for e, v in zip(es, var, strict=True))


@QUICK
@given(st.floats(0.005, 0.1), st.floats(0.001, 0.2), st.integers(1, 40))
def test_touch_margin_rises_with_horizon_and_volatility_and_falls_with_probability(volatility, probability, horizon):
    def margin(p, s, h):
        return volkit.touch_margin(p, side="long", volatility=s, horizon=h, interval=pd.Timedelta("1D")).margin

    here = margin(probability, volatility, horizon)
    assert 0.0 < here < 1.0
    assert margin(probability, volatility, horizon + 1) > here
    assert margin(probability, 1.1 * volatility, horizon) > here
    assert margin(0.5 * probability, volatility, horizon) > here


@QUICK
@given(SEEDS, SCALES, st.sampled_from(PAIRS))
def test_correlation_keeps_under_scale_exchange_and_shift_and_turns_with_the_sign(seed, scale, name):
    pair, correlation = market(seed, columns=2), getattr(volkit, name)
    x, y = pair["A0"], pair["A1"]
    plain = correlation(x, y).correlation

    assert -1.0 <= plain <= 1.0
    assert correlation(scale * x, y).correlation == pytest.approx(plain, abs=1e-12)
    assert correlation(y, x).correlation == pytest.approx(plain, abs=1e-12)
    assert correlation(-x, y).correlation == pytest.approx(-plain, abs=1e-12)
    later = pair.set_axis(pair.index + pd.Timedelta(days=700))
    assert correlation(later["A0"], later["A1"]).correlation == pytest.approx(plain, abs=1e-12)


@QUICK
@given(SEEDS, st.permutations(range(4)))
def test_matrices_are_psd_with_unit_diagonal_and_follow_their_columns(seed, order):
    moves = market(seed, columns=4)
    turned = moves.iloc[:, list(order)]
    for name, field in (("correlation_matrix", "correlation"), ("ledoit_wolf", "correlation")):
        plain, other = (getattr(getattr(volkit, name)(frame), field) for frame in (moves, turned))
        assert np.linalg.eigvalsh(plain.to_numpy()).min() >= -1e-12
        assert np.diag(plain) == pytest.approx(1.0)
        assert other.to_numpy() == pytest.approx(plain.loc[turned.columns, turned.columns].to_numpy(), abs=1e-10)


@QUICK
@given(SEEDS)
def test_nearest_correlation_is_a_correlation_matrix(seed):
    rng = np.random.default_rng(seed)
    raw = np.triu(rng.uniform(-1.0, 1.0, size=(4, 4)), 1)
    names = list("ABCD")
    found = volkit.nearest_correlation(pd.DataFrame(raw + raw.T + np.eye(4), names, names))
    matrix = (found if isinstance(found, pd.DataFrame) else found.correlation).to_numpy()

    assert np.linalg.eigvalsh(matrix).min() >= -1e-8
    assert np.diag(matrix) == pytest.approx(1.0, abs=1e-10)


@QUICK
@given(SEEDS, st.floats(0.8, 0.98))
def test_p_values_are_probabilities(seed, confidence):
    hits = np.random.default_rng(seed).random(300) < 1.0 - confidence + 0.02
    for name in ("kupiec_test", "christoffersen_test", "duration_test", "time_between_test"):
        p = getattr(volkit, name)(hits, confidence=confidence).p_value
        assert np.isnan(p) or 0.0 <= p <= 1.0


@QUICK
@given(SEEDS)
def test_clearing_pays_no_more_than_is_owed_and_nobody_a_negative_amount(seed):
    rng = np.random.default_rng(seed)
    owed = rng.uniform(0.0, 5.0, size=(4, 4))
    np.fill_diagonal(owed, 0.0)
    network = volkit.LiabilityNetwork.from_matrix(owed, external_assets=rng.uniform(0.0, 6.0, 4))
    table = volkit.clearing_vector(network).to_frame()

    assert (table["payments"] >= -1e-12).all()
    assert (table["payments"] <= table["obligations"] + 1e-9).all()


def same(one, other):
    if isinstance(one, (pd.Series, pd.DataFrame)):
        return one.equals(other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return True


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")
@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_no_function_changes_what_it_is_given(name):
    call = documented_call(name)
    given_, kept = untouched_copy(call.arguments), untouched_copy(call.arguments)

    call.given(**given_)

    assert [k for k in kept if not same(kept[k], given_[k])] == []
