import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap

from volkit.margin.frontier import stationary_weights
from volkit.margin.frontier.bands import resampled_means


def test_every_sample_has_as_many_rows_as_the_data():
    weights = stationary_weights(50, mean_block=7.0, n_draws=200, rng=np.random.default_rng(1))

    assert (weights.sum(axis=1) == 50).all() and (weights >= 0).all()


def test_blocks_of_one_row_are_independent_draws():
    weights = stationary_weights(40, mean_block=1.0, n_draws=20_000, rng=np.random.default_rng(1))

    # Counts are multinomial: mean 1, variance 1 - 1/n; four standard errors of 800,000 counts.
    assert weights.mean() == 1.0
    assert weights.var() == pytest.approx(1.0 - 1.0 / 40, abs=0.01)


def test_variance_of_the_mean_is_that_of_politis_and_romano():
    rng = np.random.default_rng(2)
    n, p = 60, 1.0 / 8.0
    x = np.convolve(rng.standard_normal(n + 5), np.ones(6), "valid")

    drawn = resampled_means([x[:, None]], [np.arange(n)], n_obs=n, mean_block=8.0, n_draws=40_000, rng=rng)[0]

    # Lemma 1 of Politis and Romano (1994): circular autocovariances with weights of theirs.
    centred = x - x.mean()
    circular = np.array([centred @ np.roll(centred, i) for i in range(n)]) / n
    i = np.arange(1, n)
    weights = (1 - i / n) * (1 - p) ** i
    variance = (circular[0] + 2 * weights @ circular[1:]) / n
    # Relative standard error of a variance of 40,000 draws: 0.7 %.
    assert drawn.var() == pytest.approx(variance, rel=0.03)


def test_spread_is_that_of_the_bootstrap_of_arch():
    rng = np.random.default_rng(3)
    x = np.cumsum(rng.standard_normal(300)) / 10

    ours = resampled_means([x[:, None]], [np.arange(300)], n_obs=300, mean_block=12.0, n_draws=4000, rng=rng)[0]
    theirs = StationaryBootstrap(12, x, seed=np.random.default_rng(4)).apply(np.mean, 4000)

    # Relative standard error of either: 1.1 %.
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)


def test_groups_share_the_times_of_a_sample():
    x = np.random.default_rng(5).standard_normal((100, 2))
    late = np.arange(40, 100)

    whole, part, again = resampled_means(
        [x, x[late], x], [np.arange(100), late, np.arange(100)], n_obs=100, mean_block=5.0, n_draws=150,
        rng=np.random.default_rng(6),
    )  # fmt: skip

    assert (whole == again).all()
    assert np.corrcoef(whole[:, 0], part[:, 0])[0, 1] > 0.5
