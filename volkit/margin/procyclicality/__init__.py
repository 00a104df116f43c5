"""Against procyclicality: tools that smooth margin rates through time, what they cost, and how rates moved.

A schedule of margins or a plain series of rates enters; treated rates with the part of each tool, and metrics of
procyclicality, leave.
"""

from volkit.margin.procyclicality.history import matching_confidence, mixed_tail
from volkit.margin.procyclicality.metrics import ProcyclicalityMetrics, procyclicality_metrics
from volkit.margin.procyclicality.policy import AntiProcyclicality
from volkit.margin.procyclicality.recursions import (
    BufferedRates,
    apply_floor,
    limit_speed,
    mix_rates,
    release_buffer,
)
from volkit.margin.procyclicality.table import (
    ProcyclicalityTable,
    TreatmentCost,
    procyclicality_table,
    treatment_cost,
)
from volkit.margin.procyclicality.tools import (
    Buffer,
    LongFloor,
    SpeedLimit,
    StressFloor,
    StressWeight,
    VolatilityFloor,
)
from volkit.margin.procyclicality.treated import STEPS, TreatedSchedule

__all__ = [
    "STEPS",
    "AntiProcyclicality",
    "Buffer",
    "BufferedRates",
    "LongFloor",
    "ProcyclicalityMetrics",
    "ProcyclicalityTable",
    "SpeedLimit",
    "StressFloor",
    "StressWeight",
    "TreatedSchedule",
    "TreatmentCost",
    "VolatilityFloor",
    "apply_floor",
    "limit_speed",
    "matching_confidence",
    "mix_rates",
    "mixed_tail",
    "procyclicality_metrics",
    "procyclicality_table",
    "release_buffer",
    "treatment_cost",
]
