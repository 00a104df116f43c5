"""What readers see: figures, tables, one self-contained page, and the parameter file.

The only room that imports matplotlib and seaborn. It knows the results of the stages and draws them; what
a study's report says is composed in `volkit.study`.
"""

from volkit.report.captions import correlation_caption
from volkit.report.figures import FigureFiles, FigureSpec, save_figure
from volkit.report.html import Block, FigureBlock, ReportDocument, Section, TableBlock, TextBlock, render_report
from volkit.report.parameter_file import ParameterFile, load_parameters
from volkit.report.parameters import write_parameters
from volkit.report.plots_bounds import plot_correlation_bounds
from volkit.report.plots_bridge import plot_conditional_margin, plot_stress_replay
from volkit.report.plots_change import (
    plot_breakdown_alarm,
    plot_change_points,
    plot_correlation_breaks,
    plot_correlation_change,
    plot_structural_breaks,
)
from volkit.report.plots_cone import plot_volatility_cone
from volkit.report.plots_connectedness import (
    plot_connectedness,
    plot_connectedness_path,
    plot_frequency_connectedness,
    plot_net_connectedness,
    plot_net_connectedness_path,
)
from volkit.report.plots_correlation import (
    plot_betas,
    plot_correlation_eras,
    plot_correlation_matrix,
    plot_rolling_correlation,
)
from volkit.report.plots_correlation_regimes import plot_regime_correlation, plot_regime_probabilities
from volkit.report.plots_data import plot_gaps
from volkit.report.plots_dcc import plot_correlation_forecast, plot_dcc_path
from volkit.report.plots_dependence import plot_exceedance, plot_tail_dependence
from volkit.report.plots_evaluation import plot_cumulative_loss_difference, plot_forecast_comparison
from volkit.report.plots_events import plot_event_study
from volkit.report.plots_exposure import plot_attribution, plot_gamma_exposure, plot_variance_strip
from volkit.report.plots_frontier import plot_frontier
from volkit.report.plots_hedge import plot_hedge_effectiveness, plot_macro_hedge
from volkit.report.plots_leadlag import plot_cross_correlogram, plot_granger_network, plot_rolling_granger
from volkit.report.plots_macro import plot_directional_betas, plot_risk_split, plot_rolling_betas
from volkit.report.plots_margin import plot_coverage, plot_margin_schedule, plot_parameters
from volkit.report.plots_netting import plot_hedge_programme, plot_margin_modes, plot_neutrality
from volkit.report.plots_options import plot_risk_reversals, plot_smile, plot_term_structure
from volkit.report.plots_portfolio import plot_margin_contributions, plot_risk_array
from volkit.report.plots_premium import plot_premium
from volkit.report.plots_procyclicality import plot_treated_margin
from volkit.report.plots_realtime import plot_replay, plot_replay_equity, plot_static_dynamic, replay_figures
from volkit.report.plots_regimes import plot_regimes
from volkit.report.plots_surface import plot_arbitrage, plot_density_factor, plot_surface, plot_surface_smiles
from volkit.report.plots_tails import (
    plot_hill,
    plot_mean_excess,
    plot_quantile_quantile,
    plot_threshold_stability,
)
from volkit.report.plots_tiers import plot_implied_confidence, plot_tiers
from volkit.report.plots_transmission import plot_volatility_response, plot_volatility_transmission
from volkit.report.plots_validation import plot_exception_cells
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
    "correlation_caption",
    "figure_style",
    "format_value",
    "load_parameters",
    "mark_simulated",
    "method_words",
    "plot_arbitrage",
    "plot_attribution",
    "plot_betas",
    "plot_breakdown_alarm",
    "plot_change_points",
    "plot_conditional_margin",
    "plot_connectedness",
    "plot_connectedness_path",
    "plot_correlation_bounds",
    "plot_correlation_breaks",
    "plot_correlation_change",
    "plot_correlation_eras",
    "plot_correlation_forecast",
    "plot_correlation_matrix",
    "plot_coverage",
    "plot_cross_correlogram",
    "plot_cumulative_loss_difference",
    "plot_dcc_path",
    "plot_density_factor",
    "plot_directional_betas",
    "plot_event_study",
    "plot_exceedance",
    "plot_exception_cells",
    "plot_forecast_comparison",
    "plot_frequency_connectedness",
    "plot_frontier",
    "plot_gamma_exposure",
    "plot_gaps",
    "plot_granger_network",
    "plot_hedge_effectiveness",
    "plot_hedge_programme",
    "plot_hill",
    "plot_implied_confidence",
    "plot_macro_hedge",
    "plot_margin_contributions",
    "plot_margin_modes",
    "plot_margin_schedule",
    "plot_mean_excess",
    "plot_net_connectedness",
    "plot_net_connectedness_path",
    "plot_neutrality",
    "plot_parameters",
    "plot_premium",
    "plot_quantile_quantile",
    "plot_regime_correlation",
    "plot_regime_probabilities",
    "plot_regimes",
    "plot_replay",
    "plot_replay_equity",
    "plot_risk_array",
    "plot_risk_reversals",
    "plot_risk_split",
    "plot_rolling_betas",
    "plot_rolling_correlation",
    "plot_rolling_granger",
    "plot_smile",
    "plot_static_dynamic",
    "plot_stress_replay",
    "plot_structural_breaks",
    "plot_surface",
    "plot_surface_smiles",
    "plot_tail_dependence",
    "plot_term_structure",
    "plot_threshold_stability",
    "plot_tiers",
    "plot_treated_margin",
    "plot_variance_strip",
    "plot_volatility",
    "plot_volatility_cone",
    "plot_volatility_models",
    "plot_volatility_response",
    "plot_volatility_transmission",
    "render_report",
    "replay_figures",
    "save_figure",
    "to_html_table",
    "write_parameters",
]
