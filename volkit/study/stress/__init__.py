"""The venue of a study under stress: liquidations, fund, solvency, debts; and the same for the command line."""

from volkit.study.stress.stage import StressParts, stress_study, stress_venue
from volkit.study.venue_files import VenueTables, open_venue, read_venue

__all__ = ["StressParts", "VenueTables", "open_venue", "read_venue", "stress_study", "stress_venue"]
