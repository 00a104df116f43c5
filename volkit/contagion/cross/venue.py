"""What a venue of several assets brings to a cascade: impact by asset, a fund, fees, and how accounts are closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_fraction
from volkit.contagion.cross.tables import check_finite, named_once
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import ImpactLaw

__all__ = ["ClosingRule", "CrossVenue", "Leftover"]

ClosingRule = Literal["everything", "worst_asset_first"]
Leftover = Literal["fund", "returned"]
_CLOSING: tuple[ClosingRule, ...] = ("everything", "worst_asset_first")
_LEFTOVERS: tuple[Leftover, ...] = ("fund", "returned")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CrossVenue:
    """A venue that liquidates accounts of several assets.

    Attributes
    ----------
    impact : mapping of str to ImpactLaw
        Law by asset; see `volkit.impact.laws`.
    fund : float
        Insurance fund, USD, 0 or more.
    liquidation_fee : float
        Liquidation fee over the notional closed, paid to the fund by accounts that still can.
    leftover : {"fund", "returned"}
        Where what is left of a closed account goes: to the fund, or returned to its owner.
    closing : {"everything", "worst_asset_first"}
        Whether an account below its margin closes all positions and sells its coins at once, or first the position
        that has lost most, and the next one only when it is still below.
    cross_impact : DataFrame or None
        Square, by asset: the share of the column's own log displacement that is added to the row's; none by default.
        The diagonal is not read.
    depth : Series or None
        Share of the depth of the laws that is there, by asset, positive; all by default.
    max_rounds : int
        After so many rounds a cascade that goes on is named "unfinished".

    Raises
    ------
    ArgumentError
        For a fund below 0, a fee outside 0 to below 1, unknown choices, a number of rounds below 1, or a depth of zero.
    DataError
        For no impact law, a cross-impact that is not square and finite, or labels that come twice.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> CrossVenue(impact={"BTC": LinearImpact(1e-5)}, fund=1e6).closing
    'everything'
    """

    impact: Mapping[str, ImpactLaw]
    fund: float = 0.0
    liquidation_fee: float = 0.0
    leftover: Leftover = "fund"
    closing: ClosingRule = "everything"
    cross_impact: pd.DataFrame | None = None
    depth: pd.Series | None = None
    max_rounds: int = 200

    def __post_init__(self) -> None:
        if not self.impact:
            raise DataError("impact", "must have a law by asset", "none", "pass impact={'BTC': LinearImpact(1e-5)}")
        if not 0.0 <= float(self.fund) < np.inf:
            raise ArgumentError("fund", "must be a finite amount of at least 0 (USD)", f"{self.fund!r}", "pass 0")
        if check_fraction(self.liquidation_fee, argument="liquidation_fee") == 1.0:
            raise ArgumentError("liquidation_fee", "must be below 1", "1.0", "pass a decimal such as 0.005")
        check_choice(self.leftover, argument="leftover", choices=_LEFTOVERS)
        check_choice(self.closing, argument="closing", choices=_CLOSING)
        check_count(self.max_rounds, argument="max_rounds", unit="rounds")
        if self.depth is not None:
            depth = named_once(self.depth, "depth")
            if (bad := ~(np.isfinite(depth) & (depth > 0.0))).any():
                got = f"{depth[bad].iloc[0]:g}"
                raise ArgumentError("depth", "must be above zero", got, "a market without depth has no price")
            object.__setattr__(self, "depth", depth)
        if self.cross_impact is not None:
            _check_square(self.cross_impact)

    def market_of(
        self, assets: tuple[str, ...], price: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return prices, codes, parameters with their offsets, depths and cross-impact as the kernels take them.

        Raises
        ------
        DataError
            For an asset without a law, without cross-impact or without depth where these are told.
        """
        missing = [a for a in assets if a not in self.impact]
        if missing:
            got = f"none of {', '.join(missing)}"
            raise DataError("impact", "must have a law for every asset held", got, "add it")
        forms = [self.impact[a].kernel_form() for a in assets]
        parameters = [np.asarray(values, dtype=np.float64) for _, values in forms]
        offsets = np.concatenate([[0], np.cumsum([len(values) for values in parameters])]).astype(np.int64)
        depth = pd.Series(1.0, index=list(assets)) if self.depth is None else self.depth.reindex(list(assets))
        cross = np.zeros((len(assets), len(assets)))
        if self.cross_impact is not None:
            cross = self.cross_impact.reindex(index=list(assets), columns=list(assets)).to_numpy(dtype=np.float64)
        if not (np.isfinite(cross).all() and np.isfinite(depth).all()):
            raise DataError("cross_impact and depth", "must be told for every asset held", "some missing", "add them")
        codes = np.array([code for code, _ in forms], dtype=np.int64)
        return (
            np.ascontiguousarray(price),
            codes,
            np.concatenate(parameters),
            offsets,
            depth.to_numpy(dtype=np.float64).copy(),
            np.array(cross, order="C"),
        )


def _check_square(cross: pd.DataFrame) -> None:
    if not cross.index.equals(cross.columns) or cross.index.has_duplicates:
        got = f"shape {cross.shape}" if cross.index.is_unique else "an asset twice"
        raise DataError("cross_impact", "must have the same assets in rows and columns", got, "reindex it")
    check_finite(cross, "cross_impact")
