"""The margin of an asset on a stressed macro day, by three maps from the macro move to the asset.

Changes of an asset and macro factors on one clock and a move of the factors enter; `MacroDayMargins` leaves: both tails
of both sides with the move mapped through betas, through today's dynamic correlations, and through the dependence of
tails, beside those of an ordinary day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from volkit.checks import check_choice, check_confidence, check_floats, check_series, check_table
from volkit.conventions import SIDES
from volkit.correlation import Dcc, DccFit, TCopulaFit, fit_t_copula, macro_betas
from volkit.errors import ArgumentError, ConvergenceError
from volkit.formatting import percent_to
from volkit.margin.rates import tail_risk
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import macro_day_scenarios

__all__ = ["MAPS", "MacroDayMargins", "dcc_day_returns", "macro_day_margins", "tail_day_returns"]

MAPS = ("betas", "dcc", "tail dependence")
_LEVELS = 20_000
_BASIS_POINT = 1e-4


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MacroDayMargins(ResultDisplay):
    """Tails of the asset if the factors moved so.

    Attributes
    ----------
    asset : str
        Name of the asset.
    table : DataFrame, shape (n_maps + 1, 6)
        Index `map`: ordinary day, and of betas, dcc, tail dependence those taken. `move` (median simple return),
        value_at_risk and expected_shortfall of either side (fractions of the notional), n_scenarios.
    factor_move : Series, shape (n_factors,)
        In the units of the changes.
    driver : str
        Factor whose tail drives the last row.
    driver_rank : float
        Share of the driver's past moves at or below the given one.
    confidence : float
        Of the tails, on that day.
    as_of : Timestamp
        Last row used (UTC).
    n_obs : int
        Rows used.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    table: pd.DataFrame
    factor_move: pd.Series
    driver: str
    driver_rank: float
    confidence: float
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance

    @property
    def headline(self) -> str:
        """The highest Value at Risk of each side, its map, and the ordinary day's in one line."""
        words = []
        for side in SIDES:
            column = self.table[f"value_at_risk_{side}"]
            stressed = column.drop("ordinary day")
            words.append(
                f"{side} {percent_to(stressed.max())} ({stressed.idxmax()}; ordinary "
                f"{percent_to(column['ordinary day'])})"
            )
        return f"{self.asset} on a stressed macro day at {self.confidence:.4g}: {', '.join(words)}"

    def summary(self) -> pd.DataFrame:
        """Return the table (fractions of the notional)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the map as a column."""
        return self.table.reset_index()


