"""Every reader of something that comes from outside, with valid files to start from."""

import contextlib
import io
import json
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import requests
import urllib3
from changes import Chooser, change_bytes, change_table, change_tree, to_csv, to_parquet, to_toml

import volkit
from volkit.errors import VolkitError

__all__ = ["TARGETS", "Target", "attack", "feed"]

ROOT = Path(__file__).resolve().parents[2]
NOW = pd.Timestamp("2024-06-01 05:30", tz="UTC")
START = pd.Timestamp("2024-05-01", tz="UTC")

Change = Callable[[bytes, Chooser], bytes]


@dataclass(frozen=True)
class Target:
    """A reader: valid contents, how to change them knowing their form, and the call."""

    seeds: Callable[[], list[bytes]]
    change: Change
    read: Callable[[bytes, Path], object]


def feed(target: Target, content: bytes, folder: Path) -> bool:
    """Read the content; return whether it was accepted. Anything but an answer or a VolkitError goes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", volkit.errors.VolkitWarning)
        try:
            repr(target.read(content, folder))
        except VolkitError as error:
            if not str(error).strip():
                raise AssertionError("a refusal without words") from error
            return False
    return True


def attack(target: Target, chooser: Chooser) -> bytes:
    """Return a changed seed: one time in four its bytes, otherwise what they mean."""
    seeds = target.seeds()
    seed = seeds[chooser.below(len(seeds))]
    if not chooser.below(4):
        return change_bytes(seed, chooser)
    return target.change(seed, chooser)


def _toml_change(seed: bytes, chooser: Chooser) -> bytes:
    return to_toml(change_tree(tomllib.loads(seed.decode()), chooser))


def _json_change(seed: bytes, chooser: Chooser) -> bytes:
    return json.dumps(change_tree(json.loads(seed), chooser), default=str).encode()


def _rows(seed: bytes) -> list[list[str]]:
    if seed[:4] == b"PAR1":
        frame = pd.read_parquet(io.BytesIO(seed))
        return [list(frame.columns), *frame.astype("str").to_numpy().tolist()]
    return [line.split(",") for line in seed.decode().splitlines()]


def _table_change(seed: bytes, chooser: Chooser) -> bytes:
    changed = change_table(_rows(seed), chooser)
    return to_csv(changed, chooser) if chooser.below(4) else to_parquet(changed, chooser)


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _named_table(folder: Path, stem: str, content: bytes) -> Path:
    for ending in (".csv", ".parquet"):
        (folder / f"{stem}{ending}").unlink(missing_ok=True)
    return _file(folder, stem + (".parquet" if content[:4] == b"PAR1" else ".csv"), content)


# Files in TOML.


def _files(pattern: str) -> Callable[[], list[bytes]]:
    return cache(lambda: [path.read_bytes() for path in sorted(ROOT.glob(pattern))])


def _venue_rules(content: bytes, folder: Path) -> object:
    return volkit.load_venue_rules(_file(folder, "rules.toml", content))


def _study(content: bytes, folder: Path) -> object:
    return volkit.load_study(_file(folder, "study.toml", content))


def _catalogue(content: bytes, folder: Path) -> object:
    return volkit.load_catalogue(_file(folder, "series.toml", content))


def _events(content: bytes, folder: Path) -> object:
    return volkit.load_events(_file(folder, "events.toml", content))


def _parameters(content: bytes, folder: Path) -> object:
    from volkit.report.parameter_file import assets_seal

    # The seal is set anew, so that what stands behind it is read as well.
    with contextlib.suppress(tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        tree = tomllib.loads(content.decode())
        if isinstance(tree.get("header"), dict) and isinstance(tree.get("assets"), dict):
            tree["header"]["assets_sha256"] = assets_seal(tree["assets"])
            content = to_toml(tree)
    return volkit.load_parameters(_file(folder, "parameters.toml", content))


@cache
def _parameter_seeds() -> list[bytes]:
    from volkit.report.parameters import write_parameters

    times = pd.date_range("2024-01-01", periods=400, tz="UTC")
    moves = pd.Series([0.01, -0.012, 0.02, -0.018, 0.004] * 80, index=times, name="BTC")
    policy = volkit.MarginPolicy(confidence=0.95, lookback=100)
    made = volkit.calibrate_margin(moves, policy=policy, periods_per_year=365, methods=["historical"])
    with tempfile.TemporaryDirectory() as folder:
        written, _ = write_parameters([made], Path(folder), study="test", data_sha256="0" * 64, config_sha256="0" * 64)
        return [written.read_bytes()]


# A venue's folder: one file is changed, the others are as they should be.


@cache
def _venue_seeds() -> list[bytes]:
    folder = ROOT / "data/demo/stress"
    seeds = [(folder / "fund.toml").read_bytes()]
    seeds += ["\n".join(p.read_text().splitlines()[:9]).encode() + b"\n" for p in sorted(folder.glob("*.csv"))]
    accounts = pd.read_parquet(folder / "accounts.parquet").iloc[::2500]
    return [*seeds, accounts.to_csv(index=False).encode()]


def _venue_names() -> list[str]:
    return ["fund", *(path.stem for path in sorted((ROOT / "data/demo/stress").glob("*.csv"))), "accounts"]


def _venue_change(seed: bytes, chooser: Chooser) -> bytes:
    at = _venue_seeds().index(seed)
    return bytes([at]) + (_toml_change(seed, chooser) if at == 0 else _table_change(seed, chooser))


def _venue(content: bytes, folder: Path) -> object:
    from volkit.study.venue_files import read_venue

    names, seeds = _venue_names(), _venue_seeds()
    at = content[0] % len(names) if content else 0
    for name, seed in zip(names, seeds, strict=True):
        body = content[1:] if name == names[at] else seed
        if name == "fund":
            _file(folder, "fund.toml", body)
        else:
            _named_table(folder, name, body)
    return read_venue(folder)


# Tables.

_CHAIN = (
    b"instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,open_interest,timestamp\n"
    b"BTC-27DEC24-60000-C,0.1,0.11,0.105,60,65000,10,2024-06-01T05:30:00Z\n"
    b"BTC-27DEC24-60000-P,0.05,0.06,0.055,60,65000,12,2024-06-01T05:30:00Z\n"
    b"BTC-27DEC24-70000-C,0.04,0.05,0.045,62.5,65000,3,2024-06-01T05:30:00Z\n"
)


def _chain(content: bytes, folder: Path) -> object:
    return volkit.read_option_chain(_named_table(folder, "chain", content), underlying="BTC", as_of=NOW)


def _positions(content: bytes, folder: Path) -> object:
    return volkit.read_position_book(_named_table(folder, "book", content))


def _priced_positions(content: bytes, folder: Path) -> object:
    from volkit.portfolio.venues.positions import read_valued_book

    return read_valued_book(_named_table(folder, "book", content), as_of=NOW)


def _balance(content: bytes, folder: Path) -> object:
    return volkit.read_balance_sheet(_named_table(folder, "sheet", content))


def _lending_seeds() -> list[bytes]:
    return [seed for seed in _venue_seeds() if b"debt_asset" in seed or b"oracle" in seed]


def _lending(content: bytes, folder: Path) -> object:
    from volkit.solvency.lending.book import read_lending_book

    positions, terms = (_venue_seeds()[_venue_names().index(f"lending_{name}")] for name in ("positions", "terms"))
    is_terms = b"liquidation" in content[:200]
    return read_lending_book(
        _named_table(folder, "positions", positions if is_terms else content),
        _named_table(folder, "terms", content if is_terms else terms),
    )


_PRICES = (
    b"time,open,high,low,close,volume\n"
    b"2024-01-01T00:00:00Z,99,102,98,100,10\n"
    b"2024-01-02T00:00:00Z,100,104,99,103,11\n"
    b"2024-01-03T00:00:00Z,103,103.5,95,96,25\n"
)
_CLOSES = b"time,close\n2024-01-01,100.5\n2024-01-02,101\n2024-01-03,99\n"


def _prices(content: bytes, folder: Path) -> object:
    _named_table(folder, "BTC", content)
    bars = volkit.open_source(f"files:{folder}").load_bars("BTC")
    return volkit.inspect_bars([bars])


def _replay_bars(content: bytes, folder: Path) -> object:
    from volkit.realtime.replay.files import load_bar_file

    return load_bar_file(_named_table(folder, "bars", content), asset="BTC")


# The store.


@cache
def _store_seeds() -> list[bytes]:
    from volkit.store.files import write_series

    times = pd.date_range("2024-01-01", periods=5, tz="UTC", name="time").as_unit("us")
    frame = pd.DataFrame({"close": [1.0, 2.0, 3.0, float("nan"), 5.0]}, index=times)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.parquet"
        write_series(path, frame, metadata={"name": "BTC"})
        return [path.read_bytes()]


def _store(content: bytes, folder: Path) -> object:
    from volkit.store.files import read_series

    return read_series(_file(folder, "series.parquet", content))


# JSON of runs and states; seals are set anew.


def _manifest_seeds() -> list[bytes]:
    manifest = {
        "format": 1,
        "study": "demo",
        "source": "simulated",
        "config_sha256": "0" * 64,
        "data": {"BTC": {"sha256": "0" * 64}},
        "files": {"report.html": "0" * 64},
        "environment": {"volkit": "1"},
    }
    return [json.dumps(manifest).encode()]


def _manifest(content: bytes, folder: Path) -> object:
    from volkit.study import manifest as module

    with contextlib.suppress(ValueError, RecursionError, AttributeError):
        tree = json.loads(content)
        content = json.dumps({**tree, module._SEAL: module._seal(tree)}).encode() if isinstance(tree, dict) else content
    _file(folder, module.MANIFEST, content)
    return module.read_manifest(folder)


def _package_seeds() -> list[bytes]:
    fields = [
        {"name": "asset", "type": "string"},
        {"name": "time", "type": "datetime"},
        {"name": "n", "type": "integer"},
        {"name": "rate", "type": "number", "unit": "decimal"},
        {"name": "is_low", "type": "boolean"},
    ]
    resource = {"name": "margins", "description": "Margins", "schema": {"fields": fields}}
    return [json.dumps({"source": "a test", "simulated": True, "resources": [resource]}).encode()]


def _package(content: bytes, folder: Path) -> object:
    (folder / "tables").mkdir(exist_ok=True)
    _file(folder / "tables", "datapackage.json", content)
    (folder / "tables/margins.csv").write_text("asset,time,n,rate,is_low\nBTC,2024-01-01T00:00:00Z,3,0.1,True\n")
    return volkit.load_tables(folder, form="csv")


_BRACKETS = [
    {
        "tier": 1,
        "symbol": "BTC/USDT:USDT",
        "currency": "USDT",
        "minNotional": 0,
        "maxNotional": 50_000,
        "maintenanceMarginRate": 0.004,
        "maxLeverage": 125,
        "info": {"cum": "0.0"},
    },
    {
        "tier": 2,
        "symbol": "BTC/USDT:USDT",
        "currency": "USDT",
        "minNotional": 50_000,
        "maxNotional": 600_000,
        "maintenanceMarginRate": 0.005,
        "maxLeverage": 100,
        "info": {"cum": "50"},
    },
]


def _brackets(content: bytes, folder: Path) -> object:
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return volkit.from_leverage_tiers(tree)


@cache
def _state_seeds() -> list[bytes]:
    from volkit.realtime.state import LiveVolatility

    times = pd.date_range("2024-01-01", periods=60, freq="1h", tz="UTC")
    fit = volkit.Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=8760)
    with tempfile.TemporaryDirectory() as folder:
        LiveVolatility.from_fit(fit, last_close=42_000.0).save(Path(folder) / "state.json")
        return [(Path(folder) / "state.json").read_bytes()]


def _state(content: bytes, folder: Path) -> object:
    from volkit.realtime.state import LiveVolatility
    from volkit.realtime.state.files import _hash

    with contextlib.suppress(ValueError, RecursionError):
        tree = json.loads(content)
        if isinstance(tree, dict):
            sealed = {**tree, "sha256": _hash([tree.get("asset"), tree.get("state")])}
            content = json.dumps(sealed).encode()
    return LiveVolatility.load(_file(folder, "state.json", content))


@cache
def _calibrator_seeds() -> list[bytes]:
    tracker = volkit.QuantileTracker(confidence=0.99, asset="BTC")
    integral = volkit.ProportionalIntegral(confidence=0.99, asset="BTC")
    seeds = []
    with tempfile.TemporaryDirectory() as folder:
        for calibrator in (tracker, integral):
            calibrator.update(1.3)
            calibrator.save(Path(folder) / "calibrator.json")
            seeds.append((Path(folder) / "calibrator.json").read_bytes())
    return seeds


def _calibrator(content: bytes, folder: Path) -> object:
    from volkit.realtime.online.saved import load_calibrator
    from volkit.realtime.online.state_files import _hash

    with contextlib.suppress(ValueError, RecursionError):
        tree = json.loads(content)
        if isinstance(tree, dict):
            tree.pop("sha256", None)
            content = json.dumps({**tree, "sha256": _hash(tree)}).encode()
    return load_calibrator(_file(folder, "calibrator.json", content), asset="BTC")


# Answers of venues, given by a session that asks nobody.


class _Said(requests.adapters.BaseAdapter):
    def __init__(self, answer: Callable[[str], bytes]) -> None:
        super().__init__()
        self.answer = answer

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        response = requests.Response()
        response.status_code, response.url, response.request = 200, str(request.url), request
        response.headers["Content-Type"] = "application/json"
        response.raw = urllib3.HTTPResponse(body=io.BytesIO(self.answer(str(request.url))), preload_content=False)
        return response

    def close(self) -> None:
        """Hold nothing."""


def _client(venue: str, answer: Callable[[str], bytes]) -> Any:
    from volkit.sources.exchange import ExchangeClient

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Said(answer))
    return ExchangeClient(
        venue, session=session, now=lambda: NOW, sleep=lambda _: None, attempts=1, rate_limit=False, total_seconds=5
    )


@cache
def _market_list() -> bytes:
    row = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "orderTypes": ["LIMIT"],
        "isSpotTradingAllowed": True,
        "filters": [],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
    return json.dumps({"timezone": "UTC", "serverTime": 0, "rateLimits": [], "symbols": [row]}).encode()


def _binance_bars(content: bytes, folder: Path) -> object:
    client = _client("binance", lambda url: _market_list() if "exchangeInfo" in url else content)
    return client.pull_bars("BTC/USDT", start=START, end=NOW)


def _binance_markets(content: bytes, folder: Path) -> object:
    bars = _bar_seeds()[0]
    return _client("binance", lambda url: content if "exchangeInfo" in url else bars).pull_bars(
        "BTC/USDT", start=START, end=NOW
    )


def _binance_book(content: bytes, folder: Path) -> object:
    return _client("binance", lambda url: _market_list() if "exchangeInfo" in url else content).fetch_order_book(
        "BTC/USDT"
    )


def _bar_seeds() -> list[bytes]:
    first = int(START.timestamp() * 1000)
    rows = [
        [first + k * 86_400_000, "99", "102", "98", "100", "5", first + (k + 1) * 86_400_000 - 1, "0", 1, "0", "0", "0"]
        for k in range(4)
    ]
    return [json.dumps(rows).encode()]


_BOOK = {"lastUpdateId": 1, "bids": [["99.0", "2.0"], ["98.0", "1.0"]], "asks": [["101.0", "1.0"], ["103.0", "4.0"]]}


def _fred_json(content: bytes, folder: Path) -> object:
    from volkit.sources.fred_answers import first_releases, read_json

    rows, count = read_json(content.decode(errors="replace"))
    return count, first_releases(pd.DataFrame(rows)) if rows else None


def _fred_csv(content: bytes, folder: Path) -> object:
    from volkit.sources.fred_answers import csv_reader

    return csv_reader("DGS10")(content.decode(errors="replace"))


_FRED = {
    "count": 2,
    "observations": [
        {"realtime_start": "2024-01-03", "realtime_end": "9999-12-31", "date": "2024-01-02", "value": "3.95"},
        {"realtime_start": "2024-01-04", "realtime_end": "9999-12-31", "date": "2024-01-03", "value": "."},
    ],
}


# Words of a command line and names of contracts.


def _words(content: bytes, folder: Path) -> object:
    from volkit.portfolio.venues.printing import parse_instant, parse_prices
    from volkit.realtime.replay.policy import read_length
    from volkit.sources.exchange.instruments import parse_instrument
    from volkit.sources.pulling.retrying import read_retry_after

    text = content.decode(errors="replace")
    calls: Mapping[str, Callable[[str], object]] = {
        "t": parse_instant,
        "p": lambda words: parse_prices([words]),
        "l": lambda words: read_length(words, argument="horizon"),
        "i": parse_instrument,
        "o": volkit.instrument_of,
        "d": volkit.utc_day,
        "r": lambda words: read_retry_after(words, now=NOW),
        "s": volkit.open_source,
    }
    return calls.get(text[:1], volkit.instrument_of)(text[1:])


_WORDS = [
    *(b"t2024-06-01T05:30:00Z", b"pBTC=60000", b"l8h", b"iBTC-27DEC24-60000-C", b"oBTC_USDC-PERPETUAL"),
    *(b"d2024-06-01", b"rFri, 31 Dec 1999 23:59:59 GMT", b"sbundled", b"r120", b"oBTC-27DEC24-60000-P"),
]


def _fixed(*seeds: bytes) -> Callable[[], list[bytes]]:
    return lambda: list(seeds)


TARGETS: dict[str, Target] = {
    "venue-rules": Target(_files("data/venues/*.toml"), _toml_change, _venue_rules),
    "venue-folder": Target(_venue_seeds, _venue_change, _venue),
    "study": Target(_files("studies/*.toml"), _toml_change, _study),
    "catalogue": Target(_files("data/series.toml"), _toml_change, _catalogue),
    "events": Target(_files("data/events.toml"), _toml_change, _events),
    "parameters": Target(_parameter_seeds, _toml_change, _parameters),
    "option-chain": Target(_fixed(_CHAIN), _table_change, _chain),
    "position-book": Target(
        _fixed(b"account,instrument,quantity\nA,BTC-PERPETUAL,1\nB,BTC-27DEC24-60000-C,-2\n"), _table_change, _positions
    ),
    "priced-position-book": Target(_files("studies/books/*.csv"), _table_change, _priced_positions),
    "balance-sheet": Target(_files("data/demo/stress/balance_sheet.csv"), _table_change, _balance),
    "lending-book": Target(_lending_seeds, _table_change, _lending),
    "price-file": Target(_fixed(_PRICES, _CLOSES), _table_change, _prices),
    "replay-file": Target(_fixed(_PRICES), _table_change, _replay_bars),
    "store-file": Target(_store_seeds, change_bytes, _store),
    "manifest": Target(_manifest_seeds, _json_change, _manifest),
    "datapackage": Target(_package_seeds, _json_change, _package),
    "brackets": Target(_fixed(json.dumps(_BRACKETS).encode()), _json_change, _brackets),
    "volatility-state": Target(_state_seeds, _json_change, _state),
    "calibrator-state": Target(_calibrator_seeds, _json_change, _calibrator),
    "exchange-bars": Target(_bar_seeds, _json_change, _binance_bars),
    "exchange-markets": Target(lambda: [_market_list()], _json_change, _binance_markets),
    "exchange-book": Target(_fixed(json.dumps(_BOOK).encode()), _json_change, _binance_book),
    "fred-json": Target(_fixed(json.dumps(_FRED).encode()), _json_change, _fred_json),
    "fred-csv": Target(_fixed(b"observation_date,DGS10\n2024-01-02,3.95\n2024-01-03,.\n"), _table_change, _fred_csv),
    "words": Target(_fixed(*_WORDS), change_bytes, _words),
}


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
