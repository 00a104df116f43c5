import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from volkit.volatility import Distribution

LAWS = st.one_of(st.just(Distribution()), st.floats(2.1, 200.0).map(lambda nu: Distribution("t", nu)))
TAILS = st.floats(1e-4, 0.5)


@pytest.mark.parametrize("law", [Distribution(), Distribution("t", 4.0), Distribution("t", 12.5)])
def test_innovations_have_variance_one(law):
    variance, _ = integrate.quad(lambda u: 2 * law.quantile(u) ** 2, 0.0, 0.5, epsabs=1e-9, limit=500)

    assert variance == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("probability", [0.001, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("law", [Distribution(), Distribution("t", 2.5), Distribution("t", 6.0)])
def test_tail_mean_is_the_mean_of_the_quantiles_below(law, probability):
    total, _ = integrate.quad(law.quantile, 0.0, probability, epsabs=1e-10, limit=500)

    assert law.tail_mean(probability) == pytest.approx(total / probability, rel=1e-6)


def test_t_quantile_is_scipys_in_standard_deviations():
    assert Distribution("t", 5.0).quantile(0.01) == pytest.approx(stats.t.ppf(0.01, 5) / np.sqrt(5 / 3), rel=1e-12)


def test_t_approaches_the_normal_law():
    wide, normal = Distribution("t", 1e7), Distribution()

    # The quantile differs by (q^3 + q) / (4 nu) and the scale by 1 / nu.
    assert wide.quantile(0.01) == pytest.approx(normal.quantile(0.01), rel=1e-6)
    assert wide.tail_mean(0.01) == pytest.approx(normal.tail_mean(0.01), rel=1e-6)


@given(law=LAWS, probability=TAILS)
def test_law_is_symmetric_and_its_tail_mean_lies_beyond_the_quantile(law, probability):
    # 1 - p loses up to 1e-16 / p of p: a relative 1e-12 at p = 1e-4, times the slope of the quantile.
    assert law.quantile(1 - probability) == pytest.approx(-law.quantile(probability), rel=1e-9, abs=1e-12)
    assert law.tail_mean(probability) < law.quantile(probability) + 1e-12


def test_quantiles_keep_the_shape():
    assert Distribution("t", 4.0).quantiles(np.full((3, 2), 0.5)).shape == (3, 2)
