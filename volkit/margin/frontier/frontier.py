"""What each of many margin policies buys and costs: coverage, cost and procyclicality on the same periods.

Every policy is walked forward. Their margins are then compared on the periods that all have, and resampled together,
so that a difference between two policies has a band of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import (
    check_choice,
    check_confidence,
    check_count,
    check_fraction,
    check_kinds,
    check_positive,
    check_returns,
)
from volkit.errors import ArgumentError, DataError
from volkit.margin.frontier.bands import resampled_means
from volkit.margin.frontier.cells import MEASURES, holm_verdicts, measure_cells, measured_series
from volkit.margin.frontier.dominance import non_dominated
from volkit.margin.frontier.grid import name_policies, require_scenarios
from volkit.margin.frontier.walking import WalkedPolicies, walk_policies
from volkit.margin.policy import MarginPolicy
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["FrontierLayer", "PolicyFrontier", "policy_frontier"]

FrontierLayer = Literal["maintenance_margin", "initial_margin"]
_LAYERS = ("maintenance_margin", "initial_margin")
_LEAST = 50
OBJECTIVES = ("exceedance", "cost", "procyclicality")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PolicyFrontier(ResultDisplay):
    """Policies beside one another.

    Attributes
    ----------
    policies : dict of name to MarginPolicy
        As walked.
    table : DataFrame, one row a policy
        Over all assets and sides: exceedance (mean fraction of losses above the margin), worst_exceedance (largest of
        a cell), cost (mean margin, fraction of notional), quantile_loss (mean, fraction), procyclicality (largest
        peak-to-trough of a cell, no unit), rise (largest relative rise over `rise_periods`, decimal), p_holm (smallest
        exact probability of a cell's exceptions, Holm), n_too_many and n_too_few (cells rejected), is_efficient
        (nothing beats it in exceedance, cost and procyclicality); ``_lower`` and ``_upper``: bands.
    cells : DataFrame, one row a policy, asset and side
        n_obs, n_exceptions, exceedance with Clopper and Pearson's 95 % interval (rate_lower, rate_upper), p_value
        (exact binomial) and verdict at 5 %, mean_maintenance, mean_initial, cost, quantile_loss, median,
        latest_maintenance and latest_initial (fractions of the notional), peak_to_trough (no unit), largest_rise
        (decimal), and the bands.
    draws : dict of measure to ndarray, shape (n_draws, n_cells)
        Resampled means by cell, in the order of `cells`; the same times for all.
    layer : str
        The margin that is tested, paid for and watched.
    confidence : float
        What the margin promises.
    coverage : float
        Of the bands.
    mean_block : float
        Of the stationary bootstrap, in tested periods.
    rise_periods : int
        Periods of `rise`.
    spans : DataFrame, one row an asset
        first and last rate (UTC), n_obs (periods tested).
    as_of : Timestamp
        Last return (UTC) used.
    provenance : Provenance
        Sources and hashes.
    """

    policies: dict[str, MarginPolicy]
    table: pd.DataFrame
    cells: pd.DataFrame
    draws: dict[str, np.ndarray]
    layer: FrontierLayer
    confidence: float
    coverage: float
    mean_block: float
    rise_periods: int
    spans: pd.DataFrame
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return tuple(self.spans.index)

    @property
    def efficient(self) -> pd.DataFrame:
        """The policies that no other one beats in everything, by cost (fractions of the notional)."""
        return self.table[self.table["is_efficient"]].sort_values("cost", kind="stable")

    @property
    def headline(self) -> str:
        """Policies, assets and the span in one line."""
        held = int((self.table["n_too_many"] == 0).sum())
        return (
            f"{len(self.table)} policies on {', '.join(self.assets)}, {len(self.efficient)} not dominated, "
            f"{held} not rejected for too many exceptions, to {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the policies not dominated, by cost (fractions, no unit for procyclicality)."""
        return self.efficient.drop(columns="is_efficient")

    def to_frame(self) -> pd.DataFrame:
        """Return the cells, tidy (fractions of the notional, probabilities)."""
        return self.cells.reset_index()

    def difference(self, policy: str, other: str) -> pd.DataFrame:
        """Return how a policy differs from another in each measure, with bands.

        Parameters
        ----------
        policy, other : str
            Names.

        Returns
        -------
        DataFrame
            Index exceedance, cost, quantile_loss; columns difference, lower, upper (fractions; policy less other).

        Raises
        ------
        ArgumentError
            For an unknown name.
        """
        for argument, name in (("policy", policy), ("other", other)):
            check_choice(name, argument=argument, choices=self.table.index)
        rows = {}
        for measure in MEASURES:
            one, two = (_of_policy(self.draws[measure], self.cells, name) for name in (policy, other))
            value = self.table.loc[policy, measure] - self.table.loc[other, measure]
            rows[measure] = (value, *_band(one - two, self.coverage))
        return pd.DataFrame.from_dict(rows, orient="index", columns=["difference", "lower", "upper"])


def policy_frontier(
    returns_by_asset: Mapping[str, pd.Series],
    policies: Sequence[MarginPolicy] | Mapping[str, MarginPolicy],
    *,
    periods_per_year: float,
    rng: np.random.Generator,
    confidence: float = 0.99,
    layer: FrontierLayer = "maintenance_margin",
    coverage: float = 0.90,
    n_draws: int = 500,
    mean_block: float | None = None,
    rise_periods: int = 5,
    n_jobs: int = 1,
    provenance: Provenance | None = None,
) -> PolicyFrontier:
    """Return coverage, cost and procyclicality of every policy on every asset and side.

    Parameters
    ----------
    returns_by_asset : mapping of asset to Series, shape (n_obs,)
        Simple returns, decimals, no NaN, UTC times.
    policies : sequence of MarginPolicy, or mapping of name to MarginPolicy
        Of one margin period of risk; for example ``policy_grid(...).policies``.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    rng : Generator
        For the bands.
    confidence : float
        What the margins are tested against: one promise for all, whatever confidence they are made with.
    layer : {"maintenance_margin", "initial_margin"}
        The margin that is tested, paid for and watched.
    coverage : float
        Of the bands, decimal.
    n_draws : int
        Bootstrap samples; at least 100.
    mean_block : float, optional
        Mean block of the stationary bootstrap, in tested periods; default the root of their number.
    rise_periods : int
        Periods of the largest rise.
    n_jobs : int
        Processes; the numbers are the same for any.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    PolicyFrontier
        On the periods that all policies have.

    Raises
    ------
    ArgumentError
        For no asset or policy, policies twice, of several margin periods of risk, or with too few scenarios for their
        confidence; for values out of range.
    DataError
        For what `check_returns` refuses; when fewer than 50 periods are left to test; when the histories hardly meet.
    ConvergenceError
        When the first fit of a walk does not converge.

    Warns
    -----
    VolkitWarning
        As `margin_schedule`, each once an asset.

    Notes
    -----
    An exception is a loss strictly above the margin. Over a margin period of h periods every h-th one is tested, as in
    `backtest_margin`; cost and loss are means over the tested periods, procyclicality is of all. The bands resample
    losses and margins as they came: they say how sure the means are, not what other parameters the models would have
    had.

    Examples
    --------
    >>> times = pd.date_range("2023-01-01", periods=500, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 500), index=times, name="A")
    >>> policies = [MarginPolicy(method="historical", confidence=c, lookback=200) for c in (0.95, 0.99)]
    >>> policy_frontier({"A": returns}, policies, periods_per_year=365, rng=np.random.default_rng(2), confidence=0.95)
    <PolicyFrontier: 2 policies on A, 2 not dominated, 2 not rejected for too many exceptions, to 2024-05-14>
    """
    level, share = check_confidence(confidence), check_fraction(coverage, argument="coverage")
    check_choice(layer, argument="layer", choices=_LAYERS)
    check_positive(periods_per_year, argument="periods_per_year", unit="periods a year")
    check_count(n_draws, argument="n_draws", minimum=100, unit="draws")
    check_count(rise_periods, argument="rise_periods")
    if mean_block is not None and not mean_block >= 1.0:
        raise ArgumentError("mean_block", "must be at least 1 period", repr(mean_block), "leave it out for the default")
    named = _check_policies(policies)
    returns = _check_assets(returns_by_asset, list(named.values()), rise_periods)
    walked = walk_policies(returns, list(named.values()), n_jobs=n_jobs)
    step = next(iter(named.values())).margin_period_of_risk
    measured = {a: measured_series(w, layer=layer, confidence=level, step=step) for a, w in walked.items()}
    cells = pd.concat(
        measure_cells(a, list(named), walked[a], m, layer=layer, confidence=level, rise_periods=rise_periods)
        for a, m in measured.items()
    )
    cells.index = pd.MultiIndex.from_tuples(cells.index, names=["policy", "asset", "side"])
    block = mean_block or float(np.sqrt(max(m.shape[3] for m in measured.values())))
    draws = _resampled(walked, measured, step, block, n_draws, rng)
    cells = _with_bands(cells, draws, share)
    return PolicyFrontier(
        policies=named,
        table=freeze(_table(cells, draws, level, share)),
        cells=freeze(cells),
        draws=draws,
        layer=layer,
        confidence=level,
        coverage=share,
        mean_block=block,
        rise_periods=rise_periods,
        spans=freeze(_spans(walked, measured)),
        as_of=max(w.times[-1] for w in walked.values()),
        provenance=provenance or Provenance(()),
    )


def _check_policies(policies: Sequence[MarginPolicy] | Mapping[str, MarginPolicy]) -> dict[str, MarginPolicy]:
    given = list(policies.values()) if isinstance(policies, Mapping) else policies
    values = check_kinds(given, MarginPolicy, argument="policies")
    if not values:
        raise ArgumentError("policies", "must have at least one policy", "none", "make some with policy_grid")
    spoken = name_policies(values)
    horizons = sorted({policy.margin_period_of_risk for policy in values})
    if len(horizons) > 1:
        remedy = "make one frontier for each: their losses are not the same"
        raise ArgumentError("policies", "must have one margin period of risk", f"{horizons} periods", remedy)
    for name, policy in zip(spoken, values, strict=True):
        try:
            require_scenarios(policy)
        except ArgumentError as error:
            got = f"{error.got} in {name}"
            raise ArgumentError("policies", f"{error.requirement}: {error.argument}", got, error.remedy) from error
    return dict(policies) if isinstance(policies, Mapping) else dict(zip(spoken, values, strict=True))


def _check_assets(
    returns_by_asset: Mapping[str, pd.Series], policies: Sequence[MarginPolicy], rise_periods: int
) -> dict[str, pd.Series]:
    if not returns_by_asset:
        raise ArgumentError("returns_by_asset", "must have at least one asset", "none", "pass {name: returns}")
    start, horizon = max(p.lookback for p in policies), policies[0].margin_period_of_risk
    needed = start + horizon * max(_LEAST, rise_periods)
    checked = {}
    for asset, series in returns_by_asset.items():
        checked[asset] = check_returns(series.rename(asset)) if isinstance(series, pd.Series) else check_returns(series)
        if len(checked[asset]) < needed:
            raise DataError(
                f"returns of {asset}",
                f"must leave at least {_LEAST} tested periods after the longest look-back ({needed} returns)",
                str(len(checked[asset])),
                f"shorten the look-back (now {start}) or pass a longer history",
            )
    return checked


def _resampled(
    walked: Mapping[str, WalkedPolicies],
    measured: Mapping[str, np.ndarray],
    step: int,
    mean_block: float,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draws by measure, shape (n_draws, n_cells): assets share the times of a sample, as far as they have them."""
    tested = [w.times[~np.isnan(w.losses[0])][::step] for w in walked.values()]
    clock = tested[0]
    for times in tested[1:]:
        clock = clock.union(times)
    means = resampled_means(
        [m.reshape(-1, m.shape[3]).T for m in measured.values()],
        [clock.get_indexer(times) for times in tested],
        n_obs=len(clock),
        mean_block=mean_block,
        n_draws=n_draws,
        rng=rng,
    )
    for asset, part in zip(walked, means, strict=True):
        if np.isnan(part).any():
            remedy = "make one frontier for each group of assets with like histories"
            raise DataError(
                f"returns of {asset}", "must meet the other histories often enough to be resampled with them",
                f"{int(np.isnan(part[:, 0]).sum())} of {n_draws} samples without a period of it", remedy,
            )  # fmt: skip
    draws = {}
    for k, measure in enumerate(MEASURES):
        draws[measure] = np.concatenate([p.reshape(n_draws, 3, -1)[:, k] for p in means], axis=1)
        draws[measure].flags.writeable = False
    return draws


def _with_bands(cells: pd.DataFrame, draws: Mapping[str, np.ndarray], coverage: float) -> pd.DataFrame:
    bands = {}
    for measure in MEASURES:
        bands[f"{measure}_lower"], bands[f"{measure}_upper"] = _band(draws[measure], coverage)
    return cells.assign(**bands)


def _table(cells: pd.DataFrame, draws: Mapping[str, np.ndarray], confidence: float, coverage: float) -> pd.DataFrame:
    by_policy = cells.groupby(level="policy", sort=False)
    columns = {}
    for measure in MEASURES:
        columns[measure] = by_policy[measure].mean()
        drawn = np.stack([_of_policy(draws[measure], cells, name) for name in columns[measure].index], axis=1)
        for end, values in zip(("lower", "upper"), _band(drawn, coverage), strict=True):
            columns[f"{measure}_{end}"] = pd.Series(values, index=columns[measure].index)
    columns["worst_exceedance"] = by_policy["exceedance"].max()
    columns["procyclicality"] = by_policy["peak_to_trough"].max()
    columns["rise"] = by_policy["largest_rise"].max()
    table = pd.DataFrame(columns).join(holm_verdicts(cells, confidence))
    table["is_efficient"] = non_dominated(table[list(OBJECTIVES)].to_numpy())
    return table


def _of_policy(drawn: np.ndarray, cells: pd.DataFrame, policy: str) -> np.ndarray:
    mine = cells.index.get_level_values("policy") == policy
    return np.asarray(drawn[:, mine].mean(axis=1))


def _band(drawn: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.quantile(drawn, [(1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0], axis=0)
    return low, high


def _spans(walked: Mapping[str, WalkedPolicies], measured: Mapping[str, np.ndarray]) -> pd.DataFrame:
    rows = {a: (w.times[0], w.times[-1], measured[a].shape[3]) for a, w in walked.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["first", "last", "n_obs"]).rename_axis("asset")
