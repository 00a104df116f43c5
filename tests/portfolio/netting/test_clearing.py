"""Duffie and Zhu (2011): published thresholds, their closed form against simulation."""

import numpy as np
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.netting import clearing_benefit, least_members


def test_published_least_numbers_of_members():
    # Duffie and Zhu (2011), section 2: K < N^2 / (4 (N - 1)).
    assert [least_members(k) for k in (2, 4, 6, 8)] == [7, 15, 23, 31]


@pytest.mark.parametrize("classes", range(1, 40))
def test_least_number_is_where_the_exposure_first_falls(classes):
    slow = next(n for n in range(2, 1000) if clearing_benefit(n, n_classes=classes).reduction > 1e-12)

    assert least_members(classes) == slow


def test_exposures_of_twelve_members_and_two_classes():
    found = clearing_benefit(12, n_classes=2)

    assert (found.bilateral, found.with_ccp) == pytest.approx((6.206085419025319, 5.711506941516067), abs=1e-12)
    assert found.reduction == pytest.approx(1 - 5.711506941516067 / 6.206085419025319)
    assert found.to_frame().loc["reduction (fraction)", "value"] == pytest.approx(found.reduction)


def test_unequal_classes_agree_with_simulation():
    rng, s = np.random.default_rng(1), np.array([3.0, 1.0, 0.5])
    positions = rng.standard_normal((200_000, 4, 3)) * s

    bilateral = np.maximum(positions.sum(axis=2), 0.0).sum(axis=1)
    left = np.maximum(positions[:, :, 1:].sum(axis=2), 0.0).sum(axis=1)
    cleared = np.maximum(positions[:, :, 0].sum(axis=1), 0.0)

    found = clearing_benefit(5, n_classes=3, deviations=s)
    # Four standard errors of the means.
    assert found.bilateral == pytest.approx(bilateral.mean(), abs=4 * bilateral.std() / 200_000**0.5)
    both = left + cleared
    assert found.with_ccp == pytest.approx(both.mean(), abs=4 * both.std() / 200_000**0.5)


def test_bad_terms_are_named():
    with pytest.raises(ArgumentError, match="at least 2 members"):
        clearing_benefit(1, n_classes=2)
    with pytest.raises(DataError, match="1 for 2"):
        clearing_benefit(3, n_classes=2, deviations=[1.0])
    with pytest.raises(ArgumentError, match="deviations must be a positive number"):
        clearing_benefit(3, n_classes=1, deviations=[0.0])
