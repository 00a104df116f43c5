"""The compiled likelihood of a design on given returns, for tests that look below `Garch.fit`."""

import numpy as np

from volkit.volatility.engine.kernels import load_kernels
from volkit.volatility.engine.problem import Design, mean_regressors, solve
from volkit.volatility.engine.search import Problem

__all__ = ["Compiled", "make_design", "solution_of"]

_LEANING = ("gjr", "tarch", "egarch", "aparch")


def make_design(family="garch", law="normal", *, start_up="backcast", mean="constant", n_lags=0, n_x=0, **changes):
    """Return a design as `Garch` makes it, with `asymmetric`, `power` or `targeting` set by hand where wanted."""
    choices = {
        "asymmetric": family in _LEANING,
        "power": {"tarch": 1.0, "aparch": None}.get(family, 2.0),
        "targeting": False,
        "nonnegative": family != "egarch",
    } | changes
    has_constant = mean != "zero"
    return Design(
        family=family,
        law=law,
        start_up=start_up,
        n_mean=has_constant + n_lags,
        has_constant=has_constant,
        n_x=n_x,
        **choices,
    )


class Compiled:
    """Likelihood, derivatives and constraints in the engine's scaled units."""

    def __init__(self, design, values, *, n_lags=0, regressors=None):
        units = load_kernels("_units")
        self.design = design
        used, X = mean_regressors(np.asarray(values), n_lags=n_lags, has_constant=design.has_constant)
        self.n = n = len(used)
        V = np.zeros((0, n + 1)) if regressors is None else np.ascontiguousarray(regressors)
        conf, fixed = design.configuration(n), np.array([design.power or 0.0, 0.0, 0.0])
        r, scaled_X, scaled_V, mean = np.empty(n), np.empty_like(X), np.empty_like(V), np.zeros(design.n_mean)
        self.scale = units.prepare(used, X, V, 0, n, conf, design.has_constant, fixed, r, scaled_X, scaled_V, mean)
        C, bound, n_equal, self.words = design.constraints(fixed[2])
        self.problem = Problem(conf=conf, fixed=fixed, r=r, X=scaled_X, V=scaled_V, C=C, bound=bound, n_equal=n_equal)
        self.mean, self.square = mean, float(fixed[2])

    def scaled(self, natural):
        """Return natural parameters in scaled units, and the derivatives of the one in the other."""
        return self._rescale(natural, 1.0 / self.scale)

    def natural(self, scaled):
        """Return scaled parameters in natural units, and the derivatives of the one in the other."""
        return self._rescale(scaled, self.scale)

    def _rescale(self, theta, factor):
        n_all = len(self.design.names)
        out, J = np.empty(n_all), np.empty((n_all, n_all))
        conf, fixed = self.problem.conf, self.problem.fixed
        theta = np.array(theta, dtype=float)
        load_kernels("_units").rescale(theta, conf, fixed, self.design.has_constant, factor, out, J)
        return out, J

    def value(self, scaled):
        """Return the log-likelihood of the returns as given."""
        found = self.problem.value_starts(np.ascontiguousarray(scaled, dtype=float)[None, :])[0]
        return float(found - self.n * np.log(self.scale))

    def derivatives(self, scaled):
        """Return the log-likelihood of the returns as given, its gradient and its Hessian in scaled units."""
        p = self.problem
        found = p.evaluate(np.array(scaled, dtype=float))
        return found - self.n * np.log(self.scale), p.gradient.copy(), p.hessian.copy()

    def outer_product(self, scaled):
        """Return the sum of outer products of the scores, at the parameters of the last call of `derivatives`."""
        p, out = self.problem, np.empty((len(scaled), len(scaled)))
        load_kernels("_information").outer_product(np.array(scaled), p.conf, p.X, p.work, out)
        return out

    def information(self, scaled):
        """Return the information matrix at the parameters of the last call of `derivatives`."""
        p, expected, out = self.problem, np.empty((4, 4)), np.empty((len(scaled), len(scaled)))
        law = p.conf[load_kernels("_recursions").LAW]
        load_kernels("_expectations").expected_scores(law, np.array(scaled)[self.design.n_state :], expected)
        load_kernels("_information").information(np.array(scaled), p.conf, p.fixed, p.X, p.work, expected, out)
        return out

    def covariances(self, scaled, active=()):
        """Return covariances of five kinds, with constraints named in `active` in force, likewise."""
        p, out = self.problem, np.empty((5, len(scaled), len(scaled)))
        p.active[:] = [word in active for word in self.words]
        load_kernels("_covariance").covariances(
            np.array(scaled), p.conf, p.fixed, p.X, p.C, p.active, p.work, p.hessian, out, -1
        )
        return out


def solution_of(design, values, *, n_lags=0, regressors=None, start=None):
    """Return the engine's solution for values, in their own units."""
    used, X = mean_regressors(np.asarray(values), n_lags=n_lags, has_constant=design.has_constant)
    V = np.zeros((0, len(used) + 1)) if regressors is None else np.ascontiguousarray(regressors)
    return solve(design, used, X, V, start=start)
