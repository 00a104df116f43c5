"""What margins make of periods after a fit: residuals of later returns, and returns of simulated residuals."""

import numpy as np
import pandas as pd

from volkit.checks import check_times
from volkit.correlation.dcc.likelihood import copula_law, copula_quantiles
from volkit.correlation.dcc.margins import signed_tail, value_of_tail
from volkit.errors import DataError
from volkit.volatility.fit import VolatilityFit

__all__ = ["copula_drivers", "margin_values", "residuals_after", "returns_after"]

Margins = tuple[VolatilityFit, ...]


def residuals_after(
    margins: Margins, names: tuple[str, ...], later: pd.DataFrame, *, after: pd.Timestamp
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Return times (UTC) and standardised residuals, shape (n_later, n_assets), of decimal returns after a fit.

    Raises
    ------
    DataError
        For missing series or values, and rows that do not begin after the fit's last one.
    """
    if missing := [name for name in names if name not in later]:
        raise DataError("later", "must have every series of the fit", f"none for {', '.join(missing)}", "add them")
    times = check_times(later.index, argument="later")
    values = later[list(names)].to_numpy(dtype=np.float64)
    if bad := int((~np.isfinite(values)).sum()):
        raise DataError("later", "must be finite", f"{bad} values that are not", "drop these rows and count them")
    if times[0] <= after:
        remedy = "pass only the rows that the fit has not seen"
        raise DataError("later", f"must begin after {after}", f"a row at {times[0]}", remedy)
    columns = np.ascontiguousarray(values.T)
    return times, np.column_stack([_residuals(m, c) for m, c in zip(margins, columns, strict=True)])


def _residuals(margin: VolatilityFit, values: np.ndarray) -> np.ndarray:
    ar = margin.recursion.ar
    variance = margin.recursion.follow(values, margin.next_variance, earlier=margin.returns.to_numpy())[:-1]
    joined = np.concatenate([margin.earlier, values])
    mean = margin.recursion.mu + sum(
        weight * joined[len(ar) - k : len(joined) - k] for k, weight in enumerate(ar, start=1)
    )
    return np.asarray((values - mean) / np.sqrt(variance))


def copula_drivers(margins: Margins, z: np.ndarray, inverse_nu: float) -> np.ndarray:
    """Return the copula's quantiles of standardised residuals, shape (n, n_assets)."""
    tails = [signed_tail(margin.distribution, z[..., k]) for k, margin in enumerate(margins)]
    return copula_quantiles(np.stack(tails, axis=-1), inverse_nu)


def margin_values(margins: Margins, x: np.ndarray, inverse_nu: float) -> np.ndarray:
    """Return the standardised residuals of the copula's quantiles, shape (..., n_assets)."""
    tails = signed_tail(copula_law(inverse_nu), x)
    return np.stack([value_of_tail(m.distribution, tails[..., k]) for k, m in enumerate(margins)], axis=-1)


def returns_after(margins: Margins, z: np.ndarray) -> np.ndarray:
    """Return decimal returns of standardised residuals after a fit, both of shape (n_paths, horizon, n_assets)."""
    returns = np.empty_like(z)
    for k, margin in enumerate(margins):
        shocks = np.ascontiguousarray(z[..., k])
        returns[..., k], _ = margin.recursion.simulate(margin.next_variance, shocks, earlier=margin.returns.to_numpy())
    return returns
