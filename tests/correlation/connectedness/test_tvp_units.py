import numpy as np
import pandas as pd

from volkit.correlation import tvp_var_connectedness


def test_basis_points_beside_decimals_keep_the_filter_going():
    # A thousand days after the prior, with 0.01 beside 500: what is forgotten fades away in every direction.
    rng = np.random.default_rng(5)
    times = pd.date_range("2015-01-01", periods=2400, tz="UTC")
    sizes = np.array([0.01, 0.03, 0.04, 0.004, 500.0])
    moves = pd.DataFrame(sizes * rng.standard_normal((2400, 5)), times, list("ABCDE"))

    path = tvp_var_connectedness(moves, lags=2, prior_window=200)

    assert set(path.total["status"].iloc[200:]) == {"ok"}
    assert path.total["total"].iloc[200:].between(0.0, 100.0).all()
