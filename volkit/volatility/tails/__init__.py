"""Tails of losses: kurtosis, Hill's index, peaks over threshold, quantiles against a law."""

from volkit.volatility.tails.comparison import TailComparison, compare_tails, tail_quantile_ratio
from volkit.volatility.tails.exceedances import ClusterPeaks, decluster, extremal_index, tail_threshold
from volkit.volatility.tails.goodness import AndersonDarling, anderson_darling, anderson_darling_p_value
from volkit.volatility.tails.hill import HillEstimate, HillPath, hill_index, hill_plot_data
from volkit.volatility.tails.kurtosis import KurtosisEstimate, excess_kurtosis
from volkit.volatility.tails.pareto import ParetoEstimate, fit_excesses
from volkit.volatility.tails.pareto_tail import ParetoTail
from volkit.volatility.tails.peaks import fit_pareto_tail, fit_pareto_tail_of_returns
from volkit.volatility.tails.quantiles import QuantileComparison, quantile_quantile
from volkit.volatility.tails.thresholds import ThresholdDiagnostics, threshold_diagnostics

__all__ = [
    "AndersonDarling",
    "ClusterPeaks",
    "HillEstimate",
    "HillPath",
    "KurtosisEstimate",
    "ParetoEstimate",
    "ParetoTail",
    "QuantileComparison",
    "TailComparison",
    "ThresholdDiagnostics",
    "anderson_darling",
    "anderson_darling_p_value",
    "compare_tails",
    "decluster",
    "excess_kurtosis",
    "extremal_index",
    "fit_excesses",
    "fit_pareto_tail",
    "fit_pareto_tail_of_returns",
    "hill_index",
    "hill_plot_data",
    "quantile_quantile",
    "tail_quantile_ratio",
    "tail_threshold",
    "threshold_diagnostics",
]
