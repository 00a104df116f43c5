"""The simulated market as a source: frozen in ``data/demo``, or generated from a seed.

``simulated`` reads the frozen files, checked against their manifest; ``simulated:7`` generates the market of
seed 7. Both hold ten series with daily bars over ten years and hourly bars of the last one. The truth behind
them is in `volkit.sources.market.simulate_market`. All of it says that it is simulated.
"""

import hashlib
import io
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from volkit.errors import ArgumentError, SeriesNotFoundError, SourceError
from volkit.resources import data_folder
from volkit.sources.catalogue import Catalogue, CloseRule, Interval, SeriesIds, SeriesSpec, load_catalogue
from volkit.sources.market import DEMO_SEED, GENERATOR_VERSION, MarketTruth, SimulatedMarket, simulate_market
from volkit.sources.market_design import COINS, MACRO
from volkit.sources.protocol import Bars, Holding, make_bars

__all__ = ["SimulatedSource"]

_FILES: dict[str, str] = {"1d": "daily.parquet", "1h": "hourly.parquet"}
_REBUILD = "python data/demo/rebuild.py"


class SimulatedSource:
    """Ten simulated series with known truth, offline.

    Parameters
    ----------
    argument : str, optional
        Seed of a market to generate; None reads the frozen one.
    folder : Path, optional
        Folder of the frozen market, ``data/demo`` by default.

    Raises
    ------
    ArgumentError
        When the argument is not a whole number from 0.

    Examples
    --------
    >>> SimulatedSource().load_bars("BTC").headline
    'BTC 1d, 3653 bars 2015-01-01..2024-12-31, simulated: volkit market generator 1, seed 20240878'
    """

    def __init__(self, argument: str | None = None, *, folder: Path | None = None) -> None:
        self.name = "simulated" if argument is None else f"simulated:{argument}"
        self.catalogue = Catalogue({name: _simulated_spec(load_catalogue()[name]) for name in (*COINS, *MACRO)})
        self._seed = None if argument is None else _check_seed(argument)
        self._folder = folder or data_folder() / "demo"

    def holdings(self) -> tuple[Holding, ...]:
        """Return the daily and the hourly series (UTC labels; macro in New York sessions)."""
        seed = "frozen" if self._seed is None else f"seed {self._seed}"
        notes: dict[Interval, str] = {"1d": f"simulated, {seed}, ten years", "1h": f"simulated, {seed}, last year"}
        return tuple(Holding(s.name, step, s.title, note) for step, note in notes.items() for s in self.catalogue)

    def load_bars(self, name: str, *, interval: Interval = "1d") -> Bars:
        """Return the bars of one series.

        Parameters
        ----------
        name : str
            Catalogue name.
        interval : {"1d", "1h"}
            Step of the bars.

        Returns
        -------
        Bars
            Open, high, low and close in the unit of the series, volume in coins for crypto; shape
            (n_obs, 5 or 6) with `close_time`; UTC.

        Raises
        ------
        SeriesNotFoundError
            When the name or the interval is not there.
        SourceError
            When a frozen file is missing or differs from the manifest.
        """
        if name not in self.catalogue or interval not in _FILES:
            wanted = name if interval == "1d" else f"{name} {interval}"
            have = self.catalogue if name not in self.catalogue else (self.catalogue[name],)
            steps = "" if name not in self.catalogue else " (1d, 1h)"
            raise SeriesNotFoundError(self.name, (wanted,), tuple(f"{s.name}{steps}" for s in have))
        frame, origin = self._frozen(name, interval) if self._seed is None else self._generated(name, interval)
        return make_bars(
            frame,
            self.catalogue[name],
            interval=interval,
            source=f"simulated: volkit market {origin}",
            simulated=True,
        )

    def _generated(self, name: str, interval: Interval) -> tuple[pd.DataFrame, str]:
        bars = self._market.daily if interval == "1d" else self._market.hourly
        return bars[name], f"generator {GENERATOR_VERSION}, seed {self._seed}"

    @property
    def truth(self) -> MarketTruth:
        """Parameters and paths that the prices were drawn from."""
        return self._market.truth

    @cached_property
    def _market(self) -> SimulatedMarket:
        return simulate_market(seed=DEMO_SEED if self._seed is None else self._seed)

    def _frozen(self, name: str, interval: Interval) -> tuple[pd.DataFrame, str]:
        path = self._folder / _FILES[interval]
        try:
            content = path.read_bytes()
            manifest: dict[str, Any] = tomllib.loads((self._folder / "manifest.toml").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            message = f"the frozen simulated market cannot be read: {error}; rebuild it with {_REBUILD}."
            raise SourceError(message) from error
        if hashlib.sha256(content).hexdigest() != manifest.get(path.name, {}).get("sha256"):
            listed = path.parent / "manifest.toml"
            raise SourceError(f"frozen file {path} differs from {listed}; restore it or rebuild it with {_REBUILD}.")
        frame = pd.read_parquet(io.BytesIO(content), filters=[("name", "==", name)])
        frame = frame.set_index("time").drop(columns="name")
        generator = manifest["generator"]
        return frame.dropna(axis="columns", how="all"), f"generator {generator['version']}, seed {generator['seed']}"


def _check_seed(argument: str) -> int:
    if not (argument.isascii() and argument.isdigit()):
        raise ArgumentError(
            "source",
            "must be 'simulated' or 'simulated:SEED'",
            f"'simulated:{argument}'",
            "pass a whole number from 0 as seed",
        )
    return int(argument)


def _simulated_spec(spec: SeriesSpec) -> SeriesSpec:
    """Return the catalogue entry on the simulated market's clock: one New York close, nothing published late."""
    own: dict[str, object] = {
        "title": f"{spec.title} (simulated)",
        "release": None,
        "ids": SeriesIds(),
        "licence": "simulated by volkit, no rights of others",
        "note": "",
    }
    if spec.kind != "crypto":
        own |= {"calendar": "XNYS", "close": CloseRule(rule="session")}
    return spec.model_copy(update=own)
