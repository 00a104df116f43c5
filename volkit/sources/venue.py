"""A simulated derivatives venue with known truth, for solvency, cascades and contagion offline.

`simulate_venue` draws leveraged accounts, order books of two venues, a balance sheet, lending positions, protocols
that share collateral and a network of debts, together with what is exactly known of them; `load_demo_venue` reads the
frozen copy in ``data/demo/stress``. Nothing in it was traded.
"""

import hashlib
import tomllib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_fraction, check_positive, real_number
from volkit.errors import ArgumentError, SourceError
from volkit.resources import data_folder
from volkit.sources.venue_accounts import draw_accounts, draw_books, draw_recovery, leverage_range
from volkit.sources.venue_network import draw_network
from volkit.sources.venue_sheets import LENDING_TERMS, draw_balance_sheet, draw_lending, draw_protocols
from volkit.sources.venue_tables import VENUE_FILES, VENUE_GENERATOR_VERSION, SimulatedVenue, put_together
from volkit.sources.venue_truth import SideTruth, VenueTruth

__all__ = [
    "DEMO_VENUE_SEED",
    "VENUE_FILES",
    "VENUE_GENERATOR_VERSION",
    "SideTruth",
    "SimulatedVenue",
    "VenueTruth",
    "load_demo_venue",
    "simulate_venue",
]

DEMO_VENUE_SEED = 20251010
_REBUILD = "python data/demo/stress/rebuild.py"
_ASSET = "BTC"
_PRICE = 60_000.0
_COINS = 25_000.0
_VENUES = {"alpha": 0.65, "beta": 0.35}
_BOOK_REACH = 0.15
_HALF_LIFE = 6.0
_N_LENDING = 1_500
_PERMANENT_SHARE = 0.4
_FIXED = ["USD", "USDX", "loan to arm", "loan from venue"]
_AS_OF = "2024-12-31T00:00:00Z"
_NODES = (*(f"desk-{i}" for i in range(1, 6)), "alpha", "beta", "lender-1", "lender-2", "issuer")


def simulate_venue(
    *,
    seed: int = DEMO_VENUE_SEED,
    n_accounts: int = 20_000,
    feedback: float = 0.5,
    fund_share: float = 0.006,
    leverages: tuple[float, float] = (2.0, 50.0),
    maintenance_rate: float = 0.005,
    half_life: float = _HALF_LIFE,
    price: float = _PRICE,
    open_interest: float = _COINS,
) -> SimulatedVenue:
    """Return a simulated venue whose cascade is known in closed form.

    Parameters
    ----------
    seed : int
        From 0; the same seed gives the same venue.
    n_accounts : int
        At least 100, longs and shorts together.
    feedback : float
        Coins liquidated by the impact of one coin when longs are liquidated (lambda rho), positive; from 1 on any
        shock that reaches an account liquidates all. It sets the depth of the order books.
    fund_share : float
        Insurance fund over the open interest, from 0 to 1.
    leverages : tuple of float
        Lowest and highest leverage, above 1.
    maintenance_rate : float
        Of all accounts, a fraction of the notional below 1 / highest leverage.
    half_life : float
        Of the depth after a sweep, minutes.
    price : float
        Reference price, USD per coin.
    open_interest : float
        Coins of each side.

    Returns
    -------
    SimulatedVenue
        Marked as simulated, `truth` with it.

    Raises
    ------
    ArgumentError
        For numbers out of these ranges.

    Examples
    --------
    >>> venue = simulate_venue(n_accounts=1000)
    >>> venue
    <SimulatedVenue: SIMULATED 1,000 accounts of BTC, open interest 1,500 million USD, fund 0.60 % of it, seed 20251010>
    >>> round(venue.truth.long.feedback, 12), round(venue.truth.threshold("all_liquidated"), 4)
    (0.5, 0.3517)
    """
    seed = check_count(seed, argument="seed", minimum=0, unit="")
    n_accounts = check_count(n_accounts, argument="n_accounts", minimum=100, unit="accounts")
    price = check_positive(price, argument="price", unit="USD per coin")
    coins = check_positive(open_interest, argument="open_interest", unit="coins")
    feedback = check_positive(feedback, argument="feedback", unit="coins per coin")
    half_life = check_positive(half_life, argument="half_life", unit="minutes")
    fund = check_fraction(fund_share, argument="fund_share") * coins * price
    rate = _check_leverages(leverages, maintenance_rate)
    near, far = leverage_range("down", leverages, rate)
    impact = feedback * (far - near) / coins
    # Each table has a stream of its own, so that a change of one leaves the others as they are.
    streams = [np.random.default_rng([seed, i]) for i in range(7)]
    tables: dict[str, pd.DataFrame] = {
        "accounts": draw_accounts(streams[0], n_accounts, price=price, coins=coins, leverages=leverages, rate=rate),
        "books": draw_books(streams[1], price=price, impact=impact, shares=_VENUES, reach=_BOOK_REACH),
        "recovery": draw_recovery(streams[2], depth=-np.log1p(-0.01) / impact, half_life=half_life),
        "balance_sheet": draw_balance_sheet(streams[3], fund=fund),
        "lending_positions": draw_lending(streams[4], _N_LENDING),
        "lending_terms": LENDING_TERMS,
    }
    tables["protocol_holdings"], tables["protocol_debts"] = draw_protocols(streams[5])
    tables["exposures"], tables["external"] = draw_network(streams[6], _NODES)
    terms = {
        "simulated": True,
        "as_of": _AS_OF,
        "asset": _ASSET,
        "price": price,
        "open_interest": coins,
        "fund": fund,
        "maintenance_rate": rate,
        "lowest_leverage": leverages[0],
        "highest_leverage": leverages[1],
        "impact": impact,
        "half_life": half_life,
        "permanent_share": _PERMANENT_SHARE,
        "fixed": _FIXED,
        "seed": seed,
    }
    return put_together(tables, terms)


