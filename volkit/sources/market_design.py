"""The constants of the simulated market: parameters, correlations, jumps, gaps, prices.

Chosen by hand to look like a crypto and macro market of the last decade, and to be recoverable; nothing here
was estimated from, or copied from, a data set. `volkit.sources.market` turns them into bars.
"""

import numpy as np
import pandas as pd

__all__ = [
    "COINS",
    "DECIMALS",
    "DEGREES_OF_FREEDOM",
    "GAP_COUNTS",
    "GARCH_ASSETS",
    "GARCH_MACRO",
    "JUMPS_PER_YEAR",
    "JUMP_RANGES",
    "MACRO",
    "N_ERAS",
    "SESSION_SHARE",
    "START_LEVELS",
    "VIX_DESIGN",
    "VOLUMES",
    "YIELD_REVERSION",
    "garch_parameters",
    "target_correlations",
]

COINS = ("BTC", "ETH", "SOL")
MACRO = ("SPX", "NDX", "VIX", "DXY", "GOLD", "US10Y", "WTI_FUT")
# VIX follows from the variance of SPX and a premium; the other nine have a GJR-GARCH-t of their own.
GARCH_MACRO = tuple(name for name in MACRO if name != "VIX")
GARCH_ASSETS = (*COINS, *GARCH_MACRO)

# One mixing variable a day is shared by all assets, hence one number for all.
DEGREES_OF_FREEDOM = 5.0
# Share of a macro session's variance that falls in trading hours; the rest is overnight and weekend.
SESSION_SHARE = 0.70
N_ERAS = 5
JUMPS_PER_YEAR = 1.2

# alpha, gamma, beta, annualised volatility (decimal; basis points for US10Y), mean per period, periods per year
_GARCH = {
    "BTC": (0.060, 0.020, 0.900, 0.48, 0.0020, 365),
    "ETH": (0.060, 0.020, 0.900, 0.64, 0.0024, 365),
    "SOL": (0.065, 0.020, 0.890, 0.80, 0.0023, 365),
    "SPX": (0.015, 0.160, 0.870, 0.14, 0.0005, 252),
    "NDX": (0.020, 0.140, 0.870, 0.18, 0.0007, 252),
    "DXY": (0.030, 0.000, 0.950, 0.07, 0.0000, 252),
    "GOLD": (0.040, 0.000, 0.940, 0.15, 0.0003, 252),
    "US10Y": (0.040, 0.000, 0.940, 6.0 * np.sqrt(252.0), 0.0, 252),
    "WTI_FUT": (0.060, 0.060, 0.880, 0.35, 0.0004, 252),
}

START_LEVELS = {
    "BTC": 320.0,
    "ETH": 12.0,
    "SOL": 1.5,
    "SPX": 2058.0,
    "NDX": 4230.0,
    "DXY": 91.0,
    "GOLD": 1190.0,
    "US10Y": 2.40,
    "WTI_FUT": 54.0,
}
DECIMALS = {
    "BTC": 2,
    "ETH": 3,
    "SOL": 5,
    "SPX": 2,
    "NDX": 2,
    "VIX": 2,
    "DXY": 3,
    "GOLD": 2,
    "US10Y": 3,
    "WTI_FUT": 2,
}
# Coins a day.
VOLUMES = {"BTC": 30_000.0, "ETH": 300_000.0, "SOL": 4_000_000.0}
GAP_COUNTS = {"SOL": 3, "GOLD": 2, "WTI_FUT": 2}

# Share of the distance to the long-run yield (per cent) that is made good in a session: with 6 basis points a
# session the stationary deviation is 0.6 points, so that a long-run level of 3 keeps the yield above zero.
YIELD_REVERSION = {"level": 3.0, "speed": 0.005}

# log VIX = log(100 * annualised expected volatility of the next 21 sessions) + premium, an AR(1) a session.
VIX_DESIGN = {"sessions": 21.0, "mean": 0.12, "persistence": 0.94, "deviation": 0.048}

# Simple returns at the mildest and the severest jump; basis points for US10Y.
JUMP_RANGES = {
    "BTC": (-0.12, -0.30),
    "ETH": (-0.14, -0.33),
    "SOL": (-0.15, -0.35),
    "SPX": (-0.02, -0.07),
    "NDX": (-0.023, -0.08),
    "DXY": (0.002, 0.012),
    "GOLD": (0.0, -0.03),
    "US10Y": (-5.0, -20.0),
    "WTI_FUT": (-0.025, -0.08),
}

