"""The search for the best optimum: several starts, and kinks in the mean.

Where the likelihood has kinks in the mean (an absolute residual in the variance), the optimum often lies on one: the
mean then equals a return. Such a residual is pinned to zero, and the certificate is that the slope changes its sign
there.
"""

from dataclasses import dataclass, field

import numpy as np

from volkit.volatility.engine.kernels import load_kernels

__all__ = ["Optimum", "Problem", "maximise", "return_to"]

_MAX_STEPS = 60
# With kinks a climb that has not ended by then never will.
_MAX_STEPS_ON_KINKS = 15
# Promised gain at which another hill is compared with the best.
_COMPARED = 1e-4
_ROUNDS = 12
# Log-likelihood by which a neighbouring kink may be lower, all else unchanged, and still come out higher.
_KINK_HEIGHT = 0.02
# Residual, in units of the scaled returns, that counts as zero.
_ON_KINK = 1e-12
_MOST_PEAKS, _BESIDE = 6, 2
# Gain in log-likelihood below which the slopes left in the means do not matter.
_SETTLED = 1e-8
# A start is another hill when some parameter ends this far away, in units of its own size.
_APART = 0.2


@dataclass(slots=True)
class Problem:
    """The arrays of one estimation; the kernels write into those from `pins` on."""

    conf: np.ndarray
    fixed: np.ndarray
    r: np.ndarray
    X: np.ndarray
    V: np.ndarray
    C: np.ndarray
    bound: np.ndarray
    n_equal: int
    pins: np.ndarray = field(init=False)
    held: np.ndarray = field(init=False)
    work: np.ndarray = field(init=False)
    gradient: np.ndarray = field(init=False)
    hessian: np.ndarray = field(init=False)
    active: np.ndarray = field(init=False)
    multipliers: np.ndarray = field(init=False)
    report: np.ndarray = field(init=False)
    passes: int = 0

    def __post_init__(self) -> None:
        recursions = load_kernels("_recursions")
        n_all, n_mean, n_rows = (
            int(self.conf[recursions.N_ALL]),
            int(self.conf[recursions.N_MEAN]),
            len(self.bound),
        )
        rows = load_kernels("_likelihood").n_work_rows(int(self.conf[recursions.N_STATE]))
        self.pins, self.held = np.zeros(n_mean), np.zeros(n_mean, dtype=np.int64)
        self.work = np.zeros((rows, len(self.r) + 2))
        self.gradient, self.hessian = np.zeros(n_all), np.zeros((n_all, n_all))
        self.active, self.multipliers = np.zeros(n_rows, dtype=np.int64), np.zeros(n_rows)
        self.report = np.zeros(load_kernels("_climb").N_REPORT)

    @property
    def kinked(self) -> bool:
        """Whether the likelihood has kinks in the mean."""
        return bool(self.conf[load_kernels("_recursions").KINKED])

    def value_starts(self, starts: np.ndarray) -> np.ndarray:
        """Return the log-likelihoods at starts, shape (n_starts, K)."""
        out = np.empty(len(starts))
        load_kernels("_climb").values(starts, self.conf, self.fixed, self.r, self.X, self.V, self.pins, self.work, out)
        return out

    def evaluate(self, theta: np.ndarray) -> float:
        """Return the log-likelihood and leave gradient and Hessian."""
        self.passes += 1
        return float(
            load_kernels("_likelihood").evaluate(
                theta, self.conf, self.fixed, self.r, self.X, self.V, self.pins, self.work, self.gradient, self.hessian
            )
        )

    def climb(
        self,
        theta: np.ndarray,
        *,
        limit: int = _MAX_STEPS,
        enough: float = 0.0,
        known: tuple[np.ndarray, np.ndarray, float] | None = None,
    ) -> float:
        """Move theta uphill in place and return the log-likelihood reached; `known` as in the kernel."""
        top, curvature, height = known or (theta, self.hessian, -np.inf)
        kernels = load_kernels("_climb")
        self.report[:] = 0.0
        reached = kernels.climb(
            theta, self.conf, self.fixed, self.r, self.X, self.V, self.C, self.bound, self.n_equal, self.pins,
            self.held, self.work, self.gradient, self.hessian, self.active, self.multipliers, self.report, limit,
            enough, top, curvature, height,
        )  # fmt: skip
        self.passes += int(self.report[kernels.PASSES])
        return float(reached)

    @property
    def ended(self) -> bool:
        """Whether the last climb reached a top."""
        return bool(self.report[load_kernels("_climb").CONVERGED])

    @property
    def gain(self) -> float:
        """What the last quadratic program still promised."""
        return float(self.report[load_kernels("_climb").GAIN])


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where a search ended.

    Attributes
    ----------
    theta : ndarray, shape (K,)
    log_likelihood : float
    converged : bool
    gain : float
        Log-likelihood that the last quadratic program still promised: half the squared Newton decrement.
    kkt : float
        Largest entry of the gradient that no active constraint explains.
    pins : ndarray, shape (n_mean,)
        Residuals on kinks, counted from one; zero for none.
    passes : int
        Evaluations of the likelihood, with derivatives or without.
    modes : int
        Hills found.
    """

    theta: np.ndarray
    log_likelihood: float
    converged: bool
    gain: float
    kkt: float
    pins: np.ndarray
    passes: int
    modes: int


def maximise(problem: Problem, starts: np.ndarray, kinds: np.ndarray, *, per_kind: int = 1) -> Optimum:
    """Return the best optimum from starts, shape (n_starts, K); the problem's arrays are left at it.

    Every start is valued. The best is followed to the top, the best `per_kind` of every kind until it is clear
    whether their hill is higher.
    """
    order = np.argsort(-problem.value_starts(starts), kind="stable") if len(starts) > 1 else np.array([0])
    best = _top(problem, starts[order[0]].copy())
    curvature = -problem.hessian
    modes, fresh = 1, True
    seen = dict.fromkeys(kinds.tolist(), 0)
    for i in order:
        seen[int(kinds[i])] += 1
        if i == order[0] or seen[int(kinds[i])] > per_kind:
            continue
        theta = starts[i].copy()
        problem.pins[:], problem.held[:] = 0.0, 0
        fresh = False
        known = (best.theta, curvature, best.log_likelihood) if best.converged else None
        near = problem.climb(theta, limit=12, enough=_COMPARED, known=known)
        apart = float(np.max(np.abs(theta - best.theta) / (0.02 + np.abs(best.theta))))
        modes += problem.ended and apart > _APART
        promising = near + min(problem.gain, 1.0) > best.log_likelihood + 1e-8
        if not best.converged or (promising and apart > 0.01):
            top = _top(problem, theta)
            higher = top.log_likelihood > best.log_likelihood + 1e-9
            # A height that nothing certifies gives way to any top that is one.
            if (higher and top.converged >= best.converged) or top.converged > best.converged:
                best, fresh, curvature = top, True, -problem.hessian
    if not fresh:
        return_to(problem, best)
    return Optimum(
        best.theta, best.log_likelihood, best.converged, best.gain, best.kkt, best.pins, problem.passes, modes
    )


def return_to(problem: Problem, best: Optimum) -> None:
    """Leave the problem's arrays, its multipliers and its working set as they are at an optimum."""
    problem.pins[:] = best.pins
    problem.evaluate(best.theta)
    problem.held[:] = problem.pins != 0.0
    problem.climb(best.theta.copy(), limit=1, enough=np.inf)


