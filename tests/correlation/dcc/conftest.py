"""Series and a slow twin of the likelihood, shared by the tests of this folder."""

import arch.data.nasdaq
import arch.data.sp500
import arch.data.vix
import numpy as np
import pandas as pd
import pytest
from scipy import special


def _slow_terms(x, target, lean, *, a, b, g, shock, nu=None):
    """Log-density by period, from the definition."""
    n = x.shape[1]
    Q, terms = target.copy(), []
    if shock >= 0.0:
        Q = (1 - a - b) * target - g * lean + (a + g) * shock * np.ones((n, n)) + b * target
    for t, row in enumerate(x):
        if t:
            falls = np.minimum(x[t - 1], 0.0)
            Q = (1 - a - b) * target - g * lean + a * np.outer(x[t - 1], x[t - 1]) + g * np.outer(falls, falls) + b * Q
        root = np.sqrt(np.diag(Q))
        R = Q / np.outer(root, root)
        log_det, form = np.linalg.slogdet(R)[1], row @ np.linalg.solve(R, row)
        if nu is None:
            terms.append(-0.5 * (n * np.log(2 * np.pi) + log_det + form))
        else:
            constant = special.gammaln((nu + n) / 2) - special.gammaln(nu / 2) - n / 2 * np.log(np.pi * (nu - 2))
            terms.append(constant - 0.5 * log_det - 0.5 * (nu + n) * np.log1p(form / (nu - 2)))
    return np.array(terms)


@pytest.fixture(scope="session")
def us_stocks():
    """Return decimal log returns of sp500 and nasdaq on the rows that vix has too."""
    close = {"sp500": arch.data.sp500, "nasdaq": arch.data.nasdaq, "vix": arch.data.vix}
    columns = {}
    for name, module in close.items():
        frame = module.load()
        columns[name] = np.log(frame["Adj Close"] if "Adj Close" in frame else frame.iloc[:, 0]).diff().dropna()
    joined = pd.concat(columns, axis=1, join="inner")[["sp500", "nasdaq"]]
    return joined.set_axis(pd.DatetimeIndex(joined.index).tz_localize("UTC"), axis=0)


@pytest.fixture(scope="session")
def slow_terms():
    """Return the function of the slow twin."""
    return _slow_terms
