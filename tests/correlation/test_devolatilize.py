"""Changes over their past volatility: values, truth, look-ahead, gaps, refusals."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.inference import devolatilize
from volkit.correlation.inference.power import simulate_pairs
from volkit.errors import ArgumentError, DataError


def series_of(values):
    return pd.Series(values, index=pd.date_range("2023-01-01", periods=len(values), tz="UTC"), name="BTC")


def slow_shocks(values, half_life, start=10):
    """Plain twin: explicit weights of the earlier rows, gaps left out."""
    out = np.full(len(values), np.nan)
    for t in range(len(values)):
        rows = [s for s in range(t) if np.isfinite(values[s])]
        weights = np.array([0.5 ** ((t - 1 - s) / half_life) for s in rows])
        square = np.array([values[s] ** 2 for s in rows])
        if len(rows) >= start and square.any():
            out[t] = values[t] / np.sqrt((weights * square).sum() / weights.sum())
    return out


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_shocks_match_explicit_weights(missing):
    rng = np.random.default_rng(1)
    values = rng.standard_t(5, 150) * 0.02
    values[rng.random(150) < missing] = np.nan

    found = devolatilize(series_of(values), half_life=11.2)

    np.testing.assert_allclose(found, slow_shocks(values, 11.2), rtol=1e-12)
    assert found.isna().iloc[:10].all() and found.name == "BTC"


def test_clusters_are_gone_from_simulated_garch():
    sample = simulate_pairs(np.full(20_000, 0.4), rng=np.random.default_rng(2))[0, 0]

    shocks = devolatilize(series_of(sample)).to_numpy()[250:]

    def memory(v):
        squares = np.minimum(v**2, np.quantile(v**2, 0.99))
        return np.corrcoef(squares[:-1], squares[1:])[0, 1]

    # The standard error of an autocorrelation of 20,000 rows is 0.007.
    assert memory(sample[250:]) > 0.1 > 0.05 > memory(shocks)
    assert shocks.std() == pytest.approx(1.1, abs=0.1)


@pytest.mark.parametrize("kept", [12, 77, 149])
def test_later_rows_change_nothing(kept):
    values = np.random.default_rng(3).standard_normal(150)
    other = values.copy()
    other[kept:] *= -1e6

    whole, prefix = devolatilize(series_of(other)).iloc[:kept], devolatilize(series_of(values[:kept]))

    assert whole.to_numpy().tobytes() == prefix.to_numpy().tobytes()


def test_unit_drops_out_and_a_frame_is_its_columns():
    values = np.random.default_rng(4).standard_normal((80, 2)) * [1.0, 1e-9]
    frame = pd.DataFrame(values, index=series_of(values[:, 0]).index, columns=["BTC", "SPX"])

    found = devolatilize(frame)

    for name in frame:
        pd.testing.assert_series_equal(found[name], devolatilize(frame[name]))
        np.testing.assert_allclose(found[name], devolatilize(frame[name] * 1e5), rtol=1e-12)


def test_a_halt_from_the_start_has_no_volatility():
    values = np.r_[np.zeros(30), np.random.default_rng(5).standard_normal(40)]

    found = devolatilize(series_of(values))

    assert found.iloc[:31].isna().all() and np.isfinite(found.iloc[31:]).all()


def test_refusals_name_the_remedy():
    values = series_of(np.random.default_rng(6).standard_normal(60))

    with pytest.raises(ArgumentError, match=r"half_life must be .*; got -1"):
        devolatilize(values, half_life=-1.0)
    with pytest.raises(ArgumentError, match=r"start must be .*1 row"):
        devolatilize(values, start=0)
    with pytest.raises(DataError, match="look like levels"):
        devolatilize(values.abs() + 1.0)