def macro_day_margins(
    changes: pd.DataFrame,
    *,
    asset: str,
    factor_move: pd.Series,
    units: Mapping[str, str],
    driver: str,
    periods_per_year: float,
    confidence: float = 0.99,
    maps: Sequence[str] = MAPS,
    provenance: Provenance | None = None,
) -> MacroDayMargins:
    """Return both tails of the asset on a day on which the factors move as given.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_factors + 1)
        Log returns of the asset and changes of the factors on one clock, no NaN (`volkit.complete_rows`).
    asset : str
        Its column.
    factor_move : Series, shape (n_factors,)
        One joint move in the units of the changes, e.g. from `worst_factor_move`.
    units : mapping of str to {"log return", "basis points"}
        By factor.
    driver : str
        Factor whose own tail is mapped through the t copula.
    periods_per_year : float
        Of the clock, 252 for exchange sessions.
    confidence : float
        Of the tails given the move; 0.99 of bad days is well beyond 0.99 of all days.
    maps : sequence of {"betas", "dcc", "tail dependence"}
        Which to take; all by default.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MacroDayMargins
        Over one period of the common clock.

    Raises
    ------
    ArgumentError
        For an unknown asset, driver or map, a move that does not name the factors, a confidence out of range, or too
        few rows for it.
    DataError
        As `macro_betas`, `Dcc.fit` and `fit_t_copula`.
    ConvergenceError
        When the dynamic correlations or the copula do not converge: leave that map out.

    Notes
    -----
    Betas: `macro_day_scenarios`. Dynamic correlations: `dcc_day_returns`. Tail dependence: `tail_day_returns`, whose
    margin is the asset's own history, so that no loss beyond the largest of it can come out. Betas hold for all days
    alike, the second for tomorrow, the third for the tail; where they differ, the higher one is the stress.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> times = pd.date_range("2020-01-01", periods=600, tz="UTC")
    >>> factor = rng.normal(0, 0.01, 600)
    >>> moves = pd.DataFrame({"BTC": 1.5 * factor + rng.normal(0, 0.02, 600), "SPX": factor}, index=times)
    >>> day = macro_day_margins(moves, asset="BTC", factor_move=pd.Series({"SPX": -0.03}),
    ...     units={"SPX": "log return"}, driver="SPX", periods_per_year=365, confidence=0.95)
    >>> day.table["value_at_risk_long"].round(2).to_dict()
    {'ordinary day': 0.04, 'betas': 0.08, 'dcc': 0.08, 'tail dependence': 0.07}
    """
    level = check_confidence(confidence)
    columns = [str(c) for c in check_table(changes, argument="changes").columns]
    check_choice(asset, argument="asset", choices=columns)
    factors = [c for c in columns if c != asset]
    check_choice(driver, argument="driver", choices=factors)
    if set(check_series(factor_move, argument="factor_move").index) != set(factors):
        got = ", ".join(map(str, factor_move.index))
        raise ArgumentError("factor_move", f"must name {', '.join(factors)}", got, "pass 0 for one that stays put")
    move = pd.Series(check_floats(factor_move[factors], argument="factor_move"), index=factors)
    if not len(maps):
        raise ArgumentError("maps", "must hold at least one", "none", f"choose among {', '.join(MAPS)}")
    for name in maps:
        check_choice(name, argument="maps", choices=MAPS)
    rank = float((changes[driver] <= move[driver]).mean())
    returns = {"ordinary day": np.expm1(check_floats(changes[asset], argument=f"changes ({asset})"))}
    if "betas" in maps:
        betas = macro_betas(changes[asset], changes[factors], units=units)
        returns["betas"] = macro_day_scenarios(betas, move, periods_per_year=periods_per_year).returns[asset].to_numpy()
    if "dcc" in maps:
        scale = pd.Series({c: _BASIS_POINT if units.get(c) == "basis points" else 1.0 for c in columns})
        dcc = Dcc().fit(changes * scale, periods_per_year=periods_per_year)
        returns["dcc"] = dcc_day_returns(dcc, move * scale[factors], asset=asset)
    if "tail dependence" in maps:
        copula = fit_t_copula(changes[driver], changes[asset])
        returns["tail dependence"] = tail_day_returns(copula, changes[asset].to_numpy(), driver_rank=rank)
    table = pd.DataFrame({name: _tails(values, level) for name, values in returns.items()}).T.rename_axis("map")
    return MacroDayMargins(
        asset=asset,
        table=freeze(table),
        factor_move=move.rename(factor_move.name),
        driver=driver,
        driver_rank=rank,
        confidence=level,
        as_of=changes.index[-1],
        n_obs=len(changes),
        provenance=provenance or Provenance(()),
    )