def _top(problem: Problem, theta: np.ndarray) -> Optimum:
    """Return the top of the hill that theta, which is moved, stands on."""
    problem.pins[:], problem.held[:] = 0.0, 0
    reached = problem.climb(theta, limit=_MAX_STEPS_ON_KINKS if problem.kinked else _MAX_STEPS)
    converged, gain = problem.ended, problem.gain
    if problem.kinked and np.isfinite(reached):
        reached, converged, gain = _on_kinks(problem, theta, reached, converged, gain)
    kkt = float(problem.report[load_kernels("_climb").KKT])
    return Optimum(theta, reached, converged, gain, kkt, problem.pins.copy(), problem.passes, 1)


def _on_kinks(
    problem: Problem, theta: np.ndarray, reached: float, converged: bool, gain: float
) -> tuple[float, bool, float]:
    """Try the kinks around each mean, everything else following with the means held, and keep the best found."""
    kept, pins = theta.copy(), problem.pins.copy()
    for _ in range(_ROUNDS):
        better = False
        for m in range(len(problem.pins)):
            for place in _candidates(problem, kept, m):
                trial = kept.copy()
                problem.pins[:] = pins
                trial[m] = place
                _settle(problem, trial, m)
                kinks = problem.pins.copy()
                if len(kinks) > 1:
                    # With several means a pin would hold a residual at zero that another mean has moved.
                    problem.pins[:] = 0.0
                problem.held[:] = 1
                found = problem.climb(trial)
                ended, left = problem.ended, max(problem.gain, _slopes_left(problem, trial, kinks))
                settled = ended and left < _SETTLED
                if found > reached + 1e-10 or (settled and not converged and found > reached - 1e-9):
                    better = better or found > reached + 1e-10
                    kept, pins, reached, converged, gain = trial, problem.pins.copy(), found, settled, left
        if not better:
            break
    theta[:] = kept
    problem.pins[:] = pins
    problem.held[:] = 1
    problem.climb(theta.copy(), limit=1, enough=np.inf)
    return reached, converged, gain


