"""Argument checks that return the checked value, so that a mistake stops at the boundary.

Each check raises `ArgumentError` or `DataError` with the argument, the requirement, what came and what to
do. The core trusts what passed here and does not check again.
"""

from volkit.checks.arrays import check_floats, floats_or_nan, real_floats, refuse_odd_scale, refuse_overflow
from volkit.checks.kinds import check_kind, check_kinds, check_named_kinds
from volkit.checks.numbers import (
    check_choice,
    check_confidence,
    check_correlation,
    check_count,
    check_fraction,
    check_not_negative,
    check_positive,
    real_number,
)
from volkit.checks.tables import check_returns, check_series, check_table, check_times

__all__ = [
    "check_choice",
    "check_confidence",
    "check_correlation",
    "check_count",
    "check_floats",
    "check_fraction",
    "check_kind",
    "check_kinds",
    "check_named_kinds",
    "check_not_negative",
    "check_positive",
    "check_returns",
    "check_series",
    "check_table",
    "check_times",
    "floats_or_nan",
    "real_floats",
    "real_number",
    "refuse_odd_scale",
    "refuse_overflow",
]
