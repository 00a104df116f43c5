"""Every reader with seeded changes of valid files: an answer or a VolkitError, within bounds. Needs no atheris."""

import json
import time

import pytest
from changes import Seeded
from targets import TARGETS, attack, feed

# Quick ones take microseconds a run; the others build a client or a folder of tables each time.
RUNS = 25
LONG_RUNS = 600
LONGEST = 20.0


def runs(name, folder, first, count):
    target, accepted = TARGETS[name], 0
    for number in range(first, first + count):
        content = attack(target, Seeded(number))
        began = time.process_time()
        try:
            accepted += feed(target, content, folder)
        except Exception as error:
            raise AssertionError(f"seed {number}: {content[:400]!r}") from error
        assert time.process_time() - began < LONGEST, f"seed {number}: too long"
    return accepted


@pytest.mark.parametrize("name", TARGETS)
def test_reader_accepts_every_valid_file(name, tmp_path):
    seeds = TARGETS[name].seeds()
    contents = [bytes([k]) + seed for k, seed in enumerate(seeds)] if name == "venue-folder" else seeds

    assert all(feed(TARGETS[name], content, tmp_path) for content in contents)


@pytest.mark.parametrize("name", TARGETS)
def test_reader_answers_changed_files(name, tmp_path):
    runs(name, tmp_path, 0, RUNS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_reader_answers_many_changed_files(name, tmp_path):
    runs(name, tmp_path, 1_000, LONG_RUNS)


# Each was a crash, or worse: rows with one field too many were read shifted by one column, in silence.
CRASHES = [
    ("price-file", b"time,close\n2024-01-01T00:00:00Z,1,5\n2024-01-02T00:00:00Z,1,6\n"),
    ("price-file", b"time,open,high,low,close,volume\n2024-01-01T00:00:00Z,99,102,1,5,100,10\n2024-01-02,1,2,3,4,5\n"),
    ("replay-file", b"time,close\n2024-01-01T00:00:00Z,1,5\n2024-01-02T00:00:00Z,1,6\n"),
    ("position-book", b"account,instrument,quantity\nA,BTC-PERPETUAL,1,5\n"),
    ("balance-sheet", b"entity,side,asset,quantity,price\nvenue,asset,BTC,1,5,60000\n"),
    ("option-chain", b"instrument_name,bid_price\nBTC-27DEC24-60000-C,0.1,0.1,5\n"),
    ("events", b'"stress" = []\n"fomc" = "America/New_York"\n'),
    ("events", b'"stress" = []\n"fomc" = []\n'),
    ("events", b'"fomc" = {time = "14:00", zone = %s, dates = ["2024-01-01"]}\n"stress" = []\n' % (b"9" * 200)),
    ("volatility-state", b'{"format": "volkit live volatility", "version": 1, "asset": "BTC", "state": -1}'),
    ("exchange-book", b'{"lastUpdateId": 1, "bids": [["99"]], "asks": [["101", "1"]]}'),
    ("exchange-book", b'{"lastUpdateId": 1, "bids": [["99", "x"]], "asks": [["101", "1"]]}'),
    (
        "manifest",
        b'{"study": "", "source": "", "config_sha256": "", "data": {}, "files": {}, "environment": {}, '
        b'"format": 1e999}',
    ),
    ("brackets", b"-1"),
    ("brackets", b"[0]"),
    ("brackets", b'[{"minNotional": {}, "maintenanceMarginRate": 0.01, "maxLeverage": 5}]'),
    ("brackets", b'[{"minNotional": 0, "maintenanceMarginRate": "", "maxLeverage": 5}]'),
    ("brackets", b'[{"minNotional": 0, "maintenanceMarginRate": 0.01, "maxLeverage": 5, "info": {"cum": "x"}}]'),
    (
        "datapackage",
        b'{"source": 1, "simulated": 1, "resources": [{"name": "a", "description": 1, "schema": {"fields": [[]]}}]}',
    ),
]


@pytest.mark.parametrize(("name", "content"), CRASHES)
def test_former_crash_is_answered(name, content, tmp_path):
    assert not feed(TARGETS[name], content, tmp_path)


def test_market_of_a_billion_digits_is_refused_at_once(tmp_path):
    """ccxt would write the noughts one by one."""
    answer = json.loads(TARGETS["exchange-markets"].seeds()[0])
    answer["symbols"][0]["quotePrecision"] = 10**9

    began = time.process_time()

    assert not feed(TARGETS["exchange-markets"], json.dumps(answer).encode(), tmp_path)
    assert time.process_time() - began < LONGEST
