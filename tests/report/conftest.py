import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from volkit.correlation import correlation_by_era, correlation_matrix, macro_betas, rolling_correlation
from volkit.errors import AsynchronousWarning
from volkit.margin import MarginPolicy, calibrate_margin
from volkit.prices import Synchrony, load_prices
from volkit.results import Provenance, SeriesProvenance
from volkit.returns import changes
from volkit.sources.bundled import BundledSource

# pytest imports test modules by path and leaves sys.path alone; the cases of drawings are shared.
sys.path.insert(0, str(Path(__file__).parent))

POLICY = MarginPolicy(method="historical", confidence=0.95, lookback=200, floor=0.02)


def provenance_of(*names, simulated=False):
    return Provenance(
        tuple(
            SeriesProvenance(name=n, source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
            for n in names
        )
    )


def returns_of(name, seed, n=500):
    times = pd.date_range("2022-01-01", periods=n, tz="UTC", name="time")
    return pd.Series(np.random.default_rng(seed).standard_t(4, n) * 0.02, index=times, name=name)


@pytest.fixture(scope="session")
def calibrated():
    return [
        calibrate_margin(
            returns_of(name, seed),
            policy=POLICY,
            periods_per_year=365,
            methods=["historical"],
            current={"initial_margin_long": 0.1} if name == "BTC" else None,
            provenance=provenance_of(name),
        )
        for name, seed in (("BTC", 1), ("ETH", 2))
    ]


@pytest.fixture(scope="session")
def simulated_calibration():
    provenance = provenance_of("BTC", simulated=True)
    return calibrate_margin(
        returns_of("BTC", 1), policy=POLICY, periods_per_year=365, methods=["historical"], provenance=provenance
    )


@pytest.fixture(scope="session")
def moves():
    return changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).iloc[-600:]


LATE = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.85)


@pytest.fixture(scope="session")
def rolling(moves):
    with pytest.warns(AsynchronousWarning):
        return rolling_correlation(moves["SPX"], moves["VIX"], window=90, periods_per_year=252, synchrony=LATE)


@pytest.fixture(scope="session")
def eras(moves):
    middle, end = moves.index[300], moves.index[-1] + pd.Timedelta(days=1)
    spans = {"first": (moves.index[0], middle), "second": (middle, end)}
    return [correlation_by_era(moves["SPX"], moves[other], eras=spans) for other in ("NASDAQ", "VIX")]


@pytest.fixture(scope="session")
def matrix(moves):
    return correlation_matrix(moves)


@pytest.fixture(scope="session")
def betas(moves):
    return macro_betas(moves["NASDAQ"], moves[["SPX", "VIX"]], units={"SPX": "log return", "VIX": "index points"})
