import numpy as np
import pandas as pd
import pytest
from drawn_sheets import drawn_sheets, sheet_of
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.solvency.balance import own_token_sensitivity, solvency_ratios, solvency_through_time

SHEET = sheet_of(("V", "asset", "BTC", 9.0), ("V", "asset", "VEN", 1e6), ("V", "liability", "BTC", 10.0))
TIMES = pd.date_range("2026-01-01", periods=4, tz="UTC", name="time")


def test_ratios_with_and_without_own_tokens():
    table = solvency_ratios(SHEET).table

    assert table.loc["V", "solvency_ratio"] == pytest.approx(920 / 800)
    assert table.loc["V", "collateralisation"] == pytest.approx(720 / 800)
    assert table.loc["V", "liquid_share"] == pytest.approx(720 / 920)
    assert table.loc["all"].equals(table.loc["V"].rename("all"))


def test_ratio_of_an_entity_that_owes_nothing_is_infinite():
    table = solvency_ratios(sheet_of(("V", "asset", "BTC", 1.0), ("W", "liability", "USD", 9e4))).table

    assert np.isinf(table.loc["V", "solvency_ratio"])
    assert table.loc["W", "solvency_ratio"] == 0.0


def test_one_insolvent_entity_is_named_though_the_sum_is_solvent():
    found = solvency_ratios(
        sheet_of(("V", "asset", "BTC", 10.0), ("W", "asset", "USD", 1.0), ("W", "liability", "USD", 9.0))
    )

    assert found.insolvent.tolist() == ["W"]
    assert found.headline.endswith("insolvent: W (of 2)")
    assert found.table.loc["all", "surplus"] > 0.0


@given(sheet=drawn_sheets(), haircut=st.floats(0.0, 1.0))
@settings(max_examples=25)
def test_entities_and_assets_add_up_to_the_total(sheet, haircut):
    found = solvency_ratios(sheet, own_token_haircut=haircut)
    rows = sheet.rows
    usd = rows["quantity"] * rows["price"] * np.where(rows["own_token"], 1.0 - haircut, 1.0)
    surplus = float((usd * np.where(rows["side"] == "asset", 1.0, -1.0)).sum())

    assert found.table.loc["all", "surplus"] == pytest.approx(surplus, abs=1e-6)
    assert found.table.drop(index="all")["surplus"].sum() == pytest.approx(surplus, abs=1e-6)
    assert found.by_asset["surplus"].sum() == pytest.approx(surplus, abs=1e-6)


@given(sheet=drawn_sheets(), pair=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)).map(sorted))
@settings(max_examples=25)
def test_a_higher_own_token_haircut_never_raises_the_ratio(sheet, pair):
    low, high = (solvency_ratios(sheet, own_token_haircut=h).table for h in pair)

    assert (high["solvency_ratio"] <= low["solvency_ratio"] * (1.0 + 1e-12)).all()
    assert (high["surplus"] <= low["surplus"] + 1e-9 * low["assets"]).all()


@given(sheet=drawn_sheets(), factor=st.floats(0.01, 100.0))
@settings(max_examples=20)
def test_ratio_does_not_know_the_currency(sheet, factor):
    scaled = sheet.at_prices(sheet.prices * factor)

    np.testing.assert_allclose(
        solvency_ratios(scaled).table["solvency_ratio"], solvency_ratios(sheet).table["solvency_ratio"], rtol=1e-12
    )


