"""Connectedness by frequency: which part of it passes within days, and which lasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_count, real_number
from volkit.correlation.connectedness.results import off_diagonal
from volkit.correlation.connectedness.system import Decomposition, Kind, check_system, kind_code
from volkit.correlation.connectedness.var import fit_var, moving_average
from volkit.correlation.connectedness.windows import percent_frame
from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay

__all__ = ["FrequencyConnectedness", "band_shares", "frequency_connectedness"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FrequencyConnectedness(ResultDisplay):
    """A table of connectedness split by the length of the swings.

    Attributes
    ----------
    tables : dict of DataFrame, shape (K, K)
        By band, shortest swings first: per cent of the row's whole forecast-error variance due to the column within
        the band. All bands add up to the table without bands.
    edges : tuple of float
        Periods at which bands meet, ascending.
    decomposition : str
        "generalised" or "cholesky".
    lags, horizon : int
        Of the autoregression, and responses counted, H.
    n_obs, n_missing : int
        Usable rows, and rows left out because a value was missing.
    is_stable : bool
        Whether all roots lie inside the unit circle.
    as_of : Timestamp
        Last time (UTC) used.
    provenance : Provenance
        Series behind it.
    """

    tables: dict[str, pd.DataFrame]
    edges: tuple[float, ...]
    decomposition: str
    lags: int
    horizon: int
    n_obs: int
    n_missing: int
    is_stable: bool
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def totals(self) -> pd.Series:
        """Index by band, per cent of the whole variance; the bands add up to the index without bands."""
        shares = {band: off_diagonal(table).to_numpy().sum() / len(table) for band, table in self.tables.items()}
        return pd.Series(shares, name="total")

    @property
    def within(self) -> pd.Series:
        """Index by band, per cent of the variance inside the band: says nothing of how much variance that is."""
        inside = {band: table.to_numpy().sum() / len(table) for band, table in self.tables.items()}
        return (100.0 * self.totals / pd.Series(inside)).rename("within")

    @property
    def headline(self) -> str:
        """Index by band, and the specification, in one line."""
        parts = ", ".join(f"{band} {value:.1f} %" for band, value in self.totals.items())
        mark = "" if self.is_stable else ", EXPLOSIVE"
        return f"{parts}, {self.decomposition}, {self.lags} lags{mark}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return by band: index over the whole variance and inside the band, per cent."""
        return pd.DataFrame({"total (% of all variance)": self.totals, "within (% of the band's)": self.within}).round(
            2
        )

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: band, receiver, sender, share (per cent)."""
        joined = pd.concat({band: table.stack().rename("share") for band, table in self.tables.items()}, names=["band"])
        return joined.reset_index()


def band_shares(responses: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return the squared responses that fall between frequencies, shape (n_bands, K, K).

    Parameters
    ----------
    responses : ndarray, shape (H, K, K)
        Psi_h b_j.
    frequencies : ndarray, shape (n_bands + 1,)
        Angles from 0 to pi, ascending.

    Notes
    -----
    The integral of |sum_h M_h exp(-i w h)|^2 / pi from a to b is sum_d r_d (sin(b d) - sin(a d)) / (pi d) over
    lags d of both signs, with r_d = sum_h M_h M_{h+d} entry by entry: exact, without a grid of frequencies.

    Examples
    --------
    >>> band_shares(np.ones((1, 1, 1)), np.array([0.0, np.pi / 4, np.pi])).ravel().tolist()
    [0.25, 0.75]
    """
    total = np.multiply.outer(np.diff(frequencies) / np.pi, (responses**2).sum(axis=0))
    for d in range(1, len(responses)):
        r = (responses[d:] * responses[:-d]).sum(axis=0)
        total += 2.0 * np.multiply.outer(np.diff(np.sin(frequencies * d)) / (np.pi * d), r)
    return np.asarray(total)


def frequency_connectedness(
    changes: pd.DataFrame,
    *,
    lags: int,
    edges: Sequence[float] = (5.0, 20.0),
    horizon: int = 100,
    decomposition: Decomposition = "generalised",
    kind: Kind = "changes",
    missing: Literal["raise", "drop"] = "raise",
    provenance: Provenance | None = None,
) -> FrequencyConnectedness:
    """Return connectedness split into bands of swings by their length.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        As for `connectedness`.
    lags, decomposition, kind, missing
        As for `connectedness`.
    edges : sequence of float
        Periods at which bands meet, each above 2 and ascending: (5, 20) parts trading weeks and months.
    horizon : int
        Responses counted, H; 100 stands for all of them in a stable system.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    FrequencyConnectedness
        A table of shape (K, K) in per cent for each band.

    Raises
    ------
    ArgumentError
        For edges at or below 2 (the shortest swing there is) or not ascending, and as `connectedness`.
    DataError
        As `connectedness`.

    Notes
    -----
    Frequency 2 pi / period. Not adjusted for estimation noise, which favours the short band.

    References
    ----------
    .. [1] Barunik and Krehlik (2018), "Measuring the frequency dynamics of financial connectedness and systemic
       risk", Journal of Financial Econometrics 16(2), 271-296, def. 2.2 and 2.3.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=500, tz="UTC")
    >>> moves = pd.DataFrame(rng.standard_normal((500, 2)) @ [[1.0, 0.8], [0.0, 0.6]], times, ["BTC", "ETH"])
    >>> frequency_connectedness(moves, lags=1).totals.round(1).to_dict()
    {'up to 5': 22.8, '5 to 20': 11.2, 'above 20': 3.7}
    """
    code, steps = kind_code(decomposition), check_count(horizon, argument="horizon")
    bounds = tuple(real_number(edge, argument="edges") for edge in edges)
    if not bounds or min(bounds) <= 2.0 or not np.isfinite(bounds).all() or (np.diff(bounds) <= 0.0).any():
        requirement = "must be ascending periods above 2, the shortest swing that rows can show"
        raise ArgumentError("edges", requirement, repr(tuple(edges)), "pass for example edges=(5, 20)")
    system = check_system(changes, kind=kind, missing=missing)
    fit = fit_var(system, lags)
    P = np.linalg.cholesky(fit.sigma)
    impulses = P if code else fit.sigma / np.sqrt(np.diag(fit.sigma))
    angles = np.array([0.0, *(2.0 * np.pi / edge for edge in bounds[::-1]), np.pi])
    shares = band_shares(moving_average(fit.A, steps) @ impulses, angles)
    shares /= shares.sum(axis=(0, 2))[:, None]
    words = [f"{edge:g}" for edge in bounds]
    middle = [f"{a} to {b}" for a, b in pairwise(words)]
    names = [f"up to {words[0]}", *middle, f"above {words[-1]}"]
    tables = {name: percent_frame(part, system.names) for name, part in zip(names, shares[::-1], strict=True)}
    return FrequencyConnectedness(
        tables=tables,
        edges=bounds,
        decomposition=decomposition,
        lags=len(fit.A),
        horizon=steps,
        n_obs=fit.n_obs,
        n_missing=system.n_missing,
        is_stable=fit.is_stable,
        as_of=system.index[-1],
        provenance=provenance or Provenance(()),
    )
