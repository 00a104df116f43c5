"""A law of impact fitted to bars: from volumes alone, or from the net flow where that is known.

Bars enter (and net flow, if a venue tells who took); a law in coins leaves, with its interval and what it explains.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, real_number
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.formatting import percent_to, time_words
from volkit.impact.bars import VolumeUnit, block_sums, check_flow, read_bars
from volkit.impact.illiquidity import block_of
from volkit.impact.laws import LinearImpact, SquareRootImpact
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources.protocol import Bars

__all__ = ["ImpactFit", "Shape", "fit_impact"]

Floats = npt.NDArray[np.float64]
Shape = Literal["square_root", "linear"]
_POWERS = {"square_root": 0.5, "linear": 1.0}
_BINS = 10
_ITERATIONS = 500
_DAY = pd.Timedelta("1D")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ImpactFit(ResultDisplay):
    """A law of impact and how well bars bear it out.

    Attributes
    ----------
    law : SquareRootImpact or LinearImpact
        In coins; of the square-root law the volatility and the volume are those of a day.
    coefficient, low, high : float
        Log move per root of a coin (square root) or per coin (linear), and its interval by block bootstrap.
    confidence : float
        Of the interval.
    shape : {"square_root", "linear"}
        Of the law.
    method : {"volume", "flow"}
        What it was fitted to: volumes without a sign, or net flow.
    imbalance : float
        Net flow over volume that was assumed; 1 with flow.
    noise : float
        Log move of a bar that goes without volume, root mean square.
    explained : float
        Share of the fitted mean square that goes with the volume; with flow, R squared.
    bins : DataFrame, shape (10, 4)
        Tenths by size: coins (mean), move (root mean square, or mean against the flow), fitted, n_bars.
    volatility : float
        Of a day, decimal.
    volume : float
        Coins a day.
    n_obs, n_empty : int
        Bars used, and bars without a trade, which are left out.
    as_of : Timestamp
        Last bar used, UTC.
    provenance : Provenance
        Of the bars.
    """

    law: SquareRootImpact | LinearImpact
    coefficient: float
    low: float
    high: float
    confidence: float
    shape: Shape
    method: Literal["volume", "flow"]
    imbalance: float
    noise: float
    explained: float
    bins: pd.DataFrame
    volatility: float
    volume: float
    n_obs: int
    n_empty: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def exponent(self) -> float:
        """Slope of log move on log coins over the bins: 0.5 for a square root, 1 for a line; NaN where moves are not
        positive.
        """
        table = self.bins[(self.bins["move"] > 0.0) & (self.bins["coins"] > 0.0)]
        if len(table) < len(self.bins):
            return np.nan
        return float(np.polyfit(np.log(table["coins"]), np.log(table["move"]), 1)[0])

    @property
    def worst_bin(self) -> float:
        """Largest distance of a bin's move from the fitted one, as a share of it: large where the shape is wrong."""
        return float((self.bins["move"] / self.bins["fitted"] - 1.0).abs().max())

    @property
    def constant(self) -> float:
        """Y of the square-root law, no unit; NaN for a linear one."""
        return self.law.constant if isinstance(self.law, SquareRootImpact) else np.nan

    @property
    def headline(self) -> str:
        """Law, interval and share explained in one line."""
        scale = self.coefficient / self.constant if self.shape == "square_root" else 1.0
        name = "Y" if self.shape == "square_root" else "log move per coin"
        value, low, high = (x / scale for x in (self.coefficient, self.low, self.high))
        return (
            f"{self.shape.replace('_', ' ')} law by {self.method}: {name} {value:.3g} ({low:.3g} to {high:.3g}, "
            f"{percent_to(self.confidence, 0)}), bins within {percent_to(self.worst_bin, 0)}, {self.n_obs} bars, "
            f"{time_words(self.as_of)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return coefficient, interval and what the bars say of the shape."""
        unit = "log move per root coin" if self.shape == "square_root" else "log move per coin"
        rows = {
            f"coefficient ({unit})": self.coefficient,
            f"low ({unit})": self.low,
            f"high ({unit})": self.high,
            "explained (share of fitted squares)": self.explained,
            "largest miss of a bin (share)": self.worst_bin,
            "exponent over the bins (0.5 root, 1 line)": self.exponent,
            "noise of a bar (log move)": self.noise,
            "net flow over volume (assumed)": self.imbalance,
            "volatility of a day (decimal)": self.volatility,
            "volume of a day (coins)": self.volume,
        }
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the bins."""
        return self.bins


def fit_impact(
    bars: Bars | pd.DataFrame,
    *,
    volume_unit: VolumeUnit,
    rng: np.random.Generator,
    shape: Shape = "square_root",
    flow: pd.Series | None = None,
    imbalance: float = 1.0,
    confidence: float = 0.95,
    block: int | None = None,
    n_bootstrap: int = 2_000,
) -> ImpactFit:
    """Return the law of impact that bars bear out.

    Parameters
    ----------
    bars : Bars or DataFrame
        Columns open, close and volume; index of UTC times; of an hour or less.
    volume_unit : {"coins", "money"}
        What the volume counts.
    rng : Generator
        For the bootstrap.
    shape : {"square_root", "linear"}
        Of the law.
    flow : Series, optional
        Net coins sold by those who took, on the times of the bars: positive for sales. With it signs are known and the
        law is a regression of moves on sign(q) abs(q)^power.
    imbalance : float
        Without flow: net flow over volume in a bar, above 0 to 1; 1 takes all volume as one-sided, which gives the
        smallest impact.
    confidence : float
        Of the interval.
    block : int, optional
        Bars in a block; those of a day by default, and at most a tenth of all.
    n_bootstrap : int
        Resamples.

    Returns
    -------
    ImpactFit

    Raises
    ------
    DataError
        For bars that cannot be read (see `read_bars`), a flow that does not fit them, or moves that do not rise with
        the volume or go with the flow.
    ArgumentError
        For an unknown shape or unit, or an imbalance, confidence, block or count out of range.
    ConvergenceError
        When the weights of the regression do not settle.

    Notes
    -----
    Without flow, E move^2 = noise^2 + c^2 (imbalance v)^(2 power) by weighted least squares with weights 1 / fitted^2
    (the Gaussian quasi-likelihood): squares of impact and noise add up, absolute values do not. What that can and
    cannot say: volume and volatility rise together for other reasons than impact (news moves the price and makes
    people trade), so that all of this is read as impact; with imbalance 1 the constant of the square-root law is about
    the root of the share of variance that goes with volume, and so near 1 in any market that trades when it moves.
    Take it for a size, not for a cause; flow, if the venue gives it, is better, and still holds what flow and news have
    in common. A shape that is wrong shows in `worst_bin` and `exponent`.

    References
    ----------
    .. [1] Torre (1997), BARRA market impact model handbook: the square-root law.
    .. [2] Jones, Kaul and Lipson (1994), Transactions, volume, and volatility, Review of Financial Studies 7(4).

    Examples
    --------
    >>> draw = np.random.default_rng(1)
    >>> coins = draw.lognormal(3.0, 1.0, 5_000)
    >>> move = draw.choice([-1.0, 1.0], 5_000) * 1e-4 * np.sqrt(coins) + draw.normal(0.0, 1e-4, 5_000)
    >>> times = pd.date_range("2024-01-01", periods=5_000, freq="1min", tz="UTC")
    >>> simulated = pd.DataFrame({"open": 100.0, "close": 100.0 * np.exp(move), "volume": coins}, index=times)
    >>> found = fit_impact(simulated, volume_unit="coins", rng=draw)
    >>> round(found.coefficient * 1e4, 1)
    1.0
    """
    check_choice(shape, argument="shape", choices=tuple(_POWERS))
    check_confidence(confidence)
    share = real_number(imbalance, argument="imbalance")
    if not 0.0 < share <= 1.0:
        raise ArgumentError("imbalance", "must be above 0 and at most 1", f"{imbalance!r}", "pass for example 0.2")
    read = read_bars(bars, volume_unit=volume_unit, longest=pd.Timedelta("1h"))
    traded = read.is_traded
    n = int(traded.sum())
    width = block_of(read.step, n) if block is None else check_count(block, argument="block", unit="bars")
    count = check_count(n_bootstrap, argument="n_bootstrap", unit="resamples")
    power = _POWERS[shape]
    if flow is None:
        sizes, moves = share * read.coins[traded], read.moves[traded]
        slope, noise, draws = _from_volume(sizes, moves, power, min(width, n), count, rng)
    else:
        q = check_flow(flow, read)[traded]
        sizes, moves = np.abs(q), -np.sign(q) * read.moves[traded]
        slope, noise, draws = _from_flow(sizes, moves, power, min(width, n), count, rng)
    low, high = np.quantile(draws, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    signal = slope**2 * float(np.mean(sizes ** (2.0 * power)))
    per_day = float(_DAY / read.step)
    volatility = float(np.sqrt(np.mean(read.moves**2) * per_day))
    volume = float(read.coins.mean() * per_day)
    law: SquareRootImpact | LinearImpact = LinearImpact(slope)
    if shape == "square_root":
        constant = slope * float(np.sqrt(volume)) / volatility
        law = SquareRootImpact(constant=constant, volatility=volatility, volume=volume)
    return ImpactFit(
        law=law,
        coefficient=slope,
        low=float(low),
        high=float(high),
        confidence=confidence,
        shape=shape,
        method="volume" if flow is None else "flow",
        imbalance=share if flow is None else 1.0,
        noise=noise,
        explained=signal / (signal + noise**2),
        bins=freeze(_binned(sizes, moves, slope, power, noise=noise, signed=flow is not None)),
        volatility=volatility,
        volume=volume,
        n_obs=n,
        n_empty=int((~traded).sum()),
        as_of=read.times[traded][-1],
        provenance=read.provenance,
    )


def _from_volume(
    sizes: Floats, moves: Floats, power: float, block: int, n_draws: int, rng: np.random.Generator
) -> tuple[float, float, Floats]:
    """Return coefficient, noise and resampled coefficients of squares on sizes."""
    y, u = moves**2, sizes ** (2.0 * power)
    unit, scale = float(u.mean()), float(y.mean())
    u, y = u / unit, y / scale
    a, b = _settle(u, y)
    if b <= 0.0:
        raise DataError("bars", "must move more where more is traded", "moves that do not", "pass more or other bars")
    if a > 0.0:
        w = 1.0 / (a + b * u) ** 2
        s = block_sums(np.stack([w, w * u, w * u * u, w * y, w * u * y]), block=block, n_draws=n_draws, rng=rng).T
        # The weights of the estimate serve every resample: to first order their own would change nothing.
        drawn = (s[0] * s[4] - s[1] * s[3]) / (s[0] * s[2] - s[1] ** 2)
    else:
        drawn = block_sums((y / u)[None, :], block=block, n_draws=n_draws, rng=rng)[:, 0] / len(u)
    to_coefficient = scale / unit
    draws: Floats = np.sqrt(np.maximum(drawn, 0.0) * to_coefficient)
    return float(np.sqrt(b * to_coefficient)), float(np.sqrt(a * scale)), draws


def _settle(u: Floats, y: Floats) -> tuple[float, float]:
    """Return level and slope of y on u with weights 1 / fitted^2, the level not below 0."""
    a = b = 0.5
    for _ in range(_ITERATIONS):
        w = 1.0 / (a + b * u) ** 2
        mean_u, mean_y = np.average(u, weights=w), np.average(y, weights=w)
        slope = float(np.average((u - mean_u) * y, weights=w) / np.average((u - mean_u) ** 2, weights=w))
        level = float(mean_y - slope * mean_u)
        if slope <= 0.0:
            return level, slope
        if level <= 0.0:
            # All goes with the volume: the weighted mean of y / u is then the estimate.
            level, slope = 0.0, float(np.mean(y / u))
        if abs(level - a) + abs(slope - b) < 1e-10 * (a + b):
            return level, slope
        a, b = level, slope
    raise ConvergenceError(f"the weights of the impact regression did not settle in {_ITERATIONS} rounds")


def _from_flow(
    sizes: Floats, moves: Floats, power: float, block: int, n_draws: int, rng: np.random.Generator
) -> tuple[float, float, Floats]:
    """Return coefficient, noise and resampled coefficients of moves against the flow on its size."""
    x = sizes**power
    slope = float(x @ moves / (x @ x))
    if slope <= 0.0:
        rule = "must move the price its own way: positive where coins are sold"
        raise DataError("flow", rule, "a flow that does not", "check its sign")
    sums = block_sums(np.stack([x * moves, x * x]), block=block, n_draws=n_draws, rng=rng).T
    draws: Floats = sums[0] / sums[1]
    return slope, float(np.sqrt(np.mean((moves - slope * x) ** 2))), draws


def _binned(sizes: Floats, moves: Floats, slope: float, power: float, *, noise: float, signed: bool) -> pd.DataFrame:
    order = np.array_split(np.argsort(sizes, kind="stable"), _BINS)
    fitted = slope * sizes**power
    rows = [
        {
            "coins": sizes[rows].mean(),
            "move": moves[rows].mean() if signed else np.sqrt(np.mean(moves[rows] ** 2)),
            "fitted": fitted[rows].mean() if signed else np.sqrt(np.mean(fitted[rows] ** 2) + noise**2),
            "n_bars": float(len(rows)),
        }
        for rows in order
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, _BINS + 1, name="tenth"))
