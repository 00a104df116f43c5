"""Units, signs and the clock: the conventions that every stage trusts."""

import numpy as np
import pandas as pd
import pytest

from volkit.conventions import CONTEMPORANEOUS_TOLERANCE, SIDES, annualize, losses, to_utc
from volkit.errors import ArgumentError


def test_variance_grows_with_the_number_of_periods():
    volatility = pd.Series([0.01, 0.04])

    assert (annualize(volatility, periods_per_year=365) ** 2).tolist() == pytest.approx((365 * volatility**2).tolist())


def test_a_fall_is_a_positive_loss_of_the_long_side():
    assert losses(-0.395, side="long") == 0.395
    assert losses(-0.395, side="short") == -0.395


@pytest.mark.parametrize("side", SIDES)
def test_losses_leave_the_returns_alone(side):
    returns = np.array([0.1, -0.2])

    losses(returns, side=side)[0] = 9.0

    assert returns.tolist() == [0.1, -0.2]


def test_unknown_side_is_refused_rather_than_taken_for_short():
    with pytest.raises(ArgumentError, match=r"^side must be long or short; got 'Long'; choose one of these\.$"):
        losses(0.1, side="Long")


def test_times_keep_their_instant_in_utc():
    local = pd.DatetimeIndex(["2024-01-02 16:00", "2024-07-02 16:00"], tz="America/New_York")

    assert list(to_utc(local).hour) == [21, 20]
    assert str(to_utc(local).dtype) == "datetime64[us, UTC]"


def test_tolerance_reaches_the_july_early_close_and_never_the_neighbouring_day():
    early_close_to_midnight, midnight_to_next_early_close = pd.Timedelta(hours=7), pd.Timedelta(hours=17)

    assert early_close_to_midnight <= CONTEMPORANEOUS_TOLERANCE < midnight_to_next_early_close / 2
