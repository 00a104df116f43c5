import numpy as np
import pytest

from volkit.contagion.networks import clear_samples, clearing_vector, sample_networks
from volkit.errors import ArgumentError, DataError

ASSETS, LIABILITIES = [7, 5, 3, 1, 3, 0, 1], [4, 5, 5, 0, 0, 2, 4]


@pytest.mark.parametrize("density", [0.3, 0.8])
def test_three_nodes_have_the_law_that_one_can_write_down(density):
    """Their networks lie on one line: a point mass at either end, uniform between."""
    assets, liabilities = [3.0, 2.0, 1.1], [2.0, 1.9, 2.2]
    n = 20_000

    drawn = sample_networks(assets, liabilities, n_samples=n, density=density, thinning=60, burn_in=600, rng=3)

    amount = drawn.amounts[:, 0, 1]
    # Ends by arithmetic: L01 is lowest where L02 is all of what 0 owes but C's claims allow 1.1, highest at 2.
    low, high = 2.0 - 1.1, 2.0
    assert amount.min() == pytest.approx(low) and amount.max() == pytest.approx(high)
    rate = density * 6 / 6.1
    end = 1.0 / (2.0 + density * rate / (1.0 - density) * (high - low))
    at_low, at_high = np.isclose(amount, low, atol=1e-9), np.isclose(amount, high, atol=1e-9)
    error = 4.0 * np.sqrt(end * (1.0 - end) / n)
    assert abs(at_low.mean() - end) < error and abs(at_high.mean() - end) < error
    inside = np.sort(amount[~at_low & ~at_high] - low) / (high - low)
    ranks = (np.arange(len(inside)) + 0.5) / len(inside)
    assert np.abs(inside - ranks).max() < 1.63 / np.sqrt(len(inside))  # Kolmogorov, 1 %


def test_totals_are_kept_and_nobody_owes_itself():
    drawn = sample_networks(ASSETS, LIABILITIES, n_samples=50, rng=1)

    np.testing.assert_allclose(drawn.amounts.sum(axis=1), np.broadcast_to(ASSETS, (50, 7)), rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(drawn.amounts.sum(axis=2), np.broadcast_to(LIABILITIES, (50, 7)), rtol=0.0, atol=1e-12)
    assert not np.diagonal(drawn.amounts, axis1=1, axis2=2).any() and (drawn.amounts >= 0.0).all()
    assert drawn.residual < 1e-13 and drawn.seed == "seed 1"


def test_fewer_links_at_a_lower_density():
    rng = np.random.default_rng(2)
    assets, liabilities = rng.lognormal(size=15), rng.lognormal(size=15)
    liabilities *= assets.sum() / liabilities.sum()
    links = [
        sample_networks(assets, liabilities, n_samples=20, density=d, rng=1).to_frame()["links"].mean()
        for d in (0.05, 0.4, 0.9)
    ]

    assert links == sorted(links) and links[0] < 60 < 150 < links[2]


def test_a_seed_repeats_and_another_does_not():
    one, two, three = (sample_networks(ASSETS, LIABILITIES, n_samples=3, rng=s).amounts for s in (5, 5, 6))

    assert (one == two).all() and (one != three).any()


def test_clearing_over_samples_is_clearing_each():
    drawn = sample_networks(ASSETS, LIABILITIES, n_samples=20, density=0.3, rng=4)
    outside = {"external_assets": [0, 1, 0, 1, 0, 2, 3.0], "external_liabilities": [1, 0, 0, 0, 2, 0, 0]}

    found = clear_samples(drawn, **outside)

    alone = [clearing_vector(drawn.network(k, **outside)).n_defaults for k in range(20)]
    assert found.counts.tolist() == alone and found.maximum_entropy_defaults == 2
    assert found.to_frame()["defaults"].tolist() == alone and found.residual < 1e-13
    assert found.summary().loc[2, "default (share)"] == 1.0
    costly = clear_samples(drawn, **outside, method="rogers_veraart", alpha=0.2, beta=0.2)
    assert (costly.counts >= found.counts).all()


def test_a_hub_is_always_the_same_network():
    drawn = sample_networks([6.0, 1.0, 3.0], [4.0, 2.0, 4.0], n_samples=4, rng=1)

    assert (drawn.amounts == drawn.amounts[0]).all()


def test_one_creditor_is_always_the_same_network():
    drawn = sample_networks([6.0, 0.0, 0.0], [0.0, 2.0, 4.0], n_samples=2, rng=1)

    assert drawn.amounts[1].tolist() == [[0, 0, 0], [2, 0, 0], [4, 0, 0]]


def test_bad_arguments_are_refused():
    for density in (0.0, 1.0, 20):
        with pytest.raises(ArgumentError, match="density must be a chance"):
            sample_networks(ASSETS, LIABILITIES, density=density)
    with pytest.raises(ArgumentError, match="n_samples must be a whole number"):
        sample_networks(ASSETS, LIABILITIES, n_samples=0)
    with pytest.raises(DataError, match="must add up"):
        sample_networks([1.0, 2.0], [2.0, 2.0])
    drawn = sample_networks(ASSETS, LIABILITIES, n_samples=1)
    with pytest.raises(ArgumentError, match="sample must be from 0 to 0; got 1"):
        drawn.network(1)
