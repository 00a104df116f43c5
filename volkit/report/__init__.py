"""What readers see: figures, tables, one self-contained page, and the parameter file.

The only room that imports matplotlib and seaborn. It knows the results of the stages and draws them; what
a study's report says is composed in `volkit.study`.
"""

from volkit.report.captions import correlation_caption
from volkit.report.describe import describe_axes, describe_figure
from volkit.report.export import export_tables
from volkit.report.figures import FigureFiles, FigureSpec, save_figure
from volkit.report.html import Block, FigureBlock, ReportDocument, Section, TableBlock, TextBlock, render_report
from volkit.report.marks import shade_events
from volkit.report.parameter_file import ParameterFile, load_parameters
from volkit.report.parameters import write_parameters
from volkit.report.plots_bounds import plot_correlation_bounds
from volkit.report.plots_bridge import plot_conditional_margin, plot_stress_replay
from volkit.report.plots_cascade import (
    cascade_figures,
    plot_cascade_price,
    plot_cascade_rounds,
    plot_fund_paths,
    plot_loss_payers,
    plot_mitigations,
)
from volkit.report.plots_change import (
    plot_breakdown_alarm,
    plot_change_points,
    plot_correlation_breaks,
    plot_correlation_change,
    plot_structural_breaks,
)
from volkit.report.plots_claim import plot_claim_roc, plot_claim_scores
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
from volkit.report.plots_cover import plot_cover_k
from volkit.report.plots_data import plot_gaps
from volkit.report.plots_dcc import plot_correlation_forecast, plot_dcc_path
from volkit.report.plots_deleveraging import plot_adl_haircuts, plot_adl_lorenz
from volkit.report.plots_dependence import plot_exceedance, plot_tail_dependence
from volkit.report.plots_evaluation import plot_cumulative_loss_difference, plot_forecast_comparison
from volkit.report.plots_events import plot_event_study
from volkit.report.plots_exposure import plot_attribution, plot_gamma_exposure, plot_variance_strip
from volkit.report.plots_flows import (
    cross_figures,
    flow_figures,
    plot_cross_liquidations,
    plot_cross_prices,
    plot_forced_flow,
)
from volkit.report.plots_fracture import (
    fracture_figures,
    plot_amplification,
    plot_bad_debt_curve,
    plot_liquidation_heat_map,
    plot_phase_diagram,
)
from volkit.report.plots_frontier import plot_frontier
from volkit.report.plots_hedge import plot_hedge_effectiveness, plot_macro_hedge
from volkit.report.plots_impact import (
    plot_half_life,
    plot_impact_fit,
    plot_impact_laws,
    plot_market_depth,
    plot_velocity,
)
from volkit.report.plots_insolvency import plot_equity_fan, plot_insolvency_curve
from volkit.report.plots_leadlag import plot_cross_correlogram, plot_granger_network, plot_rolling_granger
from volkit.report.plots_macro import plot_directional_betas, plot_risk_split, plot_rolling_betas
from volkit.report.plots_margin import plot_coverage, plot_margin_schedule, plot_parameters
from volkit.report.plots_measures import plot_absorption, plot_systemic_table, plot_turbulence
from volkit.report.plots_netting import plot_hedge_programme, plot_margin_modes, plot_neutrality
from volkit.report.plots_network_graph import plot_exposure_network
from volkit.report.plots_networks import (
    network_figures,
    plot_recovery,
    plot_sampled_defaults,
    plot_systemic_ranking,
)
from volkit.report.plots_options import plot_risk_reversals, plot_smile, plot_term_structure
from volkit.report.plots_policies import plot_policies
from volkit.report.plots_portfolio import plot_margin_contributions, plot_risk_array
from volkit.report.plots_premium import plot_implied_realized, plot_premium
from volkit.report.plots_procyclicality import plot_treated_margin
from volkit.report.plots_realtime import plot_replay, plot_replay_equity, plot_static_dynamic, replay_figures
from volkit.report.plots_regimes import plot_regimes
from volkit.report.plots_reserves import plot_reserve_path, plot_reserve_ratios
from volkit.report.plots_solvency import (
    plot_health_factors,
    plot_liquidation_map,
    plot_own_token_haircut,
    plot_reverse_stress,
)
from volkit.report.plots_spillover import (
    plot_default_timeline,
    plot_fire_sale,
    plot_lag_sensitivity,
    plot_overlaps,
)
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
from volkit.report.plots_volatility import plot_volatility, plot_volatility_estimators, plot_volatility_models
from volkit.report.plots_waterfall import (
    plot_bad_debt,
    plot_layer_reach,
    plot_loss_layers,
    waterfall_figures,
)
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
    "cascade_figures",
    "colour_of",
    "correlation_caption",
    "cross_figures",
    "describe_axes",
    "describe_figure",
    "export_tables",
    "figure_style",
    "flow_figures",
    "format_value",
    "fracture_figures",
    "load_parameters",
    "mark_simulated",
    "method_words",
    "network_figures",
    "plot_absorption",
    "plot_adl_haircuts",
    "plot_adl_lorenz",
    "plot_amplification",
    "plot_arbitrage",
    "plot_attribution",
    "plot_bad_debt",
    "plot_bad_debt_curve",
    "plot_betas",
    "plot_breakdown_alarm",
    "plot_cascade_price",
    "plot_cascade_rounds",
    "plot_change_points",
    "plot_claim_roc",
    "plot_claim_scores",
    "plot_conditional_margin",
    "plot_connectedness",
    "plot_connectedness_path",
    "plot_correlation_bounds",
    "plot_correlation_breaks",
    "plot_correlation_change",
    "plot_correlation_eras",
    "plot_correlation_forecast",
    "plot_correlation_matrix",
    "plot_cover_k",
    "plot_coverage",
    "plot_cross_correlogram",
    "plot_cross_liquidations",
    "plot_cross_prices",
    "plot_cumulative_loss_difference",
    "plot_dcc_path",
    "plot_default_timeline",
    "plot_density_factor",
    "plot_directional_betas",
    "plot_equity_fan",
    "plot_event_study",
    "plot_exceedance",
    "plot_exception_cells",
    "plot_exposure_network",
    "plot_fire_sale",
    "plot_forced_flow",
    "plot_forecast_comparison",
    "plot_frequency_connectedness",
    "plot_frontier",
    "plot_fund_paths",
    "plot_gamma_exposure",
    "plot_gaps",
    "plot_granger_network",
    "plot_half_life",
    "plot_health_factors",
    "plot_hedge_effectiveness",
    "plot_hedge_programme",
    "plot_hill",
    "plot_impact_fit",
    "plot_impact_laws",
    "plot_implied_confidence",
    "plot_implied_realized",
    "plot_insolvency_curve",
    "plot_lag_sensitivity",
    "plot_layer_reach",
    "plot_liquidation_heat_map",
    "plot_liquidation_map",
    "plot_loss_layers",
    "plot_loss_payers",
    "plot_macro_hedge",
    "plot_margin_contributions",
    "plot_margin_modes",
    "plot_margin_schedule",
    "plot_market_depth",
    "plot_mean_excess",
    "plot_mitigations",
    "plot_net_connectedness",
    "plot_net_connectedness_path",
    "plot_neutrality",
    "plot_overlaps",
    "plot_own_token_haircut",
    "plot_parameters",
    "plot_phase_diagram",
    "plot_policies",
    "plot_premium",
    "plot_quantile_quantile",
    "plot_recovery",
    "plot_regime_correlation",
    "plot_regime_probabilities",
    "plot_regimes",
    "plot_replay",
    "plot_replay_equity",
    "plot_reserve_path",
    "plot_reserve_ratios",
    "plot_reverse_stress",
    "plot_risk_array",
    "plot_risk_reversals",
    "plot_risk_split",
    "plot_rolling_betas",
    "plot_rolling_correlation",
    "plot_rolling_granger",
    "plot_sampled_defaults",
    "plot_smile",
    "plot_static_dynamic",
    "plot_stress_replay",
    "plot_structural_breaks",
    "plot_surface",
    "plot_surface_smiles",
    "plot_systemic_ranking",
    "plot_systemic_table",
    "plot_tail_dependence",
    "plot_term_structure",
    "plot_threshold_stability",
    "plot_tiers",
    "plot_treated_margin",
    "plot_turbulence",
    "plot_variance_strip",
    "plot_velocity",
    "plot_volatility",
    "plot_volatility_cone",
    "plot_volatility_estimators",
    "plot_volatility_models",
    "plot_volatility_response",
    "plot_volatility_transmission",
    "render_report",
    "replay_figures",
    "save_figure",
    "shade_events",
    "to_html_table",
    "waterfall_figures",
    "write_parameters",
]
