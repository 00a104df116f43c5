"""One portfolio under all rules: one row a rule, sums, refusals in words, notes."""

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.instruments import MarketState, PositionBook
from volkit.portfolio.venues import held_units, load_venue_rules, margin_under_rules, venue_rule_names
from volkit.results import Provenance, SeriesProvenance

NOW = pd.Timestamp("2026-11-28", tz="UTC")
EXPIRY = pd.Timestamp("2027-03-26 08:00", tz="UTC")
LINEAR = ("binance-tiers", "dydx-open-interest", "drift-size-premium", "ftx-square-root", "hyperliquid-tiers")


def book(*rows):
    """Return a book from rows of instrument, quantity and optionally account and kind."""
    full = [(*row, "A", "position")[:4] if len(row) == 2 else row for row in rows]
    return PositionBook.from_frame(pd.DataFrame(full, columns=["instrument", "quantity", "account", "kind"]))


@pytest.fixture(scope="module")
def market():
    return MarketState(
        as_of=NOW,
        spot=pd.Series({"BTC": 90_000.0, "ETH": 3_000.0, "DOGE": 0.2}),
        forwards=pd.Series([92_000.0], index=pd.MultiIndex.from_tuples([("BTC", EXPIRY)])),
        volatility=lambda _coin, _expiry, strikes: np.full(len(strikes), 0.5),
    )


PERPETUALS = book(("BTC_USDC-PERPETUAL", 1.5), ("ETH_USDC-PERPETUAL", -10.0))
OPTIONS = book(("BTC_USDC-PERPETUAL", 1.0), ("BTC-26MAR27-100000-C", -2.0), ("BTC-26MAR27-80000-P", 1.0))


def test_every_rule_gives_a_row_for_perpetuals(market):
    result = margin_under_rules(PERPETUALS, market)

    assert tuple(result.table.index) == venue_rule_names()
    assert result.n_applied == len(venue_rule_names())
    assert (result.table["initial_margin"] >= result.table["maintenance_margin"]).all()
    assert (result.table["maintenance_margin"] > 0.0).all()
    assert (result.table["reason"] == "").all()
    assert result.gross_notional == pytest.approx(1.5 * 90_000 + 10 * 3_000)
    assert repr(result).startswith("<MarginUnderRules: initial margin from 1,590 USD (binance-tiers) to ")


def test_options_under_a_rule_of_perpetuals_are_a_refusal_in_words(market):
    result = margin_under_rules(OPTIONS, market)

    for name in LINEAR:
        row = result.table.loc[name]
        assert np.isnan(row["initial_margin"])
        assert row["reason"].startswith("margins perpetuals")
        assert "the book holds 2 options (BTC-26MAR27-100000-C, BTC-26MAR27-80000-P)" in row["reason"]
        assert name not in set(result.components["rule"])
        assert result.summary().loc[name, "remark"] == row["reason"]
    assert result.table.loc["derive-portfolio", "reason"] == ""


def test_an_underlying_that_a_file_does_not_name_is_a_refusal_in_words(market):
    result = margin_under_rules(
        book(("DOGE_USDC-PERPETUAL", 5.0)), market, rules=["hyperliquid-tiers", "okx-portfolio"]
    )

    reason = result.table.loc["hyperliquid-tiers", "reason"]
    assert reason == "has parameters for BTC, ETH, none for DOGE; add [underlyings.DOGE] to a copy"
    assert result.table.loc["okx-portfolio", "initial_margin"] > 0.0


def test_dated_futures_are_refused_where_a_venue_lists_none(market):
    result = margin_under_rules(book(("BTC_USDC-26MAR27", 1.0)), market, rules=["derive-portfolio", "binance-tiers"])

    assert "1 future (BTC_USDC-26MAR27)" in result.table.loc["derive-portfolio", "reason"]
    assert result.table.loc["binance-tiers", "initial_margin"] > 0.0


def test_components_sum_to_the_table(market):
    result = margin_under_rules(OPTIONS, market)

    sums = result.components.groupby("rule")[["initial", "maintenance"]].sum()
    applied = result.table.dropna(subset="initial_margin")
    assert sums["initial"].to_dict() == pytest.approx(applied["initial_margin"].to_dict())
    assert sums["maintenance"].to_dict() == pytest.approx(applied["maintenance_margin"].to_dict())


def test_a_doubled_book_doubles_every_margin_that_does_not_depend_on_size(market):
    twice = book(("BTC_USDC-PERPETUAL", 2.0), ("BTC-26MAR27-100000-C", -4.0), ("BTC-26MAR27-80000-P", 2.0))
    names = ["deribit-portfolio", "derive-portfolio", "derive-standard", "paradex-portfolio", "span-style-16"]

    one, two = (margin_under_rules(b, market, rules=names).table for b in (OPTIONS, twice))

    assert two["initial_margin"].to_numpy() == pytest.approx(2.0 * one["initial_margin"].to_numpy())
    assert two["maintenance_margin"].to_numpy() == pytest.approx(2.0 * one["maintenance_margin"].to_numpy())


def test_accounts_are_margined_alone_and_summed(market):
    hedged = book(("BTC_USDC-PERPETUAL", 2.0, "A", "position"), ("BTC_USDC-PERPETUAL", -1.0, "B", "position"))

    result = margin_under_rules(hedged, market, rules=["deribit-portfolio"])

    assert result.table.loc["deribit-portfolio", "maintenance_margin"] == pytest.approx(3 * 0.16 * 90_000)
    assert set(result.components["account"]) == {"A", "B"}
    assert result.table.loc["deribit-portfolio", "worst_scenario"].startswith("BTC (A): price")


