"""Networks of liabilities: what everybody pays, how distress spreads, and what is known from totals alone."""

from volkit.contagion.networks.clearing import ClearingResult, clearing_vector
from volkit.contagion.networks.distress import Distress, SystemicRanking, debtrank, systemic_ranking
from volkit.contagion.networks.fictitious import ClearingCertificate
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.contagion.networks.reconstruction import NetworkReconstruction, reconstruct_network
from volkit.contagion.networks.samples import NetworkSamples, SampledClearing, clear_samples, sample_networks
from volkit.contagion.networks.scenarios import ClearingScenarios, clear_scenarios
from volkit.contagion.networks.sequential import DefaultSequence, default_sequence
from volkit.contagion.networks.warm import compile_networks

__all__ = [
    "ClearingCertificate",
    "ClearingResult",
    "ClearingScenarios",
    "DefaultSequence",
    "Distress",
    "LiabilityNetwork",
    "NetworkReconstruction",
    "NetworkSamples",
    "SampledClearing",
    "SystemicRanking",
    "clear_samples",
    "clear_scenarios",
    "clearing_vector",
    "compile_networks",
    "debtrank",
    "default_sequence",
    "reconstruct_network",
    "sample_networks",
    "systemic_ranking",
]
