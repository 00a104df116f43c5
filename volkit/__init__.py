"""volkit: from prices to validated margin parameters.

Crypto and macro prices come in on one clock, volatility and correlation are estimated with what is known of
their error, and margin rates come out with the evidence that they would have held.

>>> import volkit
>>> source = volkit.open_source("bundled")
>>> panel = volkit.load_prices(source, ["SPX"])
>>> returns = volkit.simple_returns(panel.close["SPX"])
>>> policy = volkit.MarginPolicy(method="historical", confidence=0.99, lookback=500)
>>> schedule = volkit.margin_schedule(returns, policy=policy, periods_per_year=panel.periods_per_year)
>>> volkit.backtest_margin(schedule)
<MarginBacktest: SPX, 63 long and 63 short exceptions in 4530 periods, 45.3 expected a side>

Names are loaded when first used, so that importing volkit costs next to nothing.
"""

from typing import TYPE_CHECKING

from volkit.lazy import names_on_demand
from volkit.resources import VERSION

if TYPE_CHECKING:
    from volkit.conventions import utc_day
    from volkit.correlation import (
        correlation_by_era,
        correlation_matrix,
        ewma_correlation,
        macro_betas,
        pearson_correlation,
        rolling_correlation,
    )
    from volkit.margin import (
        MarginPolicy,
        backtest_margin,
        bankruptcy_price,
        calibrate_margin,
        inverse_bankruptcy_price,
        inverse_liquidation_price,
        liquidation_price,
        margin_rates,
        margin_schedule,
        tail_risk,
    )
    from volkit.prices import align, inspect_bars, last_known, load_bars, load_prices
    from volkit.report import load_parameters
    from volkit.returns import changes, complete_rows, log_returns, mask_not_positive, simple_returns
    from volkit.scenarios import (
        filtered_historical_scenarios,
        historical_scenarios,
        macro_day_scenarios,
        worst_factor_move,
    )
    from volkit.sources import load_catalogue, load_events, open_source, simulate_market, source_names
    from volkit.sources.feeds import Feeds
    from volkit.store import LiveSource, Store, pull_series
    from volkit.study import load_study, run_study, study_names, study_schema, verify_run, write_run
    from volkit.validation import (
        christoffersen_test,
        diebold_mariano_test,
        kupiec_power,
        kupiec_test,
        model_confidence_set,
        qlike_loss,
        traffic_light,
    )
    from volkit.volatility import (
        Ewma,
        Garch,
        Har,
        RealizedGarch,
        ThroughArch,
        VolatilityRegimes,
        close_to_close_volatility,
        compare_forecasts,
        compare_range_estimators,
        compare_tails,
        excess_kurtosis,
        fit_panel,
        fit_pareto_tail,
        forecast_band,
        hill_index,
        jump_test,
        percentile_rank,
        quantile_quantile,
        range_volatility,
        realized_proxy,
        realized_variance,
        rolling_forecast,
        rolling_har_forecast,
        simulate_paths,
        simulate_range_efficiency,
        threshold_diagnostics,
        to_arch_result,
        volatility_cone,
        walk_forward,
    )

_HOMES = {
    "conventions": ("utc_day",),
    "correlation": (
        "correlation_by_era",
        "correlation_matrix",
        "ewma_correlation",
        "macro_betas",
        "pearson_correlation",
        "rolling_correlation",
    ),
    "margin": (
        "MarginPolicy",
        "backtest_margin",
        "bankruptcy_price",
        "calibrate_margin",
        "inverse_bankruptcy_price",
        "inverse_liquidation_price",
        "liquidation_price",
        "margin_rates",
        "margin_schedule",
        "tail_risk",
    ),
    "prices": ("align", "inspect_bars", "last_known", "load_bars", "load_prices"),
    "report": ("load_parameters",),
    "returns": ("changes", "complete_rows", "log_returns", "mask_not_positive", "simple_returns"),
    "scenarios": (
        "filtered_historical_scenarios",
        "historical_scenarios",
        "macro_day_scenarios",
        "worst_factor_move",
    ),
    "sources": ("load_catalogue", "load_events", "open_source", "simulate_market", "source_names"),
    "sources.feeds": ("Feeds",),
    "store": ("LiveSource", "Store", "pull_series"),
    "study": ("load_study", "run_study", "study_names", "study_schema", "verify_run", "write_run"),
    "validation": (
        "christoffersen_test",
        "diebold_mariano_test",
        "kupiec_power",
        "kupiec_test",
        "model_confidence_set",
        "qlike_loss",
        "traffic_light",
    ),
    "volatility": (
        "ThroughArch",
        "compare_tails",
        "excess_kurtosis",
        "fit_pareto_tail",
        "forecast_band",
        "hill_index",
        "percentile_rank",
        "quantile_quantile",
        "threshold_diagnostics",
        "to_arch_result",
        "Ewma",
        "Garch",
        "Har",
        "RealizedGarch",
        "VolatilityRegimes",
        "close_to_close_volatility",
        "compare_forecasts",
        "compare_range_estimators",
        "fit_panel",
        "jump_test",
        "range_volatility",
        "realized_proxy",
        "realized_variance",
        "rolling_forecast",
        "rolling_har_forecast",
        "simulate_paths",
        "simulate_range_efficiency",
        "volatility_cone",
        "walk_forward",
    ),
}

__version__ = VERSION
__all__ = [
    "Ewma",
    "Feeds",
    "Garch",
    "Har",
    "LiveSource",
    "MarginPolicy",
    "RealizedGarch",
    "Store",
    "ThroughArch",
    "VolatilityRegimes",
    "__version__",
    "align",
    "backtest_margin",
    "bankruptcy_price",
    "calibrate_margin",
    "changes",
    "christoffersen_test",
    "close_to_close_volatility",
    "compare_forecasts",
    "compare_range_estimators",
    "compare_tails",
    "complete_rows",
    "correlation_by_era",
    "correlation_matrix",
    "diebold_mariano_test",
    "ewma_correlation",
    "excess_kurtosis",
    "filtered_historical_scenarios",
    "fit_panel",
    "fit_pareto_tail",
    "forecast_band",
    "hill_index",
    "historical_scenarios",
    "inspect_bars",
    "inverse_bankruptcy_price",
    "inverse_liquidation_price",
    "jump_test",
    "kupiec_power",
    "kupiec_test",
    "last_known",
    "liquidation_price",
    "load_bars",
    "load_catalogue",
    "load_events",
    "load_parameters",
    "load_prices",
    "load_study",
    "log_returns",
    "macro_betas",
    "macro_day_scenarios",
    "margin_rates",
    "margin_schedule",
    "mask_not_positive",
    "model_confidence_set",
    "open_source",
    "pearson_correlation",
    "percentile_rank",
    "pull_series",
    "qlike_loss",
    "quantile_quantile",
    "range_volatility",
    "realized_proxy",
    "realized_variance",
    "rolling_correlation",
    "rolling_forecast",
    "rolling_har_forecast",
    "run_study",
    "simple_returns",
    "simulate_market",
    "simulate_paths",
    "simulate_range_efficiency",
    "source_names",
    "study_names",
    "study_schema",
    "tail_risk",
    "threshold_diagnostics",
    "to_arch_result",
    "traffic_light",
    "utc_day",
    "verify_run",
    "volatility_cone",
    "walk_forward",
    "worst_factor_move",
    "write_run",
]


__getattr__ = names_on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
