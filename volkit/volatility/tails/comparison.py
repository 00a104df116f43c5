"""How fat the tails of several assets are: one table, crypto beside an equity benchmark.

Decimal returns enter. `kurtosis`, `hill`, `peaks` and `quantiles` hold the measures themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_returns, check_series
from volkit.conventions import SIDES, Side, losses
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.tails.exceedances import Losses, check_losses
from volkit.volatility.tails.hill import hill_index
from volkit.volatility.tails.kurtosis import excess_kurtosis
from volkit.volatility.tails.peaks import fit_pareto_tail_of_returns

__all__ = ["TailComparison", "compare_tails", "tail_quantile_ratio"]

_LEAST_RETURNS = 100
_RARE, _COMMON = 0.999, 0.99


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TailComparison(ResultDisplay):
    """Tails of several assets side by side.

    Attributes
    ----------
    table : DataFrame, one row an asset
        n_obs, start, as_of (UTC); kurtosis with _lower, _upper; and for each side (long, short): worst_loss
        (decimal), hill with _lower and _upper, hill_reduced_bias, shape with shape_error (Pareto), ratio of the 99.9
        to the 99 per cent quantile of the Pareto tail. Indices, shapes and ratios have no unit.
    tail_share : float
        Share of the returns that the Pareto tails are fitted to, fraction.
    confidence : float
        Of the intervals.
    provenance : Provenance
        Sources and hashes, when given.
    """

    table: pd.DataFrame
    tail_share: float
    confidence: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return of any asset."""
        return self.table["as_of"].max()

    @property
    def headline(self) -> str:
        """Assets with their Hill index on the long side in one line."""
        words = ", ".join(f"{name} {index:.1f}" for name, index in self.table["long_hill"].items())
        return f"tail index of losses on the long side: {words}"

    def summary(self) -> pd.DataFrame:
        """Return one column an asset, measures below one another, intervals in words (units in the labels)."""
        level = percent_to(self.confidence, 0)
        columns = {}
        for name, row in self.table.iterrows():
            cells = {
                "observations": f"{row['n_obs']:,}",
                "span (UTC)": f"{row['start'].date()}..{row['as_of'].date()}",
                f"excess kurtosis ({level})": _cell(row, "kurtosis", 1),
            }
            for side in SIDES:
                cells |= {
                    f"{side}: worst loss (per cent)": f"{100.0 * row[f'{side}_worst_loss']:.1f}",
                    f"{side}: Hill index ({level})": _cell(row, f"{side}_hill", 2),
                    f"{side}: Hill index, reduced bias": f"{row[f'{side}_hill_reduced_bias']:.2f}",
                    f"{side}: Pareto shape (s.e.)": f"{row[f'{side}_shape']:.2f} ({row[f'{side}_shape_error']:.2f})",
                    f"{side}: 99.9 % over 99 % quantile": f"{row[f'{side}_ratio']:.2f}",
                }
            columns[name] = cells
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def tail_quantile_ratio(losses: Losses, *, rare: float = _RARE, common: float = _COMMON) -> float:
    """Return how much further a rare loss lies than a common one: a ratio of two quantiles.

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Positive where money is lost, any unit.
    rare, common : float
        Tail levels, fractions; rare above common.

    Returns
    -------
    float
        No unit: 1.33 for normal losses at the default levels, 10^(1 / index) for a power tail. It exists
        whatever the moments.

    Raises
    ------
    ArgumentError, DataError
        For levels that are no fractions or not in order, too few losses for the rare one (999 for 0.999), a common
        quantile that is not positive, and for what `check_losses` refuses.

    Notes
    -----
    Quantiles of type 6, as everywhere in volkit. With few observations beyond the rare level it is nearly the
    largest loss: use the ratio of a Pareto tail then, as `compare_tails` does.

    Examples
    --------
    >>> round(tail_quantile_ratio(np.random.default_rng(2).normal(size=200_000)), 2)
    1.33
    """
    far, near = check_confidence(rare, argument="rare"), check_confidence(common, argument="common")
    if far <= near:
        raise ArgumentError("rare", "must be above common", f"{rare:g} and {common:g}", "pass rare=0.999, common=0.99")
    values = check_losses(losses).to_numpy()
    needed = int(np.ceil(far / (1.0 - far) - 1e-9))
    if len(values) < needed:
        got = f"{len(values)} losses, which need {needed}"
        raise ArgumentError("rare", "must have a quantile inside the sample", got, "pass a lower level")
    high, low = np.quantile(values, [far, near], method="weibull")
    if low <= 0.0:
        raise ArgumentError("common", "must have a loss as its quantile", f"{low:g}", "check the sign of the losses")
    return float(high / low)