def _candidates(problem: Problem, theta: np.ndarray, m: int) -> list[float]:
    """Return the mean m, the kinks next to it on either side, and the kinks near it that are the highest peaks.

    Heights are those with all else unchanged. From the two sides of one hill other tops may be reached.
    """
    x, n = problem.X[m], len(problem.r)
    problem.pins[m] = 0.0
    here = problem.value_starts(theta[None, :])[0]
    residual = problem.work[load_kernels("_recursions").E, :n]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(x != 0.0, residual / x, np.inf)
    # Beyond a standard error of the mean the smooth part of the likelihood outweighs every kink.
    nearest = np.sort(distance[np.argsort(np.abs(distance), kind="stable")[: int(np.sqrt(n)) + 10]])
    points = np.repeat(theta[None, :], len(nearest), axis=0)
    points[:, m] += np.where(np.isfinite(nearest), nearest, 0.0)
    found = problem.value_starts(points)
    padded = np.concatenate([[-np.inf], found, [-np.inf]])
    peaks = np.flatnonzero((found >= padded[:-2]) & (found >= padded[2:]) & (found > here - _KINK_HEIGHT))
    best = peaks[np.argsort(-found[peaks], kind="stable")[:_MOST_PEAKS]].tolist()
    first_above = int(np.searchsorted(nearest, 0.0, side="right"))
    beside = [k for k in range(first_above - _BESIDE, first_above + _BESIDE) if 0 <= k < len(nearest)]
    return [float(theta[m]), *points[list(dict.fromkeys(best + beside)), m].tolist()]


def _slope(problem: Problem, theta: np.ndarray, m: int, at: float, pin: float) -> float:
    """Return the slope in mean m at a point, on one side of its kink when `pin` names a residual."""
    moved, pinned = theta.copy(), problem.pins[m]
    moved[m], problem.pins[m] = at, pin
    found = problem.evaluate(moved)
    problem.pins[m] = pinned
    return float(problem.gradient[m]) if np.isfinite(found) else float("nan")


