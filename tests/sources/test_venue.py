"""The simulated venue: its tables against its stated truth, and frozen files that equal the generator."""

import hashlib
import math
import shutil
import subprocess
import sys
import tomllib
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, SourceError
from volkit.resources import data_folder
from volkit.sources.exchange.book import merge_order_books
from volkit.sources.venue import (
    DEMO_VENUE_SEED,
    VENUE_FILES,
    VENUE_GENERATOR_VERSION,
    load_demo_venue,
    simulate_venue,
)

STRESS = data_folder() / "demo" / "stress"
MANIFEST = tomllib.loads((STRESS / "manifest.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def venue():
    return load_demo_venue()


@pytest.fixture
def copy_of_stress(tmp_path):
    return shutil.copytree(STRESS, tmp_path / "stress")


def distances(accounts, price):
    """Return log distances of liquidation prices and coins of longs and of shorts, each sorted by distance."""
    sides = {}
    for direction, z in (("down", -1.0), ("up", 1.0)):
        side = accounts[z * accounts["quantity"] < 0.0]
        size = side["quantity"].abs().to_numpy()
        entry, collateral, rate = (side[c].to_numpy() for c in ("entry_price", "collateral", "maintenance_rate"))
        # Equity equals the maintenance margin: collateral - z size (P - entry) = rate size P.
        level = (collateral / size + z * entry) / (rate + z)
        order = np.argsort(z * level)
        sides[direction] = z * np.log(level / price)[order], size[order], (level * (1.0 + z * rate))[order]
    return sides


def slow_cascade(distance, size, bankruptcy, *, price, shock, impact, z):
    """Return log displacement, coins closed and bad debt of a cascade, account by account in plain Python."""
    sold, closed, owed = 0.0, 0, 0.0
    while True:
        level = shock + impact * sold
        batch = [i for i in range(closed, len(size)) if distance[i] <= level]
        if not batch:
            return level, sold, owed
        coins = sum(size[i] for i in batch)
        steps = [sold + coins * (j + 0.5) / 400 for j in range(400)]
        fill = sum(price * math.exp(z * (shock + impact * x)) for x in steps) / 400
        owed += sum(max(0.0, z * (fill - bankruptcy[i])) * size[i] for i in batch)
        sold, closed = sold + coins, batch[-1] + 1


@pytest.mark.parametrize("direction", ["down", "up"])
def test_liquidation_quantity_is_uniform_in_the_log_price(venue, direction):
    distance, size, _ = distances(venue.accounts, venue.price)[direction]
    side = venue.truth.side(direction)

    below = np.cumsum(size) - 0.5 * size

    # Each account stands at the middle of its own coins, collateral and entry price are exact.
    np.testing.assert_allclose(below, side.density * (distance - side.nearest), atol=1e-4 * venue.open_interest)
    assert size.sum() == pytest.approx(venue.open_interest, rel=1e-12)


@pytest.mark.parametrize(("direction", "shock"), [("down", 0.05), ("down", 0.12), ("down", 0.36), ("up", 0.03)])
def test_closed_form_equals_a_slow_cascade_of_accounts(direction, shock):
    venue = simulate_venue(n_accounts=4000, seed=3)
    truth, z = venue.truth.side(direction), -1.0 if direction == "down" else 1.0
    distance, size, bankruptcy = distances(venue.accounts, venue.price)[direction]

    level, sold, owed = slow_cascade(
        distance, size, bankruptcy, price=venue.price, shock=shock, impact=venue.truth.impact, z=z
    )

    # Accounts of up to 0.4 % of a side are not a continuum: k / (1 - k) times such an account, in coins and in price.
    grain = size.max() / venue.open_interest / (1.0 - truth.feedback)
    assert sold / venue.open_interest == pytest.approx(truth.liquidated(shock), abs=2.0 * grain)
    assert level == pytest.approx(truth.displacement(shock), abs=2.0 * grain * truth.quantity * truth.impact)
    assert owed == pytest.approx(truth.bad_debt(shock), rel=0.02)


def test_closed_forms_of_the_thresholds_hold_at_the_threshold():
    truth = simulate_venue(n_accounts=200).truth
    for direction in ("down", "up"):
        side = truth.side(direction)
        fund = truth.threshold("bad_debt", direction=direction)
        assert truth.threshold("fund_exhausted", direction=direction) == fund
        everybody = truth.threshold("all_liquidated", direction=direction)
        amplified = truth.threshold("amplification", direction=direction, amplification=1.5)

        assert side.bad_debt(fund) == pytest.approx(truth.fund, rel=1e-6)
        assert side.liquidated(everybody) == pytest.approx(1.0)
        assert side.liquidated(0.99 * everybody) < 1.0
        assert side.amplification(amplified) == pytest.approx(1.5)


def test_feedback_from_one_on_liquidates_everybody_at_the_nearest_account():
    truth = simulate_venue(n_accounts=200, feedback=1.2).truth

    assert truth.threshold("all_liquidated") == truth.long.nearest
    assert truth.long.displacement(0.05) == pytest.approx(0.05 + truth.long.impact * truth.long.quantity)
    assert truth.threshold("amplification", amplification=1e6) == math.inf


def test_leverages_lie_in_the_range_asked_for(venue):
    entry_leverage = venue.accounts.eval("abs(quantity) * entry_price / collateral")

    assert venue.accounts["leverage"].between(2.0, 50.0).all()
    assert entry_leverage.max() <= 50.0
    assert venue.accounts["quantity"].sum() == pytest.approx(0.0, abs=1e-6)


def test_merged_books_are_as_deep_as_the_truth_at_every_price(venue):
    merged = merge_order_books(venue.order_books())
    for levels, z in ((merged.bids, -1.0), (merged.asks, 1.0)):
        distance = z * np.log(levels["price"] / venue.price)
        coins = levels["amount"].cumsum()

        # A level of some hundred coins is the grain.
        np.testing.assert_allclose(coins, distance / venue.truth.impact, atol=2.0 * levels["amount"].max())


def test_debt_lies_uniformly_along_the_log_health_factor(venue):
    terms = venue.lending_terms.set_index("asset")
    rows = venue.lending_positions
    worth = rows["collateral_quantity"] * rows["collateral_asset"].map(terms["price"] * terms["liquidation_threshold"])
    debt = rows["debt_quantity"] * rows["debt_asset"].map(terms["price"])
    account = pd.DataFrame({"worth": worth, "debt": debt}).groupby(rows["account"]).sum()
    health = account["worth"] / account["debt"]
    for level in (1.0, 1.05, 1.25, 2.0):
        share = account["debt"][health < level].sum() / account["debt"].sum()

        assert share == pytest.approx(venue.truth.debt_share_below(level), abs=account["debt"].max() / debt.sum())


def test_balance_sheet_has_the_ratios_of_the_truth(venue):
    sheet = venue.balance_sheet[venue.balance_sheet["entity"] == "venue"]
    value = sheet["quantity"] * sheet["price"]
    assets, owed = (value[sheet["side"] == side].sum() for side in ("asset", "liability"))

    assert venue.truth.solvency_ratio == pytest.approx(assets / owed)
    assert venue.truth.solvency_ratio_without_token == pytest.approx((1 - venue.truth.own_token_share) * assets / owed)


def test_clearing_payments_are_the_greatest_fixed_point_in_fractions(venue):
    nodes = venue.external["node"].tolist()
    exact = {n: Fraction(p) for n, p in venue.truth.clearing["payment_exact"].items()}
    due = {n: Fraction(int(v)) for n, v in venue.truth.clearing["obligation"].items()}
    outside = dict(zip(nodes, venue.external["assets"], strict=True))
    # Eisenberg and Noe's map, from above in floating point and at the vector in fractions.
    greatest = {n: float(due[n]) for n in nodes}
    debts = list(venue.exposures.itertuples(index=False))
    for _ in range(500):
        passed_on = dict(outside)
        for d in debts:
            passed_on[d.creditor] += greatest[d.debtor] * d.amount / float(due[d.debtor])
        greatest = {n: min(float(due[n]), passed_on[n]) for n in nodes}

    for node in nodes:
        received = sum((exact[d.debtor] * int(d.amount) / due[d.debtor] for d in debts if d.creditor == node), 0)
        assert exact[node] == min(due[node], int(outside[node]) + received)
        assert greatest[node] == pytest.approx(float(exact[node]), rel=1e-12)
    assert 0 < venue.truth.clearing["defaults"].sum() < len(nodes)


def test_depth_recovers_with_the_half_life_of_the_truth(venue):
    whole = -math.log1p(-0.01) / venue.truth.impact
    lost = venue.recovery.assign(lost=1.0 - venue.recovery["depth"] / whole).pivot(
        index="minute", columns="sweep", values="lost"
    )

    half = (lost.loc[6.0] / lost.loc[0.0]).mean()

    assert half == pytest.approx(0.5, abs=4 * 0.03 / math.sqrt(6))


def test_frozen_tables_equal_the_generator(venue):
    generated = simulate_venue()
    for name, table in venue.tables().items():
        # pandas reads text of a CSV file into its own dtype, and prints floats with all their digits.
        pd.testing.assert_frame_equal(table, getattr(generated, name), check_dtype=False, rtol=1e-12, atol=0.0)
    assert venue.truth.summary().equals(generated.truth.summary())
    assert dict(venue.terms) == dict(generated.terms)


@pytest.mark.parametrize("file", [*VENUE_FILES.values(), "fund.toml"])
def test_manifest_describes_every_frozen_file(file):
    content = (STRESS / file).read_bytes()

    assert MANIFEST[file]["sha256"] == hashlib.sha256(content).hexdigest()
    assert MANIFEST[file]["bytes"] == len(content)


def test_manifest_lists_all_files_and_the_generator_in_use():
    data = {path.name for path in STRESS.iterdir() if path.suffix in {".csv", ".parquet", ".toml"}} - {"manifest.toml"}

    assert data == set(MANIFEST) - {"simulated", "rebuild", "generator"}
    assert MANIFEST["generator"]["version"] == VENUE_GENERATOR_VERSION
    assert MANIFEST["generator"]["seed"] == DEMO_VENUE_SEED
    assert sum((STRESS / file).stat().st_size for file in data) < 1.5e6


@pytest.mark.slow
def test_rebuild_script_writes_the_same_venue(tmp_path, venue):
    subprocess.run([sys.executable, STRESS / "rebuild.py", tmp_path], check=True, capture_output=True)

    for name, table in load_demo_venue(tmp_path).tables().items():
        pd.testing.assert_frame_equal(table, getattr(venue, name))


@pytest.mark.parametrize("file", ["accounts.parquet", "exposures.csv", "fund.toml"])
def test_tampered_file_is_refused_by_name(copy_of_stress, file):
    content = bytearray((copy_of_stress / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy_of_stress / file).write_bytes(content)

    with pytest.raises(SourceError, match=rf"frozen file .*{file} differs from .*manifest.toml; restore it or rebuild"):
        load_demo_venue(copy_of_stress)


def test_missing_file_is_refused_with_the_rebuild_command(tmp_path):
    with pytest.raises(SourceError, match=r"cannot be read: .*; rebuild it with python data/demo/stress/rebuild.py"):
        load_demo_venue(tmp_path)


def test_venue_says_that_it_is_simulated(venue):
    assert venue.provenance.simulated
    assert repr(venue).startswith("<SimulatedVenue: SIMULATED 20,000 accounts of BTC")
    assert "simulated" in venue.summary().index.name
    assert all(s.source.endswith(f"seed {DEMO_VENUE_SEED}") for s in venue.provenance.series)


def test_another_seed_gives_other_accounts_on_the_same_density():
    one, two = (simulate_venue(seed=s, n_accounts=500) for s in (1, 2))

    assert not one.accounts["quantity"].equals(two.accounts["quantity"])
    assert one.truth.long == two.truth.long
    assert simulate_venue(seed=1, n_accounts=500).accounts.equals(one.accounts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_accounts": 10}, "n_accounts must be a whole number of at least 100"),
        ({"feedback": 0.0}, "feedback must be a positive number"),
        ({"leverages": (0.5, 50.0)}, "leverages must be a lowest and a higher one, both above 1"),
        ({"maintenance_rate": 0.02}, "maintenance_rate must be from 0 to below 1 / the highest leverage, 0.02"),
        ({"fund_share": 60.0}, "fund_share must be a fraction from 0 to 1"),
        ({"price": math.nan}, "price must be a positive number"),
    ],
)
def test_numbers_that_make_no_venue_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        simulate_venue(**arguments)


def test_unknown_criterion_lists_the_known_ones():
    with pytest.raises(ArgumentError, match="criterion must be one of bad_debt, fund_exhausted, amplification"):
        simulate_venue(n_accounts=100).truth.threshold("collapse")
