"""Rolling correlations: values, hostile inputs, look-ahead, band and test on every line."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from tests.correlation.test_intervals import slow_interval
from volkit.correlation.rolling import rolling_bands, rolling_correlation
from volkit.errors import ArgumentError, DataError, SmallSampleWarning

POINTWISE = ["correlation", "lower", "upper", "n"]


def pair_of(n=300, *, rho=0.4, seed=1, missing=0.0):
    rng = np.random.default_rng(seed)
    x, e = rng.standard_t(5, (2, n)) * 0.03
    values = np.stack([x, rho * x + np.sqrt(1 - rho**2) * e])
    values[rng.random(values.shape) < missing] = np.nan
    times = pd.date_range("2023-01-01", periods=n, tz="UTC", name="time", unit="us")
    return pd.Series(values[0], index=times, name="BTC"), pd.Series(values[1], index=times, name="SPX")


def exact_pearson(x, y):
    """Correlation in rational arithmetic up to the last root."""
    a, b = [Fraction(float(v)) for v in x], [Fraction(float(v)) for v in y]
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    s_ab = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b, strict=True))
    s_aa, s_bb = sum((p - mean_a) ** 2 for p in a), sum((q - mean_b) ** 2 for q in b)
    return float(np.sign(float(s_ab)) * np.sqrt(float(s_ab * s_ab / (s_aa * s_bb))))


def rolled(x, y, **terms):
    return rolling_correlation(x, y, **({"window": 60, "periods_per_year": 365} | terms))


@pytest.mark.parametrize("missing", [0.0, 0.08])
def test_every_window_matches_a_slow_loop(missing):
    x, y = pair_of(160, missing=missing)

    path = rolled(x, y).path

    for end in range(60, 161):
        a, b = x.to_numpy()[end - 60 : end], y.to_numpy()[end - 60 : end]
        seen = np.isfinite(a) & np.isfinite(b)
        expected = (*slow_interval(a[seen], b[seen]), seen.sum())
        np.testing.assert_allclose(path[POINTWISE].iloc[end - 1], expected, atol=1e-12, rtol=0)
    assert path.iloc[:59].isna().all(axis=None)


def test_line_is_that_of_pandas():
    x, y = pair_of(900)

    path = rolled(x, y, window=250).path

    np.testing.assert_allclose(path["correlation"], x.rolling(250).corr(y), atol=1e-12, rtol=0)


@pytest.mark.parametrize("level", [0.0, 1e4, 1e6])
@pytest.mark.parametrize("bad_print", [1.0, 1e6, 1e10])
def test_twelve_digits_on_a_level_and_after_a_bad_print(level, bad_print):
    x, y = pair_of(200)
    x = x - level
    x.iloc[70] *= bad_print

    path = rolled(x, y, n_draws=0).path["correlation"]

    ends = range(60, 201, 7)
    exact = [exact_pearson(x.iloc[e - 60 : e], y.iloc[e - 60 : e]) for e in ends]
    np.testing.assert_allclose(path.to_numpy()[[e - 1 for e in ends]], exact, atol=1e-12, rtol=0)
    assert path.dropna().abs().max() <= 1.0


def test_a_halt_gives_missing_values_and_keeps_its_count():
    x, y = pair_of(400)
    x.iloc[100:200] = 0.0

    path = rolled(x, y).path

    halted = path.iloc[159:199]
    assert halted.drop(columns="n").isna().all(axis=None) and (halted["n"] == 60).all()
    assert path["correlation"].iloc[[158, 200]].notna().all() and not np.isinf(path.to_numpy()).any()


@pytest.mark.parametrize("devolatilized", [False, True])
@pytest.mark.parametrize("kept", [120, 173, 299])
def test_later_rows_do_not_change_a_bit_of_the_pointwise_columns(kept, devolatilized):
    x, y = pair_of(300, missing=0.05)
    z = y.copy()
    z.iloc[kept:] *= -50.0

    whole = rolled(x, z, devolatilized=devolatilized).path[POINTWISE].iloc[:kept]
    prefix = rolled(x.iloc[:kept], y.iloc[:kept], devolatilized=devolatilized).path[POINTWISE]

    assert whole.to_numpy().tobytes() == prefix.to_numpy().tobytes()


def test_every_line_carries_a_band_a_test_and_its_power():
    x, y = pair_of(600)

    estimate = rolled(x, y, window=90)

    path = estimate.path.dropna()
    assert ((path["band_lower"] < path["lower"]) & (path["upper"] < path["band_upper"])).mean() > 0.9
    reach = np.arctanh(path["band_upper"]) - np.arctanh(path["correlation"])
    np.testing.assert_allclose(reach, reach.iloc[0], rtol=1e-9)
    assert "power" in estimate.constancy.headline and estimate.constancy.window == 90


def test_same_generator_gives_the_same_bits_and_none_gives_them_too():
    x, y = pair_of(300)

    one, two = (rolled(x, y, rng=np.random.default_rng(5)) for _ in range(2))

    assert one.path.to_numpy().tobytes() == two.path.to_numpy().tobytes()
    assert one.constancy.p_value == two.constancy.p_value
    assert rolled(x, y).path.equals(rolled(x, y).path)
    assert not rolled(x, y).path.equals(one.path)


def test_a_sample_of_less_than_two_windows_has_no_test():
    estimate = rolled(*pair_of(100))

    assert estimate.constancy is None and "band_lower" not in estimate.path


def test_correlation_of_shocks_says_so():
    x, y = pair_of(300)

    raw, shocks = rolled(x, y), rolled(x, y, devolatilized=True)

    assert "of shocks" in shocks.method and "of shocks" not in raw.method
    assert shocks.path["n"].iloc[59] == 50
    assert not np.allclose(raw.path["correlation"].dropna().iloc[10:], shocks.path["correlation"].dropna().iloc[10:])


def test_all_pairs_at_once_are_the_pairs_one_by_one():
    x, y = pair_of(200, missing=0.05)
    z = pair_of(200, seed=9)[1].rename("GOLD")

    found = rolling_bands(pd.concat([x, y, z], axis=1), window=60, periods_per_year=365)

    for a, b in ((x, y), (x, z), (y, z)):
        alone = rolled(a, b, n_draws=0).path
        np.testing.assert_array_equal(found.pair(a.name, b.name), alone)
    assert found.to_frame().shape == (600, 7) and len(found.summary()) == 3


def test_units_and_order_do_not_matter():
    x, y = pair_of(300)

    one, other = rolled(x, y).path, rolled(y * 1e-9, x * 1e4).path

    pd.testing.assert_frame_equal(one, other, rtol=0, atol=1e-11)


def test_refusals_name_argument_value_and_remedy():
    x, y = pair_of(300)

    with pytest.raises(ArgumentError, match=r"window must fit into the 300 rows.*got 301; pass window=300"):
        rolled(x, y, window=301)
    with pytest.raises(ArgumentError, match="minimum must fit into the window of 60; got 61"):
        rolled(x, y, minimum=61)
    with pytest.raises(ArgumentError, match=r"n_draws must be .*99"):
        rolled(x, y, n_draws=5)
    with pytest.raises(DataError, match="40 complete pairs in some window; got at most 30"):
        rolled(x.where(np.arange(300) % 2 == 0), y, minimum=40)
    with pytest.warns(SmallSampleWarning, match="rests on 30 complete"):
        rolled(x, y, window=30)