def _settle(problem: Problem, theta: np.ndarray, m: int) -> None:
    """Move mean m to the nearest point where its slope turns: a smooth top, or a kink, which is pinned."""
    x = problem.X[m]
    problem.pins[m] = 0.0
    here = _slope(problem, theta, m, theta[m], 0.0)
    up = here > 0.0
    residual = problem.work[load_kernels("_recursions").E, : len(problem.r)]
    with np.errstate(divide="ignore", invalid="ignore"):
        # A regressor of zero never brings its residual to zero; its kink is out of reach.
        distance = np.where(x != 0.0, residual / x, np.inf) * (1.0 if up else -1.0)
    ahead = np.argsort(np.where(distance > 0.0, distance, np.inf), kind="stable")[: int((distance > 0.0).sum())]

    def sides(k: int) -> tuple[float, float, float]:
        """Where kink k ahead is, and the slopes before and behind it, uphill positive."""
        t = int(ahead[k])
        at = theta[m] + residual_at[t] / x[t]
        before = 1.0 if (x[t] > 0.0) == up else -1.0
        turn = 1.0 if up else -1.0
        near = turn * _slope(problem, theta, m, at, before * (t + 1))
        far = turn * _slope(problem, theta, m, at, -before * (t + 1))
        return at, near, far

    residual_at = residual.copy()
    low, low_at, low_slope = -1, float(theta[m]), abs(here)
    high, high_at, high_slope = len(ahead), np.nan, np.nan
    stride, k = 1, 0
    # Gallop over kinks until the slope turns, then halve the kinks between.
    while high - low > 1 and low + stride < len(ahead) + stride:
        k = min(low + stride, len(ahead) - 1) if high == len(ahead) else (low + high) // 2
        if k <= low:
            break
        at, near, far = sides(k)
        if near > 0.0 >= far:
            theta[m], problem.pins[m] = at, float(ahead[k] + 1)
            return
        if near > 0.0:
            low, low_at, low_slope, stride = k, at, far, 2 * stride
        else:
            high, high_at, high_slope = k, at, near
    if np.isfinite(high_at):
        theta[m] = _root(problem, theta, m, up, (low_at, low_slope), (high_at, high_slope))


def _root(
    problem: Problem, theta: np.ndarray, m: int, up: bool, low: tuple[float, float], high: tuple[float, float]
) -> float:
    """Return where the slope is zero between two points of one smooth piece (Illinois' false position)."""
    (a, fa), (b, fb) = low, high
    for _ in range(60):
        c = (a * fb - b * fa) / (fb - fa) if fb != fa else 0.5 * (a + b)
        if not min(a, b) < c < max(a, b):
            c = 0.5 * (a + b)
        if c in (a, b):
            break
        fc = _slope(problem, theta, m, c, 0.0) * (1.0 if up else -1.0)
        if abs(fc) < 1e-9:
            return c
        if (fc > 0.0) == (fb > 0.0):
            b, fb, fa = c, fc, 0.5 * fa
        else:
            a, fa, b, fb = b, fb, c, fc
    return b


def _slopes_left(problem: Problem, theta: np.ndarray, kinks: np.ndarray) -> float:
    """Return the gain in log-likelihood that the slopes left in the means would bring; none at a sound kink."""
    fisher = _mean_information(problem, theta)
    slopes = problem.gradient[: len(kinks)].copy()
    residual = problem.work[load_kernels("_recursions").E].copy()
    total = 0.0
    for m, pin in enumerate(kinks):
        slope = abs(slopes[m])
        if pin != 0.0 and abs(residual[int(abs(pin)) - 1]) < _ON_KINK:
            t = int(abs(pin))
            right = -1.0 if problem.X[m, t - 1] > 0 else 1.0
            at = float(theta[m])
            slope = max(_slope(problem, theta, m, at, right * t), -_slope(problem, theta, m, at, -right * t), 0.0)
        total += 0.5 * slope**2 / fisher[m]
    problem.evaluate(theta)
    return float(total)


def _mean_information(problem: Problem, theta: np.ndarray) -> np.ndarray:
    recursions = load_kernels("_recursions")
    expected, n_all = np.empty((4, 4)), len(theta)
    fisher = np.empty((n_all, n_all))
    load_kernels("_expectations").expected_scores(
        int(problem.conf[recursions.LAW]), theta[problem.conf[recursions.N_STATE] :], expected
    )
    problem.evaluate(theta)
    load_kernels("_information").information(
        theta, problem.conf, problem.fixed, problem.X, problem.work, expected, fisher
    )
    return np.diag(fisher)
