"""Score test of restrictions: against statsmodels, exact moments of random signs, invariance, size and power."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from volkit.correlation.leadlag.score import score_block, score_test


def data(n=120, m=2, *, seed=1, link=0.0):
    rng = np.random.default_rng(seed)
    kept = np.column_stack([np.ones(n), rng.standard_normal(n)])
    tested = rng.standard_normal((n, m)) + 0.5 * kept[:, 1:]
    y = 0.3 * kept[:, 1] + link * tested[:, 0] + rng.standard_t(5, n)
    return y, tested, kept


def tried(y, tested, kept, block):
    return score_test(y[None], tested[None], kept[None], block=block)


@pytest.mark.parametrize(("n", "m", "block"), [(120, 1, 1), (120, 2, 5), (121, 3, 4)])
def test_statistic_is_the_regression_of_one_on_block_scores(n, m, block):
    y, tested, kept = data(n, m, link=0.2)

    found = tried(y, tested, kept, block)

    e = sm.OLS(y, kept).fit().resid
    x = np.column_stack([sm.OLS(column, kept).fit().resid for column in tested.T])
    sums = pd.DataFrame(x * e[:, None]).groupby(np.arange(n) // block).sum().to_numpy()
    n_blocks = len(sums)
    W = n_blocks * sm.OLS(np.ones(n_blocks), sums).fit().rsquared
    assert found.statistic[0] == pytest.approx((n_blocks - m) * W / (m * (n_blocks - W)), rel=1e-9)
    law = stats.f.sf(found.statistic[0], found.numerator[0], found.denominator[0])
    assert found.p_value[0] == pytest.approx(law, rel=1e-12)


def test_law_has_the_moments_of_all_sign_patterns():
    y, tested, kept = data(60, 2)
    found = tried(y, tested, kept, 5)

    q = np.linalg.qr(kept)[0]
    e, x = y - q @ (q.T @ y), tested - q @ (q.T @ tested)
    sums = np.add.reduceat(x * e[:, None], np.arange(0, 60, 5), axis=0)
    inverse = np.linalg.inv(sums.T @ sums)
    drawn = np.array([s @ inverse @ s for s in (np.array(signs) @ sums for signs in product([-1, 1], repeat=12))])

    a, b = found.numerator[0] / 2, found.denominator[0] / 2
    assert 12 * stats.beta.mean(a, b) == pytest.approx(drawn.mean(), rel=1e-9)
    assert 144 * stats.beta.var(a, b) == pytest.approx(drawn.var(), rel=1e-9)


def test_units_do_not_matter_and_fits_of_a_batch_are_their_own():
    y, tested, kept = data(link=0.2)
    other = data(seed=2)

    alone = tried(y, tested, kept, 5)
    scaled = tried(1e6 * y, tested * [1e-4, 1e5], kept * [1.0, 1e-3] + [0.0, 7.0], 5)
    both = score_test(*(np.stack(pair) for pair in zip((y, tested, kept), other, strict=True)), block=5)

    assert scaled.statistic[0] == pytest.approx(alone.statistic[0], rel=1e-8)
    assert both.statistic[0] == pytest.approx(alone.statistic[0], rel=1e-12)
    assert both.p_value[1] == pytest.approx(tried(*other, 5).p_value[0], rel=1e-12)


def test_block_leaves_three_blocks_a_coefficient():
    assert [score_block(n, 2) for n in (20, 90, 1000)] == [3, 4, 10]
    for n in (20, 30, 90):
        for m in (1, 2, 5):
            assert -(-n // score_block(n, m)) >= 3 * m


def test_exact_relation_is_certain_and_missing_values_stay_missing():
    _, tested, kept = data(m=1)

    # Every score is a square: the ones lie in the span of nothing but their signs agree.
    assert tried(tested[:, 0], tested, kept, 5).p_value[0] < 1e-4
    assert np.isnan(tried(tested[:, 0], np.full_like(tested, np.nan), kept, 5).p_value[0])


@pytest.mark.slow
def test_size_beside_newey_west_with_common_volatility(capsys):
    from volkit.correlation.macro.regression import default_lags, least_squares, robust_f

    rng, rows, real = np.random.default_rng(5), [], (0.05, 0.05)
    for n in (90, 250):
        for m in (1, 2, 5):
            for share in (0.0, 0.1):
                u = rng.standard_t(5, (2000, n + 200)) * np.sqrt(0.6)
                h, scale = np.ones(2000), np.empty((2000, n + 200))
                for t in range(n + 200):
                    scale[:, t] = np.sqrt(h)
                    h = 0.03 + 0.10 * h * u[:, t] ** 2 + 0.87 * h
                scale = scale[:, 200:] * np.sqrt(0.6 * 5 / rng.chisquare(5, (2000, n)))
                x = rng.standard_normal((2000, n, m)) * scale[..., None]
                y = np.sqrt(share / m) * x.sum(axis=2) + np.sqrt(1 - share) * rng.standard_normal((2000, n)) * scale
                p = score_test(y, x, np.ones((2000, n, 1)), block=score_block(n, m)).p_value
                R = np.hstack([np.zeros((m, 1)), np.eye(m)])
                wald = robust_f(least_squares(x, y, lags=default_lags(n), jackknife=True), R)[1]
                # Power at the level that each test really has: one that is too eager wins nothing by it.
                real = (np.quantile(p, 0.05), np.quantile(wald, 0.05)) if share == 0.0 else real
                adjusted = ((p < real[0]).mean(), (wald < real[1]).mean())
                rows.append((n, m, share, (p < 0.05).mean(), (wald < 0.05).mean(), *adjusted))
    columns = ["n", "factors", "share", "score", "Newey-West", "score at 5 %", "Newey-West at 5 %"]
    table = pd.DataFrame(rows, columns=columns)
    with capsys.disabled():
        print("\nNo beta at all, volatility common to both sides, 2,000 simulated samples a row, 5 % tests reject")
        print(table.round(3).to_string(index=False))

    none, some = table[table["share"] == 0.0], table[table["share"] > 0.0]
    # Two simulation errors are 0.01.
    assert none["score"].between(0.035, 0.07).all()
    assert (some["score at 5 %"] > some["Newey-West at 5 %"] - 0.05).all()
