"""Tail risks from the returns of a look-back as they came: equally likely, weighted by age, or by their moments.

Arrays of returns enter; one row a period leaves, shape (n_periods, 4): Value at Risk and expected shortfall of long
positions, then of short ones, fractions of the notional.
"""

import numpy as np
from scipy import special

from volkit.kernels import load_kernels
from volkit.margin.rates import require_tail

__all__ = ["cornish_fisher_tails", "historical_tails", "tails_of_samples", "weighted_tails"]

# Normal deviates at which the Cornish-Fisher quantile is taken, and their probabilities.
_DEVIATES = np.linspace(-8.5, 8.5, 6801)
_WEIGHTS = np.exp(-0.5 * _DEVIATES**2) / np.exp(-0.5 * _DEVIATES**2).sum()


def tails_of_samples(
    samples: np.ndarray,
    *,
    confidence: float,
    means: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    least: float = -np.inf,
) -> np.ndarray:
    """Return both tails of each row of samples, moved and scaled, shape (n_samples, 4), decimals, unchecked.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_scenarios)
        Equally likely within a row.
    confidence : float
        For example 0.99; quantiles are of type 6 (see `tail_risk`).
    means, scales : ndarray, shape (n_samples,), optional
        Row i stands for the returns means[i] + scales[i] samples[i]; 0 and 1 by default.
    least : float
        No return lies below.

    Examples
    --------
    >>> tails_of_samples(np.arange(-99.0, 100.0)[None, :], confidence=0.99).tolist()
    [[98.0, 98.5, 98.0, 98.5]]
    """
    n = len(samples)
    out = np.empty((n, 4))
    # C order and writable views: the compiled pass takes no others.
    load_kernels("volkit.margin.measures._tails").both_tails(
        np.ascontiguousarray(samples),
        np.zeros(n) if means is None else means,
        np.ones(n) if scales is None else scales,
        least,
        confidence,
        True,
        out,
    )
    return out


def historical_tails(windows: list[np.ndarray], *, confidence: float) -> np.ndarray:
    """Return the empirical tails of each window of returns, shape (n_windows, 4).

    Raises
    ------
    ArgumentError
        As `require_tail`.

    Examples
    --------
    >>> historical_tails([np.arange(-99.0, 100.0) / 1000], confidence=0.99).round(4).tolist()
    [[0.098, 0.0985, 0.098, 0.0985]]
    """
    require_tail(min(len(w) for w in windows), confidence)
    if len({len(w) for w in windows}) == 1:
        return tails_of_samples(np.stack(windows), confidence=confidence)
    return np.concatenate([tails_of_samples(w[None, :], confidence=confidence) for w in windows])


def weighted_tails(windows: list[np.ndarray], *, confidence: float, half_life: float) -> np.ndarray:
    """Return the tails of each window with weights that halve every `half_life` periods, shape (n_windows, 4).

    Raises
    ------
    ArgumentError
        As `require_tail`, by the effective number of scenarios, one over the sum of squared weights.

    Notes
    -----
    Boudoukh, Richardson and Whitelaw (1998, "The best of both worlds", Risk 11(5)). Losses are sorted from the largest;
    Value at Risk is the first at which the weights add up to more than 1 - confidence, expected shortfall their mean
    up to there with the last weight cut at 1 - confidence.

    Examples
    --------
    >>> weighted_tails([np.arange(-99.0, 100.0) / 1000], confidence=0.95, half_life=1e9).round(3).tolist()[0][:2]
    [0.09, 0.095]
    """
    longest = max(len(w) for w in windows)
    ages = np.arange(longest)[::-1]
    weights = 0.5 ** (ages / half_life)
    shortest = weights[longest - min(len(w) for w in windows) :]
    require_tail(float(shortest.sum() ** 2 / (shortest**2).sum()), confidence)
    rows = np.empty((len(windows), 4))
    for i, window in enumerate(windows):
        own = weights[longest - len(window) :] / weights[longest - len(window) :].sum()
        order = np.argsort(window, kind="stable")
        for side, ranked in enumerate((order, order[::-1])):
            lost = -window[ranked] if side == 0 else window[ranked]
            mass = np.cumsum(own[ranked])
            k = int(np.searchsorted(mass, 1.0 - confidence + 1e-12, side="right"))
            counted = np.minimum(mass[: k + 1], 1.0 - confidence)
            shares = np.diff(counted, prepend=0.0)
            rows[i, 2 * side : 2 * side + 2] = lost[k], shares @ lost[: k + 1] / (1.0 - confidence)
    return rows


def cornish_fisher_tails(windows: list[np.ndarray], *, confidence: float) -> np.ndarray:
    """Return the tails of each window by its first four moments, shape (n_windows, 4).

    Notes
    -----
    Quantile of the Cornish-Fisher expansion in skewness S and excess kurtosis K of the window,

        q = z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36,

    (Zangari 1996). It need not rise with the probability; its values are put in order (Chernozhukov, Fernandez-Val and
    Galichon 2010), which never makes it worse. Expected shortfall is the mean over the tail.

    Examples
    --------
    >>> draws = np.random.default_rng(1).standard_normal(100_000) / 100
    >>> cornish_fisher_tails([draws], confidence=0.99).round(4).tolist()
    [[0.0232, 0.0266, 0.0233, 0.0268]]
    """
    tail = 1.0 - confidence
    rows = np.empty((len(windows), 4))
    for i, window in enumerate(windows):
        mean, deviation = window.mean(), window.std()
        u = (window - mean) / deviation
        skew, kurtosis = (u**3).mean(), (u**4).mean() - 3.0
        for side, sign in enumerate((1.0, -1.0)):
            at, beyond = _ordered_tail(sign * skew, kurtosis, tail)
            drift = -sign * mean
            rows[i, 2 * side : 2 * side + 2] = drift - deviation * at, drift - deviation * beyond
    return rows


def _ordered_tail(skew: float, kurtosis: float, tail: float) -> tuple[float, float]:
    """Quantile of the expansion put in order, and the mean below it, in standard deviations."""
    q = _expansion(_DEVIATES, skew, kurtosis)
    order = np.argsort(q, kind="stable")
    mass = np.cumsum(_WEIGHTS[order])
    shares = np.diff(np.minimum(mass, tail), prepend=0.0)
    beyond = float(shares @ q[order]) / tail
    if (np.diff(q) >= 0.0).all():
        # It rises throughout: no order has to be made, and its value is exact.
        return float(_expansion(np.array([special.ndtri(tail)]), skew, kurtosis)[0]), beyond
    return float(q[order][np.searchsorted(mass, tail)]), beyond


def _expansion(z: np.ndarray, skew: float, kurtosis: float) -> np.ndarray:
    return np.asarray(
        z + (z**2 - 1.0) * skew / 6.0 + (z**3 - 3.0 * z) * kurtosis / 24.0 - (2.0 * z**3 - 5.0 * z) * skew**2 / 36.0
    )
