"""Less margin for the same business: hedges of least margin, compression, and what the capital costs.

Scenario losses and a menu of hedges, obligations, or margins through time enter; the change, its cost and what held it
back leave.
"""

from volkit.portfolio.efficiency.capital import (
    CapitalEfficiency,
    book_efficiency,
    capital_efficiency,
    schedule_efficiency,
)
from volkit.portfolio.efficiency.compression import (
    CompressedObligations,
    CompressedPositions,
    compress_obligations,
    compress_positions,
)
from volkit.portfolio.efficiency.hedge import hedge_programme, scan_programme
from volkit.portfolio.efficiency.outcome import HedgeProgramme
from volkit.portfolio.efficiency.programme import ProgrammeSolution, TailProgramme, solve_programme

__all__ = [
    "CapitalEfficiency",
    "CompressedObligations",
    "CompressedPositions",
    "HedgeProgramme",
    "ProgrammeSolution",
    "TailProgramme",
    "book_efficiency",
    "capital_efficiency",
    "compress_obligations",
    "compress_positions",
    "hedge_programme",
    "scan_programme",
    "schedule_efficiency",
    "solve_programme",
]
