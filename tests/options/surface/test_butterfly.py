import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from volkit.errors import ArgumentError
from volkit.options.surface import RawSVI, check_butterfly, density_factor, repair_smile

# Gatheral and Jacquier (2014), section 5.1: the example of Axel Vogt.
VOGT = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)

SMILES = st.builds(
    lambda lowest, b, rho, m, sigma: RawSVI(
        a=lowest - b * sigma * float(np.sqrt(1.0 - rho * rho)), b=b, rho=rho, m=m, sigma=sigma
    ),
    lowest=st.floats(1e-3, 1.0),
    b=st.floats(1e-2, 2.5),
    rho=st.floats(-0.95, 0.95),
    m=st.floats(-1.0, 1.0),
    sigma=st.floats(1e-2, 2.0),
)


def test_vogt_example_has_the_published_interval():
    found = check_butterfly(VOGT)

    assert found.intervals == (pytest.approx((0.64241, 1.25691), abs=5e-6),)
    assert found.min_g == pytest.approx(-0.0328635735, rel=1e-7)
    assert found.argmin_g == pytest.approx(0.87926, abs=5e-6)
    assert not found.is_free


def test_density_factor_is_the_second_derivative_of_prices():
    # Breeden and Litzenberger: d2C/dK2 = density / K; g is density of ln K over its normal shape.
    smile = RawSVI(a=0.02, b=0.1, rho=-0.4, m=0.05, sigma=0.2)
    k, step = 0.1, 1e-4

    def call(x):
        root = np.sqrt(smile.total_variance(x))
        d1 = -x / root + 0.5 * root
        return ndtr(d1) - np.exp(x) * ndtr(d1 - root)

    strikes = np.exp(k) + np.array([-step, 0.0, step])
    c = call(np.log(strikes))
    density = (c[2] - 2.0 * c[1] + c[0]) / step**2 * strikes[1]
    root = float(np.sqrt(smile.total_variance(k)))
    d2 = -k / root - 0.5 * root

    expected = density / (np.exp(-0.5 * d2 * d2) / np.sqrt(2.0 * np.pi) / root)

    assert float(smile.density_factor(k)) == pytest.approx(expected, rel=1e-5)


@given(smile=SMILES)
@settings(max_examples=150)
def test_exact_search_agrees_with_a_fine_grid(smile):
    found = check_butterfly(smile)

    grid = smile.m + smile.sigma * np.sinh(np.linspace(-9.0, 9.0, 4001))
    g = smile.density_factor(grid)
    inside = np.zeros(len(grid), dtype=bool)
    for start, end in found.intervals:
        inside |= (grid > start) & (grid < end)
    # Away from the ends, where rounding decides, both say the same.
    clear = np.abs(g) > 1e-7
    assert np.array_equal(inside[clear], g[clear] < 0.0)
    assert found.min_g <= g.min() + 1e-9


@given(a=st.floats(0.001, 0.2), b=st.floats(0.001, 0.9))
def test_steep_wings_are_negative_to_infinity(a, b):
    smile = RawSVI(a=a, b=2.0 + b, rho=0.0, m=0.0, sigma=0.3)

    intervals = check_butterfly(smile).intervals

    assert intervals[0][0] == -np.inf
    assert intervals[-1][1] == np.inf


def test_flat_smile_has_no_arbitrage():
    found = check_butterfly(RawSVI(a=0.04, b=0.0, rho=0.0, m=0.0, sigma=0.1))

    assert found.is_free
    assert found.min_g == 0.25
    assert float(density_factor(0.3, np.array(0.04), np.array(0.0), np.array(0.0))) == 1.0


def test_vogt_example_is_repaired_as_published():
    # Section 5.1: c' = p + 2 psi = 0.3493158, v_tilde' = 0.01548182.
    full = repair_smile(VOGT, time=1.0, closest=False)

    wings = full.to_jump_wings(1.0)
    assert wings.c == pytest.approx(0.3493158, rel=1e-6)
    assert wings.v_tilde == pytest.approx(0.01548182, rel=1e-6)
    expected = {"a": 0.0077409124, "b": 0.0692420345, "rho": -0.3340364806, "m": 0.0420337452, "sigma": 0.1186078029}
    for name, value in expected.items():
        assert getattr(full, name) == pytest.approx(value, rel=1e-7)
    assert full.density_factor(np.linspace(-1.5, 1.5, 3001)).min() == pytest.approx(0.2778, abs=1e-3)
    assert check_butterfly(full).is_free


def test_closest_repair_changes_less_and_keeps_the_put_side():
    closest, full = (repair_smile(VOGT, time=1.0, closest=near) for near in (True, False))

    given_wings, kept = VOGT.to_jump_wings(1.0), closest.to_jump_wings(1.0)
    k = np.linspace(-1.0, 1.5, 51)
    moved, further = (np.abs(s.total_variance(k) - VOGT.total_variance(k)).max() for s in (closest, full))
    assert check_butterfly(closest).is_free
    assert moved < further
    assert (kept.v, kept.psi, kept.p) == pytest.approx((given_wings.v, given_wings.psi, given_wings.p), rel=1e-9)


def test_smile_without_arbitrage_stays_as_it_is():
    smile = RawSVI(a=0.02, b=0.1, rho=-0.4, m=0.05, sigma=0.2)

    assert repair_smile(smile, time=1.0) is smile


def test_smile_without_repair_says_so():
    with pytest.raises(ArgumentError, match="smile must have"):
        repair_smile(RawSVI(a=0.5, b=3.0, rho=-0.2, m=0.5, sigma=0.1), time=1.0)
