"""Scenario grids: prices, volatilities, time, skew and basis moved together, with a weight on each scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError, DataError
from volkit.portfolio.scenarios.labels import named_rows
from volkit.portfolio.scenarios.term import VolatilityTerm
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["COLUMNS", "SHOCKS", "ScenarioGrid"]

SHOCKS = ("price", "volatility", "days", "skew", "wing", "basis", "carry")
COLUMNS = (*SHOCKS, "weight")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ScenarioGrid(ResultDisplay):
    """Scenarios of a market, one row each.

    Attributes
    ----------
    scenarios : DataFrame, shape (n_scenarios, 8)
        price (simple return of the spot, decimal), volatility (relative change, 0.4 is from 50 to 70 %), days (that
        pass), skew and wing (relative change of volatility at `skew_width` standard deviations, see Notes), basis
        (relative change of futures and perpetuals against spot), carry (change of the annual carry of dated ones),
        weight (the share of a loss that counts). The index names them.
    moves, volatility_moves : DataFrame or None
        Prices and volatilities by underlying (columns) in place of those columns.
    up_term, down_term : VolatilityTerm or None
        Growth of rises and falls of volatility towards expiry; None leaves them as they are.
    volatility_floor : float
        What volatility is at least where it rises.
    skew_width : float
        Standard deviations sigma sqrt(t) of log-moneyness at which skew and wing count fully, and beyond which they
        stay; 1 unless told.
    equally_likely : bool
        Whether the scenarios are a sample, of which tails may be taken; else they are a grid, whose worst counts.
    method : str
        How they were made, in words.
    as_of : Timestamp or None
        Of the data behind them.
    provenance : Provenance
        Sources and hashes, when given.

    Notes
    -----
    With the relative shock r, its factor f of the term and k = ln(K / F) / (skew_width sigma sqrt(t)) clipped to
    [-1, 1], volatility becomes sigma max(0, 1 + r f) (1 + skew k + wing |k|), and where r > 0 at least the floor before
    skew. Each option keeps the volatility of its strike.
    """

    scenarios: pd.DataFrame
    moves: pd.DataFrame | None = None
    volatility_moves: pd.DataFrame | None = None
    up_term: VolatilityTerm | None = None
    down_term: VolatilityTerm | None = None
    volatility_floor: float = 0.0
    skew_width: float = 1.0
    equally_likely: bool = False
    method: str = "grid"
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        check_positive(self.skew_width, argument="skew_width", unit="standard deviations")
        if self.volatility_floor:
            check_positive(self.volatility_floor, argument="volatility_floor", unit="decimal per year")
        object.__setattr__(self, "scenarios", _checked(self.scenarios))
        for name in ("moves", "volatility_moves"):
            frame = getattr(self, name)
            if frame is not None:
                object.__setattr__(self, name, _checked_moves(frame, self.scenarios.index, name))

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.scenarios)

    @property
    def weights(self) -> np.ndarray:
        """Share of a loss that counts, by scenario."""
        return np.asarray(self.scenarios["weight"].to_numpy())

    def price_moves(self, underlying: str) -> np.ndarray:
        """Return the simple returns of a spot, shape (n_scenarios,).

        Raises
        ------
        DataError
            When scenarios are told by underlying and this one is not among them.
        """
        return _of_underlying(self.scenarios["price"], self.moves, underlying)

    def volatility_changes(self, underlying: str) -> np.ndarray:
        """Return the relative changes of a coin's volatility before the term factor, shape (n_scenarios,).

        Raises
        ------
        DataError
            When scenarios are told by underlying and this one is not among them.
        """
        return _of_underlying(self.scenarios["volatility"], self.volatility_moves, underlying)

    def with_tails(
        self,
        prices: Sequence[float],
        *,
        constant: float,
        volatilities: Sequence[float] = (0.0,),
        down_constant: float | None = None,
        days: float | None = None,
    ) -> "ScenarioGrid":
        """Return the grid with far scenarios, whose losses count for constant / abs(price), at most 1.

        Parameters
        ----------
        prices : sequence of float
            Simple returns, decimals, none of them 0.
        constant : float
            The move that a far scenario's loss is scaled to, e.g. 0.16.
        volatilities : sequence of float
            Relative changes of volatility, each with every price.
        down_constant : float, optional
            For falls, where it differs.
        days : float, optional
            That pass; those of the grid by default, where they are alike in all its scenarios.

        Raises
        ------
        ArgumentError
            For a price of 0, a constant that is not positive, days that cannot be taken from the grid, or a grid told
            by underlying.

        Examples
        --------
        >>> from volkit.portfolio.scenarios import scenario_grid
        >>> scenario_grid([-0.15, 0.15]).with_tails([-0.5, 0.64], constant=0.16).scenarios["weight"].tolist()
        [1.0, 1.0, 0.32, 0.25]
        """
        up = check_positive(constant, argument="constant", unit="relative move")
        down = up if down_constant is None else check_positive(down_constant, argument="down_constant", unit="move")
        if self.moves is not None or self.volatility_moves is not None:
            raise ArgumentError("grid", "must have one price for all coins", "prices by underlying", "add tails first")
        if 0.0 in prices:
            raise ArgumentError("prices", "must not be 0 in tails", "0", "put it into the grid itself")
        passed = self.scenarios["days"].unique() if days is None else [days]
        if len(passed) > 1:
            raise ArgumentError("days", "must be told where the grid's differ", "none", "pass days=1.0")
        rows = [
            {"price": p, "volatility": v, "days": passed[0], "weight": min(1.0, (up if p > 0.0 else down) / abs(p))}
            for p, v in product(prices, volatilities)
        ]
        table = pd.concat([self.scenarios, named_rows(pd.DataFrame(rows).reindex(columns=COLUMNS).fillna(0.0))])
        return replace(self, scenarios=table)

    def scaled(self, prices: Mapping[str, float]) -> "ScenarioGrid":
        """Return the grid with prices times a factor by underlying.

        Raises
        ------
        ArgumentError
            For a grid told by underlying already.
        DataError
            When a price would fall by all or more.

        Examples
        --------
        >>> from volkit.portfolio.scenarios import scenario_grid
        >>> scenario_grid([-0.1, 0.1]).scaled({"BTC": 1.0, "ETH": 1.5}).price_moves("ETH").round(3).tolist()
        [-0.15, 0.15]
        """
        if self.moves is not None:
            raise ArgumentError("grid", "must have one price for all coins", "prices by underlying", "scale those")
        price = self.scenarios["price"]
        return replace(self, moves=pd.DataFrame({coin: price * factor for coin, factor in prices.items()}))

    @property
    def headline(self) -> str:
        """Count, range of prices and volatilities, and method in one line."""
        prices = self.moves if self.moves is not None else self.scenarios[["price"]]
        changes = self.volatility_moves if self.volatility_moves is not None else self.scenarios[["volatility"]]
        low, high, least, most = (100.0 * x for x in (
            prices.to_numpy().min(), prices.to_numpy().max(), changes.to_numpy().min(), changes.to_numpy().max()
        ))  # fmt: skip
        return (
            f"{self.n_scenarios} scenarios, price {low:+.3g} to {high:+.3g} %, volatility {least:+.3g} to {most:+.3g} "
            f"% of itself, {self.method}"
        )

    def summary(self) -> pd.DataFrame:
        """Return least and most of each shock (decimals, days)."""
        return self.scenarios.agg(["min", "max"]).T.rename(columns={"min": "least", "max": "most"})

    def to_frame(self) -> pd.DataFrame:
        """Return the scenarios; prices and volatilities by underlying stand in columns of their own."""
        parts = [self.scenarios]
        for name, frame in (("price", self.moves), ("volatility", self.volatility_moves)):
            if frame is not None:
                parts.append(frame.add_prefix(f"{name} of "))
        return pd.concat(parts, axis=1)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing or not len(table):
        got = f"no {', '.join(missing)}" if missing else "no row"
        raise DataError("scenarios", f"must have rows with {', '.join(COLUMNS)}", got, "use scenario_grid(...)")
    held = table[list(COLUMNS)].astype(np.float64)
    rules = {
        "must be finite": ~np.isfinite(held).all(axis=1),
        "must have prices above -1": held["price"] <= -1.0,
        "must have days of at least 0": held["days"] < 0.0,
        "must have weights of at least 0": held["weight"] < 0.0,
        "must have a basis above -1": held["basis"] <= -1.0,
    }
    for rule, bad in rules.items():
        if bad.any():
            raise DataError(
                "scenarios", rule, f"{int(bad.sum())} rows, first {held.index[bad][0]}", "correct the levels"
            )
    if held.index.has_duplicates:
        first = held.index[held.index.duplicated()][0]
        raise DataError("scenarios", "must have a name each", f"{first!r} twice", "drop repeated levels")
    return freeze(held)


def _checked_moves(frame: pd.DataFrame, index: pd.Index, name: str) -> pd.DataFrame:
    if not frame.index.equals(index):
        raise DataError(name, "must have one row a scenario", f"{len(frame)} other labels", "give it the same index")
    values = frame.to_numpy(dtype=np.float64)
    if not (np.isfinite(values).all() and (values > -1.0).all()):
        bad = int((~(values > -1.0) | ~np.isfinite(values)).sum())
        raise DataError(name, "must be finite and above -1", f"{bad} that are not", "drop these scenarios")
    return freeze(frame.astype(np.float64))


def _of_underlying(column: pd.Series, frame: pd.DataFrame | None, underlying: str) -> np.ndarray:
    if frame is None:
        return np.asarray(column.to_numpy())
    if underlying not in frame.columns:
        got = f"only {', '.join(map(str, frame.columns))}"
        raise DataError(f"scenarios of {underlying}", "must be told", got, "add its column")
    return np.asarray(frame[underlying].to_numpy())
