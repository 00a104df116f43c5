"""Every drawing of the package under one name, by topic in the modules beside this one."""

from volkit.report.plots_correlation import (
    plot_betas,
    plot_correlation_eras,
    plot_correlation_matrix,
    plot_rolling_correlation,
)
from volkit.report.plots_data import plot_gaps
from volkit.report.plots_margin import plot_coverage, plot_margin_schedule, plot_parameters
from volkit.report.plots_volatility import plot_volatility, plot_volatility_models

__all__ = [
    "plot_betas",
    "plot_correlation_eras",
    "plot_correlation_matrix",
    "plot_coverage",
    "plot_gaps",
    "plot_margin_schedule",
    "plot_parameters",
    "plot_rolling_correlation",
    "plot_volatility",
    "plot_volatility_models",
]
