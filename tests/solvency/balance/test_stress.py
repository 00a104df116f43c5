import numpy as np
import pandas as pd
import pytest
from drawn_sheets import ASSETS, drawn_sheets, sheet_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from volkit.errors import ArgumentError, DataError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.bridge import stress_replay
from volkit.returns import simple_returns
from volkit.scenarios import historical_scenarios
from volkit.solvency.balance import reverse_stress, solvency_ratios, stress_window_shocks, stressed_solvency
from volkit.sources import load_events
from volkit.sources.bundled import BundledSource

SHEET = sheet_of(("V", "asset", "BTC", 10.0), ("V", "asset", "VEN", 1e6), ("V", "liability", "USD", 7e5))
BETAS = st.dictionaries(st.sampled_from(ASSETS), st.floats(-1.0, 4.0), min_size=1)


@given(sheet=drawn_sheets(), data=st.data())
@settings(max_examples=20)
def test_stress_is_the_ratio_at_shocked_prices(sheet, data):
    moves = data.draw(st.dictionaries(st.sampled_from(list(sheet.assets)), st.floats(-1.0, 2.0), min_size=1))
    stressed = stressed_solvency(sheet, pd.DataFrame([moves], index=["s"]), own_token_haircut=0.3)
    prices = {a: p * (1.0 + moves.get(a, 0.0)) for a, p in sheet.prices.items()}
    plain = solvency_ratios(sheet.at_prices(prices), own_token_haircut=0.3).table
    scale = 1.0 + plain.loc["all", ["assets", "liabilities"]].max()

    got = stressed.table.loc["s"].reindex(plain.index)
    np.testing.assert_allclose(got["surplus"], plain["surplus"], atol=1e-9 * scale)
    # A sum of next to nothing has a ratio that is all rounding.
    solid = plain["liabilities"] > 1e-6 * scale
    np.testing.assert_allclose(got["solvency_ratio"][solid], plain["solvency_ratio"][solid], rtol=1e-6)


def test_stress_names_what_no_scenario_moves_and_the_worst():
    stressed = stressed_solvency(SHEET, pd.DataFrame({"BTC": [-0.1, -0.5]}, index=["dip", "crash"]))

    assert stressed.unshocked == ("VEN", "USD")
    assert "worst of 2 scenarios is crash: solvency ratio 0.857" in repr(stressed)
    assert stressed.insolvent_share.tolist() == [0.5, 0.5]


def test_joint_scenarios_give_the_share_that_fails():
    times = pd.date_range("2024-01-01", periods=400, tz="UTC", name="time")
    returns = pd.DataFrame(np.random.default_rng(3).normal(0, 0.1, (400, 2)), index=times, columns=["BTC", "SOL"])
    stressed = stressed_solvency(SHEET, historical_scenarios(returns, periods_per_year=365))

    # 1,000,000 less 700,000: fails where BTC falls by more than 3/8.
    assert stressed.insolvent_share["all"] == (returns["BTC"] < -0.375).mean()
    assert len(stressed.summary()) == 5


@pytest.mark.parametrize(
    ("shocks", "said"),
    [
        (pd.DataFrame({"BTC": [-1.2]}), "at least -1; got -1.2 of BTC in 0"),
        (pd.DataFrame({"BTC": [np.nan]}), "got nan of BTC"),
        (pd.DataFrame({"SOL": [-0.2], "BTC": [-0.1]}), "got SOL beside"),
        (pd.DataFrame({"BTC": [-0.1, -0.2]}, index=["a", "a"]), "must name every scenario once; got a twice"),
        (pd.DataFrame({"BTC": []}), "must have scenarios"),
        (pd.DataFrame([[-0.3, -0.5]], columns=["BTC", "BTC"]), "must have one column an asset; got BTC twice"),
    ],
)
def test_shocks_that_cannot_be_used_are_refused(shocks, said):
    with pytest.raises(DataError, match=said):
        stressed_solvency(SHEET, shocks)


def test_replayed_windows_are_shocks_by_asset():
    returns = simple_returns(BundledSource().load_bars("SPX").frame["close"]).rename("SPX")
    policy = MarginPolicy(method="historical", lookback=500)
    replay = stress_replay(
        margin_schedule(returns, policy=policy, periods_per_year=252), load_events(), returns=returns
    )
    moves = stress_window_shocks({"BTC": replay, "VEN": replay})
    worst = stress_window_shocks({"BTC": replay}, measure="worst_period")

    window = moves.index[0]
    span = replay.table.loc[(window, "long")]
    compounded = (1.0 + returns[span["first"] : span["last"]]).prod() - 1.0
    assert moves.loc[window].tolist() == pytest.approx([compounded] * 2)
    assert (worst["BTC"] <= returns.min() + 1.0).all()
    assert worst["BTC"].min() == pytest.approx(min(returns[r["first"] : r["last"]].min() for _, r in
                                                   replay.table.xs("long", level="side").iterrows()))  # fmt: skip
    assert list(stressed_solvency(SHEET, moves).total.index) == list(moves.index)
    with pytest.raises(ArgumentError, match="replays must hold one an asset"):
        stress_window_shocks({})


