"""The compiled likelihood and its derivatives against a slow twin that shares no line with it."""

from itertools import product

import numpy as np
import pytest
from arch import arch_model
from compiled import Compiled, make_design
from scipy import integrate
from slow_twin import conditional_variances, densities, derivatives, law_of, log_density

from volkit.volatility.engine.kernels import load_kernels

LAWS = ("normal", "t", "skewt", "ged")
FAMILIES = {
    "GARCH": ("garch", {}),
    "GJR": ("gjr", {}),
    "AVGARCH": ("garch", {"power": 1.0}),
    "TARCH": ("tarch", {}),
    "symmetric TARCH": ("tarch", {"asymmetric": False}),
    "GARCH of power 1.6": ("garch", {"power": 1.6}),
    "GJR of power 1.6": ("gjr", {"power": 1.6}),
    "GJR of power 0.7": ("gjr", {"power": 0.7}),
    "EGARCH": ("egarch", {}),
    "symmetric EGARCH": ("egarch", {"asymmetric": False}),
    "APARCH": ("aparch", {}),
    "symmetric APARCH": ("aparch", {"asymmetric": False}),
    "APARCH of power 1.3": ("aparch", {"power": 1.3}),
    "symmetric APARCH of power 1.3": ("aparch", {"power": 1.3, "asymmetric": False}),
}
SHAPES = {"normal": {}, "t": {"nu": 5.5}, "skewt": {"eta": 6.5, "lambda": -0.15}, "ged": {"nu": 1.4}}
START_UPS = ("backcast", "sample", "fcp", "unconditional", "rugarch")
MEANS = {"zero": 0, "constant": 0, "ar": 2}
N_OBS = 90


def parameters_of(design):
    """Return parameters inside the feasible set, of about unit variance."""
    core = {"mu": 0.05, "ar[1]": 0.2, "ar[2]": -0.12, "omega": 0.08, "alpha": 0.09, "gamma": 0.11, "beta": 0.78}
    if design.family == "egarch":
        core |= {"omega": -0.04, "alpha": 0.13, "gamma": -0.09}
    core |= {"delta": 1.4, "x[0]": 0.05, "x[1]": 0.02} | SHAPES[design.law]
    return np.array([core[name] for name in design.names])


def returns_of(design, n_lags, seed=1):
    """Return values whose residuals keep away from the kinks at zero, at the parameters above."""
    rng = np.random.default_rng(seed)
    e = 0.9 * rng.choice([-1.0, 1.0], N_OBS + n_lags) * (0.05 + np.abs(rng.standard_normal(N_OBS + n_lags)))
    named = dict(zip(design.names, parameters_of(design), strict=True))
    values = np.zeros(len(e))
    for t in range(len(e)):
        lags = sum(named[f"ar[{i}]"] * values[t - i] for i in range(1, n_lags + 1) if t >= i)
        values[t] = named.get("mu", 0.0) + lags + e[t]
    # Of unit variance, as the engine has them, so that its parameters are those above.
    return values / np.std(values[n_lags:])


def regressors_of(n_x, seed=2):
    return np.abs(np.random.default_rng(seed).standard_normal((n_x, N_OBS + 1)))


def cases(family, law):
    """Return designs of a family and a law with every mean, start-up and with and without regressors."""
    name, changes = FAMILIES[family]
    for mean, start_up, n_x in product(MEANS, START_UPS, (0, 2)):
        design = make_design(name, law, start_up=start_up, mean=mean, n_lags=MEANS[mean], n_x=n_x, **changes)
        closed_form = design.kind == "egarch" or (design.kind == "additive" and design.power == 2.0)
        if start_up != "unconditional" or closed_form:
            yield design, MEANS[mean]


def twin_of(design, n_lags, regressors):
    return {
        "law": design.law,
        "family": design.kind,
        "power": design.power,
        "start_up": design.start_up,
        "n_lags": n_lags,
        "regressors": regressors,
    }


