"""Realised and implied volatility in one: the weight that covered past losses best, and what a surface's shift does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import (
    check_choice,
    check_confidence,
    check_floats,
    check_fraction,
    check_positive,
    check_series,
    check_times,
    real_number,
)
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.rates import tail_of_losses
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["BlendChoice", "Criterion", "blended_volatility", "choose_blend"]

Criterion = Literal["quantile loss", "exceedance"]
SHIFTS = (-0.20, -0.10, -0.05, 0.0, 0.05, 0.10, 0.20)
_GRID = tuple(float(w) for w in np.linspace(0.0, 1.0, 21).round(2))
_BEYOND = 10.0
_YEAR = pd.Timedelta(days=365)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class BlendChoice(ResultDisplay):
    """The weight of implied volatility, and the multiple of the blend that is the margin.

    Attributes
    ----------
    weight : float
        Of the implied variance, from 0 to 1.
    multiplier : float
        Margin over the blended volatility of the horizon, from all the past.
    table : DataFrame
        Index weight; `multiplier` (from the first part of the past), and on the rest `quantile_loss`, `rate` of
        exceedances and `mean_margin`, decimals.
    criterion : str
        What the weight minimises.
    target : float
        Exceedance rate aimed at, decimal.
    n_obs : int
        Horizons in the past.
    as_of : Timestamp
        Label (UTC) of the last one.
    provenance : Provenance
        Sources and hashes, when given.
    """

    weight: float
    multiplier: float
    table: pd.DataFrame
    criterion: Criterion
    target: float
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Weight, multiple and past in one line."""
        row = self.table.loc[self.weight]
        return (
            f"implied weight {self.weight:g} by {self.criterion}, margin {self.multiplier:.2f} times the blend, rate "
            f"{percent_to(row['rate'], 2)} at target {percent_to(self.target, 2)}, {self.n_obs:,} horizons to "
            f"{self.as_of:%Y-%m-%d}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table (decimals)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table (decimals)."""
        return self.table

    def margin(self, realized: float, implied: float) -> float:
        """Return the margin rate (decimal) at two volatilities of the horizon, decimals."""
        blend = blended_volatility(np.float64(realized), np.float64(implied), weight=self.weight)
        return float(self.multiplier * blend)

    def response(
        self, *, realized: float, implied: float, horizon: str, shifts: Sequence[float] = SHIFTS
    ) -> pd.DataFrame:
        """Return what the margin would be were the surface shifted, all else equal.

        Parameters
        ----------
        realized, implied : float
            Volatilities now, annualised on a 365-day year, decimals.
        horizon : str
            Of the margin.
        shifts : sequence of float
            Added to the implied volatility, annualised decimals (0.05 is five points).

        Returns
        -------
        DataFrame
            Index shift; `implied`, `blend` (annualised), `margin` (rate), `change` (of the margin, decimal) and `slope`
            (of the margin in the implied volatility: rate per 1.00 of volatility).

        Raises
        ------
        ArgumentError
            For a volatility that is not above zero, and a shift below minus the implied one.

        Notes
        -----
        With the blend b = sqrt((1 - w) r^2 + w i^2) and the margin m = c b sqrt(h), the slope is c sqrt(h) w i / b.
        """
        r = check_positive(realized, argument="realized", unit="annualised volatility")
        i = check_positive(implied, argument="implied", unit="annualised volatility") + np.asarray(
            shifts, dtype="float64"
        )
        if (i <= 0.0).any():
            got, remedy = f"{min(shifts):g} with {implied:g}", "pass shifts that leave a volatility"
            raise ArgumentError("shifts", "must stay above minus the implied volatility", got, remedy)
        root = float(np.sqrt(pd.Timedelta(horizon) / _YEAR))
        blend = blended_volatility(np.full_like(i, r), i, weight=self.weight)
        now = self.margin(r * root, implied * root)
        margin = self.multiplier * blend * root
        columns = {
            "implied": i,
            "blend": blend,
            "margin": margin,
            "change": margin - now,
            "slope": self.multiplier * root * self.weight * i / blend,
        }
        return pd.DataFrame(columns, index=pd.Index(list(shifts), name="shift"))


def blended_volatility(
    realized: np.ndarray | np.float64, implied: np.ndarray | np.float64, *, weight: float
) -> np.ndarray:
    """Return the root of the weighted mean of two variances, shape of the volatilities.

    Examples
    --------
    >>> float(blended_volatility(np.float64(0.3), np.float64(0.4), weight=0.5).round(4))
    0.3536
    """
    return np.asarray(np.sqrt((1.0 - weight) * realized**2 + weight * implied**2))


def choose_blend(
    losses: pd.Series,
    *,
    realized: pd.Series,
    implied: pd.Series,
    target: float,
    criterion: Criterion = "quantile loss",
    weights: Sequence[float] = _GRID,
    first_share: float = 0.5,
    provenance: Provenance | None = None,
) -> BlendChoice:
    """Return the weight of implied volatility whose margins covered the past best.

    Parameters
    ----------
    losses : Series, shape (n,)
        Of one side over each horizon (fraction of the notional), by start (UTC).
    realized, implied : Series, shape (n,)
        Volatilities over the same horizons, known at their starts, decimals; same index.
    target : float
        Exceedance rate aimed at, decimal.
    criterion : {"quantile loss", "exceedance"}
        Mean quantile loss of the margins (Koenker and Bassett 1978), or distance of their exceedance rate from the
        target, the lower mean margin where weights are level.
    weights : sequence of float
        Tried, from 0 to 1.
    first_share : float
        Share of the past from which each weight's multiple is taken; the rest judges it.
    provenance : Provenance, optional
        Handed on.

    Raises
    ------
    ArgumentError
        For weights outside 0 to 1, an unknown criterion, or a share that leaves a part empty.
    DataError
        For series that are not on one UTC index, missing values, volatilities that are not above zero, and a part with
        fewer than ten losses beyond the target.

    Notes
    -----
    The exceedance rate is coarse: with n p exceedances expected it moves in steps of 1 / n, and weights are often
    level. The quantile loss uses every horizon.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=4000, freq="8h", tz="UTC", name="time")
    >>> implied = pd.Series(0.02 * np.exp(0.5 * rng.standard_normal(4000)), index=times)
    >>> realized = pd.Series(0.02 * np.exp(0.5 * rng.standard_normal(4000)), index=times)
    >>> simulated = implied * rng.standard_normal(4000)
    >>> choose_blend(simulated, realized=realized, implied=implied, target=0.05)
    <BlendChoice: implied weight 1 by quantile loss, margin 1.61 times the blend, rate 4.80 % at target 5.00 %, \
4,000 horizons to 2023-08-26>
    """
    check_choice(criterion, argument="criterion", choices=("quantile loss", "exceedance"))
    check_confidence(1.0 - real_number(target, argument="target"), argument="1 - target")
    lost, r, i, index = _aligned(losses, realized, implied)
    cut = int(check_fraction(first_share, argument="first_share") * len(lost))
    if min(cut, len(lost) - cut) * target < _BEYOND:
        got = f"{cut} and {len(lost) - cut} horizons at {target:g}"
        remedy = "pass a longer past or a larger target"
        raise DataError("losses", f"must leave {_BEYOND:.0f} beyond the margin in each part", got, remedy)
    tried = [check_fraction(w, argument="weights") for w in weights]
    if not tried:
        raise ArgumentError("weights", "must hold at least one", "none", "leave them out")
    table = pd.DataFrame.from_dict({w: _judged(lost, r, i, w, cut, target) for w in tried}, orient="index")
    distance = table["quantile_loss"] if criterion == "quantile loss" else (table["rate"] - target).abs().round(12)
    best = float(table.assign(distance=distance).sort_values(["distance", "mean_margin"], kind="stable").index[0])
    scores = lost / blended_volatility(r, i, weight=best)
    return BlendChoice(
        weight=best,
        multiplier=float(tail_of_losses(scores, confidence=1.0 - target)[0]),
        table=freeze(table.rename_axis("weight")),
        criterion=criterion,
        target=float(target),
        n_obs=len(lost),
        as_of=index[-1],
        provenance=provenance or Provenance(()),
    )


def _judged(lost: np.ndarray, r: np.ndarray, i: np.ndarray, weight: float, cut: int, target: float) -> dict[str, float]:
    blend = blended_volatility(r, i, weight=weight)
    multiplier = float(tail_of_losses(lost[:cut] / blend[:cut], confidence=1.0 - target)[0])
    margin = multiplier * blend[cut:]
    excess = lost[cut:] - margin
    quantile_loss = np.where(excess > 0.0, (1.0 - target) * excess, -target * excess)
    return {
        "multiplier": multiplier,
        "quantile_loss": float(quantile_loss.mean()),
        "rate": float((excess > 0.0).mean()),
        "mean_margin": float(margin.mean()),
    }


def _aligned(
    losses: pd.Series, realized: pd.Series, implied: pd.Series
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.DatetimeIndex]:
    index = check_times(check_series(losses, argument="losses").index, argument="losses")
    found = []
    for name, series in {"losses": losses, "realized": realized, "implied": implied}.items():
        if not check_series(series, argument=name).index.equals(losses.index):
            raise DataError(name, "must have the index of the losses", "another one", "reindex it, and drop holes")
        values = check_floats(series, argument=name)
        if not np.isfinite(values).all() or (name != "losses" and (values <= 0.0).any()):
            bad = int((~np.isfinite(values) | (values <= 0.0) & (name != "losses")).sum())
            raise DataError(name, "must be finite, and a volatility above zero", f"{bad} others", "drop those rows")
        found.append(values)
    return found[0], found[1], found[2], index
