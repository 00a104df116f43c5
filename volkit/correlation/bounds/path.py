"""How far a correlation matrix can go towards its bounds and stay one: plain arrays in, plain arrays out.

Bounds that are drawn pair by pair need not fit together: some portfolio would have a negative variance. Higham's repair
makes them fit, but moves entries either way and more at one level than at the next. Here the matrix walks instead.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

__all__ = ["LEAST_EIGENVALUE", "LevelPath", "furthest_level", "furthest_share"]

# What every matrix that leaves here keeps: enough for a Cholesky factor of a hundred series.
LEAST_EIGENVALUE = 1e-8
_NO_ROOM = 1e-9
_FIRST_STEP = 0.25
_SHORTEST_STEP = 1e-12
_MOST_STEPS = 5000
# Normal score of a level that no float tells from one.
_LAST_SCORE = 8.0


@dataclass(frozen=True, eq=False, slots=True)
class LevelPath:
    """The matrices tanh(atanh r +- t(level) se), all pairs at one level; arrays of shape (n_assets, n_assets).

    Attributes
    ----------
    estimate : ndarray
        Positive definite, diagonal one.
    standard_error, degrees_of_freedom : ndarray
        Of atanh(estimate) and of the t quantile; the diagonal is not looked at.
    direction : ndarray
        +1 for a pair that moves up, -1 for one that moves down: an outer product of signs, or its negative.
    """

    estimate: np.ndarray
    standard_error: np.ndarray
    degrees_of_freedom: np.ndarray
    direction: np.ndarray

    def at(self, score: float) -> np.ndarray:
        """Return the matrix at a level, given as the normal score c of level = 2 Phi(c) - 1.

        Examples
        --------
        >>> half, one = np.full((2, 2), 0.5) + 0.5 * np.eye(2), np.ones((2, 2))
        >>> LevelPath(half, 0.1 * one, 1e9 * one, -one).at(1.96).round(3)[0, 1]
        np.float64(0.339)
        """
        # The lower tail, negated, is exact also where a level near one has no digits left.
        quantile = -special.stdtrit(self.degrees_of_freedom, special.ndtr(-score))
        inner = self.estimate * (1.0 - np.eye(len(self.estimate)))
        moved = np.tanh(np.arctanh(inner) + self.direction * quantile * self.standard_error)
        np.fill_diagonal(moved, 1.0)
        return np.asarray(moved)


def furthest_level(path: LevelPath, *, confidence: float) -> tuple[np.ndarray, float]:
    """Return the matrix at the highest level up to `confidence` before the path leaves the correlation matrices.

    Parameters
    ----------
    path : LevelPath
        Begins at level 0 with the estimate.
    confidence : float
        Two-sided level that is wanted, fraction.

    Returns
    -------
    matrix : ndarray, shape (n_assets, n_assets)
        With no eigenvalue below 1e-8.
    level : float
        The one reached, at most `confidence`.

    Notes
    -----
    From a matrix R with smallest eigenvalue m, every R' with ||R' - R||_2 < m is positive definite (Weyl). Along the
    path entries move one way, so that |R' - R| and its largest eigenvalue only grow, and a step whose end is near
    enough has no point of its inside beyond. Such steps are made until m is used up. They do not depend on
    `confidence`: the level reached is the smaller of it and a number that belongs to the path alone.

    Examples
    --------
    >>> given = np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.55], [0.8, 0.55, 1.0]])
    >>> ones = np.ones((3, 3))
    >>> matrix, level = furthest_level(LevelPath(given, 0.1 * ones, 1e9 * ones, ones), confidence=0.95)
    >>> round(level, 3), float(np.linalg.eigvalsh(matrix)[0]) > 0.0
    (0.911, True)
    """
    wanted = float(-special.ndtri(0.5 * (1.0 - confidence)))
    score, step, matrix = 0.0, _FIRST_STEP, path.at(0.0)
    for _ in range(_MOST_STEPS):
        room = np.linalg.eigvalsh(matrix)[0] - LEAST_EIGENVALUE
        if room <= _NO_ROOM or score >= _LAST_SCORE:
            break
        moved = path.at(score + step)
        while np.linalg.eigvalsh(np.abs(moved - matrix))[-1] >= room and step > _SHORTEST_STEP:
            step *= 0.5
            moved = path.at(score + step)
        if score + step >= wanted:
            return path.at(wanted), confidence
        if step <= _SHORTEST_STEP:
            break
        score, matrix, step = score + step, moved, 2.0 * step
    reached = min(score, wanted)
    return path.at(reached), float(1.0 - 2.0 * special.ndtr(-reached))


def furthest_share(start: np.ndarray, target: np.ndarray) -> float:
    """Return the largest share t, from 0 to 1, with start + t (target - start) still a correlation matrix.

    Parameters
    ----------
    start : ndarray, shape (n_assets, n_assets)
        Positive definite, diagonal one.
    target : ndarray, shape (n_assets, n_assets)
        Symmetric, diagonal one.

    Notes
    -----
    With the Cholesky factor L of start - 1e-8 I and m the smallest eigenvalue of L^-1 (target - start) L^-T, it is
    -1 / m, and 1 for m > -1. 0 when the start has no room.

    Examples
    --------
    >>> all_at_minus_one = 2.0 * np.eye(3) - 1.0
    >>> round(furthest_share(np.eye(3), all_at_minus_one), 6)
    0.5
    """
    if np.linalg.eigvalsh(target)[0] >= LEAST_EIGENVALUE:
        return 1.0
    eigenvalues, vectors = np.linalg.eigh(start)
    room = eigenvalues - LEAST_EIGENVALUE
    if room[0] <= _NO_ROOM:
        return 0.0
    root = vectors / np.sqrt(room)
    smallest = float(np.linalg.eigvalsh(root.T @ (target - start) @ root)[0])
    return 1.0 if smallest >= -1.0 else -1.0 / smallest
