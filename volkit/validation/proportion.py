"""The exact interval of a probability, by the counts behind it."""

from scipy import stats

from volkit.errors import DataError

__all__ = ["exact_interval"]


def exact_interval(n_events: float, n_obs: float, *, coverage: float) -> tuple[float, float]:
    """Return Clopper and Pearson's interval of a probability (1934, Biometrika 26(4), 404-413).

    Parameters
    ----------
    n_events, n_obs : float
        Events and observations; effective numbers need not be whole.
    coverage : float
        At least reached, fraction.

    Returns
    -------
    tuple of float
        Low and high, probabilities.

    Raises
    ------
    DataError
        For no observation, or more events than observations.

    Examples
    --------
    >>> low, high = exact_interval(0, 100, coverage=0.95)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    x, n = float(n_events), float(n_obs)
    if not 0.0 <= x <= n or n <= 0.0:
        got, remedy = f"{n_events} of {n_obs}", "count events among at least one observation"
        raise DataError("n_events", "must lie from 0 to the number of observations", got, remedy)
    tail = 0.5 * (1.0 - coverage)
    low = float(stats.beta.ppf(tail, x, n - x + 1.0)) if x > 0.0 else 0.0
    high = float(stats.beta.isf(tail, x + 1.0, n - x)) if x < n else 1.0
    return low, high
