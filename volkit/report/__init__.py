"""What readers see: figures, tables, one self-contained page, and the parameter file.

The only room that imports matplotlib and seaborn. It knows the results of the stages and draws them; what
a study's report says is composed in `volkit.study`.
"""

from volkit.report.figures import FigureFiles, FigureSpec, save_figure
from volkit.report.html import Block, FigureBlock, ReportDocument, Section, TableBlock, TextBlock, render_report
from volkit.report.parameters import ParameterFile, load_parameters, write_parameters
from volkit.report.plots_bounds import plot_correlation_bounds
from volkit.report.plots_cone import plot_volatility_cone
from volkit.report.plots_correlation import (
    plot_betas,
    plot_correlation_eras,
    plot_correlation_matrix,
    plot_rolling_correlation,
)
from volkit.report.plots_correlation_regimes import plot_regime_correlation, plot_regime_probabilities
from volkit.report.plots_data import plot_gaps
from volkit.report.plots_evaluation import plot_cumulative_loss_difference, plot_forecast_comparison
from volkit.report.plots_margin import plot_coverage, plot_margin_schedule, plot_parameters
from volkit.report.plots_regimes import plot_regimes
from volkit.report.plots_tails import (
    plot_hill,
    plot_mean_excess,
    plot_quantile_quantile,
    plot_threshold_stability,
)
from volkit.report.plots_volatility import plot_volatility, plot_volatility_models
from volkit.report.style import (
    ASSET_COLOURS,
    MODEL_COLOURS,
    ROLE_COLOURS,
    colour_of,
    figure_style,
    mark_simulated,
    method_words,
)
from volkit.report.tables import ColumnKind, format_value, to_html_table

__all__ = [
    "ASSET_COLOURS",
    "MODEL_COLOURS",
    "ROLE_COLOURS",
    "Block",
    "ColumnKind",
    "FigureBlock",
    "FigureFiles",
    "FigureSpec",
    "ParameterFile",
    "ReportDocument",
    "Section",
    "TableBlock",
    "TextBlock",
    "colour_of",
    "figure_style",
    "format_value",
    "load_parameters",
    "mark_simulated",
    "method_words",
    "plot_betas",
    "plot_correlation_bounds",
    "plot_correlation_eras",
    "plot_correlation_matrix",
    "plot_coverage",
    "plot_cumulative_loss_difference",
    "plot_forecast_comparison",
    "plot_gaps",
    "plot_hill",
    "plot_margin_schedule",
    "plot_mean_excess",
    "plot_parameters",
    "plot_quantile_quantile",
    "plot_regime_correlation",
    "plot_regime_probabilities",
    "plot_regimes",
    "plot_rolling_correlation",
    "plot_threshold_stability",
    "plot_volatility",
    "plot_volatility_cone",
    "plot_volatility_models",
    "render_report",
    "save_figure",
    "to_html_table",
    "write_parameters",
]