# Target correlations of daily returns sampled together at the New York close, by era. VIX stands for the shock
# to its premium: the index itself is tied closer to SPX, through the variance.
_BITCOIN_MACRO = {
    "SPX": (0.02, 0.37, 0.56, 0.27, 0.43),
    "NDX": (0.02, 0.37, 0.58, 0.29, 0.45),
    "VIX": (-0.02, -0.28, -0.42, -0.20, -0.32),
    "DXY": (-0.02, -0.12, -0.25, -0.15, -0.18),
    "GOLD": (0.02, 0.10, 0.12, 0.12, 0.14),
    "US10Y": (0.00, 0.10, 0.02, -0.02, 0.00),
    "WTI_FUT": (0.01, 0.14, 0.15, 0.06, 0.10),
}
_COIN_LOADINGS = {"BTC": 1.0, "ETH": 0.97, "SOL": 0.92}
_COIN_PAIRS = {("BTC", "ETH"): 0.80, ("BTC", "SOL"): 0.72, ("ETH", "SOL"): 0.77}
_MACRO_PAIRS = {
    ("SPX", "NDX"): 0.93,
    ("SPX", "VIX"): -0.70,
    ("SPX", "DXY"): -0.15,
    ("SPX", "GOLD"): 0.03,
    ("SPX", "WTI_FUT"): 0.28,
    ("NDX", "VIX"): -0.66,
    ("NDX", "DXY"): -0.15,
    ("NDX", "GOLD"): 0.03,
    ("NDX", "WTI_FUT"): 0.23,
    ("VIX", "DXY"): 0.10,
    ("VIX", "GOLD"): 0.00,
    ("VIX", "WTI_FUT"): -0.22,
    ("DXY", "GOLD"): -0.42,
    ("DXY", "US10Y"): 0.25,
    ("DXY", "WTI_FUT"): -0.15,
    ("GOLD", "US10Y"): -0.33,
    ("GOLD", "WTI_FUT"): 0.12,
    ("US10Y", "WTI_FUT"): 0.18,
}
# Shares and yields rose together while inflation was low, and no longer when it was not.
_YIELD_PAIRS = {
    ("SPX", "US10Y"): (0.30, 0.34, 0.22, -0.08, 0.02),
    ("NDX", "US10Y"): (0.26, 0.28, 0.14, -0.15, -0.03),
    ("VIX", "US10Y"): (-0.22, -0.25, -0.16, 0.05, -0.02),
}


def garch_parameters() -> pd.DataFrame:
    """Return the true GJR-GARCH-t parameters of the nine assets that have one.

    Returns
    -------
    DataFrame, shape (9, 9)
        Indexed by catalogue name: `omega` (per period, squared unit), `alpha`, `gamma`, `beta`, `nu` (degrees
        of freedom), `mu` (mean per period), `annualized_volatility` (long run, without jumps),
        `periods_per_year`, and `unit` of a return: ``log return``, or ``basis points`` for US10Y.

    Notes
    -----
    ``variance' = omega + (alpha + gamma * [residual < 0]) * residual**2 + beta * variance`` with unit-variance
    Student t residuals; the long-run variance is ``omega / (1 - alpha - gamma / 2 - beta)``.

    Examples
    --------
    >>> garch_parameters().loc["SPX", ["alpha", "gamma", "beta"]].tolist()
    [0.015, 0.16, 0.87]
    """
    columns = ["alpha", "gamma", "beta", "annualized_volatility", "mu", "periods_per_year"]
    table = pd.DataFrame.from_dict(_GARCH, orient="index", columns=columns).rename_axis("asset")
    variance = table["annualized_volatility"] ** 2 / table["periods_per_year"]
    table["omega"] = variance * (1.0 - table["alpha"] - table["gamma"] / 2.0 - table["beta"])
    table["nu"] = DEGREES_OF_FREEDOM
    table["unit"] = ["basis points" if name == "US10Y" else "log return" for name in table.index]
    order = ["omega", "alpha", "gamma", "beta", "nu", "mu", "annualized_volatility", "periods_per_year", "unit"]
    return table[order]


def target_correlations(*, overlap_factor: float = 1.0) -> tuple[pd.DataFrame, ...]:
    """Return the correlation matrix of each era, first to last.

    Parameters
    ----------
    overlap_factor : float
        Correlation of a synchronous daily pair of one coin and one macro series over that of its hourly shocks;
        the crypto-macro block is divided by it. The default 1 gives the targets of synchronous daily returns.

    Returns
    -------
    tuple of DataFrame, each of shape (10, 10)
        Positive definite with a margin, so that no repair is needed: the smallest eigenvalue is above 0.06, both
        for the targets and for the hourly shocks of any span.

    Examples
    --------
    >>> [float(era.loc["BTC", "SPX"]) for era in target_correlations()]
    [0.02, 0.37, 0.56, 0.27, 0.43]
    """
    names = [*COINS, *MACRO]
    eras = []
    for era in range(N_ERAS):
        pairs = {**_COIN_PAIRS, **_MACRO_PAIRS, **{pair: values[era] for pair, values in _YIELD_PAIRS.items()}}
        for name, values in _BITCOIN_MACRO.items():
            pairs |= {(coin, name): load * values[era] / overlap_factor for coin, load in _COIN_LOADINGS.items()}
        matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
        for (first, second), value in pairs.items():
            matrix.loc[first, second] = matrix.loc[second, first] = value
        eras.append(matrix)
    return tuple(eras)
