"""The same path with feeds that lag more and more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from volkit.checks import check_count
from volkit.contagion.shared.lending import ProtocolLending
from volkit.contagion.shared.market import CollateralMarket
from volkit.contagion.shared.oracles import OracleFeed
from volkit.contagion.shared.run import Settlement, oracle_cascade
from volkit.errors import ArgumentError
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["LagSensitivity", "lag_sensitivity"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LagSensitivity(ResultDisplay):
    """Losses by the lag of the feeds, everything else alike.

    Attributes
    ----------
    table : DataFrame, shape (n_lags, 7)
        By lag (steps): bad_debt, open_shortfall, loss, sold (USD), n_defaults, first_default (step, -1 for none),
        lowest_price (over the initial one, of the asset that fell farthest).
    by_protocol : DataFrame, shape (n_lags, n_protocols)
        Loss, USD.
    settlement : str
        ``auction`` or ``fixed``.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    by_protocol: pd.DataFrame
    settlement: str
    provenance: Provenance

    @property
    def as_of(self) -> None:
        """None: steps have no clock."""
        return None

    @property
    def headline(self) -> str:
        """Loss at the shortest and the longest lag in one line."""
        loss = self.table["loss"]
        return (
            f"{loss.iloc[0]:,.4g} USD lost with a lag of {loss.index[0]} steps, {loss.iloc[-1]:,.4g} with "
            f"{loss.index[-1]}; most with {loss.idxmax()} ({loss.max():,.4g})"
        )

    def summary(self) -> pd.DataFrame:
        """Return losses and sales (USD) and defaults by lag."""
        words = {
            "bad_debt": "written off (USD)",
            "open_shortfall": "open shortfall (USD)",
            "loss": "loss (USD)",
            "sold": "sold (USD)",
            "n_defaults": "defaults",
            "first_default": "first default (step)",
        }
        return self.table[list(words)].rename(columns=words)

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: lag (steps), protocol, loss (USD)."""
        return self.by_protocol.stack().rename("loss").reset_index()


def lag_sensitivity(
    protocols: ProtocolLending,
    market: CollateralMarket,
    shocks: pd.DataFrame,
    *,
    lags: Iterable[int],
    feeds: Mapping[str, OracleFeed] | None = None,
    redemption: pd.DataFrame | None = None,
    settlement: Settlement = "auction",
    least_profit: float = 0.0,
) -> LagSensitivity:
    """Return the losses of `oracle_cascade` when every feed lags by so many steps, one run a lag.

    Parameters
    ----------
    protocols, market, shocks, feeds, redemption, settlement, least_profit
        As in `oracle_cascade`; the lags of `feeds` are replaced, their other properties stay.
    lags : iterable of int
        Steps, from 0, each once.

    Returns
    -------
    LagSensitivity
        Rows in the order of `lags`.

    Raises
    ------
    ArgumentError
        For no lag, a negative one, or one twice.

    Examples
    --------
    >>> from volkit.contagion.shared import crash_path
    >>> from volkit.impact.laws import LinearImpact
    >>> positions = pd.DataFrame(
    ...     {"protocol": ["A"], "account": ["x"], "collateral_asset": ["ETH"], "collateral_quantity": [10.0],
    ...      "debt": [20_000.0]}
    ... )
    >>> terms = pd.DataFrame(
    ...     {"asset": ["ETH"], "liquidation_threshold": [0.8], "liquidation_bonus": [0.05], "oracle": ["feed"]}
    ... )
    >>> found = lag_sensitivity(
    ...     ProtocolLending.from_frames(positions, terms, full_close_below=1.0),
    ...     CollateralMarket(prices={"ETH": 3_000.0}, laws={"ETH": LinearImpact(1e-6)}),
    ...     crash_path({"ETH": 0.5}, n_steps=12, crash_steps=6),
    ...     lags=[0, 1, 2, 3],
    ... )
    >>> found.table["loss"].round().tolist()
    [0.0, 77.0, 2233.0, 4171.0]
    """
    chosen = [check_count(lag, argument="lags", minimum=0, unit="steps") for lag in lags]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ArgumentError("lags", "must be some steps, each once", f"{chosen}", "pass for example [0, 1, 2, 4]")
    base = {name: OracleFeed() for name, _ in protocols.feeds} | dict(feeds or {})
    rows, losses = [], []
    first = pd.Series(dict(market.prices))
    for lag in progress(chosen, label="lags of the price feeds"):
        late = {name: replace(feed, lag=lag) for name, feed in base.items()}
        run = oracle_cascade(
            protocols, market, shocks, feeds=late, redemption=redemption, settlement=settlement,
            least_profit=least_profit,
        )  # fmt: skip
        order = run.order_of_default
        rows.append(
            {
                "bad_debt": run.bad_debt,
                "open_shortfall": run.open_shortfall,
                "loss": run.loss,
                "sold": float(run.steps["sold"].sum()),
                "n_defaults": len(order),
                "first_default": int(order.iloc[0]) if len(order) else -1,
                "lowest_price": float((run.prices.min() / first.reindex(run.prices.columns)).min()),
            }
        )
        losses.append(run.by_protocol["loss"])
    index = pd.Index(chosen, name="lag")
    return LagSensitivity(
        table=freeze(pd.DataFrame(rows, index=index)),
        by_protocol=freeze(pd.DataFrame([row.to_numpy() for row in losses], index=index, columns=losses[0].index)),
        settlement=settlement,
        provenance=protocols.provenance,
    )