def relative_to(matrix):
    """Return the scale of each entry: the geometric mean of its diagonal ones."""
    size = np.sqrt(1.0 + np.abs(np.diag(matrix)))
    return np.outer(size, size)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_likelihood_and_derivatives_are_those_of_the_twin(family, law):
    for design, n_lags in cases(family, law):
        values, V = returns_of(design, n_lags), regressors_of(design.n_x)
        theta, compiled = parameters_of(design), Compiled(design, values, n_lags=n_lags, regressors=V)
        assert compiled.scale == pytest.approx(1.0, rel=1e-12)

        value, gradient, hessian = compiled.derivatives(theta)
        products = compiled.outer_product(theta)

        expected, scores, curvature = derivatives(design.names, theta, values, **twin_of(design, n_lags, V))
        assert value == pytest.approx(expected, rel=1e-12)
        assert compiled.value(theta) == pytest.approx(expected, rel=1e-12)
        assert np.max(np.abs(gradient - scores.sum(axis=1)) / np.abs(scores).sum(axis=1)) < 1e-12
        assert np.max(np.abs(products - scores @ scores.T) / relative_to(scores @ scores.T)) < 1e-12
        # The twin's Hessian is a difference, exact to about 1e-10 of the size of its entries.
        assert np.max(np.abs(hessian - curvature) / relative_to(curvature)) < 2e-9


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("family", "model"),
    [
        ("GARCH", {"vol": "GARCH", "p": 1, "o": 0, "q": 1}),
        ("GJR", {"vol": "GARCH", "p": 1, "o": 1, "q": 1}),
        ("TARCH", {"vol": "GARCH", "p": 1, "o": 1, "q": 1, "power": 1.0}),
        ("GJR of power 1.6", {"vol": "GARCH", "p": 1, "o": 1, "q": 1, "power": 1.6}),
        ("EGARCH", {"vol": "EGARCH", "p": 1, "o": 1, "q": 1}),
        ("APARCH", {"vol": "APARCH", "p": 1, "o": 1, "q": 1}),
    ],
)
def test_twin_has_the_likelihood_of_arch(family, model, law):
    name, changes = FAMILIES[family]
    design = make_design(name, law, **changes)
    values, theta = returns_of(design, 0), parameters_of(design)
    dist = {"skewt": "skewt", "ged": "ged"}.get(law, law)
    arch = arch_model(values, mean="Constant", dist=dist, rescale=False, **model)

    terms = densities(dict(zip(design.names, theta[:, None], strict=True)), values, **twin_of(design, 0, None))

    assert terms.sum() == pytest.approx(arch.fix(theta).loglikelihood, rel=1e-10)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("family", ["GARCH", "TARCH", "GJR of power 1.6", "EGARCH", "APARCH"])
@pytest.mark.parametrize("n_lags", [0, 2])
def test_likelihood_of_decimals_is_the_twins_at_natural_parameters(family, law, n_lags):
    name, changes = FAMILIES[family]
    design = make_design(name, law, n_lags=n_lags, n_x=2, **changes)
    unit, V = 0.013, regressors_of(2)
    values, theta = unit * returns_of(design, n_lags), parameters_of(design)
    power = 2.0 if family == "EGARCH" else (design.power or theta[design.place("delta")])
    theta[0] *= unit
    if family == "EGARCH":
        theta[design.place("omega")] += 2.0 * np.log(unit) * (1.0 - theta[design.place("beta")])
    else:
        for entry in ("omega", "x[0]", "x[1]"):
            theta[design.place(entry)] *= unit**power
    compiled = Compiled(design, values, n_lags=n_lags, regressors=V)

    scaled, J = compiled.scaled(theta)
    value, gradient, _ = compiled.derivatives(scaled)

    expected, scores, _ = derivatives(design.names, theta, values, **twin_of(design, n_lags, V))
    assert compiled.scale == pytest.approx(np.std(values[n_lags:]), rel=1e-12)
    assert value == pytest.approx(expected, rel=1e-12)
    assert np.max(np.abs(J.T @ gradient - scores.sum(axis=1)) / np.abs(scores).sum(axis=1)) < 1e-11
    assert compiled.natural(scaled)[0] == pytest.approx(theta, rel=1e-13)


@pytest.mark.parametrize("law", ["normal", "t", "skewt"])
@pytest.mark.parametrize("family", ["TARCH", "AVGARCH", "EGARCH", "APARCH"])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_pinned_residual_gives_the_derivatives_of_its_side(family, law, side):
    name, changes = FAMILIES[family]
    design = make_design(name, law, **changes)
    values, theta, t = returns_of(design, 0), parameters_of(design), 40
    theta[0] = values[t]
    compiled = Compiled(design, values)
    compiled.problem.pins[0] = side * (t + 1)

    value, gradient, _ = compiled.derivatives(theta)

    beside = theta.copy()
    beside[0] -= side * 1e-10
    expected, scores, _ = derivatives(design.names, beside, values, **twin_of(design, 0, None))
    # The twin stands 1e-10 beside the kink, where slopes differ by that much times the curvature; with a power below
    # two they approach their limit as the distance to that power less one.
    assert value == pytest.approx(expected, rel=1e-8)
    assert np.max(np.abs(gradient - scores.sum(axis=1)) / np.abs(scores).sum(axis=1)) < (
        1e-4 if family == "APARCH" else 1e-7
    )


