import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.validation.scoring import check_values, hac_lags, qlike_loss, squared_error_loss

LOSSES = [qlike_loss, squared_error_loss]
VARIANCES = st.lists(st.tuples(st.floats(1e-8, 1.0), st.floats(1e-8, 1.0)), min_size=1, max_size=30)


def test_qlike_is_patton_equation_24_with_its_minimum_taken_off():
    h, p = np.array([4e-4, 1e-4, 9e-4]), np.array([1e-4, 1e-4, 4e-3])
    first_form = np.log(h) + p / h

    assert qlike_loss(h, p) == pytest.approx(first_form - (np.log(p) + 1.0), rel=1e-12, abs=1e-12)


@given(VARIANCES)
def test_qlike_is_never_negative_and_zero_only_at_equality(pairs):
    h, p = np.array(pairs).T
    loss = qlike_loss(h, p)

    # The loss is a difference of numbers near one: what is left of it below their rounding says nothing.
    assert (loss >= -4e-16 * (1.0 + p / h)).all()
    assert (loss[np.abs(p / h - 1.0) > 1e-6] > 0.0).all()
    assert qlike_loss(p, p).tolist() == [0.0] * len(p)


@given(VARIANCES, st.floats(1e-4, 1e4))
def test_qlike_does_not_know_the_unit_and_squared_error_has_its_fourth_power(pairs, scale):
    h, p = np.array(pairs).T

    assert qlike_loss(h * scale, p * scale) == pytest.approx(qlike_loss(h, p), rel=1e-9, abs=1e-9)
    assert squared_error_loss(h * scale, p * scale) == pytest.approx(squared_error_loss(h, p) * scale**2, rel=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_noisy_proxy_charges_a_wrong_scale_what_the_true_variance_would(factor):
    rng = np.random.default_rng(11)
    variance = np.exp(rng.normal(-8.0, 0.5, 200_000))
    proxy = variance * rng.chisquare(1, len(variance))
    excess = {
        qlike_loss: (1.0 / factor - 1.0 + np.log(factor)) * np.ones_like(variance),
        squared_error_loss: (factor - 1.0) ** 2 * variance**2,
    }

    for loss, expected in excess.items():
        gap = loss(factor * variance, proxy) - loss(variance, proxy) - expected
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))


@given(VARIANCES, st.floats(1e-12, 1e-6), st.floats(1e-12, 1e-6))
def test_floor_of_a_zero_proxy_moves_every_model_alike(pairs, one, other):
    first, second = np.array(pairs).T
    zero = np.zeros(len(first))

    gaps = [qlike_loss(first, zero, zero_floor=f) - qlike_loss(second, zero, zero_floor=f) for f in (one, other)]

    assert gaps[0] == pytest.approx(np.log(first / second), abs=1e-12)
    assert gaps[1] == pytest.approx(gaps[0], abs=1e-12)


def test_floor_leaves_rows_with_a_positive_proxy_alone():
    h, p = [4e-4, 4e-4], [1e-4, 0.0]

    assert qlike_loss(h, p, zero_floor=1e-9)[0] == qlike_loss(h[:1], p[:1])[0]


def test_zero_proxy_without_a_floor_is_refused_with_its_time():
    times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    proxy = pd.Series([1e-4, 0.0, 0.0], index=times)

    with pytest.raises(
        DataError, match=r"proxy must be positive for QLIKE; got 2 zeros, first at 2024-01-02.*zero_floor"
    ):
        qlike_loss(pd.Series(1e-4, index=times), proxy)
    with pytest.raises(ArgumentError, match="zero_floor must be a positive number"):
        qlike_loss(pd.Series(1e-4, index=times), proxy, zero_floor=0.0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_values_are_counted_with_the_first_time(loss, bad):
    times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    good, broken = pd.Series(1e-4, index=times), pd.Series([1e-4, bad, bad, 1e-4], index=times)

    with pytest.raises(DataError, match=r"forecast_variance must be finite; got 2 NaN or infinite .* 2024-01-02 00:00"):
        loss(broken, good)
    with pytest.raises(DataError, match=r"proxy must be finite; got 2 NaN or infinite values, first at position 1"):
        loss(good.to_numpy(), broken.to_numpy())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("h", "p", "message"),
    [
        ([1e-4, 0.0], [1e-4, 1e-4], r"forecast_variance must be positive; got 1 other values, first 0 at position 1"),
        ([-1e-4, 1e-4], [1e-4, 1e-4], r"forecast_variance must be positive; got 1 other values, first -0\.0001"),
        ([1e-4, 1e-4], [1e-4, -2e-4], r"proxy must be non-negative; got 1 other values, first -0\.0002 at position 1"),
        ([1e-4, 1e-4], [1e-4], "forecast_variance and proxy must have the same rows; got 2 and 1"),
        ([], [], "forecast_variance must have at least 1 values; got 0"),
        (np.ones((2, 2)), np.ones((2, 2)), "forecast_variance must be one-dimensional numbers"),
        (["a"], [1e-4], "forecast_variance must be one-dimensional numbers"),
    ],
)
def test_what_is_no_pair_of_variances_is_refused(loss, h, p, message):
    with pytest.raises(DataError, match=message):
        loss(h, p)


def test_series_of_other_times_are_not_paired_by_position():
    times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    later = times + pd.Timedelta(days=1)

    with pytest.raises(DataError, match=r"same rows; got 2024-01-01 .* and 2024-01-02 .* at position 0; align them"):
        qlike_loss(pd.Series(1e-4, index=times), pd.Series(1e-4, index=later))


def test_losses_do_not_change_what_they_are_given():
    h, p = np.array([1e-4, 2e-4]), np.array([0.0, 1e-4])

    qlike_loss(h, p, zero_floor=1e-9)
    squared_error_loss(h, p)

    assert h.tolist() == [1e-4, 2e-4] and p.tolist() == [0.0, 1e-4]


def test_missing_value_of_an_extension_type_is_seen():
    with pytest.raises(DataError, match="got 1 NaN"):
        check_values(pd.Series([1.0, None], dtype="Float64"), argument="proxy")


@pytest.mark.parametrize(
    ("n", "horizon", "lags"), [(100, 1, 4), (1000, 1, 6), (4030, 1, 9), (1000, 22, 42), (12, 22, 11)]
)
def test_lags_follow_newey_and_west_or_twice_the_overlap(n, horizon, lags):
    assert hac_lags(n, horizon=horizon) == lags
