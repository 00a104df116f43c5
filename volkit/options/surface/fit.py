"""Fit of a whole surface: one smile an expiry, checked for arbitrage within and between, nothing repaired unasked."""

from typing import Protocol

import numpy as np
import pandas as pd

from volkit.checks import check_table
from volkit.errors import DataError
from volkit.options.surface.calibration import fit_svi
from volkit.options.surface.search import problem_of
from volkit.options.surface.smile import FittedSmile, Residual, fit_residual, fit_residual_by_strike
from volkit.options.surface.spec import SurfaceSpec
from volkit.options.surface.surface import VolatilitySurface, assemble
from volkit.options.surface.svi import RawSVI
from volkit.options.surface.tables import usable_quotes
from volkit.results import Provenance

__all__ = ["fit_surface"]

_YEAR = pd.Timedelta(days=365)


class PreparedQuotes(Protocol):
    """What a prepared option book has."""

    @property
    def quotes(self) -> pd.DataFrame:
        """One row an option."""
        ...

    @property
    def as_of(self) -> pd.Timestamp:
        """Instant (UTC) of the quotes."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Where the quotes came from."""
        ...


def fit_surface(book: PreparedQuotes | pd.DataFrame, *, spec: SurfaceSpec | None = None) -> VolatilitySurface:
    """Return the volatility surface of one underlying.

    Parameters
    ----------
    book : PreparedChain or DataFrame
        From `volkit.options.chain.prepare_chain`, or a frame with the columns expiry (UTC), time (years), forward,
        strike, is_call, log_moneyness, bid_volatility, ask_volatility, mark_volatility (decimal per year, NaN where
        not known), and where at hand instrument, mid_volatility, bid, ask.
    spec : SurfaceSpec, optional
        Smile, target and limits; by default an SVI curve with a smooth factor, fitted to marks, arbitrage reported.

    Returns
    -------
    VolatilitySurface
        With parameters by expiry, residuals by quote and an arbitrage report. Expiries with fewer than five strikes and
        quotes not used are in `skipped`.

    Raises
    ------
    DataError
        For missing columns, times that are not positive, or no expiry that can be fitted.
    ConvergenceError
        With ``limits="refuse"``, when no smile near the quotes keeps them.

    Notes
    -----
    Each smile minimises squared residuals over half of the bid-ask spread in volatility; with marks as the target, over
    at most 0.001 + 0.02 z^2, z standard deviations from the forward, because hours from expiry the spread is several
    points wide and the mark known better. Forwards of one expiry that differ by row are kept in the rows'
    log-moneyness; the smile's own is their median. Within two days of expiry a tick is worth whole points in the wings:
    look at `parameters` for the share inside bid and ask by expiry.

    Examples
    --------
    A simulated smile of two expiries:

    >>> import numpy as np
    >>> k = np.linspace(-0.4, 0.4, 15)
    >>> rows = pd.DataFrame({"log_moneyness": np.tile(k, 2), "time": np.repeat([0.1, 0.3], 15)})
    >>> level = 0.5 + 0.2 * rows["log_moneyness"] ** 2
    >>> as_of = pd.Timestamp("2024-01-01", tz="UTC")
    >>> rows = rows.assign(
    ...     expiry=as_of + pd.to_timedelta(365 * rows["time"], unit="D"), forward=100.0,
    ...     strike=100.0 * np.exp(rows["log_moneyness"]), is_call=rows["log_moneyness"] > 0,
    ...     bid_volatility=level - 0.01, ask_volatility=level + 0.01, mark_volatility=level)
    >>> surface = fit_surface(rows)
    >>> surface.inside_share, round(float(surface.volatility(0.0, 0.2)), 3)
    (1.0, 0.5)
    """
    chosen = spec if spec is not None else SurfaceSpec()
    frame = check_table(book if isinstance(book, pd.DataFrame) else getattr(book, "quotes", book), argument="book")
    _refuse_several(frame)
    used, skipped = usable_quotes(frame, chosen)
    first = used.iloc[0]
    as_of = first["expiry"] - first["time"] * _YEAR if isinstance(book, pd.DataFrame) else book.as_of
    slices = tuple(_fit_expiry(expiry, rows, chosen) for expiry, rows in used.groupby("expiry", sort=True))
    surface = assemble(
        slices,
        quotes=used,
        skipped=skipped,
        changes=(),
        as_of=as_of,
        spec=chosen,
        provenance=None if isinstance(book, pd.DataFrame) else book.provenance,
    )
    return surface.repair() if chosen.limits == "refuse" else surface


def _refuse_several(frame: pd.DataFrame) -> None:
    if "underlying" in frame.columns and frame["underlying"].nunique() > 1:
        names = ", ".join(sorted(map(str, frame["underlying"].unique())))
        raise DataError("book", "must hold one underlying", names, "fit each by itself")


def _fit_expiry(expiry: pd.Timestamp, rows: pd.DataFrame, spec: SurfaceSpec) -> FittedSmile:
    k, v = rows["log_moneyness"].to_numpy(), rows["target_volatility"].to_numpy()
    time, tolerance = float(rows["time"].iloc[0]), rows["tolerance"].to_numpy()
    svi = fit_svi(k, v, time=time, tolerance=tolerance).smile
    residual = None
    if spec.model == "svi_spline":
        residual = _factor(svi, k, v, time, tolerance, spec)
    return FittedSmile(
        expiry=expiry,
        time=time,
        forward=float(rows["forward"].median()),
        svi=svi,
        residual=residual,
        low=float(k.min()),
        high=float(k.max()),
    )


def _factor(
    svi: RawSVI, k: np.ndarray, v: np.ndarray, time: float, tolerance: np.ndarray, spec: SurfaceSpec
) -> Residual | None:
    if spec.detail == "smooth":
        problem = problem_of(k, v, time=time, tolerance=tolerance)
        return fit_residual(svi, problem, least_smoothing=spec.least_smoothing)
    # Vega moves by d1 d2 times the relative move of volatility: half a per cent of it is what may be missed.
    root = v * np.sqrt(time)
    # Beyond five deviations vegas are below what venues print, and say nothing that should bend the middle.
    lever = np.clip(np.abs((k / root) ** 2 - 0.25 * root**2), 2.0, 25.0)
    near = 1.0 / np.hypot(1.0 / tolerance, lever / (0.005 * v))
    return fit_residual_by_strike(svi, problem_of(k, v, time=time, tolerance=near))
