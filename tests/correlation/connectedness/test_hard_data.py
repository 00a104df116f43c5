import numpy as np
import pandas as pd

from volkit.correlation import rolling_connectedness, tvp_var_connectedness


def test_basis_points_beside_decimals_keep_the_filter_going():
    # A thousand days after the prior, with 0.01 beside 500: what is forgotten fades away in every direction.
    rng = np.random.default_rng(5)
    times = pd.date_range("2015-01-01", periods=2400, tz="UTC")
    sizes = np.array([0.01, 0.03, 0.04, 0.004, 500.0])
    moves = pd.DataFrame(sizes * rng.standard_normal((2400, 5)), times, list("ABCDE"))

    path = tvp_var_connectedness(moves, lags=2, prior_window=200)

    assert set(path.total["status"].iloc[200:]) == {"ok"}
    assert path.total["total"].iloc[200:].between(0.0, 100.0).all()


def test_window_that_one_day_makes_has_no_adjusted_index_and_says_so():
    rng = np.random.default_rng(6)
    times = pd.date_range("2020-01-01", periods=600, tz="UTC")
    common = rng.standard_normal((600, 1))
    moves = pd.DataFrame(common + 0.7 * rng.standard_normal((600, 6)), times, list("ABCDEF"))
    moves.iloc[400] *= 40.0

    path = rolling_connectedness(moves, window=200, lags=2)

    hit = path.total.loc[times[401] : times[599]]
    assert path.n_noisy == (hit["status"] == "noisy").sum() > 100
    assert hit.loc[hit["status"] == "noisy", ["adjusted", "lower", "upper"]].isna().all(axis=None)
    before = path.total.iloc[199:400]
    assert (before["status"] == "ok").all() and (before["adjusted"] > before["floor"]).all()
    # The index itself stands.
    assert hit["total"].notna().all()
