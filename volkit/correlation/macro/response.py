"""How an asset's volatility answers a macro move, period by period: local projections with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count, check_positive
from volkit.correlation.inputs import MINIMUM_PAIRS
from volkit.correlation.macro.predictors import VarianceRows, check_variance_rows, own_terms
from volkit.correlation.macro.regression import default_lags, least_squares, robust_f, t_table
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, clock_words, warn_asynchronous
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.multiplicity import holm
from volkit.volatility.har import Har

__all__ = ["VolatilityResponse", "volatility_response"]

# Rows that a regression of a handful of terms needs before its robust errors mean anything.
_LEAST_ROWS = 100


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VolatilityResponse(ResultDisplay):
    """Response of an asset's log volatility to a rise and to a fall of one macro factor.

    Attributes
    ----------
    asset, factor : str
        Names.
    path : DataFrame, shape (max_horizon + 1, 10)
        By `horizon` (periods after the move; 0 is the move's own): `up`, `down` and `asymmetry` (up minus down) in
        log volatility with a move of `size`, beside no move (0.1 is about 10 %), each with `_lower` and `_upper`;
        `p_value` of no response at all.
    size : float
        The move, in `unit`.
    unit : str
        Of the move.
    lags : tuple of int
        Periods of the own past among the controls (HAR).
    adjusted_p_value : float
        Smallest p-value over the horizons after Holm's adjustment: of no response at any horizon.
    confidence : float
        Of each two-sided interval, fraction; pointwise.
    n_obs, n_dropped : int
        Rows at horizon 0, and rows after the first past that lacked a value.
    as_of : Timestamp
        Last time (UTC) used.
    synchrony : Synchrony or None
        Clocks of the asset and the factor; None when not stated.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    factor: str
    path: pd.DataFrame
    size: float
    unit: str
    lags: tuple[int, ...]
    adjusted_p_value: float
    confidence: float
    n_obs: int
    n_dropped: int
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Asset, factor, first responses and rows in one line."""
        first = self.path.iloc[min(1, len(self.path) - 1)]
        answers = (
            f"up {percent_to(first['up'], signed=True)}, down {percent_to(first['down'], signed=True)} a period later"
        )
        return f"{self.asset} volatility to {self.size:.3g} {self.unit} of {self.factor}: {answers}, {self.n_obs} rows"

    def summary(self) -> pd.DataFrame:
        """Return the responses (log volatility) by horizon (periods) with the clocks as its title."""
        return self.path.rename_axis(f"horizon (periods); {clock_words(self.synchrony)}")

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: horizon, response (up, down, asymmetry), value, lower, upper (log volatility)."""
        parts = {
            name: self.path[[name, f"{name}_lower", f"{name}_upper"]].set_axis(["value", "lower", "upper"], axis=1)
            for name in ("up", "down", "asymmetry")
        }
        return pd.concat(parts, names=["response"]).swaplevel().sort_index().reset_index()


def volatility_response(
    variance: pd.Series,
    move: pd.Series,
    *,
    unit: str,
    lags: tuple[int, ...],
    max_horizon: int = 22,
    size: float | None = None,
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> VolatilityResponse:
    """Return the response of an asset's volatility to a macro move, by local projections.

    Parameters
    ----------
    variance : Series, shape (n_obs,)
        Realised variance of each period or an implied variance at its close (any positive scale): its logarithm
        answers. NaN where missing.
    move : Series, shape (n_obs,)
        Macro changes on the same rows; NaN where the market was closed.
    unit : str
        Of the move.
    lags : tuple of int
        Periods of the own past: `SESSION_LAGS` (1, 5, 22) or `CRYPTO_LAGS` (1, 7, 30).
    max_horizon : int
        Last period after the move.
    size : float, optional
        The move, in `unit`; by default one standard deviation.
    confidence : float
        Of each two-sided interval, fraction.
    synchrony : Synchrony, optional
        Clocks of the asset and the factor, e.g. ``panel.synchrony("BTC", "SPX")``.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    VolatilityResponse
        Log volatility by horizon.

    Raises
    ------
    ArgumentError
        For bad lags, horizon, size or confidence.
    DataError
        For variances that are not positive, a move that is no Series, a level, constant or not in its unit, other
        times, fewer than 100 rows at the last horizon.

    Warns
    -----
    AsynchronousWarning
        With less than 95 % of a period in common.

    Notes
    -----
    For each h of its own [1]_: log v_{t+h} = c_h + g_h f_t + d_h abs(f_t) + sum_l b_{h,l} mean_l(log v_{t-1}) + e, HAC
    errors over max(1.3 sqrt(n), h) lags with jackknife residuals; the past among the regressors keeps the intervals
    honest when v is persistent [2]_. A rise of s answers (d_h + g_h) s / 2, a fall (d_h - g_h) s / 2. Horizon 0 is
    what happened together, no effect of one on the other; at later ones a move may stand for news that moved both.

    References
    ----------
    .. [1] Jorda (2005), "Estimation and inference of impulse responses by local projections", American Economic
       Review 95(1), equation (2).
    .. [2] Montiel Olea and Plagborg-Moller (2021), "Local projection inference is simpler and more robust than you
       think", Econometrica 89(4).

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> times = pd.date_range("2020-01-01", periods=800, tz="UTC")
    >>> move = pd.Series(rng.normal(0, 0.01, 800), index=times, name="SPX")
    >>> variance = np.exp(-8 - 20 * move.shift(1, fill_value=0.0) + rng.normal(0, 0.3, 800)).rename("BTC")
    >>> found = volatility_response(variance, move, unit="log return", lags=(1, 5), max_horizon=2, size=0.01)
    >>> found.path.loc[1, ["up", "down"]].round(2).tolist()
    [-0.1, 0.1]
    """
    level = check_confidence(confidence)
    last, har = check_count(max_horizon, argument="max_horizon", minimum=0), Har(lags=lags, form="log")
    if not isinstance(move, pd.Series):
        raise DataError("move", "must be a Series of one factor", type(move).__name__, 'pass for example moves["SPX"]')
    factor = "move" if move.name is None else str(move.name)
    rows = check_variance_rows(variance, pd.DataFrame({factor: move}), {factor: unit})
    step = float(rows.terms[factor].std()) if size is None else check_positive(size, argument="size", unit=unit)
    warn_asynchronous(synchrony, what=f"the response of {rows.asset} to {factor}")
    past = np.vstack([np.full(len(har.lags), np.nan), own_terms(rows.variance.to_numpy(), har)[:-1]])
    design = np.hstack([rows.terms.to_numpy(), past])
    known = np.isfinite(design).all(axis=1)
    y = np.log(rows.variance.to_numpy())
    path = pd.DataFrame([_projection(y, design, known, h, step, level) for h in range(last + 1)])
    at_once = known & np.isfinite(y)
    return VolatilityResponse(
        asset=rows.asset,
        factor=factor,
        path=freeze(path.rename_axis("horizon")),
        size=step,
        unit=unit,
        lags=lags,
        adjusted_p_value=float(holm(path["p_value"].to_numpy()).min()),
        confidence=level,
        n_obs=int(at_once.sum()),
        n_dropped=_count_dropped(rows, at_once, max(lags)),
        as_of=rows.variance.index[at_once][-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _projection(
    y: np.ndarray, design: np.ndarray, known: np.ndarray, horizon: int, size: float, confidence: float
) -> dict[str, float]:
    """Return one row of the path; the columns of the design begin with the absolute and the signed move."""
    ahead = np.full(len(y), np.nan)
    ahead[: len(y) - horizon] = y[horizon:]
    used = known & np.isfinite(ahead)
    n, k = int(used.sum()), design.shape[1]
    if n < max(_LEAST_ROWS, MINIMUM_PAIRS):
        got = f"{n} at horizon {horizon}"
        remedy = "pass a longer history or a smaller max_horizon"
        raise DataError("variance and move", f"must leave at least {_LEAST_ROWS} complete rows", got, remedy)
    fit = least_squares(design[used][None], ahead[used][None], lags=max(default_lags(n), horizon), jackknife=True)
    if not np.isfinite(fit.coefficients).all():
        raise DataError("variance and move", "must leave terms that vary", "a constant or collinear one", "pass more")
    # Half of the log variance is the log volatility; constant, |f| and f are the first three coefficients.
    weights = 0.5 * size * np.array([[0.0, 1.0, 1.0], [0.0, 1.0, -1.0], [0.0, 0.0, 2.0]])
    V = fit.covariance[0, :3, :3]
    errors = np.sqrt(np.diag(weights @ V @ weights.T))
    law = {"degrees_of_freedom": fit.degrees_of_freedom, "confidence": confidence}
    table = t_table(weights @ fit.coefficients[0, :3], errors, **law)
    row: dict[str, float] = {}
    for i, name in enumerate(("up", "down", "asymmetry")):
        row |= {name: table["beta"][i], f"{name}_lower": table["lower"][i], f"{name}_upper": table["upper"][i]}
    moves = np.zeros((2, k + 1))
    moves[0, 1] = moves[1, 2] = 1.0
    return row | {"p_value": float(robust_f(fit, moves)[1][0])}


def _count_dropped(rows: VarianceRows, used: np.ndarray, longest: int) -> int:
    return int((~used[longest:]).sum()) if len(rows.variance) > longest else 0
