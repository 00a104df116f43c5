"""The likelihood of the GARCH family once more: slow, from the papers' formulas, and differentiable by complex steps.

Nothing here comes from the engine. Every parameter may be a number or an array of shape (n_points,), real or complex:
a step of 1e-30 along the imaginary axis gives a derivative to the last digit (Squire and Trapp 1998).
"""

import numpy as np
from scipy import special

__all__ = ["conditional_variances", "densities", "derivatives", "law_of", "log_density", "residuals"]

_STEP = 1e-30
# Names of the shape parameters of the laws.
_SHAPES = {"normal": (), "t": ("nu",), "skewt": ("eta", "lambda"), "ged": ("nu",)}


def size(x):
    """Return the absolute value, analytic on either side of zero."""
    return np.where(np.real(x) < 0.0, -x, x)


def log_density(law, z, *shape):
    """Return the log-density of a law of mean zero and variance one."""
    if law == "normal":
        return -0.5 * np.log(2.0 * np.pi) - 0.5 * z * z
    if law == "t":
        (nu,) = shape
        top = special.loggamma((nu + 1.0) / 2.0) - special.loggamma(nu / 2.0)
        return top - 0.5 * np.log(np.pi * (nu - 2.0)) - (nu + 1.0) / 2.0 * np.log(1.0 + z * z / (nu - 2.0))
    if law == "skewt":
        # Hansen (1994), equations 10 to 13.
        eta, skew = shape
        c = np.exp(special.loggamma((eta + 1.0) / 2.0) - special.loggamma(eta / 2.0)) / np.sqrt(np.pi * (eta - 2.0))
        a = 4.0 * skew * c * (eta - 2.0) / (eta - 1.0)
        b = np.sqrt(1.0 + 3.0 * skew**2 - a**2)
        side = np.where(np.real(z) < np.real(-a / b), 1.0 - skew, 1.0 + skew)
        return np.log(b * c) - (eta + 1.0) / 2.0 * np.log(1.0 + ((b * z + a) / side) ** 2 / (eta - 2.0))
    # Nelson (1991), equation 2.4.
    (nu,) = shape
    scale = np.sqrt(2.0 ** (-2.0 / nu) * np.exp(special.loggamma(1.0 / nu) - special.loggamma(3.0 / nu)))
    bottom = np.log(scale) + (1.0 + 1.0 / nu) * np.log(2.0) + special.loggamma(1.0 / nu)
    return np.log(nu) - 0.5 * (size(z) / scale) ** nu - bottom


def law_of(parameters, law):
    """Return the values of a law's shape parameters in their order."""
    return [parameters[name] for name in _SHAPES[law]]


def residuals(parameters, values, *, n_lags):
    """Return returns less their mean, shape (n - n_lags, ...)."""
    n = len(values)
    mean = parameters.get("mu", 0.0)
    column = values.reshape(-1, 1)
    e = column[n_lags:] - mean
    for i in range(1, n_lags + 1):
        e = e - parameters[f"ar[{i}]"] * column[n_lags - i : n - i]
    return e


def _least_squares(values, *, n_lags, has_mean):
    used = values[n_lags:]
    columns = [np.ones(len(used))] * has_mean
    columns += [values[n_lags - i : len(values) - i] for i in range(1, n_lags + 1)]
    if not columns:
        return used
    X = np.column_stack(columns)
    return used - X @ np.linalg.lstsq(X, used, rcond=None)[0]


