"""Feeds that report prices late, seldom, or wrongly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from volkit.checks import check_choice, check_count, check_positive
from volkit.errors import ArgumentError

__all__ = ["Distortion", "OracleFeed", "Reports"]

Floats = npt.NDArray[np.float64]
Source = Literal["venue", "redemption"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distortion:
    """What a feed sees, multiplied for a while: a manipulated or broken source.

    Attributes
    ----------
    start, stop : int
        Steps, from 1; `stop` is the first one without it.
    factor : float
        Positive: 1.2 for a fifth above the true price.
    asset : str, optional
        The only one that is distorted; all that the feed prices by default.

    Examples
    --------
    >>> Distortion(start=2, stop=4, factor=0.5).factor_at(3, "ETH")
    0.5
    """

    start: int
    stop: int
    factor: float
    asset: str | None = None

    def __post_init__(self) -> None:
        check_count(self.start, argument="start", unit="steps")
        check_count(self.stop, argument="stop", minimum=self.start + 1, unit="steps")
        check_positive(self.factor, argument="factor", unit="of the price seen")

    def factor_at(self, step: int, asset: str) -> float:
        """Return the factor of a step's observation of an asset, 1 outside the span."""
        return self.factor if self.start <= step < self.stop and self.asset in (None, asset) else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleFeed:
    """How a feed turns prices into reports.

    Attributes
    ----------
    lag : int
        Steps between a price and its observation: 0 sees the price at the beginning of the same step. Before the first
        step all prices were the initial ones.
    deviation : float
        The report follows when the observation lies this far from it (decimal); 0 for always.
    heartbeat : int, optional
        Steps after which the report is renewed anyway; never by default.
    source : {"venue", "redemption"}
        Whether it looks at the market or at what the token can be redeemed for. A token that loses its peg falls in one
        and not in the other.
    distortions : tuple of Distortion
        Errors of what is seen, by step of the report.

    Examples
    --------
    >>> OracleFeed(lag=2, deviation=0.005, heartbeat=60)
    OracleFeed(lag=2, deviation=0.005, heartbeat=60, source='venue', distortions=())
    """

    lag: int = 0
    deviation: float = 0.0
    heartbeat: int | None = None
    source: Source = "venue"
    distortions: tuple[Distortion, ...] = ()

    def __post_init__(self) -> None:
        check_count(self.lag, argument="lag", minimum=0, unit="steps")
        if not 0.0 <= float(self.deviation) < 1.0:
            got, remedy = f"{self.deviation!r}", "pass 0.005 for half a per cent"
            raise ArgumentError("deviation", "must be a fraction from 0 to below 1", got, remedy)
        if self.heartbeat is not None:
            check_count(self.heartbeat, argument="heartbeat", unit="steps")
        check_choice(self.source, argument="source", choices=("venue", "redemption"))


class Reports:
    """What each feed says of each asset that it prices, step by step."""

    def __init__(
        self, pairs: Sequence[tuple[str, str]], feeds: Mapping[str, OracleFeed], assets: Sequence[str]
    ) -> None:
        self.pairs = list(pairs)
        self.feeds = [feeds[name] for name, _ in pairs]
        self.columns = np.array([list(assets).index(asset) for _, asset in pairs])
        self.values = np.zeros(len(pairs))
        self.ages = np.zeros(len(pairs), dtype=np.int64)

    def start(self, venue: Floats, redemption: Floats) -> None:
        """Begin with the initial prices."""
        for j, (feed, k) in enumerate(zip(self.feeds, self.columns, strict=True)):
            self.values[j] = (redemption if feed.source == "redemption" else venue)[k]

    def renew(self, step: int, venue: Floats, redemption: Floats) -> None:
        """Report at a step (from 1), from the prices (steps from 0, assets) known up to its beginning."""
        for j, (feed, k) in enumerate(zip(self.feeds, self.columns, strict=True)):
            seen = (redemption if feed.source == "redemption" else venue)[max(step - feed.lag, 0), k]
            for distortion in feed.distortions:
                seen = seen * distortion.factor_at(step, self.pairs[j][1])
            self.ages[j] += 1
            is_far = abs(seen / self.values[j] - 1.0) >= feed.deviation
            if is_far or (feed.heartbeat is not None and self.ages[j] >= feed.heartbeat):
                self.values[j], self.ages[j] = seen, 0
