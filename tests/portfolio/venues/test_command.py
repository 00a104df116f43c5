"""The command ``volkit margin``: table, JSON, CSV, help, and errors in one line."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from volkit.cli import app

TEXT = (
    "instrument,quantity,spot,forward,volatility\n"
    "BTC_USDC-PERPETUAL,1.5,90000,90050,\n"
    "BTC-26MAR27-100000-C,-2,,92000,0.5\n"
)


def call(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture
def positions(tmp_path):
    path = tmp_path / "positions.csv"
    path.write_text(TEXT)
    return path


def test_one_book_under_every_rule(positions):
    done = call("margin", positions, "--as-of", "2026-11-28", "--rules", "all")

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "as of 2026-11-28 00:00 UTC, gross notional 315,000.00 USD, 8 of 14 rules apply"
    assert lines[2].split() == ["rule", "initial", "maintenance", "of", "notional", "from", "worst", "scenario"]
    margins = [float(line.split()[1].replace(",", "")) for line in lines[3:11]]
    assert margins == sorted(margins)
    assert "does not apply:" in lines
    assert any("hyperliquid-tiers: margins perpetuals only; the book holds 1 option" in line for line in lines)
    assert "* illustrative, stated by no source at hand:" in lines
    assert any(line.startswith("  okx-portfolio: parameters are 691 days old") for line in lines)


def test_chosen_rules_as_json(positions):
    done = call("margin", positions, "--as-of", "2026-11-28", "--rules", "derive-portfolio, binance-tiers", "--json")

    record = json.loads(done.stdout)
    rules = {row["rule"]: row for row in record["rules"]}
    assert list(rules) == ["derive-portfolio", "binance-tiers"]
    assert rules["binance-tiers"]["initial_margin"] is None
    assert rules["binance-tiers"]["reason"]
    parts = sum(row["initial"] for row in record["components"] if row["rule"] == "derive-portfolio")
    assert parts == pytest.approx(rules["derive-portfolio"]["initial_margin"])


def test_table_as_csv(positions, tmp_path):
    out = tmp_path / "table.csv"

    done = call("margin", positions, "--as-of", "2026-11-28T12:00", "--csv", out)

    assert done.exit_code == 0
    table = pd.read_csv(out)
    assert len(table) == 14
    assert table["initial_margin"].notna().sum() == 8


def test_spot_of_the_command_line_and_time_of_now(positions):
    done = call("margin", positions, "--spot", "BTC=80000", "--rules", "paradex-portfolio")

    assert done.exit_code == 0
    assert "gross notional 280,000.00 USD" in done.stdout


def test_help_tells_the_columns_of_a_position_file():
    shown = call("margin", "--help").stdout

    for name in ("instrument", "quantity", "account", "entry_price", "kind", "spot", "forward", "volatility", "mark"):
        assert name in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--spot", "BTC"], "volkit: --spot must be COIN=PRICE; got 'BTC'; write for example --spot BTC=60000."),
        (["--spot", "BTC=1", "--spot", "BTC=2"], "volkit: --spot must name a coin once"),
        (["--as-of", "soon"], "volkit: --as-of must be a day or an instant in UTC; got 'soon'"),
        (["--rules", "cme"], "volkit: there is no rule set 'cme'; the packaged ones are"),
    ],
)
def test_words_that_cannot_be_used_are_answered_in_one_line(positions, words, message):
    done = call("margin", positions, *words)

    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1
