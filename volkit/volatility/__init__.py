"""Volatility: measured, modelled, forecast and judged.

`measured` holds estimators from prices and from returns within the day, `engine` the compiled likelihoods of the GARCH
family; `har`, `realized_garch`, `regimes` and `through_arch` are models beside it, `tails` what lies beyond. Names are
loaded when first used: a fit should not wait for what it does not need.
"""

from typing import TYPE_CHECKING

from volkit.lazy import names_on_demand

if TYPE_CHECKING:
    from volkit.volatility.bands import ForecastBand, forecast_band
    from volkit.volatility.distributions import Distribution
    from volkit.volatility.evaluation import ForecastComparison, compare_forecasts
    from volkit.volatility.ewma import Ewma, EwmaState, decay_of, half_life_of
    from volkit.volatility.expected import ExpectedVariance
    from volkit.volatility.fit import ERROR_KINDS, Certificate, ErrorKind, FitStatus, VolatilityFit
    from volkit.volatility.forecasts import SimulatedPaths, VolatilityForecast, simulate_paths
    from volkit.volatility.garch import Garch
    from volkit.volatility.har import CRYPTO_LAGS, SESSION_LAGS, Har, HarFit, rolling_har_forecast
    from volkit.volatility.mean_premium import MeanPremium, mean_premium
    from volkit.volatility.measured import (
        JumpTest,
        RangeEfficiency,
        RealizedVariance,
        VolatilityCone,
        bar_variances,
        close_to_close_volatility,
        compare_range_estimators,
        garman_klass_volatility,
        garman_klass_yang_zhang_volatility,
        jump_test,
        parkinson_volatility,
        percentile_rank,
        range_volatility,
        realized_variance,
        rogers_satchell_volatility,
        simulate_range_efficiency,
        volatility_cone,
        yang_zhang_volatility,
        zero_mean_volatility,
    )
    from volkit.volatility.outcomes import align_outcomes, realized_proxy
    from volkit.volatility.panel import PanelFit, fit_panel
    from volkit.volatility.premium import VariancePremium, ex_ante_premium, ex_post_premium
    from volkit.volatility.realized_garch import RealizedGarch, RealizedGarchFit
    from volkit.volatility.recursion import NEAR_INTEGRATED, Recursion
    from volkit.volatility.regimes import RegimeFit, VolatilityRegimes
    from volkit.volatility.rolling import VolatilityState, rolling_forecast, walk_forward
    from volkit.volatility.rolling_results import RollingForecast
    from volkit.volatility.tails import (
        AndersonDarling,
        ClusterPeaks,
        HillEstimate,
        HillPath,
        KurtosisEstimate,
        ParetoTail,
        QuantileComparison,
        TailComparison,
        ThresholdDiagnostics,
        compare_tails,
        decluster,
        excess_kurtosis,
        extremal_index,
        fit_pareto_tail,
        fit_pareto_tail_of_returns,
        hill_index,
        hill_plot_data,
        quantile_quantile,
        tail_quantile_ratio,
        threshold_diagnostics,
    )
    from volkit.volatility.through_arch import ArchFit, ThroughArch, to_arch_result
    from volkit.volatility.walking import VolatilityModel

