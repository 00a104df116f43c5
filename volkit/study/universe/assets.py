"""The assets of a universe, one after another: simulated ones, and those of a source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.errors import ArgumentError
from volkit.prices import align
from volkit.results import SeriesProvenance, content_hash
from volkit.returns import complete_rows, mask_not_positive, simple_returns
from volkit.sources import PriceSource, open_source
from volkit.volatility import Recursion

__all__ = ["UniverseAsset", "simulated_universe", "source_universe"]

_START = "2020-01-01"
_BURN_IN = 250
_PRICES = ("crypto", "index", "fund", "future")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UniverseAsset:
    """Daily returns of one asset, and where they came from.

    Attributes
    ----------
    returns : Series, shape (n_obs,)
        Simple returns, decimals, UTC; its name is the asset's.
    provenance : SeriesProvenance
        Source and hash.
    """

    returns: pd.Series
    provenance: SeriesProvenance


def simulated_universe(n_assets: int, *, n_days: int, seed: int = 20240601) -> Iterator[UniverseAsset]:
    """Yield simulated assets, each from a seed of its own, so that fewer assets are the first of more.

    Parameters
    ----------
    n_assets, n_days : int
        How many, and daily returns of each.
    seed : int
        Of all of them.

    Yields
    ------
    UniverseAsset
        Named S0001 on; GARCH log returns with Student t shocks: annualised volatility of 40 to 150 % (log-uniform),
        3.5 to 8 degrees of freedom, reaction of 0.04 to 0.14, persistence of 0.94 to 0.99.

    Raises
    ------
    ArgumentError
        For counts below one.

    Examples
    --------
    >>> [first, _] = simulated_universe(2, n_days=100)
    >>> first.returns.name, len(first.returns), first.provenance.simulated
    ('S0001', 100, True)
    """
    check_count(n_assets, argument="n_assets", unit="assets")
    check_count(n_days, argument="n_days", unit="days")
    check_count(seed, argument="seed", minimum=0, unit="as a seed")
    times = pd.date_range(_START, periods=n_days, tz="UTC", name="time", unit="us")
    return (_simulated(number, times, seed) for number in range(n_assets))


def _simulated(number: int, times: pd.DatetimeIndex, seed: int) -> UniverseAsset:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))
    variance = np.exp(rng.uniform(np.log(0.40), np.log(1.50))) ** 2 / 365
    freedom, alpha, persistence = rng.uniform(3.5, 8.0), rng.uniform(0.04, 0.14), rng.uniform(0.94, 0.99)
    shocks = rng.standard_t(freedom, (1, _BURN_IN + len(times))) * np.sqrt((freedom - 2.0) / freedom)
    recursion = Recursion(0.0, variance * (1.0 - persistence), alpha, 0.0, persistence - alpha)
    log_returns = recursion.simulate(variance, shocks)[0][0, _BURN_IN:]
    name = f"S{number + 1:04d}"
    returns = pd.Series(np.expm1(log_returns), index=times, name=name)
    provenance = SeriesProvenance(
        name=name, source=f"simulated: GARCH-t universe, seed {seed}", sha256=content_hash(returns.to_frame()),
        unit="decimal", close_rule="UTC midnight", simulated=True, licence="simulated by volkit, no rights of others",
    )  # fmt: skip
    return UniverseAsset(returns=returns, provenance=provenance)


def source_universe(source: PriceSource | str, *, names: Sequence[str] | None = None) -> Iterator[UniverseAsset]:
    """Yield the assets of a source, loaded one by one.

    Parameters
    ----------
    source : PriceSource or str
        For example ``files:prices``.
    names : sequence of str, optional
        Which series; default all prices (coins, indices, funds, futures) with daily bars.

    Yields
    ------
    UniverseAsset
        Simple returns of the closes; incomplete rows are left out, and more than one in ten of them is an error.

    Raises
    ------
    ArgumentError
        For what is neither a source nor the name of one.
    SourceError
        When the source or a series cannot be read.
    DataError, DataLossError
        When closes cannot be used as they are.

    Examples
    --------
    >>> [btc] = source_universe("bundled", names=["BTC"])
    >>> btc.returns.name
    'BTC'
    """
    opened = open_source(source) if isinstance(source, str) else source
    if not hasattr(opened, "load_bars"):
        got, remedy = type(opened).__name__, 'pass for example "bundled"'
        raise ArgumentError("source", "must be a source of prices or its name", got, remedy)
    chosen = names
    if chosen is None:
        daily = [h.name for h in opened.holdings() if h.interval == "1d"]
        chosen = [name for name in daily if opened.catalogue[name].kind in _PRICES]
    return (_loaded(opened, name) for name in chosen)


def _loaded(source: PriceSource, name: str) -> UniverseAsset:
    bars = source.load_bars(name)
    panel, _ = mask_not_positive(align([bars]))
    rows = complete_rows(simple_returns(panel.close[name]).to_frame(), max_loss=0.10)
    return UniverseAsset(returns=rows.frame[name], provenance=bars.provenance)