def conditional_variances(parameters, values, *, family, power, start_up, n_lags=0, regressors=None):
    """Return residuals, shape (n, ...), and conditional variances, shape (n + 1, ...), n without the lags.

    family: "additive", "aparch" or "egarch"; power: of the volatility, when it is no parameter.
    """
    p = parameters
    omega, alpha, beta, gamma = p["omega"], p["alpha"], p["beta"], p.get("gamma", 0.0)
    delta = p.get("delta", power)
    e = residuals(p, values, n_lags=n_lags)
    n = len(e)
    ols = _least_squares(values, n_lags=n_lags, has_mean="mu" in p)
    V = np.zeros((0, n + 1)) if regressors is None else regressors
    push = [sum((p[f"x[{k}]"] * V[k, t] for k in range(len(V))), 0.0) for t in range(n + 1)]

    def news(residual, state):
        """What a residual adds to the next state."""
        if family == "egarch":
            z = residual * np.exp(-state / 2.0)
            return alpha * (size(z) - np.sqrt(2.0 / np.pi)) + gamma * z
        if family == "aparch":
            return alpha * (size(residual) - gamma * residual) ** delta
        return (alpha + gamma * (np.real(residual) < 0.0)) * size(residual) ** delta

    def before(square):
        """The state with this variance, for which nothing else is known of the period."""
        return np.log(square) if family == "egarch" else square ** (delta / 2.0)

    def expected_news(state):
        """What a residual of the size of the state adds on average, falls and rises being as likely."""
        if family == "egarch":
            return 0.0
        return (alpha if family == "aparch" else alpha + gamma / 2.0) * state

    if start_up == "backcast":
        head = np.abs(ols[:75])
        weights = 0.94 ** np.arange(len(head))
        exponent = power if family == "additive" else 2.0
        earlier = np.sum(weights * head**exponent) / np.sum(weights)
        state = earlier if family == "additive" else before(earlier)
        state = omega + expected_news(state) + beta * state + push[0]
    elif start_up == "sample":
        state = before(np.mean(ols**2))
        state = omega + expected_news(state) + beta * state + push[0]
    elif start_up == "fcp":
        state = before(np.mean(e * e, axis=0))
        shock = news(np.mean(e, axis=0), state) if family == "egarch" else np.mean(news(e, None), axis=0)
        state = omega + shock + beta * state + push[0]
    elif start_up == "rugarch":
        state = np.log(np.mean(e * e, axis=0)) if family == "egarch" else np.mean(size(e) ** delta, axis=0)
    else:
        level = omega + sum(push[:n]) / n
        slope = beta if family == "egarch" else alpha + gamma / 2.0 + beta
        state = level / (1.0 - slope) + push[0] - sum(push[:n]) / n

    states = [state]
    for t in range(n):
        states.append(omega + news(e[t], states[t]) + beta * states[t] + push[t + 1])
    states = np.array(np.broadcast_arrays(*states))
    return e, np.exp(states) if family == "egarch" else states ** (2.0 / delta)


def densities(parameters, values, *, law, **model):
    """Return the log-density of every return given those before it, shape (n, n_points)."""
    e, h = conditional_variances(parameters, values, **model)
    h = h[:-1]
    return log_density(law, e / np.sqrt(h), *law_of(parameters, law)) - 0.5 * np.log(h)


def derivatives(names, theta, values, **model):
    """Return the log-likelihood, the scores, shape (K, n), and the Hessian, shape (K, K), of the twin.

    Scores are exact; the Hessian is the difference of exact gradients over two widths, extrapolated (Richardson).
    """
    theta = np.asarray(theta, dtype=float)
    K = len(theta)

    def gradients(points):
        """Scores at points, shape (n_points, K), as (n, n_points, K)."""
        moved = np.repeat(points, K, axis=0).astype(complex)
        moved[np.arange(len(moved)), np.tile(np.arange(K), len(points))] += 1j * _STEP
        terms = densities(dict(zip(names, moved.T, strict=True)), values, **model)
        return np.imag(terms).reshape(terms.shape[0], len(points), K) / _STEP

    value = float(np.real(densities(dict(zip(names, theta[:, None], strict=True)), values, **model)).sum())
    scores = gradients(theta[None, :])[:, 0, :].T
    widths = 2e-4 * np.maximum(np.abs(theta), 0.05)
    points = np.concatenate([theta + f * np.diag(widths) for f in (1.0, -1.0, 2.0, -2.0)])
    slopes = gradients(points).sum(axis=0).reshape(4, K, K)
    near, far = slopes[0] - slopes[1], slopes[2] - slopes[3]
    hessian = (8.0 * near - far) / (12.0 * widths[:, None])
    return value, scores, 0.5 * (hessian + hessian.T)
