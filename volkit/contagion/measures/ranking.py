"""Who is systemic: one row an asset, every measure with its interval, and how far the ranks can be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.contagion.measures.capital import CapitalShortfall, srisk
from volkit.contagion.measures.conditional_risk import covar
from volkit.contagion.measures.expected_tail import long_run_shortfall_from_beta, marginal_expected_shortfall
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["SystemicTable", "systemic_table"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SystemicTable(ResultDisplay):
    """Measures by asset, the most systemic first. Positive losses, decimals per period.

    Attributes
    ----------
    table : DataFrame, shape (n_assets, 13)
        delta_covar, delta_covar_lower, delta_covar_upper, mes, mes_lower, mes_upper, value_at_risk, covar, beta,
        long_run_shortfall; rank (by delta_covar), rank_best, rank_worst (as far as the intervals do not overlap).
    capital : CapitalShortfall or None
        Where debts and equities were given.
    market : str
        The system.
    confidence, interval_confidence : float
        Of the tails and the intervals.
    interval : str
        How they were made.
    as_of : Timestamp
        Label (UTC) of the last row used.
    n_obs : int
        Rows used.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    capital: CapitalShortfall | None
    market: str
    confidence: float
    interval_confidence: float
    interval: str
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance

    @property
    def headline(self) -> str:
        """First of the ranking, and whether it can be told from the second, in one line."""
        first = self.table.iloc[0]
        alone = "alone there" if first["rank_worst"] == 1 else f"ranks 1 to {int(first['rank_worst'])} cannot be told"
        return (
            f"{self.table.index[0]} adds most to the {self.confidence:.4g} loss of {self.market}: "
            f"{percent_to(first['delta_covar'], 2)} [{percent_to(first['delta_covar_lower'], 2)}, "
            f"{percent_to(first['delta_covar_upper'], 2)}], {alone}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the measures with units."""
        words = {
            "rank": "rank",
            "delta_covar": "DeltaCoVaR (decimal)",
            "delta_covar_lower": "lower",
            "delta_covar_upper": "upper",
            "mes": "MES (decimal)",
            "mes_lower": "lower ",
            "mes_upper": "upper ",
            "beta": "beta",
            "long_run_shortfall": "LRMES (decimal)",
        }
        return self.table[list(words)].rename(columns=words)

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def systemic_table(
    returns: pd.DataFrame,
    *,
    market: str,
    assets: Sequence[str] | None = None,
    confidence: float = 0.95,
    interval_confidence: float = 0.95,
    decline: float = 0.4,
    debt: Mapping[str, float] | None = None,
    equity: Mapping[str, float] | None = None,
    prudential_ratio: float = 0.08,
    n_draws: int = 200,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> SystemicTable:
    """Return DeltaCoVaR, MES, long-run shortfall and, with balance sheets, SRISK by asset.

    Parameters
    ----------
    returns : DataFrame, shape (n_obs, n_series)
        Decimal returns on UTC times without NaN.
    market : str
        Column that stands for the system; best one that contains none of the assets.
    assets : sequence of str, optional
        Columns to rank; all others by default.
    confidence, interval_confidence : float
        Of both tails and of the intervals.
    decline : float
        Fall of the market behind the long-run shortfall, decimal.
    debt, equity : mapping of float, optional
        By asset, money: both for SRISK, of those assets only that have both.
    prudential_ratio : float
        As in `srisk`.
    n_draws, rng
        Of the bootstraps, as in `covar`; without `rng` DeltaCoVaR has standard errors where at least 100 rows are
        expected in the tail, else a bootstrap from seed 0, and MES has the standard error of a mean.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    SystemicTable
        Sorted by DeltaCoVaR.

    Raises
    ------
    DataError
        As `covar`.
    ArgumentError
        For no asset, the market among them, or debts without equities.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> m = rng.standard_normal(1_000)
    >>> draws = np.column_stack([m, m + rng.standard_normal(1_000), 0.2 * m + rng.standard_normal(1_000)]) * 0.01
    >>> times = pd.date_range("2020-01-01", periods=1_000, tz="UTC")
    >>> found = systemic_table(pd.DataFrame(draws, index=times, columns=["M", "NEAR", "FAR"]), market="M")
    >>> found.table["rank_worst"].to_dict()
    {'NEAR': 1, 'FAR': 2}
    """
    names = [c for c in returns.columns if c != market] if assets is None else list(assets)
    if not names or market in names:
        raise ArgumentError("assets", "must be some columns without the market", f"{names}", "pass at least one")
    if (debt is None) != (equity is None):
        raise ArgumentError("debt and equity", "must come together", "one of them", "pass both or none")
    rows, as_of, n_obs, how = [], None, 0, ""
    for name in progress(names, label="measures by asset"):
        tail = covar(
            returns, system=market, institution=name, confidence=confidence,
            interval_confidence=interval_confidence, n_draws=n_draws, rng=rng,
        )  # fmt: skip
        mes = marginal_expected_shortfall(
            returns, asset=name, market=market, confidence=confidence, interval_confidence=interval_confidence,
            n_draws=n_draws, rng=rng,
        )  # fmt: skip
        as_of, n_obs, how = tail.as_of, tail.n_obs, tail.interval
        rows.append(
            {
                "delta_covar": tail.delta_covar,
                "delta_covar_lower": tail.lower,
                "delta_covar_upper": tail.upper,
                "mes": mes.shortfall,
                "mes_lower": mes.lower,
                "mes_upper": mes.upper,
                "value_at_risk": tail.value_at_risk,
                "covar": tail.covar,
                "beta": mes.beta,
                "long_run_shortfall": long_run_shortfall_from_beta(mes.beta, decline=decline),
            }
        )
    table = pd.DataFrame(rows, index=names)
    table = _ranked(table).sort_values("rank", kind="stable")
    return SystemicTable(
        table=freeze(table),
        capital=_capital(table, debt, equity, prudential_ratio, provenance),
        market=market,
        confidence=confidence,
        interval_confidence=interval_confidence,
        interval=how.replace("_", " "),
        as_of=pd.Timestamp(as_of),
        n_obs=n_obs,
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    lower, upper = table["delta_covar_lower"].to_numpy(), table["delta_covar_upper"].to_numpy()
    rank = table["delta_covar"].rank(ascending=False, method="first").astype(np.int64)
    best = 1 + (lower[None, :] > upper[:, None]).sum(axis=1)
    worst = len(table) - (upper[None, :] < lower[:, None]).sum(axis=1)
    return table.assign(rank=rank, rank_best=best, rank_worst=worst)


def _capital(
    table: pd.DataFrame,
    debt: Mapping[str, float] | None,
    equity: Mapping[str, float] | None,
    prudential_ratio: float,
    provenance: Provenance | None,
) -> CapitalShortfall | None:
    if debt is None or equity is None:
        return None
    both = [name for name in table.index if name in debt and name in equity]
    if not both:
        raise ArgumentError("debt", "must name an asset of the table", f"{list(debt)}", "use the names of the columns")
    fall = table["long_run_shortfall"].reindex(both)
    return srisk(
        {name: debt[name] for name in both},
        equity={name: equity[name] for name in both},
        long_run_shortfall=fall,
        prudential_ratio=prudential_ratio,
        provenance=provenance,
    )