def test_coins_cancel_risk_under_the_scenario_portfolio_rule_only(market):
    short = ("BTC_USDC-PERPETUAL", -1.0, "A", "position")
    names = ["derive-portfolio", "deribit-portfolio"]

    bare, backed = (
        margin_under_rules(book(*rows), market, rules=names)
        for rows in ((short,), (short, ("BTC", 1.0, "A", "collateral")))
    )

    # Perpetual charge of 2 % and haircuts of 4.5 % on 90,000 remain.
    assert backed.table.loc["derive-portfolio", "initial_margin"] == pytest.approx(0.065 * 90_000)
    assert bare.table.loc["derive-portfolio", "initial_margin"] == pytest.approx(0.20 * 90_000)
    assert (
        backed.table.loc["deribit-portfolio", "initial_margin"] == bare.table.loc["deribit-portfolio", "initial_margin"]
    )
    assert any(note.startswith("coins (1 BTC) offset risk") for note in backed.notes)


def test_feeds_reach_the_rules_that_charge_for_them(market):
    names = ["derive-portfolio", "derive-standard", "deribit-standard"]

    fine, off = (margin_under_rules(OPTIONS, market, rules=names, stable_price=p).table for p in (1.0, 0.9))

    assert off.loc["derive-portfolio", "initial_margin"] > fine.loc["derive-portfolio", "initial_margin"]
    assert off.loc["derive-standard", "initial_margin"] > fine.loc["derive-standard", "initial_margin"]
    assert off.loc["deribit-standard", "initial_margin"] == fine.loc["deribit-standard", "initial_margin"]


def test_old_parameters_and_filled_forwards_are_told(market):
    held = book(("BTC_USDC-25JUN27-100000-C", 1.0))

    notes = margin_under_rules(held, market, rules=["okx-portfolio", "derive-portfolio"]).notes

    assert any("forward of BTC 2027-06-25 filled" in note for note in notes)
    assert [note for note in notes if note.startswith("okx-portfolio: parameters are 691 days old")]
    assert not [note for note in notes if note.startswith("derive-portfolio: ")]


def test_illustrative_parameters_show_wherever_results_show(market):
    result = margin_under_rules(PERPETUALS, market)

    assert result.table.loc["simm-style-concentration", "is_illustrative"]
    assert result.summary().loc["simm-style-concentration", "remark"] == "illustrative parameters"
    assert result.to_frame().set_index("rule").loc["paradex-portfolio", "illustrative_parameters"]
    assert not result.table.loc["binance-tiers", "is_illustrative"]
    # ETH's tiers are without a source; a book of BTC alone does not meet them.
    alone = margin_under_rules(book(("BTC_USDC-PERPETUAL", 1.0)), market, rules=["hyperliquid-tiers"])
    assert not alone.table.loc["hyperliquid-tiers", "is_illustrative"]


def test_simulated_prices_are_marked():
    series = SeriesProvenance(
        name="BTC", source="simulated", sha256="0", unit="USD", close_rule="end of the bar", simulated=True
    )
    market = MarketState(as_of=NOW, spot=pd.Series({"BTC": 90_000.0}), provenance=Provenance((series,)))

    result = margin_under_rules(book(("BTC_USDC-PERPETUAL", 1.0)), market, rules="binance-tiers")

    assert repr(result).startswith("<MarginUnderRules: SIMULATED ")


def test_inverse_futures_weigh_their_face_today(market):
    frame = pd.DataFrame(
        {"account": "A", "instrument": ["BTC-PERPETUAL"], "quantity": [2.0], "entry_price": [45_000.0]}
    )

    (held,) = held_units(PositionBook.from_frame(frame), market)

    # A face of 90,000 USD is one coin today, and one coin was earned.
    assert (held.unit.perpetual, held.unit.coins) == pytest.approx((1.0, 1.0))


def test_rules_of_ones_own_stand_beside_packaged_ones(market, tmp_path):
    from volkit.resources import data_folder

    text = (data_folder() / "venues" / "dydx-open-interest.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("base = 0.02", "base = 0.04"))

    table = margin_under_rules(PERPETUALS, market, rules=["dydx-open-interest", path]).table

    assert table.loc["mine", "initial_margin"] == pytest.approx(2.0 * table.loc["dydx-open-interest", "initial_margin"])


def test_table_cannot_be_changed(market):
    result = margin_under_rules(PERPETUALS, market, rules="binance-tiers")

    with pytest.raises(ValueError, match="read-only"):
        result.table["initial_margin"].to_numpy()[0] = 0.0


def test_no_rule_a_double_one_and_an_unknown_one_are_refused(market):
    with pytest.raises(ArgumentError, match="rules must be at least one rule set"):
        margin_under_rules(PERPETUALS, market, rules=[])
    rule = load_venue_rules("binance-tiers")
    with pytest.raises(ArgumentError, match="each once; got binance-tiers, binance-tiers"):
        margin_under_rules(PERPETUALS, market, rules=[rule, "binance-tiers"])
    with pytest.raises(SourceError, match="no rule set 'cme'; the packaged ones are"):
        margin_under_rules(PERPETUALS, market, rules="cme")


def test_a_position_without_a_spot_is_refused(market):
    with pytest.raises(DataError, match="spot of XRP must be known"):
        margin_under_rules(book(("XRP_USDC-PERPETUAL", 1.0)), market)


def test_an_account_of_cash_alone_needs_no_margin(market):
    result = margin_under_rules(book(("USD", 500.0, "A", "cash")), market)

    assert (result.table["initial_margin"] == 0.0).all()
    assert result.table["initial_rate"].isna().all()