def surplus_after(sheet, betas, shocks, direction, entity="all"):
    """Return the surplus after shocks, row by row of the sheet."""
    sign, total = -1.0 if direction == "fall" else 1.0, 0.0
    for row in sheet.rows.itertuples():
        if entity in ("all", row.entity):
            price = row.price * np.maximum(0.0, 1.0 + sign * betas.get(row.asset, 0.0) * np.asarray(shocks))
            total = total + row.quantity * price * (1.0 if row.side == "asset" else -1.0)
    return total


@given(sheet=drawn_sheets(), betas=BETAS, direction=st.sampled_from(["fall", "rise"]))
@settings(max_examples=20)
def test_break_even_shock_is_the_first_zero(sheet, betas, direction):
    betas = {a: b for a, b in betas.items() if a in sheet.assets and abs(b) > 1e-3}
    if not betas:
        return
    found = reverse_stress(sheet, betas=betas, direction=direction)
    scale = 1e-8 * (sheet.values().owned.sum() + sheet.values().owed.sum() + 1.0)
    grid = np.linspace(0.0, found.largest, 200)
    for entity, row in found.table.iterrows():
        surplus = surplus_after(sheet, betas, grid, direction, entity)
        if row["status"] == "break-even":
            assert surplus_after(sheet, betas, row["shock"], direction, entity) == pytest.approx(0.0, abs=scale)
            assert (surplus[grid < row["shock"]] > -scale).all()
        elif row["status"] == "insolvent without shock":
            assert surplus[0] < scale
        else:
            assert surplus.min() > -scale


@given(sheet=drawn_sheets())
@settings(max_examples=25)
def test_uniform_shock_leaves_the_ratio_of_a_sheet_without_dollars(sheet):
    found = reverse_stress(sheet, fixed=())

    # All prices fall alike, so nobody who is solvent stops being so.
    assert not (found.table["status"] == "break-even").any() or (found.table["surplus"].abs() < 1e-6).any()


def test_break_even_agrees_with_a_root_finder_beyond_a_knot():
    sheet = sheet_of(("V", "asset", "BTC", 10.0), ("V", "asset", "ETH", 100.0), ("V", "liability", "USD", 4e5))
    betas = {"BTC": 1.0, "ETH": 2.5}
    root = brentq(lambda s: surplus_after(sheet, betas, s, "fall"), 0.0, 1.0, xtol=1e-15)

    assert root > 0.4  # beyond the shock at which ETH is worth nothing
    assert reverse_stress(sheet, betas=betas).table.loc["all", "shock"] == pytest.approx(root, abs=1e-12)


def test_venue_short_of_coins_fails_when_prices_rise():
    sheet = sheet_of(("V", "asset", "USD", 9e5), ("V", "liability", "BTC", 10.0))

    assert reverse_stress(sheet).table.loc["V", "status"] == "solvent throughout"
    assert reverse_stress(sheet, direction="rise").table.loc["V", "shock"] == pytest.approx(0.125)
    assert "solvent throughout for a fall of all prices but fixed ones up to 100 %" in repr(reverse_stress(sheet))


def test_insolvent_entity_and_first_to_fail_are_named():
    sheet = sheet_of(("V", "asset", "BTC", 10.0), ("V", "liability", "USD", 1e5), ("W", "asset", "BTC", 1.0),
                     ("W", "liability", "USD", 7e4))  # fmt: skip
    assert "; first W at 12.5 %" in repr(reverse_stress(sheet))
    broken = sheet_of(("V", "asset", "BTC", 10.0), ("V", "liability", "USD", 1e5), ("W", "liability", "USD", 7e4))
    assert "insolvent without shock: W" in repr(reverse_stress(broken))


def test_curve_is_the_surplus_and_holds_the_break_even():
    found = reverse_stress(SHEET)

    assert found.curve.loc[found.table.loc["all", "shock"], "all"] == pytest.approx(0.0, abs=1e-6)
    assert found.curve["all"].iloc[-1] == pytest.approx(-7e5)
    assert found.to_frame().columns.tolist() == ["shock", "entity", "surplus"]


def test_entity_that_owes_nothing_has_no_break_even():
    found = reverse_stress(
        sheet_of(("V", "asset", "BTC", 1.0), ("W", "asset", "USD", 9.0), ("W", "liability", "USD", 8.0))
    )

    assert found.table.loc["V", "status"] == "solvent throughout"


def test_reverse_stress_refuses_what_cannot_be_answered():
    with pytest.raises(DataError, match="betas must be finite; got BTC: nan"):
        reverse_stress(SHEET, betas={"BTC": np.nan})
    with pytest.raises(DataError, match="betas must name assets of the sheet"):
        reverse_stress(SHEET, betas={"SOL": 1.0})
    with pytest.raises(ArgumentError, match="must move at least one asset"):
        reverse_stress(SHEET, betas={"BTC": 0.0})
    with pytest.raises(ArgumentError, match="at most 1 for a fall"):
        reverse_stress(SHEET, largest=1.5)
    with pytest.raises(ArgumentError, match="direction must be one of fall, rise"):
        reverse_stress(SHEET, direction="up")