def compare_tails(
    returns: Mapping[str, pd.Series],
    *,
    tail_share: float = 0.10,
    confidence: float = 0.95,
    provenance: Provenance | None = None,
) -> TailComparison:
    """Return the tails of several assets in one table, crypto beside an equity benchmark.

    Parameters
    ----------
    returns : mapping of str to Series
        Simple returns per period, decimal, on UTC times, by name; each on its own clock and span.
    tail_share : float
        Of the returns, for the Pareto tails; fraction.
    confidence : float
        Of the intervals, fraction.
    provenance : Provenance, optional
        Sources and hashes to keep with the result.

    Returns
    -------
    TailComparison
        In the order given.

    Raises
    ------
    ArgumentError, DataError
        For no asset, one without a Series, and for what `excess_kurtosis`, `hill_index` and
        `fit_pareto_tail_of_returns` refuse.

    Warns
    -----
    SmallSampleWarning
        Where the share leaves fewer than 30 returns in a tail.

    Notes
    -----
    Nothing is aligned: the spans stand in the table, and a short one has seen fewer crises. A day of a market that
    trades around the clock is longer than a session. Compare the ratio with 1.33 for the normal law, and the index
    with the interval of the other asset rather than with its point.

    Examples
    --------
    >>> from volkit.returns import simple_returns
    >>> from volkit.sources.bundled import BundledSource
    >>> closes = {name: BundledSource().load_bars(name).frame["close"] for name in ("BTC", "SPX")}
    >>> compare_tails({name: simple_returns(close) for name, close in closes.items()})
    <TailComparison: tail index of losses on the long side: BTC 1.7, SPX 3.1>
    """
    if not returns:
        raise ArgumentError("returns", "must hold at least one asset", "none", 'pass e.g. {"BTC": btc, "SPX": spx}')
    rows = {}
    for name, series in returns.items():
        one = check_series(series, argument=f'returns["{name}"]')
        checked = check_returns(one.rename(name), minimum=_LEAST_RETURNS)
        kurtosis = excess_kurtosis(checked, confidence=confidence)
        rows[name] = {
            "n_obs": len(checked),
            "start": checked.index[0],
            "as_of": checked.index[-1],
            "kurtosis": kurtosis.value,
            "kurtosis_lower": kurtosis.lower,
            "kurtosis_upper": kurtosis.upper,
        }
        for side in SIDES:
            rows[name] |= _side_of(checked, side, tail_share=tail_share, confidence=confidence)
    return TailComparison(
        table=freeze(pd.DataFrame.from_dict(rows, orient="index").rename_axis("asset")),
        tail_share=tail_share,
        confidence=confidence,
        provenance=provenance or Provenance(()),
    )


def _side_of(returns: pd.Series, side: Side, *, tail_share: float, confidence: float) -> dict[str, float]:
    lost = losses(returns, side=side)
    hill = hill_index(lost, confidence=confidence)
    tail = fit_pareto_tail_of_returns(returns, side=side, tail_share=tail_share)
    measures = {
        "worst_loss": float(lost.max()),
        "hill": hill.tail_index,
        "hill_lower": hill.lower,
        "hill_upper": hill.upper,
        "hill_reduced_bias": hill.reduced_bias_index,
        "shape": tail.shape,
        "shape_error": float(tail.standard_errors["shape"]),
        "ratio": tail.value_at_risk(_RARE) / tail.value_at_risk(_COMMON),
    }
    return {f"{side}_{name}": value for name, value in measures.items()}


def _cell(row: pd.Series, name: str, digits: int) -> str:
    low, high = row[f"{name}_lower"], row[f"{name}_upper"]
    return f"{row[name]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
