"""Did it change, when, and is it changing now: tests of constancy, break dates with intervals, a live alarm.

All but `breakdown_alarm` look at the whole sample: what they find could not have been known at the time.
"""

from volkit.correlation.change.alarm import BreakdownAlarm, breakdown_alarm
from volkit.correlation.change.break_estimates import StructuralBreaks
from volkit.correlation.change.breaks import structural_breaks
from volkit.correlation.change.cusum import FluctuationTest, correlation_break_test, ols_cusum_test
from volkit.correlation.change.points import ChangePoints, change_points

__all__ = [
    "BreakdownAlarm",
    "ChangePoints",
    "FluctuationTest",
    "StructuralBreaks",
    "breakdown_alarm",
    "change_points",
    "correlation_break_test",
    "ols_cusum_test",
    "structural_breaks",
]