_HOMES = {
    "bands": ("ForecastBand", "forecast_band"),
    "distributions": ("Distribution",),
    "evaluation": (
        "ForecastComparison",
        "compare_forecasts",
    ),
    "ewma": (
        "Ewma",
        "EwmaState",
        "decay_of",
        "half_life_of",
    ),
    "expected": ("ExpectedVariance",),
    "fit": (
        "Certificate",
        "ERROR_KINDS",
        "ErrorKind",
        "FitStatus",
        "VolatilityFit",
    ),
    "forecasts": (
        "SimulatedPaths",
        "VolatilityForecast",
        "simulate_paths",
    ),
    "garch": ("Garch",),
    "har": (
        "CRYPTO_LAGS",
        "Har",
        "HarFit",
        "SESSION_LAGS",
        "rolling_har_forecast",
    ),
    "measured": (
        "JumpTest",
        "RangeEfficiency",
        "RealizedVariance",
        "VolatilityCone",
        "bar_variances",
        "close_to_close_volatility",
        "compare_range_estimators",
        "garman_klass_volatility",
        "garman_klass_yang_zhang_volatility",
        "jump_test",
        "parkinson_volatility",
        "percentile_rank",
        "range_volatility",
        "realized_variance",
        "rogers_satchell_volatility",
        "simulate_range_efficiency",
        "volatility_cone",
        "yang_zhang_volatility",
        "zero_mean_volatility",
    ),
    "outcomes": (
        "align_outcomes",
        "realized_proxy",
    ),
    "mean_premium": ("MeanPremium", "mean_premium"),
    "premium": ("VariancePremium", "ex_ante_premium", "ex_post_premium"),
    "panel": (
        "PanelFit",
        "fit_panel",
    ),
    "realized_garch": (
        "RealizedGarch",
        "RealizedGarchFit",
    ),
    "recursion": (
        "NEAR_INTEGRATED",
        "Recursion",
    ),
    "regimes": (
        "RegimeFit",
        "VolatilityRegimes",
    ),
    "rolling": (
        "VolatilityState",
        "rolling_forecast",
        "walk_forward",
    ),
    "rolling_results": ("RollingForecast",),
    "tails": (
        "AndersonDarling",
        "ClusterPeaks",
        "HillEstimate",
        "HillPath",
        "KurtosisEstimate",
        "ParetoTail",
        "QuantileComparison",
        "TailComparison",
        "ThresholdDiagnostics",
        "compare_tails",
        "decluster",
        "excess_kurtosis",
        "extremal_index",
        "fit_pareto_tail",
        "fit_pareto_tail_of_returns",
        "hill_index",
        "hill_plot_data",
        "quantile_quantile",
        "tail_quantile_ratio",
        "threshold_diagnostics",
    ),
    "through_arch": ("ArchFit", "ThroughArch", "to_arch_result"),
    "walking": ("VolatilityModel",),
}

__all__ = [
    "CRYPTO_LAGS",
    "ERROR_KINDS",
    "NEAR_INTEGRATED",
    "SESSION_LAGS",
    "AndersonDarling",
    "ArchFit",
    "Certificate",
    "ClusterPeaks",
    "Distribution",
    "ErrorKind",
    "Ewma",
    "EwmaState",
    "ExpectedVariance",
    "FitStatus",
    "ForecastBand",
    "ForecastComparison",
    "Garch",
    "Har",
    "HarFit",
    "HillEstimate",
    "HillPath",
    "JumpTest",
    "KurtosisEstimate",
    "MeanPremium",
    "PanelFit",
    "ParetoTail",
    "QuantileComparison",
    "RangeEfficiency",
    "RealizedGarch",
    "RealizedGarchFit",
    "RealizedVariance",
    "Recursion",
    "RegimeFit",
    "RollingForecast",
    "SimulatedPaths",
    "TailComparison",
    "ThresholdDiagnostics",
    "ThroughArch",
    "VariancePremium",
    "VolatilityCone",
    "VolatilityFit",
    "VolatilityForecast",
    "VolatilityModel",
    "VolatilityRegimes",
    "VolatilityState",
    "align_outcomes",
    "bar_variances",
    "close_to_close_volatility",
    "compare_forecasts",
    "compare_range_estimators",
    "compare_tails",
    "decay_of",
    "decluster",
    "ex_ante_premium",
    "ex_post_premium",
    "excess_kurtosis",
    "extremal_index",
    "fit_panel",
    "fit_pareto_tail",
    "fit_pareto_tail_of_returns",
    "forecast_band",
    "garman_klass_volatility",
    "garman_klass_yang_zhang_volatility",
    "half_life_of",
    "hill_index",
    "hill_plot_data",
    "jump_test",
    "mean_premium",
    "parkinson_volatility",
    "percentile_rank",
    "quantile_quantile",
    "range_volatility",
    "realized_proxy",
    "realized_variance",
    "rogers_satchell_volatility",
    "rolling_forecast",
    "rolling_har_forecast",
    "simulate_paths",
    "simulate_range_efficiency",
    "tail_quantile_ratio",
    "threshold_diagnostics",
    "to_arch_result",
    "volatility_cone",
    "walk_forward",
    "yang_zhang_volatility",
    "zero_mean_volatility",
]


__getattr__ = names_on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