def dcc_day_returns(dcc: DccFit, factor_move: pd.Series, *, asset: str) -> np.ndarray:
    """Return simple returns of the asset given a move of the factors, under tomorrow's covariances.

    Parameters
    ----------
    dcc : DccFit
        Of log returns of the asset and decimal changes of the factors.
    factor_move : Series, shape (n_factors,)
        Decimals, as they were fitted.
    asset : str
        One of its series.

    Returns
    -------
    ndarray, shape (n_obs,)
        One scenario a past shock, decimals.

    Raises
    ------
    ArgumentError
        When the move does not name the other series.
    ConvergenceError
        For a fit that did not converge.

    Notes
    -----
    With H the covariances of the next period, the move shifts the asset by H_af H_ff^-1 m and leaves it
    sqrt(H_aa - H_af H_ff^-1 H_fa) of its volatility (Gaussian regression); times past shocks of the asset that the
    factors' shocks of the same day, at that day's correlations, did not explain. Means count as zero.
    """
    others = [name for name in dcc.assets if name != asset]
    if asset not in dcc.assets or set(factor_move.index) != set(others):
        got = f"{asset}; {', '.join(map(str, factor_move.index))}"
        raise ArgumentError(
            "factor_move", f"must name all series but the asset of {', '.join(dcc.assets)}", got, "do so"
        )
    order = [asset, *others]
    if dcc.status != "converged":
        raise ConvergenceError(f"{dcc.spec} did not converge; leave the map dcc out, or use a longer history.")
    H = dcc.next_covariance.loc[order, order].to_numpy()
    loading = np.linalg.solve(H[1:, 1:], H[1:, 0])
    z = dcc.standardized[order].to_numpy()
    path = dcc.path
    R = np.empty((len(z), len(order), len(order)))
    for i, first in enumerate(order):
        for j, second in enumerate(order):
            pair = (first, second) if (first, second) in path.columns else (second, first)
            R[:, i, j] = 1.0 if i == j else path[pair].to_numpy()
    explained = np.linalg.solve(R[:, 1:, 1:], R[:, 1:, :1])[:, :, 0]
    rest = np.sqrt(1.0 - (explained * R[:, 1:, 0]).sum(axis=1))
    shocks = (z[:, 0] - (explained * z[:, 1:]).sum(axis=1)) / rest
    centre = float(loading @ factor_move[others].to_numpy(dtype=np.float64))
    return np.asarray(np.expm1(centre + np.sqrt(H[0, 0] - loading @ H[1:, 0]) * shocks))


def tail_day_returns(copula: TCopulaFit, asset_changes: np.ndarray, *, driver_rank: float) -> np.ndarray:
    """Return simple returns of the asset given the rank of the driver's move, under their t copula.

    Parameters
    ----------
    copula : TCopulaFit
        Of the driver and the asset.
    asset_changes : ndarray, shape (n_obs,)
        Past log returns of the asset: its margin.
    driver_rank : float
        Share of the driver's moves at or below the given one; ends count as half a row inside.

    Returns
    -------
    ndarray, shape (20000,)
        At equal steps of conditional probability, decimals.

    Notes
    -----
    With y = t_nu^-1(rank): given y the asset's coordinate is rho y + sqrt((nu + y^2)(1 - rho^2) / (nu + 1)) times a t
    with nu + 1 degrees of freedom (Demarta and McNeil 2005, International Statistical Review 73, section 2; normal
    where nu is infinite). Its distribution function's value picks the order statistic, interpolated at k / (n + 1).
    """
    n = len(asset_changes)
    u = min(max(driver_rank, 0.5 / n), 1.0 - 0.5 / n)
    p = (np.arange(_LEVELS) + 0.5) / _LEVELS
    rho, nu = copula.rho, copula.nu
    if np.isinf(nu):
        v = special.ndtr(rho * special.ndtri(u) + np.sqrt(1.0 - rho**2) * special.ndtri(p))
    else:
        y = special.stdtrit(nu, u)
        spread = np.sqrt((nu + y**2) * (1.0 - rho**2) / (nu + 1.0))
        v = special.stdtr(nu, rho * y + spread * special.stdtrit(nu + 1.0, p))
    ranked = np.sort(asset_changes)
    return np.asarray(np.expm1(np.interp(v, np.arange(1, n + 1) / (n + 1.0), ranked)))


def _tails(returns: np.ndarray, confidence: float) -> dict[str, float]:
    row = {"move": float(np.median(returns))}
    for side in SIDES:
        risk = tail_risk(returns, confidence=confidence, side=side)
        row |= {f"value_at_risk_{side}": risk.value_at_risk, f"expected_shortfall_{side}": risk.expected_shortfall}
    return row | {"n_scenarios": float(len(returns))}
