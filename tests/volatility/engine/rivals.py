"""Other ways to an optimum, all judged by the compiled likelihood: arch, scivol where it is there, and many starts."""

import warnings
from importlib.util import find_spec

import numpy as np
from arch import arch_model
from scipy.optimize import minimize, nnls

from volkit.volatility.engine.kernels import load_kernels

__all__ = ["best_rival", "projected", "simulate"]

_ARCH = {
    "garch": {"vol": "GARCH", "p": 1, "o": 0, "q": 1},
    "gjr": {"vol": "GARCH", "p": 1, "o": 1, "q": 1},
    "tarch": {"vol": "GARCH", "p": 1, "o": 1, "q": 1, "power": 1.0},
    "egarch": {"vol": "EGARCH", "p": 1, "o": 1, "q": 1},
    "aparch": {"vol": "APARCH", "p": 1, "o": 1, "q": 1},
}
_SCIVOL = {"garch": "GARCH", "gjr": "GJRGARCH", "egarch": "EGARCH"}
_SCIVOL_LAWS = {"normal": "Normal", "t": "StudentT", "skewt": "SkewT", "ged": "GED"}


def simulate(family, truth, n_obs, seed, *, law="normal", shape=()):
    """Return simulated values of a family, in plain Python, of the scale that omega gives."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n_obs + 250)
    if law in ("t", "skewt"):
        z = rng.standard_t(shape[0], n_obs + 250) * np.sqrt((shape[0] - 2.0) / shape[0])
    elif law == "ged":
        z = rng.choice([-1.0, 1.0], len(z)) * rng.gamma(1.0 / shape[0], size=len(z)) ** (1.0 / shape[0])
        z /= np.sqrt(np.mean(z**2))
    if law == "skewt":
        z = np.where(z < 0.0, z * 1.15, z / 1.15)
        z = (z - z.mean()) / z.std()
    omega, alpha, beta = truth["omega"], truth["alpha"], truth["beta"]
    gamma, delta = truth.get("gamma", 0.0), truth.get("delta", 1.0 if family == "tarch" else 2.0)
    state, values = (0.0 if family == "egarch" else 1.0), []
    for shock in z.tolist():
        sigma = np.exp(0.5 * state) if family == "egarch" else state ** (1.0 / delta)
        e = sigma * shock
        values.append(truth.get("mu", 0.0) + e)
        if family == "egarch":
            state = omega + alpha * (abs(shock) - 0.7978845608) + gamma * shock + beta * state
        elif family == "aparch":
            state = omega + alpha * (abs(e) - gamma * e) ** delta + beta * state
        else:
            state = omega + (alpha + gamma * (e < 0.0)) * abs(e) ** delta + beta * state
    return np.array(values[250:])


def projected(compiled, scaled):
    """Return the nearest point of the feasible set, in scaled units."""
    p, n = compiled.problem, len(scaled)
    step, active = np.zeros(n), np.zeros(len(p.bound), dtype=np.int64)
    found = load_kernels("_programming").quadratic_program(
        np.eye(n), np.zeros(n), p.C, p.C @ scaled - p.bound, p.n_equal, step, active, np.zeros(len(p.bound))
    )
    assert found
    inside = scaled + step
    assert np.min((p.C @ inside - p.bound)[p.n_equal :], initial=0.0) > -1e-12
    return inside


def _arch(compiled, values):
    design = compiled.design
    mean = "Constant" if design.has_constant else "Zero"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = arch_model(values, mean=mean, dist=design.law, rescale=False, **_ARCH[design.family])
        return model.fit(disp="off", show_warning=False).params.to_numpy()


def _scivol(compiled, values):
    import scivol

    design = compiled.design
    centre = values.mean() if design.has_constant else 0.0
    model = scivol.CompositeSpec(
        getattr(scivol, _SCIVOL[design.family])(1, 1), getattr(scivol, _SCIVOL_LAWS[design.law])()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = np.asarray(model.fit(values - centre).params, dtype=float)
    return np.concatenate([[centre], found]) if design.has_constant else found


def _random_start(compiled, rng):
    design, square = compiled.design, compiled.square
    theta = dict.fromkeys(design.names, 0.0)
    if "mu" in theta:
        theta["mu"] = compiled.mean[0] + rng.normal() * np.sqrt(square / compiled.n)
    theta["beta"] = rng.choice([rng.uniform(0.0, 1.0), rng.uniform(0.85, 0.999)])
    theta["alpha"] = rng.uniform(0.0, 1.0 - theta["beta"])
    if design.kind == "egarch":
        theta["alpha"], theta["gamma"] = rng.uniform(0.0, 0.4), rng.uniform(-0.2, 0.1)
    elif design.asymmetric:
        room = 2.0 * (1.0 - theta["alpha"] - theta["beta"])
        theta["gamma"] = rng.uniform(-theta["alpha"], room) if design.kind == "additive" else rng.uniform(-0.9, 0.9)
    theta["delta"] = rng.uniform(0.4, 3.0)
    power = design.power or theta["delta"]
    if design.kind == "egarch":
        theta["omega"] = (1.0 - theta["beta"]) * np.log(square)
    else:
        half = theta.get("gamma", 0.0) / 2.0 if design.kind == "additive" else 0.0
        theta["omega"] = max(1.0 - theta["alpha"] - half - theta["beta"], 1e-4) * square ** (power / 2.0)
    theta |= {"nu": rng.uniform(3.0, 15.0) if design.law == "t" else rng.uniform(1.1, 2.5)}
    theta |= {"eta": rng.uniform(3.0, 15.0), "lambda": rng.uniform(-0.3, 0.3)}
    return projected(compiled, np.array([theta[name] for name in design.names]))


def _climbed(compiled, start):
    """Return where SLSQP ends on the compiled value and gradient."""
    p, n = compiled.problem, compiled.n

    def fall(theta):
        value, gradient, _ = compiled.derivatives(theta)
        return (-value / n, -gradient / n) if np.isfinite(value) else (1e3, np.zeros(len(theta)))

    equal = slice(0, p.n_equal)
    rest = slice(p.n_equal, None)
    constraints = [
        {"type": kind, "fun": lambda x, s=s: p.C[s] @ x - p.bound[s], "jac": lambda _, s=s: p.C[s]}
        for kind, s in (("eq", equal), ("ineq", rest))
        if len(p.bound[s])
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        end = minimize(
            fall, start, jac=True, method="SLSQP", constraints=constraints, options={"ftol": 1e-13, "maxiter": 150}
        ).x
    return projected(compiled, end) if np.isfinite(end).all() else start


def _is_stationary(compiled, point):
    """Whether no direction inside the linear constraints leads up, but for what SLSQP leaves.

    An EGARCH likelihood may rise up to the edge beyond which the filter does not forget its start. No optimum is
    there, only a cliff, and every search stops at another place of it.
    """
    p = compiled.problem
    _, gradient, _ = compiled.derivatives(point)
    held = np.flatnonzero((p.C @ point - p.bound < 1e-7) | (np.arange(len(p.bound)) < p.n_equal))
    rows = np.concatenate([p.C[held], -p.C[: p.n_equal]])
    left = gradient + rows.T @ nnls(rows.T, -gradient)[0] if len(rows) else gradient
    return bool(np.sum(np.abs(left) * (0.02 + np.abs(point))) < 1.0)


def best_rival(compiled, values, *, n_starts, seed):
    """Return the highest log-likelihood that a rival reaches inside the feasible set, its name and parameters."""
    design, rng = compiled.design, np.random.default_rng(seed)
    points = {}
    if design.family in _ARCH:
        points["arch"] = projected(compiled, compiled.scaled(_arch(compiled, values))[0])
    if design.family in _SCIVOL and find_spec("scivol"):
        found = _scivol(compiled, values)
        if np.isfinite(found).all():
            points["scivol"] = projected(compiled, compiled.scaled(found)[0])
    for i in range(n_starts):
        points[f"start {i}"] = _climbed(compiled, _random_start(compiled, rng))
    if design.kind == "egarch":
        points = {name: point for name, point in points.items() if _is_stationary(compiled, point)}
    heights = {name: compiled.value(point) for name, point in points.items()} or {"none": -np.inf}
    name = max(heights, key=lambda k: heights[k])
    return heights[name], name, points.get(name)