def expected_products(law, shape):
    """Return the expected products of the scores in log-variance, residual and shape, by adaptive quadrature."""
    K = 2 + len(shape)

    def scores(e):
        out, step = np.empty(K), 1e-30
        for k in range(K):
            y, z, s = 0.0, e, list(shape)
            if k == 0:
                y = 1j * step
            elif k == 1:
                z = e + 1j * step
            else:
                s[k - 2] = s[k - 2] + 1j * step
            out[k] = np.imag(-0.5 * y + log_density(law, z * np.exp(-0.5 * y), *s)) / step
        return out

    kink = 0.0
    if law == "skewt":
        eta, skew = shape
        c = np.exp(np.real(log_density("t", 0.0, eta)))
        a = 4.0 * skew * c * (eta - 2.0) / (eta - 1.0)
        kink = -a / np.sqrt(1.0 + 3.0 * skew**2 - a**2)

    def integrand(u, side, i, j):
        e = kink + side * np.exp(u)
        s = scores(e)
        return np.exp(u + np.real(log_density(law, e, *shape))) * s[i] * s[j]

    out = np.zeros((K, K))
    for i, j in product(range(K), repeat=2):
        if i <= j:
            pieces = [
                integrate.quad(integrand, low, low + 3.0, args=(side, i, j), epsabs=1e-13, epsrel=1e-11)[0]
                for side in (-1.0, 1.0)
                for low in np.arange(-36.0, 18.0, 3.0)
            ]
            out[i, j] = out[j, i] = sum(pieces)
    return out


@pytest.mark.parametrize(
    ("law", "shape"),
    [
        ("normal", ()),
        ("t", (2.3,)),
        ("t", (6.0,)),
        ("t", (80.0,)),
        ("skewt", (3.0, -0.4)),
        ("skewt", (6.5, -0.15)),
        ("skewt", (40.0, 0.6)),
        ("ged", (1.1,)),
        ("ged", (1.4,)),
        ("ged", (3.5,)),
    ],
)
def test_expected_products_of_scores_are_those_of_the_density(law, shape):
    out = np.empty((4, 4))
    code = {"normal": 0, "t": 1, "skewt": 2, "ged": 3}[law]

    load_kernels("_expectations").expected_scores(code, np.array(shape), out)

    expected, K = expected_products(law, shape), 2 + len(shape)
    assert np.max(np.abs(out[:K, :K] - expected) / relative_to(expected)) < 1e-7


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("family", ["GARCH", "GJR", "TARCH", "EGARCH", "APARCH", "symmetric EGARCH"])
def test_information_is_the_expected_product_of_scores_given_the_past(family, law):
    name, changes = FAMILIES[family]
    design = make_design(name, law, start_up="fcp", n_lags=1, n_x=1, **changes)
    values, V, theta = returns_of(design, 1), regressors_of(1), parameters_of(design)
    compiled = Compiled(design, values, n_lags=1, regressors=V)
    compiled.derivatives(theta)

    information = compiled.information(theta)

    # Slopes of log-variance and residual in every parameter, then of the shape in itself, by complex steps.
    K, n_state = len(theta), design.n_state
    moved = np.repeat(theta[:, None].astype(complex), K, axis=1) + 1e-30j * np.eye(K)
    model = {k: v for k, v in twin_of(design, 1, V).items() if k != "law"}
    e, h = conditional_variances(dict(zip(design.names, moved, strict=True)), values, **model)
    e, y, variance = np.broadcast_to(e, (N_OBS, K)), np.log(h[:-1]), np.real(h[:-1, 0])
    slopes = np.zeros((N_OBS, 2 + K - n_state, K))
    slopes[:, 0] = np.imag(y) / 1e-30
    slopes[:, 1] = np.imag(e) / 1e-30 / np.sqrt(variance)[:, None]
    for k in range(K - n_state):
        slopes[:, 2 + k, n_state + k] = 1.0
    shape = [float(v) for v in law_of(dict(zip(design.names, theta, strict=True)), law)]
    expected = np.einsum("tai,ab,tbj->ij", slopes, expected_products(law, shape), slopes)
    if not design.asymmetric and law != "skewt":
        # A symmetric law in a symmetric recursion: over the residuals' signs, these have mean zero.
        expected[:2, 2:] = expected[2:, :2] = 0.0
    assert np.max(np.abs(information - expected) / relative_to(expected)) < 1e-7


def test_covariances_are_the_five_products_of_the_twins_matrices():
    design = make_design("gjr", "skewt", start_up="fcp")
    values, theta = returns_of(design, 0), parameters_of(design)
    compiled = Compiled(design, values)
    compiled.derivatives(theta)

    out = compiled.covariances(theta)

    _, scores, curvature = derivatives(design.names, theta, values, **twin_of(design, 0, None))
    H, S, F = np.linalg.inv(-curvature), scores @ scores.T, np.linalg.inv(compiled.information(theta))
    for found, expected in zip(out, (H, np.linalg.inv(S), F, F @ S @ F, H @ S @ H), strict=True):
        # The twin's Hessian is a difference, and an inverse loses the digits that its matrix is close to singular.
        assert np.max(np.abs(found - expected)) < 1e-6 * np.max(np.abs(expected))


