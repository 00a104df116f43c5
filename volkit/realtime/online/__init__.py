"""Online calibration of margins: a multiplier that repairs miscoverage without a model, with what it guarantees.

Scores (loss over the model's margin) enter one by one or as a history; the multiplier of the next margin leaves.
"""

from volkit.realtime.online.calibration import OnlineCalibration, calibrate_online
from volkit.realtime.online.calibrator import OnlineCalibrator
from volkit.realtime.online.coverage import LocalGap, coverage_by_group, full_years, local_gap
from volkit.realtime.online.curve import LevelCurve
from volkit.realtime.online.guarantee import Guarantee
from volkit.realtime.online.levels import AdaptiveConformal, DynamicallyTunedAdaptiveConformal
from volkit.realtime.online.saved import load_calibrator
from volkit.realtime.online.tracking import ProportionalIntegral, QuantileTracker

__all__ = [
    "AdaptiveConformal",
    "DynamicallyTunedAdaptiveConformal",
    "Guarantee",
    "LevelCurve",
    "LocalGap",
    "OnlineCalibration",
    "OnlineCalibrator",
    "ProportionalIntegral",
    "QuantileTracker",
    "calibrate_online",
    "coverage_by_group",
    "full_years",
    "load_calibrator",
    "local_gap",
]
