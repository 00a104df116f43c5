"""The interval of a correlation from its influence function, when that is serially correlated: plain arrays."""

import numpy as np

from volkit.correlation.intervals import CorrelationBand, atanh_band, cosine_terms, ewc_freedom, ewc_variance

__all__ = ["band_from_influence"]


def band_from_influence(
    correlation: float, influence: np.ndarray, *, overlap: int = 1, confidence: float
) -> CorrelationBand:
    """Return one correlation with an equal-weighted-cosine interval, arrays of shape (1,).

    Parameters
    ----------
    correlation : float
        Strictly between -1 and 1, or on them with an influence of zero.
    influence : ndarray, shape (n,)
        Of atanh(correlation), mean zero, in order of time.
    overlap : int
        Periods that an observation spans: n / overlap of them are apart, and set the number of cosines and the
        degrees of freedom, so that the cosines' waves are long beside the overlap.
    confidence : float
        Fraction, two-sided.

    Notes
    -----
    As `intervals.ewc_variance` and `intervals.ewc_freedom`, of which these are the case overlap = 1.

    Examples
    --------
    >>> psi = np.random.default_rng(1).standard_normal(400)
    >>> band = band_from_influence(0.5, psi, confidence=0.95)
    >>> round(float(band.lower[0]), 2), round(float(band.upper[0]), 2)
    (0.45, 0.55)
    """
    psi, apart = influence[None, :], influence[None, ::overlap]
    standard_error = np.sqrt(ewc_variance(psi, terms=cosine_terms(apart.shape[-1])))
    r = np.array([correlation])
    return atanh_band(r, standard_error, degrees_of_freedom=ewc_freedom(apart), confidence=confidence)
