"""Score test that some coefficients of a regression are zero: holds its level on fat tails and volatility clusters.

Plain arrays enter, one regression or a batch of them; statistics and p-values leave. Wald tests with robust
covariances are too eager here: a few large rows make the coefficients and hide in the residuals.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["ScoreTest", "score_block", "score_test"]

# Blocks that a coefficient needs at least.
_BLOCKS_EACH = 3
# A variance below this is rounding: the statistic is the same for all signs.
_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class ScoreTest:
    """Statistics in their F form, arrays of shape (n_fits,).

    Attributes
    ----------
    statistic : ndarray
        F, no unit.
    numerator, denominator : ndarray
        Its degrees of freedom, not whole numbers.
    p_value : ndarray
        Chance of a larger one when the coefficients are zero; NaN where values are.
    """

    statistic: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    p_value: np.ndarray


def score_block(n: int, m: int) -> int:
    """Return the rows of a block for n rows and m coefficients: n^(1/3), shorter when blocks would be too few.

    Examples
    --------
    >>> score_block(250, 2), score_block(30, 5)
    (6, 2)
    """
    return max(1, min(int(np.rint(np.cbrt(n))), n // (_BLOCKS_EACH * m)))


def score_test(y: np.ndarray, tested: np.ndarray, kept: np.ndarray, *, block: int) -> ScoreTest:
    """Return the test that y does not depend on the tested columns, given the kept ones.

    Parameters
    ----------
    y : ndarray, shape (n_fits, n)
        Explained values in order of time, any unit.
    tested : ndarray, shape (n_fits, n, m)
        Columns whose coefficients are zero under the hypothesis, any units.
    kept : ndarray, shape (n_fits, n, k)
        Other columns, the constant among them.
    block : int
        Neighbouring rows whose scores are summed: dependence within them does no harm. More than m blocks must be
        left.

    Notes
    -----
    With x and e what is left of tested columns and y after the kept ones, the scores are s_t = x_t e_t, with the
    hypothesis imposed on e, and S_b their sums over blocks. W = (sum_b S_b)' (sum_b S_b S_b')^-1 (sum_b S_b) is the
    score statistic with clusters [1]_, and F = (B - m) W / (m (B - W)) Hotelling's form of it. If the S_b had random
    signs, which they have when volatility is all that asset and factors share, W would have mean m and variance
    2 (m - sum_b h_b^2), h being the leverage of the rows of S [2]_. The law is F with the degrees of freedom that
    give W / B, a beta variable, these moments: for normal scores about (m, B - m), for fat-tailed ones more.
    In simulation (normal, and volatility common to both sides with GARCH and t5 tails; n of 90, 250 and 1,000; 1, 2
    and 5 coefficients) 5 % tests reject in 4 to 6 % of samples; Newey-West F tests in up to 13 %, White's with HC3
    in up to 10 %.

    References
    ----------
    .. [1] Breusch and Pagan (1980), Review of Economic Studies 47, for score tests; Cameron, Gelbach and Miller
       (2008), Review of Economics and Statistics 90(3), for the hypothesis imposed and signs of whole clusters.
    .. [2] The moments of a quadratic form in random signs; Davidson and Flachaire (2008), Journal of Econometrics
       146, draw the signs instead.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, noise = rng.standard_normal((1, 200, 1)), rng.standard_normal((1, 200))
    >>> linked = score_test(0.5 * x[..., 0] + noise, x, np.ones((1, 200, 1)), block=6)
    >>> bool(linked.p_value[0] < 0.001), bool(score_test(noise, x, np.ones((1, 200, 1)), block=6).p_value[0] < 0.05)
    (True, False)
    """
    q = np.linalg.qr(kept / np.sqrt((kept**2).mean(axis=1, keepdims=True)))[0]
    left = np.concatenate([tested, y[..., None]], axis=2)
    # Twice, since what a projection leaves of a column near the others is rounding once.
    for _ in range(2):
        left = left - q @ (q.swapaxes(1, 2) @ left)
    scores = left[..., :-1] * left[..., -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = scores / np.sqrt((scores**2).mean(axis=1, keepdims=True))
    sums = np.add.reduceat(scores, np.arange(0, y.shape[1], block), axis=1)
    n_blocks, m = sums.shape[1:]
    Q = np.linalg.qr(sums)[0]
    W = (Q.sum(axis=1) ** 2).sum(axis=1)
    variance = 2.0 * (m - ((Q**2).sum(axis=2) ** 2).sum(axis=1))
    share = m / n_blocks
    size = share * (1.0 - share) * n_blocks**2 / np.maximum(variance, _LEAST_VARIANCE) - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (n_blocks - m) * W / (m * np.maximum(n_blocks - W, 0.0))
    numerator, denominator = 2.0 * share * size, 2.0 * (1.0 - share) * size
    return ScoreTest(statistic, numerator, denominator, np.asarray(stats.f.sf(statistic, numerator, denominator)))
