"""Manual overrides of calibrated parameters: the number, who set it, why and when, kept beside the calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_kind, check_kinds
from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.margin.calibrate import CalibratedParameters
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["OverriddenParameters", "Override", "override_parameters"]

_RATES = tuple(f"{rate}_{side}" for side in SIDES for rate in ("maintenance_margin", "initial_margin"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A number set by hand instead of the calibrated one.

    Attributes
    ----------
    parameter : str
        maintenance_margin_long, initial_margin_long, maintenance_margin_short or initial_margin_short. Leverage
        follows from the initial margin.
    value : float
        Fraction of the notional; at most 1 for long positions.
    who, why : str
        Not empty.
    when : Timestamp
        Aware; kept in UTC.

    Raises
    ------
    ArgumentError
        At construction, for an override without who or why, a naive time, or a value that is no margin.

    Examples
    --------
    >>> when = pd.Timestamp("2024-01-02 09:00", tz="UTC")
    >>> Override(parameter="initial_margin_long", value=0.2, who="R. Risk", why="listing of options", when=when).value
    0.2
    >>> Override(parameter="initial_margin_long", value=0.2, who="", why="listing of options", when=when)
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: who must say who set it; got ''; pass a name and not only spaces.
    """

    parameter: str
    value: float
    who: str
    why: str
    when: pd.Timestamp

    def __post_init__(self) -> None:
        check_choice(self.parameter, argument="parameter", choices=_RATES)
        for argument, wanted, remedy in (
            ("who", "must say who set it", "pass a name and not only spaces"),
            ("why", "must say why it was set", "pass the reason in words"),
        ):
            text = getattr(self, argument)
            if not isinstance(text, str) or not text.strip():
                raise ArgumentError(argument, wanted, repr(text), remedy)
        value = float(self.value)
        most = 1.0 if self.parameter.endswith("long") else np.inf
        if not (0.0 < value <= most and np.isfinite(value)):
            rule = f"must be a positive fraction of the notional{' up to 1' if most == 1.0 else ''}"
            raise ArgumentError("value", rule, repr(self.value), f"pass for example 0.1 for 10 % of {self.parameter}")
        when = pd.Timestamp(self.when)
        if when is pd.NaT or when.tz is None:
            raise ArgumentError(
                "when", "must be a time with a zone", repr(self.when), 'pass pd.Timestamp(..., tz="UTC")'
            )
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "when", when.tz_convert("UTC"))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OverriddenParameters(ResultDisplay):
    """A calibration with what was set by hand.

    Attributes
    ----------
    calibrated : CalibratedParameters
        As it came, unchanged.
    overrides : tuple of Override
        All of them, by time; the last one of a parameter counts.
    table : DataFrame, one row a parameter
        The calibration's table with in_force (units in their column), and who, why and when (UTC; NaT and "" where
        the recommended number is in force).
    """

    calibrated: CalibratedParameters
    overrides: tuple[Override, ...]
    table: pd.DataFrame

    @property
    def as_of(self) -> pd.Timestamp:
        """Last return (UTC) used by the calibration."""
        return self.calibrated.as_of

    @property
    def provenance(self) -> Provenance:
        """Sources and hashes of the calibration."""
        return self.calibrated.provenance

    @property
    def headline(self) -> str:
        """Asset and how many parameters were set by whom, in one line."""
        by_hand = self.table[self.table["who"] != ""]
        names = ", ".join(dict.fromkeys(by_hand["who"])) or "nobody"
        return f"{self.calibrated.asset}, {len(by_hand)} of {len(self.table)} parameters set by hand ({names})"

    def summary(self) -> pd.DataFrame:
        """Return the table (units in their column)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the asset as first index level (units in their column)."""
        return pd.concat({self.calibrated.asset: self.table}, names=["asset"])

    def records(self) -> list[dict[str, object]]:
        """Return every override as plain values, for TOML or JSON: parameter, value, who, why, when (ISO 8601, UTC)."""
        return [
            {"parameter": o.parameter, "value": o.value, "who": o.who, "why": o.why, "when": o.when.isoformat()}
            for o in self.overrides
        ]


def override_parameters(calibrated: CalibratedParameters, overrides: Sequence[Override]) -> OverriddenParameters:
    """Return a calibration with overrides put in force beside the recommended numbers.

    Parameters
    ----------
    calibrated : CalibratedParameters
        From `calibrate_margin`.
    overrides : sequence of Override
        In any order; of several for a parameter the latest counts, and all are kept.

    Returns
    -------
    OverriddenParameters
        Largest leverage in force is one over the initial margin in force.

    Raises
    ------
    ArgumentError
        For two overrides of a parameter at one time, or an initial margin in force below the maintenance margin.

    Examples
    --------
    >>> from volkit.margin.calibrate import calibrate_margin
    >>> from volkit.margin.policy import MarginPolicy
    >>> times = pd.date_range("2023-01-01", periods=400, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 400), index=times, name="BTC")
    >>> policy = MarginPolicy(confidence=0.95, lookback=200)
    >>> calibrated = calibrate_margin(returns, policy=policy, periods_per_year=365, methods=["historical"])
    >>> when = pd.Timestamp("2024-02-06", tz="UTC")
    >>> by_hand = Override(parameter="initial_margin_long", value=0.1, who="R. Risk", why="halving", when=when)
    >>> override_parameters(calibrated, [by_hand])
    <OverriddenParameters: BTC, 2 of 6 parameters set by hand (R. Risk)>
    """
    check_kind(calibrated, CalibratedParameters, argument="calibrated", remedy="pass what calibrate_margin returns")
    ordered = tuple(sorted(check_kinds(overrides, Override, argument="overrides"), key=lambda o: o.when))
    keys = [(o.parameter, o.when) for o in ordered]
    if len(set(keys)) < len(keys):
        parameter, when = next(key for i, key in enumerate(keys) if key in keys[:i])
        got = f"two of {parameter} at {when}"
        raise ArgumentError("overrides", "must have one value for a parameter at a time", got, "keep one of them")
    last = {o.parameter: o for o in ordered}
    table = calibrated.table.copy()
    table["in_force"] = [last[n].value if n in last else v for n, v in table["recommended"].items()]
    source = {name: _source(str(name), last) for name in table.index}
    for side in SIDES:
        maintenance, initial = (table.loc[f"{r}_margin_{side}", "in_force"] for r in ("maintenance", "initial"))
        if initial < maintenance:
            got = f"{initial:.4g} below {maintenance:.4g}, {side}"
            raise ArgumentError(
                "overrides", "must keep the initial margin at or above the maintenance margin", got, "override both"
            )
        if source[f"max_leverage_{side}"] is not None:
            table.loc[f"max_leverage_{side}", "in_force"] = 1.0 / initial
    for column in ("who", "why"):
        table[column] = [getattr(o, column) if o else "" for o in source.values()]
    table["when"] = pd.DatetimeIndex([o.when if o else pd.NaT for o in source.values()], tz="UTC").as_unit("us")
    return OverriddenParameters(calibrated=calibrated, overrides=ordered, table=freeze(table))


def _source(parameter: str, last: dict[str, Override]) -> Override | None:
    return last.get(parameter.replace("max_leverage", "initial_margin"))
