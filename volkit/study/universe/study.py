"""A universe studied: each asset by each policy, walked forward and tested, in chunks."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.errors import ArgumentError, ConvergenceError, DataError, VolkitWarning
from volkit.margin import MarginPolicy
from volkit.margin.frontier import NoPolicyError, PolicyFrontier, choose_policy, policy_frontier
from volkit.parallel import map_tasks
from volkit.results import Provenance, ResultDisplay, SeriesProvenance, freeze
from volkit.study.universe.assets import UniverseAsset
from volkit.study.universe.policies import universe_policies

__all__ = ["UniverseStudy", "universe_study"]

_KEPT = [
    "n_obs", "n_exceptions", "p_value", "verdict", "cost", "quantile_loss", "latest_maintenance", "latest_initial",
]  # fmt: skip
_SIDES = ("long", "short")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class UniverseStudy(ResultDisplay):
    """What a universe of assets needs, and which policies hold on it.

    Attributes
    ----------
    assets : DataFrame, one row an asset
        first and last (UTC, rates), n_obs (periods tested), recommended (policy, or missing when every one had too many
        exceptions), maintenance_long and _short, initial_long and _short (its latest rates, fractions of the notional),
        exceptions_long and _short (its counts), expected (on each side), n_rejected (policies with too many).
    policies : DataFrame, one row a policy
        n_assets, n_recommended, share_too_many and share_too_few (of assets on which the exact test, Holm over both
        sides, 5 %, rejects it for that), n_exceptions and expected (counts over all assets and sides), exceedance
        (fraction), cost (mean margin, fraction of the notional), quantile_loss (mean, fraction).
    cells : DataFrame, one row an asset, policy and side
        What `policies` is made from.
    left_out : DataFrame, one row an asset
        reason; assets that could not be measured.
    confidence : float
        What the margins promise.
    as_of : Timestamp
        Last return (UTC) of any asset.
    provenance : Provenance
        Sources and hashes.
    """

    assets: pd.DataFrame
    policies: pd.DataFrame
    cells: pd.DataFrame
    left_out: pd.DataFrame
    confidence: float
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Size, the policy recommended most often, and what has none in one line."""
        counts = self.policies["n_recommended"]
        none = int(self.assets["recommended"].isna().sum())
        return (
            f"{len(self.assets)} assets by {len(self.policies)} policies, most often {counts.idxmax()} "
            f"(for {int(counts.max())}), none for {none}, {len(self.left_out)} left out, to {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the policies (shares and fractions of the notional)."""
        return self.policies

    def to_frame(self) -> pd.DataFrame:
        """Return the assets, tidy (fractions of the notional, counts, UTC)."""
        return self.assets.reset_index()


def universe_study(
    assets: Iterable[UniverseAsset],
    *,
    policies: Mapping[str, MarginPolicy] | None = None,
    confidence: float = 0.99,
    periods_per_year: float = 365,
    chunk: int = 64,
    n_jobs: int = 1,
) -> UniverseStudy:
    """Return, for every asset, the policy to take with its margins and exceptions; and how each policy did over all.

    Parameters
    ----------
    assets : iterable of UniverseAsset
        Of different names; `chunk` of them are held at a time.
    policies : mapping of name to MarginPolicy, optional
        Of one margin period of risk; default `universe_policies`.
    confidence : float
        What every policy is tested against.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    chunk : int
        Assets in memory at a time; the numbers do not depend on it.
    n_jobs : int
        Processes; `volkit.parallel.parallel_backend` decides in their place.

    Returns
    -------
    UniverseStudy
        Rates as fractions of the notional, times in UTC.

    Raises
    ------
    ArgumentError
        For no asset, a name twice, values out of range, or policies that `policy_frontier` refuses.
    DataError
        When no asset can be measured.

    Warns
    -----
    VolkitWarning
        When assets were left out; `left_out` says why.

    Notes
    -----
    The policy recommended has the lowest mean quantile loss among those without too many exceptions on either side.
    It is the best of many on one history, and looks better there than it will do later. An asset on which all have too
    many gets none. Of 20 policies that hold what they promise, the test rejects about one by chance.

    Examples
    --------
    >>> from volkit.study.universe.assets import simulated_universe
    >>> two = {n: MarginPolicy(method="historical", lookback=n, expanding=False) for n in (150, 200)}
    >>> universe_study(simulated_universe(2, n_days=300), policies={str(n): p for n, p in two.items()})
    <UniverseStudy: SIMULATED 2 assets by 2 policies, most often 150 (for 1), none for 0, 0 left out, to 2020-10-26>
    """
    level = check_confidence(confidence)
    check_count(chunk, argument="chunk", unit="assets")
    named = universe_policies(level) if policies is None else dict(policies)
    work = partial(_measure, policies=named, confidence=level, periods_per_year=periods_per_year)
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    left_out: dict[str, str] = {}
    series: dict[str, SeriesProvenance] = {}
    for held in _chunks(assets, chunk):
        for asset in held:
            if asset.provenance.name in series:
                remedy = "give every asset a name of its own"
                raise ArgumentError("assets", "must have different names", f"{asset.provenance.name} twice", remedy)
            series[asset.provenance.name] = asset.provenance
        for asset, found in zip(held, map_tasks(work, held, n_jobs=n_jobs, label="assets"), strict=True):
            if isinstance(found, str):
                left_out[str(asset.returns.name)] = found
            else:
                tables.append(found)
    return _joined(tables, left_out, series, level)


def _chunks(assets: Iterable[UniverseAsset], size: int) -> Iterator[list[UniverseAsset]]:
    rest = iter(assets)
    while held := list(islice(rest, size)):
        yield held


def _measure(
    asset: UniverseAsset, *, policies: Mapping[str, MarginPolicy], confidence: float, periods_per_year: float
) -> tuple[pd.DataFrame, pd.DataFrame] | str:
    """Return one row of `UniverseStudy.assets` and the rows of `cells`; or why there are none."""
    name = str(asset.returns.name)
    try:
        with warnings.catch_warnings():
            # A few of hundreds of fits carry older parameters; margins that suffer are rejected by their exceptions.
            warnings.simplefilter("ignore", VolkitWarning)
            frontier = policy_frontier(
                {name: asset.returns}, policies, periods_per_year=periods_per_year, confidence=confidence,
                n_draws=100, rng=np.random.default_rng(0),  # for bands, which are not kept
            )  # fmt: skip
    except (DataError, ConvergenceError) as error:
        return str(error)
    return _row(name, frontier), _cells(frontier)


def _row(name: str, frontier: PolicyFrontier) -> pd.DataFrame:
    try:
        chosen = choose_policy(frontier, minimise="quantile_loss").name
    except NoPolicyError:
        chosen = None
    span = frontier.spans.loc[name]
    row: dict[str, object] = {"first": span["first"], "last": span["last"], "n_obs": int(span["n_obs"])}
    row["recommended"] = chosen
    for word, column in (
        ("maintenance", "latest_maintenance"), ("initial", "latest_initial"), ("exceptions", "n_exceptions"),
    ):  # fmt: skip
        for side in _SIDES:
            row[f"{word}_{side}"] = np.nan if chosen is None else frontier.cells.loc[(chosen, name, side), column]
    row["expected"] = (1.0 - frontier.confidence) * float(span["n_obs"])
    row["n_rejected"] = int((frontier.table["n_too_many"] > 0).sum())
    return pd.DataFrame([row], index=pd.Index([name], name="asset"))


def _cells(frontier: PolicyFrontier) -> pd.DataFrame:
    rejected = (frontier.table[["n_too_many", "n_too_few"]] > 0).set_axis(["too_many", "too_few"], axis=1)
    return frontier.cells[_KEPT].join(rejected, on="policy").reorder_levels(["asset", "policy", "side"])


def _joined(
    tables: list[tuple[pd.DataFrame, pd.DataFrame]],
    left_out: dict[str, str],
    series: dict[str, SeriesProvenance],
    confidence: float,
) -> UniverseStudy:
    if not series:
        raise ArgumentError("assets", "must have at least one asset", "none", "pass e.g. simulated_universe(...)")
    if not tables:
        first = next(iter(left_out.values()))
        remedy = "pass longer histories, or policies with shorter look-backs"
        raise DataError(
            "assets", "must have one that can be measured", f"{len(left_out)} without, first: {first}", remedy
        )
    if left_out:
        warnings.warn(
            f"{len(left_out)} of {len(series)} assets left out: {', '.join(list(left_out)[:5])}"
            f"{' ...' if len(left_out) > 5 else ''}; left_out says why.",
            VolkitWarning,
            stacklevel=3,
        )
    assets, cells = (pd.concat(part) for part in zip(*tables, strict=True))
    reasons = pd.DataFrame({"reason": pd.Series(left_out, dtype="str")}).rename_axis("asset")
    return UniverseStudy(
        assets=freeze(assets),
        policies=freeze(_by_policy(assets, cells, confidence)),
        cells=freeze(cells),
        left_out=freeze(reasons),
        confidence=confidence,
        as_of=assets["last"].max(),
        provenance=Provenance(tuple(series.values())),
    )


def _by_policy(assets: pd.DataFrame, cells: pd.DataFrame, confidence: float) -> pd.DataFrame:
    groups = cells.groupby(level="policy", sort=False)
    tested, exceptions = groups["n_obs"].sum(), groups["n_exceptions"].sum()
    recommended = assets["recommended"].value_counts().reindex(tested.index, fill_value=0)
    one_side = cells.xs("long", level="side").groupby(level="policy", sort=False)
    return pd.DataFrame(
        {
            "n_assets": one_side.size(),
            "n_recommended": recommended.astype(int),
            "share_too_many": one_side["too_many"].mean(),
            "share_too_few": one_side["too_few"].mean(),
            "n_exceptions": exceptions,
            "expected": (1.0 - confidence) * tested,
            "exceedance": exceptions / tested,
            "cost": groups["cost"].mean(),
            "quantile_loss": groups["quantile_loss"].mean(),
        }
    )