@given(sheet=drawn_sheets(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_order_of_the_rows_does_not_matter(sheet, seed):
    shuffled = type(sheet).from_frame(sheet.rows.sample(frac=1.0, random_state=seed).reset_index(drop=True))
    here, there = solvency_ratios(sheet).table, solvency_ratios(shuffled).table

    pd.testing.assert_frame_equal(here.sort_index(), there.sort_index(), rtol=1e-12)


@given(sheet=drawn_sheets())
@settings(max_examples=20)
def test_break_even_haircut_leaves_nothing(sheet):
    found = own_token_sensitivity(sheet).break_even
    for entity, row in found.iterrows():
        whole, none = (solvency_ratios(sheet, own_token_haircut=h).table.loc[entity] for h in (0.0, 1.0))
        if row["status"] == "break-even":
            left = solvency_ratios(sheet, own_token_haircut=row["haircut"]).table.loc[entity]
            assert left["surplus"] == pytest.approx(0.0, abs=1e-9 * (1.0 + whole["assets"]))
        elif row["status"] == "insolvent at full value":
            assert whole["surplus"] < 0.0
        else:
            assert none["surplus"] >= 0.0


def test_haircut_curve_is_that_of_the_ratios():
    curve = own_token_sensitivity(SHEET, haircuts=[0.0, 0.25, 1.0]).curve
    expected = [solvency_ratios(SHEET, own_token_haircut=h).table.loc["all", "solvency_ratio"] for h in (0, 0.25, 1)]

    assert curve["solvency_ratio"].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("haircuts", [[0.5, 0.2], [0.0, 1.5], []])
def test_haircuts_that_do_not_rise_or_are_no_fractions_are_refused(haircuts):
    with pytest.raises(ArgumentError, match="haircuts must"):
        own_token_sensitivity(SHEET, haircuts=haircuts)


def test_path_values_the_sheet_at_each_time():
    prices = pd.DataFrame({"BTC": [80e3, 100e3, 50e3, 80e3], "VEN": [0.2, 0.1, 0.0, 0.2]}, index=TIMES)
    path = solvency_through_time(SHEET, prices)

    for time, row in prices.iterrows():
        now = solvency_ratios(SHEET.at_prices(row)).table.loc["all"]
        assert path.frame.loc[time, "solvency_ratio"] == pytest.approx(now["solvency_ratio"])
        assert path.frame.loc[time, "collateralisation"] == pytest.approx(now["collateralisation"])
    assert path.surplus_by_asset.sum(axis=1).tolist() == pytest.approx(path.frame["surplus"].tolist())


def test_path_takes_the_last_sheet_known_and_none_after():
    early = sheet_of(("V", "asset", "BTC", 2.0), ("V", "liability", "USD", 1e5), as_of=TIMES[0])
    late = sheet_of(
        ("V", "asset", "BTC", 4.0), ("V", "asset", "ETH", 1.0), ("V", "liability", "USD", 1e5), as_of=TIMES[2]
    )
    prices = pd.DataFrame({"BTC": 80e3, "ETH": 2500.0}, index=TIMES)
    both, alone = solvency_through_time([early, late], prices), solvency_through_time([early], prices)

    assert both.frame["assets"].tolist() == [160e3, 160e3, 322.5e3, 322.5e3]
    assert both.frame["assets"].iloc[:2].tolist() == alone.frame["assets"].iloc[:2].tolist()
    assert both.n_sheets == 2


def test_path_refuses_what_it_would_have_to_fill():
    with pytest.raises(DataError, match="none of VEN; add a column VEN or name it in fixed="):
        solvency_through_time(SHEET, pd.DataFrame({"BTC": 80e3}, index=TIMES))
    with pytest.raises(DataError, match="prices of BTC must be finite"):
        solvency_through_time(SHEET, pd.DataFrame({"BTC": [1.0, np.nan, 1.0, 1.0], "VEN": 0.2}, index=TIMES))
    with pytest.raises(ArgumentError, match="start the prices later"):
        solvency_through_time([sheet_of(("V", "asset", "USD", 2.0), as_of=TIMES[1])], pd.DataFrame(index=TIMES))
    with pytest.raises(ArgumentError, match="later as_of"):
        solvency_through_time([SHEET], pd.DataFrame({"BTC": 80e3, "VEN": 0.2}, index=TIMES))


def test_path_stays_at_the_sheet_price_for_dollars_and_says_its_lowest():
    sheet = sheet_of(("V", "asset", "USD", 1e5), ("V", "liability", "BTC", 1.0))
    path = solvency_through_time(sheet, pd.DataFrame({"BTC": [80e3, 125e3, 80e3, 80e3]}, index=TIMES))

    assert "lowest 0.8 on 2026-01-02, negative surplus at 1 of 4 times" in repr(path)


def test_path_of_a_sheet_that_owes_nothing_has_a_summary():
    path = solvency_through_time(
        sheet_of(("V", "asset", "BTC", 1.0)), pd.DataFrame({"BTC": [1.0, 2, 3, 4]}, index=TIMES)
    )

    assert path.summary().loc["solvency_ratio"].tolist() == [np.inf] * 4
    assert path.summary().loc["assets"].tolist() == [1.0, 2.5, 4.0, 4.0]
