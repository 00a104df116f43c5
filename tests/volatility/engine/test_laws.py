"""Laws of the innovations: densities, quantiles, tail means and expectations against numerical integration."""

from itertools import pairwise

import numpy as np
import pytest
from arch.univariate import GeneralizedError, SkewStudent
from scipy import integrate, optimize, stats
from slow_twin import log_density

from volkit.volatility import Distribution
from volkit.volatility.engine.kernels import load_kernels

LAWS = [
    Distribution(),
    Distribution("t", 2.3),
    Distribution("t", 6.0),
    Distribution("skewt", 2.6, -0.3),
    Distribution("skewt", 6.5, -0.15),
    Distribution("skewt", 40.0, 0.7),
    Distribution("ged", 1.05),
    Distribution("ged", 1.4),
    Distribution("ged", 5.0),
]
PROBABILITIES = [1e-4, 0.01, 0.05, 0.3, 0.5, 0.62, 0.9, 0.999]


def shape_of(law):
    return {
        "normal": (),
        "t": (law.degrees_of_freedom,),
        "skewt": (law.degrees_of_freedom, law.skew),
        "ged": (law.degrees_of_freedom,),
    }[law.name]


def density(law, z):
    return float(np.exp(np.real(log_density(law.name, z, *shape_of(law)))))


def expectation(law, function, low=-np.inf, high=np.inf):
    """Return E[function(z); low < z < high] by adaptive quadrature over pieces that grow with the distance."""
    edges = np.concatenate([-np.geomspace(1e12, 1e-3, 46), np.geomspace(1e-3, 1e12, 46)])
    edges = np.unique(np.clip(edges, max(low, -1e12), min(high, 1e12)))
    return sum(
        integrate.quad(lambda z: function(z) * density(law, z), a, b, epsabs=1e-14, epsrel=1e-11)[0]
        for a, b in pairwise(edges)
    )


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law_is_standardised(law):
    # The square of a t with 2.3 degrees of freedom still has 1e-4 of its mean beyond 1e12 standard deviations.
    within = 3e-4 if law.degrees_of_freedom < 3 and law.name != "ged" else 1e-9

    assert expectation(law, lambda _: 1.0) == pytest.approx(1.0, abs=1e-9)
    assert expectation(law, lambda z: z) == pytest.approx(0.0, abs=1e-9)
    assert expectation(law, lambda z: z * z) == pytest.approx(1.0, abs=within)


@pytest.mark.parametrize(
    ("law", "other"),
    [
        (Distribution("skewt", 6.5, -0.15), SkewStudent()),
        (Distribution("skewt", 40.0, 0.7), SkewStudent()),
        (Distribution("ged", 1.4), GeneralizedError()),
    ],
    ids=str,
)
def test_quantiles_are_those_of_arch(law, other):
    probabilities = np.array(PROBABILITIES)

    assert law.quantiles(probabilities) == pytest.approx(
        other.ppf(probabilities, np.array(shape_of(law))), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("probability", PROBABILITIES)
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_quantile_has_its_probability_below(law, probability):
    q = law.quantile(probability)

    assert expectation(law, lambda _: 1.0, high=q) == pytest.approx(probability, rel=1e-8)


@pytest.mark.parametrize("probability", PROBABILITIES)
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_tail_means_are_integrals_of_the_density(law, probability):
    below = expectation(law, lambda z: z, high=law.quantile(probability)) / probability
    above = expectation(law, lambda z: z, low=law.quantile(1.0 - probability)) / probability

    # Beyond 1e12 standard deviations a t with 2.3 degrees of freedom has 1e-15 of its mean.
    assert law.tail_mean(probability) == pytest.approx(below, rel=1e-7, abs=1e-10)
    assert law.upper_tail_mean(probability) == pytest.approx(above, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_expectation_nodes_give_moments_with_a_kink_at_zero(law):
    points, weights = law.expectation_nodes()

    for power in (0.0, 0.7, 1.0, 1.6):
        expected = expectation(law, lambda z, p=power: abs(z) ** p * (1.0 + 0.4 * (z < 0.0)))
        found = weights @ (np.abs(points) ** power * (1.0 + 0.4 * (points < 0.0)))
        # The tail of a t with 2.3 degrees of freedom is cut at 1e9.
        assert found == pytest.approx(expected, rel=1e-6), power


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_downside_variance_is_the_integral_below_zero(law):
    within = 3e-4 if law.degrees_of_freedom < 3 and law.name != "ged" else 1e-8
    # The nodes part at zero; a density that is strongly skewed bends beside it.
    within = 1e-6 if abs(law.skew) > 0.5 else within

    assert law.downside_variance == pytest.approx(expectation(law, lambda z: z * z, high=0.0), abs=within)


def test_normal_is_the_limit_of_every_law():
    normal, probabilities = Distribution(), np.array(PROBABILITIES)

    for law, within in (
        (Distribution("skewt", 1e6, 0.0), 1e-5),
        (Distribution("ged", 2.0), 1e-12),
        (Distribution("t", 1e6), 1e-5),
    ):
        assert law.quantiles(probabilities) == pytest.approx(normal.quantiles(probabilities), rel=within, abs=within)
        assert law.tail_mean(0.01) == pytest.approx(normal.tail_mean(0.01), rel=within)


def test_generalised_error_law_of_shape_one_is_laplaces():
    laplace = stats.laplace(scale=np.sqrt(0.5))
    law, probabilities = Distribution("ged", 1.0), np.array(PROBABILITIES)

    assert law.quantiles(probabilities) == pytest.approx(laplace.ppf(probabilities), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["t", "skewt", "ged"])
def test_shape_of_best_fit_is_that_of_the_sample(name):
    # Through the density alone: draws by quantiles of even ranks, the compiled likelihood maximised over the shape.
    law = {"t": Distribution("t", 5.0), "skewt": Distribution("skewt", 5.0, -0.2), "ged": Distribution("ged", 1.3)}[
        name
    ]
    z = law.quantiles((np.arange(40_000) + 0.5) / 40_000)
    h, kernels = np.ones(len(z)), load_kernels("_laws")
    code = {"t": kernels.STUDENT, "skewt": kernels.SKEW_T, "ged": kernels.GED}[name]

    found = optimize.minimize(
        lambda s: -kernels.law_value(code, s, z, h, 0.0, len(z), *np.empty((2, len(z)))) / len(z),
        np.array(shape_of(law)) * 1.2,
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-12},
    )

    # Even ranks leave out the outermost 1 / 80,000 of each tail.
    assert found.x == pytest.approx(shape_of(law), rel=0.01)
