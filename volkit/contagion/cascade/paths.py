"""What cascades come to on many paths: totals, the fund's depletion and the losses that reach others."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence
from volkit.contagion.cascade._state import SERIES, STATUSES, TOTAL_COLUMNS
from volkit.contagion.cascade.losses import unpaid_losses
from volkit.contagion.cascade.run import usd_words
from volkit.contagion.cascade.settings import Venue
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.bad_debt import BadDebtMeasures, bad_debt_measures
from volkit.validation.proportion import exact_interval

__all__ = ["CascadePaths", "Depletion"]

Floats = npt.NDArray[np.float64]
_QUANTILES = (0.5, 0.95, 0.99)


class Depletion(NamedTuple):
    """Probability that the fund cannot pay.

    Attributes
    ----------
    probability : float
        Share of paths on which losses, those of accounts still open at the end among them, went beyond fund and skin
        in the game, or on which the market had nothing left to trade.
    low, high : float
        Exact interval of it (Clopper and Pearson), on the effective number of paths where these have weights.
    coverage : float
        Of the interval, fraction.
    independent : float
        The same probability for losses of the same sizes at the same steps, each step drawn from any path on its own:
        what a model of independent losses would say. With one step the two are the same.
    n_paths : int
        Simulated.
    """

    probability: float
    low: float
    high: float
    coverage: float
    independent: float
    n_paths: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CascadePaths(ResultDisplay):
    """Totals of many cascades.

    Attributes
    ----------
    totals : DataFrame, shape (n_paths, 27)
        end_price, low_price, high_price, exogenous_low, exogenous_high (USD per coin); rounds, most_rounds (in one
        step), halted_steps; accounts, quantity (coins) and notional (USD) liquidated by side; bankrupt_accounts;
        bad_debt, skin_paid, fund_paid, deleveraged, socialised, fund_income, returned, fund_end, fund_low (USD);
        overdue_accounts (still open at the end beyond their liquidation price), open_deficit (USD, what these owe
        beyond their collateral at the end price; not in bad_debt); and status, as in `CascadeRun`.
    series : ndarray, shape (n_paths, n_steps, 6), or None
        price and fund at the end of each step, bad_debt, fund_income and liquidated notional in it, and drawdown: the
        most by which bad debt exceeded income from its start on (USD; the last step's with the open deficit, infinite
        where the market had nothing left to trade). Read-only.
    venue : Venue
        Rules and start.
    weights : ndarray, shape (n_paths,), or None
        Importance weights, mean 1; None: all paths count alike.
    step : Timedelta or None
        Length of a step, where it is known.
    as_of : Timestamp or None
        Of the paths.
    provenance : Provenance
        Of accounts and paths.
    """

    totals: pd.DataFrame
    series: Floats | None
    venue: Venue
    weights: Floats | None = None
    step: pd.Timedelta | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @classmethod
    def made(
        cls,
        totals: Floats,
        series: Floats | None,
        *,
        venue: Venue,
        weights: Floats | None,
        step: pd.Timedelta | None,
        as_of: pd.Timestamp | None,
        provenance: Provenance,
    ) -> "CascadePaths":
        """Return the result of what the kernels filled."""
        table = pd.DataFrame(totals, columns=list(TOTAL_COLUMNS), index=pd.RangeIndex(len(totals), name="path"))
        table["status"] = np.array(STATUSES, dtype="object")[table["status"].to_numpy(dtype=np.int64)]
        table["status"] = table["status"].astype("str")
        if series is not None:
            series.flags.writeable = False
        return cls(
            totals=freeze(table),
            series=series,
            venue=venue,
            weights=weights,
            step=step,
            as_of=as_of,
            provenance=provenance,
        )

    @property
    def n_paths(self) -> int:
        """Number of paths."""
        return len(self.totals)

    @property
    def amplification(self) -> pd.Series:
        """Deepest log fall over that of the exogenous price, by path; NaN where that never fell."""
        alone = np.log(self.totals["exogenous_low"] / self.venue.price)
        whole = np.log(self.totals["low_price"] / self.venue.price)
        return (whole / alone.where(alone < 0.0)).rename("amplification")

    @property
    def is_depleted(self) -> pd.Series:
        """Whether losses and open deficit went beyond fund and skin, or nothing was left to trade, by path."""
        unpaid = pd.Series(unpaid_losses(self.totals, self.venue))
        return ((unpaid > 0.0) | self.is_stuck).rename("is_depleted")

    @property
    def is_stuck(self) -> pd.Series:
        """Whether the market had nothing left to trade in some step, by path."""
        return (self.totals["status"] == "no depth").rename("is_stuck")

    @property
    def depleted_share(self) -> float:
        """Weighted share of the paths of `is_depleted`."""
        return self._mean(self.is_depleted)

    def by_step(self, name: str) -> pd.DataFrame:
        """Return one of price, fund, bad_debt, fund_income, liquidated, drawdown, shape (n_paths, n_steps).

        Steps count from 1.

        Raises
        ------
        ArgumentError
            For another name, or when the series were not kept.
        """
        if name not in SERIES:
            raise ArgumentError("name", f"must be one of {', '.join(SERIES)}", repr(name), "choose one of these")
        values = self._kept()[:, :, SERIES.index(name)]
        return pd.DataFrame(
            values, index=self.totals.index, columns=pd.RangeIndex(1, values.shape[1] + 1, name="step"), copy=False
        )

    def depletion(self, *, coverage: float = 0.95, seed: int = 0) -> Depletion:
        """Return the probability that the fund is used up by the losses of these cascades.

        Parameters
        ----------
        coverage : float
            Of the exact interval, fraction.
        seed : int
            Of the draws behind the number for independent losses.

        Raises
        ------
        ArgumentError
            When the series were not kept.

        Notes
        -----
        The fund lives beside the cascade: each batch pays into it and takes from it, so that losses come in clusters as
        they do when liquidations feed each other. The number for independent losses keeps the distribution of each
        step's losses and income, in their order, and breaks only the tie between steps: for every step after the first
        it draws a path anew.
        """
        level = check_confidence(coverage, argument="coverage")
        weights = np.ones(self.n_paths) if self.weights is None else self.weights
        share = self.depleted_share
        effective = float(weights.sum() ** 2 / (weights @ weights))
        low, high = exact_interval(share * effective, effective, coverage=level)
        return Depletion(share, low, high, level, self._independent(weights, seed), self.n_paths)

    def bad_debt_measures(self, *, confidence: float = 0.95, extreme: float = 0.99) -> BadDebtMeasures:
        """Return VaR, ES and EVaR of the bad debt and LaR of the liquidated notional over the paths.

        Parameters
        ----------
        confidence, extreme : float
            As in `volkit.solvency.default.bad_debt.bad_debt_measures`.

        Raises
        ------
        ArgumentError
            For a confidence out of range.
        """
        t = self.totals
        return bad_debt_measures(
            t["bad_debt"],
            self.weights,
            liquidated=t["long_notional"] + t["short_notional"],
            confidence=confidence,
            extreme=extreme,
            as_of=self.as_of,
            provenance=self.provenance,
        )

    def _independent(self, weights: Floats, seed: int) -> float:
        series = self._kept()
        lost, gained, drawdown = (series[:, :, SERIES.index(x)] for x in ("bad_debt", "fund_income", "drawdown"))
        rng = np.random.default_rng(seed)
        drawn = rng.choice(self.n_paths, size=lost.shape, p=weights / weights.sum())
        # Every path keeps its own first step, and with it its weight: one step alone has no tie to break.
        drawn[:, 0] = np.arange(self.n_paths)
        flow = np.take_along_axis(gained - lost, drawn, axis=0)
        before = np.cumsum(flow, axis=1) - flow
        lowest = (before - np.take_along_axis(drawdown, drawn, axis=0)).min(axis=1)
        held = self.venue.fund + self.venue.skin_in_the_game
        return float(weights @ (held + lowest < 0.0) / weights.sum())

    def _mean(self, values: pd.Series) -> float:
        """Return the mean over paths by their weights."""
        return float(np.average(values.to_numpy(dtype=np.float64), weights=self.weights))

    def _kept(self) -> Floats:
        if self.series is None:
            raise ArgumentError("series", "must have been kept", "series=False", "run cascade_paths with series=True")
        return self.series

    @property
    def headline(self) -> str:
        """Paths, liquidations, losses and depletion in one line, by the weights of the paths."""
        t = self.totals
        notional = t["long_notional"] + t["short_notional"]
        words = [
            f"{self.n_paths:,} paths, {usd_words(self._mean(notional))} liquidated on average, bad debt "
            f"{usd_words(self._mean(t['bad_debt']))} on average and {usd_words(t['bad_debt'].max())} at most"
        ]
        if t["open_deficit"].any():
            words.append(f"{usd_words(self._mean(t['open_deficit']))} on average in accounts left open")
        words.append(f"fund depleted on {self._share_words(self.is_depleted)}")
        if self.is_stuck.any():
            words.append(f"nothing left to trade on {self._share_words(self.is_stuck)}")
        return ", ".join(words)

    def _share_words(self, hit: pd.Series) -> str:
        return (
            f"{int(hit.sum()):,} paths"
            if self.weights is None
            else f"{percent_to(self._mean(hit), 2)} of the paths by weight"
        )

    def summary(self) -> pd.DataFrame:
        """Return mean, quantiles and largest of each total (weighted where paths have weights)."""
        table = self.totals.drop(columns="status")
        weights = np.ones(self.n_paths) if self.weights is None else self.weights
        rows = {}
        for name in table.columns:
            values = table[name].to_numpy()
            order = np.argsort(values, kind="stable")
            mass = np.cumsum(weights[order])
            places = np.minimum(np.searchsorted(mass, np.array(_QUANTILES) * mass[-1]), len(values) - 1)
            quantiles = values[order][places]
            rows[name] = [float(weights @ values / weights.sum()), *quantiles, values.max()]
        return pd.DataFrame(rows, index=["mean", *(percent_to(p, 0) for p in _QUANTILES), "largest"]).T.rename_axis(
            "total"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the totals with amplification, one row a path."""
        return self.totals.assign(amplification=self.amplification)