def load_demo_venue(folder: Path | None = None) -> SimulatedVenue:
    """Return the frozen simulated venue, its files checked against their sha-256.

    Parameters
    ----------
    folder : Path, optional
        ``data/demo/stress`` by default.

    Returns
    -------
    SimulatedVenue
        That of `simulate_venue` with its defaults.

    Raises
    ------
    SourceError
        When a file is missing or differs from the manifest.

    Examples
    --------
    >>> load_demo_venue().headline
    '20,000 accounts of BTC, open interest 1,500 million USD, fund 0.60 % of it, seed 20251010'
    """
    folder = folder or data_folder() / "demo" / "stress"
    try:
        manifest: dict[str, Any] = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
        contents = {file: (folder / file).read_bytes() for file in (*VENUE_FILES.values(), "fund.toml")}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"the frozen simulated venue cannot be read: {error}; rebuild it with {_REBUILD}."
        raise SourceError(message) from error
    for file, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest.get(file, {}).get("sha256"):
            listed = folder / "manifest.toml"
            message = f"frozen file {folder / file} differs from {listed}; restore it or rebuild it with {_REBUILD}."
            raise SourceError(message)
    tables = {name: _read(file, contents[file]) for name, file in VENUE_FILES.items()}
    return put_together(tables, tomllib.loads(contents["fund.toml"].decode("utf-8")))


def _read(file: str, content: bytes) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(content)) if file.endswith(".parquet") else pd.read_csv(BytesIO(content))


def _check_leverages(leverages: tuple[float, float], maintenance_rate: float) -> float:
    if len(leverages) != 2:
        raise ArgumentError("leverages", "must be a lowest and a highest", f"{len(leverages)} of them", "pass (2, 50)")
    lowest, highest = (real_number(end, argument="leverages") for end in leverages)
    if not 1.0 < lowest < highest < np.inf:
        raise ArgumentError(
            "leverages", "must be a lowest and a higher one, both above 1", repr(leverages), "pass for example (2, 50)"
        )
    rate = real_number(maintenance_rate, argument="maintenance_rate")
    if not 0.0 <= rate < 1.0 / highest:
        raise ArgumentError(
            "maintenance_rate",
            f"must be from 0 to below 1 / the highest leverage, {1.0 / highest:g}",
            repr(maintenance_rate),
            "lower it, or the leverage",
        )
    return rate
