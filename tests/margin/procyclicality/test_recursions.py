import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.procyclicality import apply_floor, limit_speed, mix_rates, release_buffer

RATES = st.lists(st.floats(1e-3, 10.0), min_size=1, max_size=60)


def test_the_three_tools_of_the_article_on_one_rate():
    """Regulation (EU) 153/2013, Article 28(1): margin 100, stressed 180, ten-year 120; by hand."""
    assert release_buffer([100.0], size=0.25).rates.tolist() == [125.0]
    assert mix_rates([100.0], [180.0], weight=0.25).tolist() == pytest.approx([120.0], rel=1e-12)
    assert apply_floor([100.0], [120.0]).tolist() == [120.0]


@given(
    rates=RATES,
    size=st.floats(0.0, 1.0),
    rebuild=st.integers(1, 90),
    rise=st.floats(0.0, 0.5),
    back=st.integers(1, 70),
)
def test_buffer_stays_within_its_size(rates, size, rebuild, rise, back):
    charged, state = release_buffer(rates, size=size, rebuild_periods=rebuild, significant_rise=rise, rise_periods=back)

    assert ((state >= 0.0) & (state <= size)).all()
    assert (charged >= rates).all()
    assert charged.tolist() == ((1.0 + state) * np.array(rates)).tolist()


@given(rates=RATES, cut=st.integers(1, 60))
def test_later_rates_change_no_earlier_charge(rates, cut):
    short = rates[:cut]

    assert release_buffer(rates).rates[: len(short)].tolist() == release_buffer(short).rates.tolist()
    limits = {"largest_fall": 0.03, "largest_rise": 0.2}
    assert limit_speed(rates, **limits)[: len(short)].tolist() == limit_speed(short, **limits).tolist()


@given(rates=RATES)
def test_charge_stands_still_while_a_rising_rate_uses_the_buffer(rates):
    charged, state = release_buffer(rates)

    for t in range(1, len(rates)):
        if rates[t] > rates[t - 1]:
            # Within the buffer the charge does not move; beyond it the charge is the rate itself.
            held = max(charged[t - 1], rates[t])
            assert charged[t] == pytest.approx(held, rel=1e-12)
            assert state[t] <= state[t - 1] + 1e-12


def test_empty_buffer_is_full_again_after_the_stated_periods():
    rates = [0.10, 0.20] + [0.20] * 12

    state = release_buffer(rates, rebuild_periods=10).state

    assert state[1] == 0.0
    assert state[2:12] == pytest.approx(0.025 * np.arange(1, 11), abs=1e-12)
    assert state[12:] == pytest.approx([0.25, 0.25], abs=1e-12)


def test_falling_rate_refills_the_buffer_before_the_charge_falls():
    charged = release_buffer([0.10, 0.125, 0.115, 0.105, 0.08], rebuild_periods=1000).rates

    assert charged[:4] == pytest.approx([0.125, 0.125, 0.125, 0.125], abs=1e-3)
    assert charged[4] == pytest.approx(1.25 * 0.08, rel=1e-12)


def test_insignificant_rise_keeps_the_buffer():
    rates = [0.10, 0.104, 0.120]

    state = release_buffer(rates, significant_rise=0.05).state

    assert state[1] == 0.25
    assert state[2] == pytest.approx(1.25 * 0.104 / 0.120 - 1.0, rel=1e-12)


def test_slow_rise_counts_over_the_stated_periods():
    rates = 0.10 * 1.02 ** np.arange(6)

    # 2 % a period is 4 % over two and 6 % over three.
    over_two = release_buffer(rates, significant_rise=0.05, rise_periods=2).state
    over_three = release_buffer(rates, significant_rise=0.05, rise_periods=3).state

    assert over_two.tolist() == [0.25] * 6
    assert over_three[:3].tolist() == [0.25] * 3
    assert over_three[3:] == pytest.approx(1.25 / 1.02 ** np.arange(1, 4) - 1.0, rel=1e-12)


@given(rates=RATES, fall=st.floats(0.0, 1.0), rise=st.floats(0.01, 2.0))
def test_speed_limit_is_respected(rates, fall, rise):
    limited = limit_speed(rates, largest_fall=fall, largest_rise=rise)

    assert limited[0] == rates[0]
    assert (limited[1:] >= limited[:-1] * (1.0 - fall)).all()
    assert (limited[1:] <= limited[:-1] * (1.0 + rise)).all()


@given(rates=RATES, fall=st.floats(0.0, 1.0))
def test_limit_on_falls_is_the_highest_decayed_rate_so_far(rates, fall):
    limited = limit_speed(rates, largest_fall=fall)

    decayed = [max(rates[s] * (1.0 - fall) ** (t - s) for s in range(t + 1)) for t in range(len(rates))]
    assert limited.tolist() == pytest.approx(decayed, rel=1e-12)


@given(rates=RATES, stressed=st.floats(1e-3, 10.0), weight=st.floats(0.0, 1.0))
def test_mix_lies_between_both_rates(rates, stressed, weight):
    mixed = mix_rates(rates, stressed, weight=weight)

    assert (mixed >= np.minimum(rates, stressed) * (1 - 1e-12)).all()
    assert (mixed <= np.maximum(rates, stressed) * (1 + 1e-12)).all()


def test_unusable_rates_are_refused():
    with pytest.raises(DataError, match=r"rates must be above zero; got a lowest rate of 0; set a floor"):
        release_buffer([0.1, 0.0])
    with pytest.raises(DataError, match="got 1 missing or infinite rates, first at position 1; treat the spans"):
        limit_speed([0.1, np.nan, 0.1], largest_fall=0.1)
    with pytest.raises(DataError, match=r"must be a line of rates; got shape \(2, 1\)"):
        apply_floor([[0.1], [0.2]], 0.1)
    with pytest.raises(ArgumentError, match="floor must have one value for each rate; got 3 beside 2 rates"):
        apply_floor([0.1, 0.2], [0.1, 0.1, 0.1])


def test_unusable_settings_are_refused():
    with pytest.raises(ArgumentError, match=r"size must be a fraction from 0 to 1; got 25; pass a decimal, size=0\.25"):
        release_buffer([0.1], size=25)
    with pytest.raises(ArgumentError, match="rebuild_periods must be a whole number"):
        release_buffer([0.1], rebuild_periods=0)
    with pytest.raises(ArgumentError, match="largest_rise must be above zero"):
        limit_speed([0.1], largest_rise=0.0)
    with pytest.raises(ArgumentError, match="weight must be a fraction"):
        mix_rates([0.1], [0.2], weight=1.5)
