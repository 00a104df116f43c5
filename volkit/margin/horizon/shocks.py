"""Standard normal shocks of paths, plain or stratified by their sum, and the errors of means over them."""

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["shocks_with_sums", "stratified_error", "stratified_normals"]

Floats = npt.NDArray[np.float64]

_LEAST = 2.0**-80


def stratified_normals(n_paths: int, *, rng: np.random.Generator) -> Floats:
    """Return sorted standard normals, two in each of n_paths / 2 strata of equal probability.

    Parameters
    ----------
    n_paths : int
        Even.
    rng : Generator
        Randomness.

    Returns
    -------
    ndarray, shape (n_paths,)
        Neighbours 2 i and 2 i + 1 are independent draws of stratum i.

    Examples
    --------
    >>> z = stratified_normals(1000, rng=np.random.default_rng(1))
    >>> bool(abs(z.mean()) < 0.01)
    True
    """
    strata = np.repeat(np.arange(n_paths // 2, dtype=np.float64), 2)
    probability = (strata + rng.random(n_paths)) / (n_paths // 2)
    # A draw of exactly 0 would be an infinite shock.
    return np.asarray(special.ndtri(np.maximum(probability, _LEAST)))


def shocks_with_sums(sums: Floats, steps: int, *, rng: np.random.Generator) -> Floats:
    """Return normal shocks of paths whose sum over the root of the steps is given, shape (n_paths, steps).

    Parameters
    ----------
    sums : ndarray, shape (n_paths,)
        For standard normal ones the shocks are independent standard normals.
    steps : int
        Shocks of a path.
    rng : Generator
        Randomness.

    Notes
    -----
    The sum of n standard normals and their deviations from its share are independent (Glasserman 2004, Monte Carlo
    Methods in Financial Engineering, section 4.3.2).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> z = shocks_with_sums(stratified_normals(1000, rng=rng), 24, rng=rng)
    >>> z.shape, bool(abs(z.sum(axis=1).var() / 24 - 1.0) < 0.01)
    ((1000, 24), True)
    """
    z = rng.standard_normal((len(sums), steps))
    z += (sums / np.sqrt(steps) - z.mean(axis=1))[:, None]
    return z


def stratified_error(values: Floats) -> float:
    """Return the standard error of a mean over strata of two neighbours each (unit of the values).

    With m strata the variance of the mean is sum (a - b)^2 / (4 m^2).

    Examples
    --------
    >>> round(stratified_error(np.array([0.0, 1.0, 1.0, 1.0])), 4)
    0.25
    """
    a, b = values[0::2], values[1::2]
    return float(np.sqrt(((a - b) ** 2).sum()) / (2.0 * len(a)))
