"""Joint linear regression of a quantile and an expected shortfall, by the loss FZ0.

Losses are positive: V = Z b and E = X c are fitted to losses L at once, by least mean of
(V + (L - V)+ / p) / E + ln E, after a shift that makes all losses positive. For given c that is a weighted quantile
regression, solved exactly at a vertex; for given b it is smooth in c. The two are solved in turns until both stand
still, and the result is certified: no direction leaves it downwards, because the kinks lie in b only and the loss is
smooth in c. Another such point may lie lower; two starts guard against it.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from volkit.errors import ConvergenceError
from volkit.kernels import load_kernels

__all__ = ["Covariance", "JointRegression", "fit_joint_regression"]

Floats = npt.NDArray[np.float64]
Covariance: TypeAlias = Literal["scale", "robust"]

_MOST_TURNS, _MOST_STEPS, _MOST_VERTICES = 500, 100, 10_000
_STILL = 1e-14
# A promised gain below this is lost in the rounding of the loss; the full step is quadratically good there.
_ROUNDING = 1e-16
# Largest slope, per period and in units of the coefficients' own scale, of a point that counts as an optimum.
_CERTIFIED = 1e-8


class JointRegression(NamedTuple):
    """A joint quantile and expected shortfall regression.

    Attributes
    ----------
    quantile, shortfall : ndarray, shape (2,)
        Coefficients on a constant (unit of the losses) and on the forecast (no unit).
    covariance : ndarray, shape (2, 2)
        Sandwich covariance of the shortfall coefficients.
    loss : float
        Mean loss of the shifted data that was minimised.
    certificate : float
        Largest slope downwards that is left, per period and without unit; zero at an exact optimum.
    """

    quantile: Floats
    shortfall: Floats
    covariance: Floats
    loss: float
    certificate: float


def fit_joint_regression(
    losses: Floats,
    Z: Floats,  # noqa: N803
    X: Floats,  # noqa: N803
    *,
    confidence: float,
    covariance: Covariance = "scale",
) -> JointRegression:
    """Return the joint regression of the quantile on Z and the expected shortfall on X.

    Parameters
    ----------
    losses : ndarray, shape (n_obs,)
        Positive when money is lost.
    Z, X : ndarray, shape (n_obs, 2)
        Ones, and the forecast of the Value at Risk or of the expected shortfall in the unit of the losses; the second
        column varies, that of X is positive.
    confidence : float
        Of quantile and shortfall.
    covariance : {"scale", "robust"}
        "scale": the scores' variance is taken as proportional to the squared forecast; "robust": from the scores
        themselves, of which a short tail has few.

    Returns
    -------
    JointRegression
        The better of two searches: from the forecasts themselves, and from a plain quantile regression.

    Raises
    ------
    ConvergenceError
        When no search ends in a certified optimum.

    Notes
    -----
    Dimitriadis and Bayer [1]_ with G1 = 0 and G2(E) = 1 / (E + s): the loss FZ0 of losses to which s, minus their
    smallest, is added. Without the shift the loss has no lower bound where a fitted quantile is negative; with it
    every depth is positive. The score of c is x (E - C) / (E + s)^2, C = V + (L - V)+ / p, its expected Hessian
    x x' / (E + s)^2, and the cross terms with b vanish at the truth, so that the covariance of c needs no density.

    References
    ----------
    .. [1] Dimitriadis and Bayer (2019), A joint quantile and expected shortfall regression framework, Electronic
       Journal of Statistics 13.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scale = np.exp(0.5 * rng.standard_normal(2000))
    >>> Z, X = (np.column_stack([np.ones(2000), m * scale]) for m in (1.645, 2.063))
    >>> fit = fit_joint_regression(scale * rng.standard_normal(2000), Z, X, confidence=0.95)
    >>> bool(np.all(np.abs(fit.shortfall - [0.0, 1.0]) < 3 * np.sqrt(np.diag(fit.covariance))))
    True
    """
    # In units of the mean shifted forecast a tolerance means the same whatever the unit of the losses.
    shift = -float(losses.min())
    unit = float(X[:, 1].mean()) + shift
    y, scale, p = (losses + shift) / unit, np.array([1.0, 1.0 / unit]), 1.0 - confidence
    z, x = Z * scale, X * scale
    starts = (np.array([shift / unit, 1.0]), None)
    found = [fit for start in starts if (fit := _search(y, z, x, p, start)) is not None]
    if not found:
        rule = "the joint regression of quantile and expected shortfall found no certified optimum"
        raise ConvergenceError(f"{rule} on {len(losses)} periods; pass a longer history or a lower confidence.")
    best = min(found, key=lambda fit: fit.loss)
    C, back, moved = _depth(y, z @ best.quantile, p), np.array([unit, 1.0]), np.array([shift, 0.0])
    return best._replace(
        quantile=best.quantile * back - moved,
        shortfall=best.shortfall * back - moved,
        covariance=_covariance(C, x, best.shortfall, covariance) * np.outer(back, back),
        loss=best.loss + float(np.log(unit)),
    )


def _search(y: Floats, z: Floats, x: Floats, p: float, start: Floats | None) -> JointRegression | None:
    """Return the optimum that turns lead to from a start (least squares without one), or None."""
    c = start
    if c is None:
        b, _, _ = _line(y, z, np.ones(len(y)), p, None)
        c = np.asarray(np.linalg.lstsq(x, _depth(y, z @ b, p), rcond=None)[0], dtype=np.float64)
    vertex, last = None, np.inf
    for _ in range(_MOST_TURNS):
        if c is None or (x @ c <= 0.0).any():
            return None
        b, vertex, left = _line(y, z, 1.0 / (x @ c), p, vertex)
        C = _depth(y, z @ b, p)
        loss = _loss(C, x @ c)
        # Both conditions at one point: the vertex was judged with the weights of this very c.
        certificate = max(-left, float(np.abs(_gradient(C, x, c)).max()), 0.0)
        if certificate <= _CERTIFIED and last - loss <= _STILL * max(1.0, abs(loss)):
            return JointRegression(b, c, np.empty((2, 2)), loss, certificate)
        c, last = _shortfall_step(C, x, c), loss
    return None


def _line(
    y: Floats, z: Floats, weights: Floats, p: float, vertex: npt.NDArray[np.int64] | None
) -> tuple[Floats, npt.NDArray[np.int64], float]:
    """Return the weighted quantile regression, its vertex, and the steepest descent left."""
    if vertex is None:
        order = np.argsort(z[:, 1], kind="stable")
        vertex = np.array([order[len(y) // 4], order[-1]], dtype=np.int64)
    kernels = load_kernels("volkit.validation.shortfall._regression")
    b, column = np.empty(2), (np.ascontiguousarray(z[:, k]) for k in range(2))
    left = kernels.quantile_line(*column, y, weights, 1.0 - p, vertex, b, _MOST_VERTICES)
    return b, vertex, float(left)


def _depth(y: Floats, quantile: Floats, p: float) -> Floats:
    """Return V + (L - V)+ / p, whose mean given the past is the expected shortfall."""
    return np.asarray(quantile + np.maximum(y - quantile, 0.0) / p)


def _loss(depth: Floats, shortfall: Floats) -> float:
    return float((depth / shortfall + np.log(shortfall)).mean())


def _gradient(depth: Floats, x: Floats, c: Floats) -> Floats:
    E = x @ c
    return np.asarray(x.T @ ((E - depth) / E**2) / len(depth))


def _shortfall_step(depth: Floats, x: Floats, c: Floats) -> Floats | None:
    """Return the shortfall coefficients that fit the depths best, by damped Newton steps; None when they run away."""
    C, n = depth, len(depth)
    for _ in range(_MOST_STEPS):
        E = x @ c
        gradient = _gradient(C, x, c)
        if np.abs(gradient).max() <= 1e-13:
            return c
        hessian = (x.T * ((2.0 * C - E) / E**3)) @ x / n
        if np.linalg.eigvalsh(hessian)[0] <= 0.0:
            hessian = (x.T / E**2) @ x / n  # its expectation, always positive
        step = -np.linalg.solve(hessian, gradient)
        if -float(gradient @ step) <= _ROUNDING:
            return c + step if (x @ (c + step) > 0.0).all() else c
        before, length = _loss(C, E), 1.0
        while length > 1e-12:
            after = x @ (c + length * step)
            if (after > 0.0).all() and _loss(C, after) <= before + 1e-4 * length * float(gradient @ step):
                break
            length /= 2.0
        else:
            return c  # rounding: no step promises more than the loss can show
        c = c + length * step
    return None


def _covariance(depth: Floats, x: Floats, c: Floats, kind: Covariance) -> Floats:
    E = x @ c
    bread = np.linalg.inv((x.T / E**2) @ x)
    error, forecast = E - depth, x[:, 1]
    squares = error**2 if kind == "robust" else (error**2 / forecast**2).mean() * forecast**2
    return np.asarray(bread @ ((x.T * (squares / E**4)) @ x) @ bread)
