"""Grids of policies: lists of parameters enter, the policies that can be made of them leave, the others counted."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError
from volkit.margin.policy import MarginPolicy
from volkit.margin.rates import require_tail
from volkit.results import ResultDisplay, freeze

__all__ = ["PolicyGrid", "effective_parameters", "name_policies", "policy_grid", "require_scenarios"]

_ALWAYS = (
    "method", "measure", "confidence", "margin_period_of_risk", "lookback", "expanding", "floor", "buffer",
)  # fmt: skip
_FIELDS = tuple(f.name for f in fields(MarginPolicy))
_NO_PART = "a parameter plays no part in its method: the same margins as another policy"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PolicyGrid(ResultDisplay):
    """Policies to choose among, and the combinations that were refused.

    Attributes
    ----------
    policies : tuple of MarginPolicy
        In the order of the lists, the last one running fastest; no two give the same margins.
    refused : DataFrame
        Index reason (words); column n_combinations (count).
    n_combinations : int
        Products of the lists.
    """

    policies: tuple[MarginPolicy, ...]
    refused: pd.DataFrame
    n_combinations: int

    @property
    def headline(self) -> str:
        """Policies, combinations and refusals in one line."""
        n = int(self.refused["n_combinations"].sum())
        return f"{len(self.policies)} policies of {self.n_combinations} combinations, {n} refused"

    def summary(self) -> pd.DataFrame:
        """Return the refusals, counts by reason."""
        return self.refused

    def to_frame(self) -> pd.DataFrame:
        """Return one row a policy: the parameters that play a part in it (NaN elsewhere)."""
        rows = [effective_parameters(policy) for policy in self.policies]
        return pd.DataFrame(rows, index=pd.Index(name_policies(self.policies), name="policy"))


def policy_grid(**lists: Sequence[object]) -> PolicyGrid:
    """Return the policies of every combination of the lists that can be walked.

    Parameters
    ----------
    **lists : sequence
        Values of a parameter of `MarginPolicy`, by its name: ``confidence=[0.99, 0.995]``. Parameters that are not
        named keep the default.

    Returns
    -------
    PolicyGrid
        Combinations that no policy may have, whose look-back holds too few scenarios for the confidence, or that give
        the same margins as one before (a half-life beside plain historical margins), are counted with their reason.

    Raises
    ------
    ArgumentError
        For an unknown parameter, an empty list, one that is no list, or when every combination is refused.

    Examples
    --------
    >>> grid = policy_grid(method=["historical", "conditional_pareto"], confidence=[0.99, 0.999], lookback=[500])
    >>> grid
    <PolicyGrid: 3 policies of 4 combinations, 1 refused>
    >>> grid.refused.index[0]
    'confidence must leave at least one scenario in the tail (1000 scenarios for 0.999)'
    """
    _check_lists(lists)
    kept: dict[tuple[object, ...], MarginPolicy] = {}
    reasons: dict[str, int] = {}
    combinations = list(itertools.product(*lists.values()))
    for values in combinations:
        try:
            policy = MarginPolicy(**dict(zip(lists, values, strict=True)))  # type: ignore[arg-type]
            require_scenarios(policy)
        except ArgumentError as error:
            reason = f"{error.argument} {error.requirement}"
        else:
            reason = "" if kept.setdefault(_identity(policy), policy) is policy else _NO_PART
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
    refused = pd.DataFrame({"n_combinations": pd.Series(reasons, dtype=np.int64)}).rename_axis("reason")
    if not kept:
        remedy = "change the lists so that some combination can be made"
        raise ArgumentError("lists", "must leave at least one policy", "; ".join(reasons), remedy)
    return PolicyGrid(policies=tuple(kept.values()), refused=freeze(refused), n_combinations=len(combinations))


def effective_parameters(policy: MarginPolicy) -> dict[str, object]:
    """Return the parameters that play a part in a policy's margins, by name, in the order of `MarginPolicy`.

    Examples
    --------
    >>> list(effective_parameters(MarginPolicy(method="weighted_historical")))[-3:]
    ['buffer', 'half_life', 'stress_weight']
    """
    names = list(_ALWAYS)
    if policy.method == "weighted_historical":
        names.append("half_life")
    if policy.method == "conditional_pareto":
        names.append("tail_share")
    if policy.is_stressed:
        names.append("stress_window")
    if policy.method != "stressed_historical":
        names.append("stress_weight")
    if policy.is_filtered:
        names += ["model", "refit_every"]
        names += ["n_paths", "seed"] if policy.margin_period_of_risk > 1 else []
    return {name: getattr(policy, name) for name in names}


def require_scenarios(policy: MarginPolicy) -> None:
    """Refuse a policy whose first look-back has no scenario beyond the confidence.

    Raises
    ------
    ArgumentError
        As `require_tail`.

    Examples
    --------
    >>> require_scenarios(MarginPolicy(method="historical", confidence=0.99, lookback=100))
    """
    width = policy.lookback - policy.margin_period_of_risk + 1
    if policy.is_stressed:
        require_tail(policy.stress_window - policy.margin_period_of_risk + 1, policy.confidence)
    if policy.method == "historical":
        require_tail(width, policy.confidence)
    elif policy.method == "weighted_historical":
        weights = 0.5 ** (np.arange(width) / policy.half_life)
        require_tail(float(weights.sum() ** 2 / (weights**2).sum()), policy.confidence)
    elif policy.method in ("filtered_historical", "fitted_law") and policy.margin_period_of_risk > 1:
        require_tail(policy.n_paths, policy.confidence)
    elif policy.method == "filtered_historical":
        require_tail(policy.lookback, policy.confidence)


def name_policies(policies: Sequence[MarginPolicy]) -> list[str]:
    """Return a name for each policy: the method and the parameters in which they differ.

    Raises
    ------
    ArgumentError
        When two policies give the same margins.

    Examples
    --------
    >>> name_policies([MarginPolicy(floor=0.02), MarginPolicy(floor=0.05)])
    ['filtered historical, floor 2 %', 'filtered historical, floor 5 %']
    """
    parts = [effective_parameters(policy) for policy in policies]
    differing = [n for n in _FIELDS if n != "method" and len({part[n] for part in parts if n in part}) > 1]
    names = [
        ", ".join([str(part["method"]).replace("_", " "), *(_words(n, part[n]) for n in differing if n in part)])
        for part in parts
    ]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ArgumentError("policies", "must differ from one another", f"{twice} twice", "pass each policy once")
    return names


def _identity(policy: MarginPolicy) -> tuple[object, ...]:
    return tuple(effective_parameters(policy).items())


def _words(name: str, value: object) -> str:
    if name == "expanding":
        return "expanding" if value else "rolling"
    if name == "model":
        return str(getattr(value, "words", value))
    if name in ("floor", "buffer", "tail_share", "stress_weight"):
        return f"{name.replace('_', ' ')} {100 * float(str(value)):.4g} %"
    words = {"lookback": "look-back", "refit_every": "re-fit every", "measure": "", "confidence": ""}
    said = str(value).replace("_", " ") if isinstance(value, str) else f"{value:g}"
    return f"{words.get(name, name.replace('_', ' '))} {said}".strip()


def _check_lists(lists: Mapping[str, object]) -> None:
    for name, values in lists.items():
        if name not in _FIELDS:
            raise ArgumentError(name, f"must be one of {', '.join(_FIELDS)}", "an unknown parameter", "use these names")
        if isinstance(values, str) or not isinstance(values, Sequence):
            got = type(values).__name__
            raise ArgumentError(name, "must be a list of values", got, f"pass for example {name}=[{values!r}]")
        if not values:
            raise ArgumentError(name, "must have at least one value", "an empty list", "leave it out for the default")