@pytest.mark.parametrize("held", ["alpha >= 0", "persistence <= 1", "both"])
def test_constraint_in_force_leaves_the_covariance_of_the_model_that_obeys_it(held):
    design = make_design("gjr", "t", start_up="sample")
    values, theta = returns_of(design, 0), parameters_of(design)
    compiled = Compiled(design, values)
    compiled.derivatives(theta)
    names = ("alpha >= 0", "persistence <= 1") if held == "both" else (held,)

    out = compiled.covariances(theta, active=names)

    # Parameters that obey the constraint move in the null space Z of its rows: Z (Z'MZ)^-1 Z'.
    p, rows = compiled.problem, [compiled.words.index(name) for name in names]
    Z = np.linalg.svd(p.C[rows])[2][len(rows) :].T
    for found, matrix in zip(
        out[:3], (-p.hessian, compiled.outer_product(theta), compiled.information(theta)), strict=True
    ):
        expected = Z @ np.linalg.inv(Z.T @ matrix @ Z) @ Z.T
        assert np.max(np.abs(found - expected)) < 1e-9 * np.max(np.abs(expected))
    if "alpha >= 0" in names:
        assert (out[:, design.place("alpha")] == 0.0).all()


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("gjr", {"omega": -3.0}),
        ("gjr", {"omega": np.nan}),
        ("garch", {"beta": 40.0}),
        ("egarch", {"beta": 3.0}),
        ("egarch", {"alpha": 25.0}),
        ("aparch", {"omega": -3.0}),
    ],
)
def test_parameters_that_give_no_variance_have_no_likelihood(family, change):
    design = make_design(family, "t")
    compiled, theta = Compiled(design, returns_of(design, 0)), parameters_of(design)
    for name, value in change.items():
        theta[design.place(name)] = value

    assert compiled.value(theta) == -np.inf
    assert compiled.derivatives(theta)[0] == -np.inf


def test_filter_that_does_not_forget_its_start_has_no_likelihood():
    # A positive beta with shocks so strong that the slope of the state in the one before is above one on average.
    design = make_design("egarch", "normal", mean="zero", asymmetric=False)
    compiled = Compiled(design, returns_of(design, 0))

    forgets, does_not = (np.array([0.0, alpha, beta]) for alpha, beta in ((0.2, 0.9), (-0.9, 0.99)))

    assert np.isfinite(compiled.value(forgets))
    assert compiled.value(does_not) == -np.inf


@pytest.mark.parametrize(
    ("family", "law", "theta"),
    [
        # A residual near zero and a pointed shape: its power is zero, not a number beyond the range.
        ("egarch", "ged", [0.25, 0.05, -0.02, 0.9, 60.0]),
        # A small power of a small state: its variance is below the least number.
        ("aparch", "normal", [47.7, 4e-16, 1e-15, 0.9997, 2e-16, 0.088]),
        ("aparch", "t", [0.04, 7e-16, 6e-41, 0.9997, 2e-30, 0.05, 2.05]),
        # A large power of a large state: its variance is above the largest.
        ("aparch", "normal", [0.0, 1e20, 0.1, 0.0, 0.8, 0.05]),
    ],
)
def test_far_from_every_optimum_the_likelihood_is_the_twins_or_none(family, law, theta):
    design = make_design(family, law, mean="zero" if family == "egarch" else "constant")
    values, theta = returns_of(design, 0), np.array(theta)
    values[17] = 1e-13
    values /= np.std(values)
    compiled = Compiled(design, values)

    found = compiled.value(theta)

    with np.errstate(all="ignore"):
        terms = densities(dict(zip(design.names, theta[:, None], strict=True)), values, **twin_of(design, 0, None))
    assert found == -np.inf or found == pytest.approx(float(np.real(terms).sum()), rel=1e-9)
    assert compiled.derivatives(theta)[0] == pytest.approx(found, rel=1e-14)


def test_small_power_of_a_pinned_residual_is_its_limit():
    design = make_design("aparch", "normal", power=0.05)
    values = returns_of(design, 0)
    theta = np.array([values[40], 0.05, 0.05, 0.1, 0.9])
    compiled = Compiled(design, values)
    compiled.problem.pins[0] = 41.0

    found = compiled.derivatives(theta)[0]

    named = dict(zip(design.names, theta[:, None], strict=True))
    expected = densities(named, values, **twin_of(design, 0, None)).sum()
    assert found == pytest.approx(expected, rel=1e-9)
