"""Scenarios of one asset on a bad day in the macro market."""

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_floats, check_kind, check_positive, check_series, check_table
from volkit.correlation import MacroBetas
from volkit.errors import ArgumentError, DataError
from volkit.results import freeze
from volkit.scenarios.scenario_set import ScenarioSet

__all__ = ["macro_day_scenarios", "worst_factor_move"]


def worst_factor_move(
    factor_changes: pd.DataFrame, *, factor: str, n_days: int = 10, direction: str = "down"
) -> pd.Series:
    """Return the mean joint move of all factors on the worst days of one of them.

    Parameters
    ----------
    factor_changes : DataFrame, shape (n_obs, n_factors)
        Changes, each factor in its own unit, no NaN.
    factor : str
        The one whose worst days are taken.
    n_days : int
        How many of them (periods).
    direction : {"down", "up"}
        Which tail of the factor.

    Returns
    -------
    Series, shape (n_factors,)
        Moves in the factors' own units; the name says what it is.

    Raises
    ------
    ArgumentError
        For an unknown factor or direction.
    DataError
        When there are fewer days than asked for, or a value is missing.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> changes = pd.DataFrame({"SPX": [-0.04, 0.01, -0.02, 0.00], "US10Y": [-9.0, 1.0, -5.0, 0.0]}, index=times)
    >>> worst_factor_move(changes, factor="SPX", n_days=2).round(3).to_dict()
    {'SPX': -0.03, 'US10Y': -7.0}
    """
    check_table(factor_changes, argument="factor_changes")
    if not factor_changes.columns.is_unique:
        twice = factor_changes.columns[factor_changes.columns.duplicated()][0]
        raise DataError("factor_changes", "must have one column a factor", f"{twice!r} twice", "name them apart")
    check_choice(factor, argument="factor", choices=[str(c) for c in factor_changes.columns])
    check_choice(direction, argument="direction", choices=("down", "up"))
    days = check_count(n_days, argument="n_days", unit="days")
    bad = ~np.isfinite(check_floats(factor_changes, argument="factor_changes"))
    if len(factor_changes) < days or bad.any():
        raise DataError(
            "factor_changes",
            f"must have at least {days} rows, all complete",
            f"{len(factor_changes)} rows with {int(bad.sum())} missing or infinite values",
            "pass the frame of volkit.complete_rows",
        )
    order = factor_changes[factor].sort_values(ascending=direction == "down")
    worst = factor_changes.loc[order.index[:days]]
    words = "lowest" if direction == "down" else "highest"
    return worst.mean().rename(f"mean of the {days} days with the {words} {factor} change")


def macro_day_scenarios(betas: MacroBetas, factor_move: pd.Series, *, periods_per_year: float) -> ScenarioSet:
    """Return the asset's returns if the factors moved so: betas times the move, plus every past residual.

    Parameters
    ----------
    betas : MacroBetas
        Fitted to log returns of the asset.
    factor_move : Series, shape (n_factors,)
        In the units of the changes that were fitted, e.g. from `worst_factor_move`.
    periods_per_year : float
        Of the common clock, 252 for exchange sessions.

    Returns
    -------
    ScenarioSet
        One scenario a residual, shape (n_obs, 1): simple returns over one period of the common clock.

    Raises
    ------
    ArgumentError
        When the move does not name the fitted factors.

    Notes
    -----
    Betas are those of the whole sample. A stress in which betas rise too is not in here; the interval of
    the betas says how much they may differ.

    Examples
    --------
    >>> from volkit.correlation import macro_betas
    >>> rng = np.random.default_rng(7)
    >>> times = pd.date_range("2023-01-01", periods=250, tz="UTC")
    >>> factor = pd.DataFrame({"SPX": rng.normal(0, 0.01, 250)}, index=times)
    >>> asset = (1.5 * factor["SPX"] + rng.normal(0, 0.02, 250)).rename("BTC")
    >>> betas = macro_betas(asset, factor, units={"SPX": "log return"})
    >>> day = macro_day_scenarios(betas, pd.Series({"SPX": -0.05}), periods_per_year=252)
    >>> round(float(day.returns["BTC"].median()), 3)
    -0.085
    """
    check_kind(betas, MacroBetas, argument="betas", remedy="pass what macro_betas returns")
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    if set(check_series(factor_move, argument="factor_move").index) != set(betas.joint.index):
        raise ArgumentError(
            "factor_move",
            f"must name {', '.join(betas.joint.index)}",
            ", ".join(map(str, factor_move.index)),
            "pass 0 for a factor that stays put",
        )
    centre = betas.intercept + betas.asset_move(factor_move)
    returns = np.expm1(centre + betas.residuals).rename(betas.asset).to_frame()
    return ScenarioSet(
        returns=freeze(returns),
        horizon=1,
        method=f"macro day: {factor_move.name or 'given move'}",
        as_of=betas.as_of,
        n_obs=betas.n_obs,
        periods_per_year=periods_per_year,
        provenance=betas.provenance,
    )
