import asyncio
import base64
import io
import re
import socket
import tomllib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import volkit
from volkit.correlation import rolling_correlation
from volkit.desk.dashboard import Choices, Dashboard, Workbench, drawings, open_dashboard, pages, sentences
from volkit.desk.dashboard.choices import CONFIDENCES, HALF_LIFE, HORIZONS, METHODS, policy_of
from volkit.desk.dashboard.comparison import beaten_by, cheapest_passing
from volkit.desk.dashboard.crises import worst_days
from volkit.desk.dashboard.serve import absolute_source, free_port, serve_dashboard
from volkit.desk.dashboard.verdicts import SideVerdict, judge
from volkit.desk.dashboard.words import NotShownError, stem
from volkit.errors import ArgumentError, DataError, SourceError
from volkit.formatting import percent_to
from volkit.margin import MarginPolicy, backtest_margin, calibrate_margin, margin_schedule
from volkit.margin.bridge import stress_replay
from volkit.margin.frontier.grid import require_scenarios
from volkit.prices import align
from volkit.report import load_parameters
from volkit.returns import changes, simple_returns
from volkit.sources import load_events
from volkit.validation.battery import coverage_battery


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """Return a folder of two simulated price series, 900 days."""
    folder = tmp_path_factory.mktemp("prices")
    times = pd.date_range("2021-01-01", periods=900, tz="UTC").strftime("%Y-%m-%d")
    moves = 0.03 * np.random.default_rng(7).standard_t(5, (900, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
    for name, column in zip(("BTC", "ETH"), np.exp(moves.cumsum(axis=0)).T, strict=True):
        pd.DataFrame({"time": times, "close": 1000.0 * column}).to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def bench(prices):
    return Workbench(volkit.open_source(f"files:{prices}"))


@pytest.fixture(scope="module")
def returns(prices):
    bars = volkit.open_source(f"files:{prices}").load_bars("BTC")
    return simple_returns(bars.frame["close"]).rename("BTC")


CHOICES = Choices(asset="BTC", factor="ETH", method="historical", confidence=0.975)
NONE = pd.DatetimeIndex([], tz="UTC")
LATER = pd.Timestamp("2030-01-01", tz="UTC")


def coverage_of(found):
    """Return the tests of a calibration's maintenance margin."""
    done = found.schedule.frame[found.schedule.frame["loss_long"].notna()]
    losses, margins = (
        pd.DataFrame({(found.asset, side): done[f"{what}_{side}"] for side in ("long", "short")})
        for what in ("loss", "maintenance_margin")
    )
    policy = found.policy
    return coverage_battery(
        losses, margins, confidence=policy.confidence, horizon=policy.margin_period_of_risk, n_draws=0
    )


def test_margins_are_those_of_a_direct_call(bench, returns):
    policy = MarginPolicy(method="historical", confidence=0.975, n_paths=2000)
    direct = calibrate_margin(returns, policy=policy, periods_per_year=365, methods=["historical"], method="historical")

    found = bench.margins(CHOICES).result

    pd.testing.assert_frame_equal(found.table, direct.table)
    pd.testing.assert_frame_equal(found.schedule.frame, direct.schedule.frame)
    assert found.valid_until == direct.valid_until


def test_model_and_horizon_reach_the_policy(bench, returns):
    choices = replace(CHOICES, method="filtered_historical", model="GJR-t", horizon=2)
    policy = bench.policy(choices)
    direct = margin_schedule(returns, policy=policy, periods_per_year=365)

    found = bench.margins(choices).result.schedule

    assert (policy.model.family, policy.margin_period_of_risk, policy.confidence) == ("gjr", 2, 0.975)
    pd.testing.assert_frame_equal(found.frame, direct.frame)


def test_counts_of_the_battery_are_those_of_the_back_test(bench):
    tests = bench.coverage(CHOICES).result
    backtest = backtest_margin(bench.margins(CHOICES).result.schedule)

    for side in ("long", "short"):
        cell = tests.cells.loc[("BTC", side, "all")]
        row = backtest.table.loc[(side, "maintenance_margin")]
        assert (cell["n_exceptions"], cell["n_obs"]) == (row["exceptions"], row["periods"])


def test_chosen_policy_of_the_frontier_is_the_schedule_shown(bench):
    choices = replace(CHOICES, confidence=0.96)
    frontier = bench.frontier(choices).result
    name = bench.name_in_frontier(choices)
    frame = bench.margins(choices).result.schedule.frame

    assert frontier.confidence == 0.96
    assert len(frontier.table) == 20
    for side in ("long", "short"):
        latest = frontier.cells.loc[(name, "BTC", side), "latest_maintenance"]
        assert latest == pytest.approx(frame[f"maintenance_margin_{side}"].iloc[-1], rel=1e-12)


def test_correlation_is_that_of_a_direct_call(bench, prices):
    source = volkit.open_source(f"files:{prices}")
    moves = changes(align([source.load_bars("BTC"), source.load_bars("ETH")]))
    direct = rolling_correlation(moves["BTC"], moves["ETH"], window=90, periods_per_year=365)

    pd.testing.assert_frame_equal(bench.correlation(CHOICES).result.path, direct.path)


def test_stress_windows_inside_the_history_are_replayed(bench):
    table = bench.stress(CHOICES).result.table

    assert "FTX failure" in table.index.get_level_values("window")


def test_nothing_is_computed_twice(bench):
    assert bench.margins(CHOICES) is bench.margins(replace(CHOICES, model="GJR-t", factor="BTC"))
    assert bench.margins(CHOICES) is not bench.margins(replace(CHOICES, confidence=0.99))


def test_bundled_source_opens_with_the_first_long_series():
    bench = Workbench(volkit.open_source("bundled"))

    assert (bench.start.asset, bench.start.factor) == ("SPX", "NASDAQ")
    assert "VIX" not in [spec.name for spec in bench.assets]
    assert "VIX" in [spec.name for spec in bench.factors("SPX")]


def test_short_history_cannot_have_a_far_confidence():
    bench = Workbench(volkit.open_source("bundled"))

    with pytest.raises(
        NotShownError, match=r"BTC has 364 returns; a confidence of 99.9 % .* needs 1,051 here\. Choose a"
    ):
        bench.margins(Choices(asset="BTC", factor="SPX", method="historical", confidence=0.999))


def test_closes_eleven_hours_apart_are_paired_and_noted():
    bench = Workbench(volkit.open_source("bundled"))

    found = bench.correlation(Choices(asset="BTC", factor="SPX"))

    assert found.result.n_obs > 100
    assert any("share" in note for note in found.notes)


def test_source_without_prices_is_refused(tmp_path):
    with pytest.raises(SourceError, match="holds no daily prices"):
        Workbench(volkit.open_source(f"files:{tmp_path}"))


def test_unknown_method_lists_the_known_ones():
    with pytest.raises(ArgumentError, match=r"filtered_historical.*stressed_historical"):
        Choices(asset="BTC", factor="ETH", method="guess")


def test_texts_are_escaped(returns):
    hostile = "<img src=x onerror=alert(1)>"
    policy = MarginPolicy(method="historical", confidence=0.975)
    found = calibrate_margin(
        returns.rename(hostile), policy=policy, periods_per_year=365, methods=["historical"], method="historical"
    )
    figure = drawings.schedule_figure(found.schedule)

    tests = coverage_of(found)
    html = pages.answer_html(found, tests, [hostile], now=LATER, masked=NONE) + pages.failure_html("answer", hostile)

    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 3
    assert figure.name == "margins__img_src_x_onerror_alert_1__"


def test_simulated_mark_is_the_first_thing_said():
    bench = Workbench(volkit.open_source("simulated"))
    found = bench.margins(replace(bench.start, method="historical"))

    html = pages.answer_html(found.result, coverage_of(found.result), found.notes, now=LATER, masked=NONE)

    assert html.index("SIMULATED") < html.index("initial margin")


def test_sentence_of_the_answer_has_the_recommended_rates(bench):
    found = bench.margins(CHOICES).result
    rate = found.table["recommended"]

    html = pages.answer_html(found, coverage_of(found), (), now=found.as_of, masked=NONE)

    assert f"set initial margin {percent_to(rate['initial_margin_long'])}" in html
    for name in ("initial_margin_long", "initial_margin_short", "maintenance_margin_long", "maintenance_margin_short"):
        shown = re.search(rf'data-rate="{name}">([\d.]+) %<', html)
        assert float(shown[1]) == pytest.approx(100 * rate[name], abs=0.05)


def _file(html, name):
    href = re.search(rf'href="data:[^;]+;base64,([^"]+)" download="{re.escape(name)}"', html)
    return base64.b64decode(href[1])


@pytest.fixture(scope="module")
def refreshed(bench):
    """Return a dashboard brought to the choices once, what its status said, its files' panel before and after."""
    said, offered = [], []

    async def run():
        dashboard = Dashboard(bench)
        dashboard.controls["method"].value = "historical"
        dashboard.status.observe(lambda change: said.append(change["new"]), names="value")
        await dashboard._task
        offered.append(dashboard.panels["downloads"].value)
        offered.append(not dashboard.wanted.disabled)
        dashboard.wanted.click()
        await dashboard._task
        return dashboard

    dashboard = asyncio.run(run())
    return dashboard, said, offered


def test_panels_are_filled_and_the_status_counts_the_steps(refreshed):
    dashboard, said, _ = refreshed

    assert said[0] == "1 of 7: computing the margins of BTC \u2026"
    assert said[-1] == "Done: BTC, historical, 99 %."
    for name in ("schedule", "stress", "correlation", "frontier"):
        assert re.search(r'<img src="data:image/png;base64,[^"]+" width="\d+" height="\d+" alt="[^"]{60,}"',
                         dashboard.panels[name].value)  # fmt: skip
    assert "Kupiec" in dashboard.panels["exceptions"].value
    assert dashboard.controls["model"].disabled


def test_files_are_made_when_wanted_and_not_before(refreshed):
    dashboard, said, (before, was_offered) = refreshed

    assert "href" not in before
    assert was_offered
    assert "Writing the files \u2026" in said
    assert dashboard.panels["downloads"].value.count("href=") == 5 + 2 * 4
    assert dashboard.wanted.layout.display == "none"
    assert not any("href=" in panel.value for name, panel in dashboard.panels.items() if name != "downloads")


def test_files_hold_the_numbers_shown(refreshed, bench, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    dashboard, _, _ = refreshed
    html = dashboard.panels["downloads"].value
    found = bench.margins(dashboard.choices).result

    (tmp_path / "p.toml").write_bytes(_file(html, "parameters_btc.toml"))
    table = pd.read_csv(io.BytesIO(_file(html, "margins_btc.csv")), index_col="parameter")
    exceptions = pd.read_csv(io.BytesIO(_file(html, "exceptions_btc.csv")))
    tests = pd.read_csv(io.BytesIO(_file(html, "tests_btc.csv")))
    book = openpyxl.load_workbook(io.BytesIO(_file(html, "margins_btc.xlsx")), read_only=True)

    assert "BTC" in load_parameters(tmp_path / "p.toml").headline
    content = tomllib.loads((tmp_path / "p.toml").read_text(encoding="utf-8"))["assets"]["BTC"]["parameters"]
    assert content["initial_margin_long"]["recommended"] == found.table.loc["initial_margin_long", "recommended"]
    np.testing.assert_array_equal(table["recommended"], found.table["recommended"])
    np.testing.assert_array_equal(exceptions["loss"], found.backtest.exceptions["loss"])
    np.testing.assert_array_equal(tests["exceptions"], found.backtest.table["exceptions"])
    assert {"margins", "exceptions", "tests", "schedule"} <= set(book.sheetnames)
    cells = [cell for row in book["margins"].iter_rows(values_only=True) for cell in row]
    assert any(cell == pytest.approx(found.table.loc["initial_margin_long", "recommended"]) for cell in cells
               if isinstance(cell, float))  # fmt: skip


@pytest.mark.parametrize("name", ["margins_btc", "stress_btc", "correlation_btc_eth", "frontier_btc"])
def test_figures_are_pictures(refreshed, name):
    html = refreshed[0].panels["downloads"].value

    assert _file(html, f"{name}.png").startswith(b"\x89PNG\r\n\x1a\n")
    assert ElementTree.fromstring(_file(html, f"{name}.svg")).tag == "{http://www.w3.org/2000/svg}svg"


def test_newer_choice_drops_what_was_under_way(bench):
    async def run():
        dashboard = Dashboard(bench)
        dashboard._steps = lambda choices: (
            ("computing", "answer", lambda: f"answer at {choices.confidence}"),
            ("more", "schedule", lambda: f"schedule at {choices.confidence}"),
        )
        dashboard.controls["confidence"].value = 0.975
        first = dashboard._task
        await asyncio.sleep(0)
        dashboard.controls["confidence"].value = 0.995
        await asyncio.gather(first, dashboard._task)
        return dashboard

    dashboard = asyncio.run(run())

    assert dashboard.panels["answer"].value == "answer at 0.995"
    assert dashboard.panels["schedule"].value == "schedule at 0.995"


def test_asset_is_never_its_own_factor(bench):
    async def run():
        dashboard = Dashboard(bench)
        dashboard._steps = lambda _: ()
        dashboard.controls["asset"].value = "ETH"
        await dashboard._task
        return dashboard

    dashboard = asyncio.run(run())

    assert dashboard.choices.factor == "BTC"
    assert [name for _, name in dashboard.controls["factor"].options] == ["BTC"]


def test_error_of_one_panel_is_a_sentence_there(bench):
    def fail():
        raise DataError("prices", "must be there", "none", "bring <some>")

    async def run():
        dashboard = Dashboard(bench)
        dashboard._steps = lambda _: (
            ("a", "answer", fail),
            ("b", "schedule", fail),
            ("c", "frontier", lambda: "compared"),
        )
        await dashboard.refresh()
        return dashboard

    dashboard = asyncio.run(run())

    assert "Prices must be there; got none; bring &lt;some&gt;." in dashboard.panels["answer"].value
    assert "There are no margins for these choices." in dashboard.panels["schedule"].value
    assert dashboard.panels["frontier"].value == "compared"


def _folder_of(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return f"files:{tmp_path}"


def test_folder_of_one_series_has_a_page_without_a_factor(prices, tmp_path):
    named = _folder_of(tmp_path, BTC=(prices / "BTC.csv").read_text(encoding="utf-8"))
    dashboard = Dashboard(Workbench(volkit.open_source(named)))

    html = {name: make() for _, name, make in dashboard._steps(dashboard.choices) if name == "correlation"}

    assert dashboard.choices.factor is None
    assert dashboard.controls["factor"].disabled
    assert "no second series with enough days in common with BTC" in html["correlation"]


def test_damaged_file_beside_a_good_one_is_left_out_with_a_note(prices, tmp_path):
    good = (prices / "ETH.csv").read_text(encoding="utf-8")
    named = _folder_of(tmp_path, BTC="time,close\n2024-01-01,abc\n", ETH=good)
    dashboard = Dashboard(Workbench(volkit.open_source(named)))

    assert [name for _, name in dashboard.controls["asset"].options] == ["ETH"]
    assert re.search(r"BTC is left out\. File .*'abc' is not a number", dashboard.bench.notes[0])


def test_folder_of_damaged_files_says_which(tmp_path):
    named = _folder_of(tmp_path, BTC="time,close\n2024-01-01,abc\n")

    with pytest.raises(SourceError, match=r"holds no daily prices.*BTC is left out\. File .*'abc' is not a number"):
        Workbench(volkit.open_source(named))


def test_page_of_an_empty_folder_says_why_it_has_no_numbers(tmp_path):
    status, failure = open_dashboard(f"files:{tmp_path}").children

    assert status.value == "Failed: the dashboard could not start."
    assert "holds no daily prices; the dashboard needs one price series." in failure.value


def test_empty_folder_is_refused_before_anything_is_served(tmp_path):
    pytest.importorskip("voila", reason="Voila is not installed")

    with pytest.raises(SourceError, match="holds no daily prices"):
        serve_dashboard(f"files:{tmp_path}", open_browser=False)


@pytest.mark.parametrize("n_obs", [250, 364, 729, 730, 5000])
@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("method", METHODS)
def test_every_choice_leaves_a_scenario_beyond_its_confidence(method, confidence, horizon, n_obs):
    choices = Choices(asset="BTC", method=method, confidence=confidence, horizon=horizon)

    policy = policy_of(choices, n_obs=n_obs)

    require_scenarios(policy)
    assert policy.lookback - horizon + 1 >= round(1.0 / (1.0 - confidence))
    assert policy.half_life == HALF_LIFE or method == "weighted_historical"


def test_validity_that_is_past_is_said_first(bench):
    found = bench.margins(CHOICES).result
    tests = coverage_of(found)
    last = found.valid_until.normalize() + pd.Timedelta(hours=23)

    fresh, past = (
        pages.answer_html(found, tests, (), now=now, masked=NONE) for now in (last, last + pd.Timedelta(hours=2))
    )

    assert "Margins to set now" in fresh
    assert "set now" not in past
    assert f"Margins as of {found.as_of.date()}</h2>" in past
    assert f"It was valid until {found.valid_until.date()}, and that is past" in past


def test_clock_is_handed_to_the_workbench(prices):
    bench = Workbench(volkit.open_source(f"files:{prices}"), clock=lambda: LATER)

    assert bench.now == LATER


def _verdict(**changed):
    values = {
        "side": "long", "periods": 1000, "exceptions": 10, "expected": 10.0, "is_above": False, "rate_p": 0.9,
        "independence_p": 0.5, "joint_p": 0.5, "power": 0.9, "light": "green",
    }  # fmt: skip
    return SideVerdict(**{**values, **changed})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "10 exceptions of the maintenance margin against 10.0 expected (Kupiec p 0.900), clustering not shown"),
        ({"independence_p": float("nan")}, "clustering not tested, traffic light green"),
        ({"independence_p": 0.01}, "in clusters (independence p 0.010)"),
        ({"exceptions": 1}, "Long: 1 exception of"),
        ({"exceptions": 1, "expected": 0.2, "power": 0.03}, "too few for clusters, too few periods to judge."),
    ],
)
def test_side_is_described_by_what_was_tested(changed, said):
    assert said in sentences.exceptions_words({"long": _verdict(**changed)}, 1, 1000)


def test_few_periods_are_not_called_not_rejected(bench):
    found = bench.margins(CHOICES).result
    few = {"expected": 0.2, "power": 0.03, "periods": 18, "exceptions": 0}
    verdicts = {side: _verdict(side=side, **few) for side in ("long", "short")}

    words = sentences.answer_words(found, verdicts, now=found.as_of, masked=NONE)

    assert "too few periods to judge either side by" in words
    assert "reject" not in words


def test_rejection_names_layer_side_and_test_and_points_on(bench):
    found = bench.margins(CHOICES).result
    verdicts = {
        "long": _verdict(exceptions=30, rate_p=0.0004, is_above=True), "short": _verdict(side="short"),
    }  # fmt: skip

    words = sentences.answer_words(found, verdicts, now=found.as_of, masked=NONE)
    pointed = sentences.answer_words(found, verdicts, now=found.as_of, masked=NONE, pointer="Take X.")

    assert "The maintenance margin had 30 long and 10 short exceptions" in words
    assert "Kupiec's test of the rate rejects the long side for too many (p <0.001)." in words
    assert "does not reject the short side" in words
    assert words.endswith("For one that passes, see \u201cWhat other policies cost\u201d below.")
    assert pointed.endswith("Take X.")


@pytest.mark.parametrize("horizon", [1, 5])
def test_one_test_has_one_p_value_on_its_panel(bench, horizon):
    choices = replace(CHOICES, horizon=horizon)
    found, tests = bench.margins(choices).result, bench.coverage(choices).result

    html = pages.exceptions_html(found, tests, ())
    verdicts, table = judge(found, tests)

    for side in ("long", "short"):
        used = tests.table.loc[("BTC", side, "all", "kupiec"), "p_used"]
        assert verdicts[side].rate_p == table.loc[side, "Kupiec p"] == used
    assert "exact where there is an exact law" in html
    assert ("twice the mean of the 5 series" in html) == (horizon == 5)


def test_masked_prices_are_said_in_the_lead(prices, tmp_path):
    table = pd.read_csv(prices / "BTC.csv")
    table.loc[500, "close"] = -37.63
    named = _folder_of(tmp_path, BTC=table.to_csv(index=False))
    bench = Workbench(volkit.open_source(named))
    found, masked = bench.margins(CHOICES), bench.asset_series("BTC").result.masked

    words = sentences.answer_words(
        found.result, judge(found.result, coverage_of(found.result))[0], now=LATER, masked=masked
    )

    assert f"The price of {table['time'][500]} is zero or less: the returns into and out of it are left out" in words
    assert not any("zero or less" in note for note in found.notes)


def test_worst_day_is_that_of_the_least_covered_loss(bench):
    replay = bench.stress(CHOICES).result
    worst = worst_days(replay)

    np.testing.assert_allclose(worst["loss"] - worst["margin"], replay.table["worst_excess"], atol=1e-15)
    (window, side) = worst["excess"].idxmax()
    row = worst.loc[(window, side)]
    assert sentences.stress_words(replay).count(f"{100 * row['loss']:.1f} %".replace("-", "\u2212")) >= 1
    figure = drawings.stress_figure(replay)
    n = int((worst["excess"] > 0).sum())
    assert figure.caption.startswith(f"{n} of {len(worst)} positions" if n else f"Each of {len(worst)}")


def test_crisis_sentence_agrees_with_itself_where_the_largest_loss_was_covered():
    returns = simple_returns(volkit.open_source("bundled").load_bars("SPX").frame["close"]).rename("SPX")
    policy = MarginPolicy(method="weighted_historical", lookback=500)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=252)
    replay = stress_replay(schedule, load_events(), returns=returns)

    worst = worst_days(replay)
    shown = re.findall(r"([\d.]+) %", sentences.stress_words(replay))

    # In the autumn of 2008 the largest loss is not the day of the largest excess.
    assert (replay.table["worst_loss"] > worst["loss"] + 1e-9).any()
    loss, margin, uncovered = (float(number) for number in shown)
    assert loss - margin == pytest.approx(uncovered, abs=0.11)
    assert uncovered == pytest.approx(100 * replay.table["worst_excess"].max(), abs=0.05)


def test_policies_are_compared_on_their_worse_side(bench):
    frontier, current = bench.frontier(CHOICES).result, bench.name_in_frontier(CHOICES)
    by_policy = frontier.cells["exceedance"].groupby(level=0).max()

    np.testing.assert_array_equal(frontier.table["exceedance"], by_policy.reindex(frontier.table.index))
    for name in frontier.table.index:
        assert bool(beaten_by(frontier, name)) != frontier.table.loc[name, "is_efficient"]
    words = sentences.frontier_words(frontier, current)
    assert f"The chosen policy, {current}, holds" in words
    passing = cheapest_passing(frontier)
    assert passing is None or frontier.table.loc[passing, "n_too_many"] == 0


def test_series_that_are_not_daily_are_not_offered(prices, tmp_path):
    table = pd.read_csv(prices / "BTC.csv")
    named = _folder_of(
        tmp_path,
        BTC=table.to_csv(index=False),
        ETH=table.to_csv(index=False),
        WALCL=table.iloc[::7].rename(columns={"close": "value"}).to_csv(index=False),
        FEAR_GREED=table.rename(columns={"close": "value"}).to_csv(index=False),
        SPX=table.to_csv(index=False),
    )
    bench = Workbench(volkit.open_source(named))

    assert [spec.name for spec in bench.factors("BTC")] == ["SPX", "FEAR_GREED", "ETH"]


def test_failures_say_what_a_reader_can_choose():
    bench = Workbench(volkit.open_source("bundled"))
    choices = Choices(asset="BTC", factor="SPX", method="historical", horizon=10)

    with pytest.raises(NotShownError, match=r"None of the named crises .* 2016-12-31 to 2017-07-03\. Choose a lower"):
        bench.stress(choices)
    with pytest.raises(NotShownError, match=r"needs 680 here\. Choose a lower confidence"):
        bench.frontier(choices)


def test_notes_of_a_correlation_are_for_readers():
    bench = Workbench(volkit.open_source("bundled"))

    notes = bench.correlation(Choices(asset="BTC", factor="SPX")).notes

    assert not any(word in note for note in notes for word in ("tolerance", "hourly", "lead_lag"))


def test_file_names_are_plain():
    assert stem("<b>$x/1</b>") == "_b__x_1__b_"


def test_nothing_is_sent_before_the_page_is_there(bench):
    async def opened():
        dashboard = Dashboard(bench)
        before = {name: panel.value for name, panel in dashboard.panels.items()}
        button = dashboard.follow_once_shown()
        await asyncio.sleep(0.2)
        unchanged = before == {name: panel.value for name, panel in dashboard.panels.items()}
        said = dashboard.status.value
        button.click()
        while not dashboard.status.value.startswith("Done"):
            await asyncio.sleep(0.01)
        return unchanged, said, dashboard

    unchanged, said, dashboard = asyncio.run(asyncio.wait_for(opened(), 60))

    assert unchanged
    assert said == ""
    assert not any("Waiting for its turn." in panel.value for panel in dashboard.panels.values())


def test_every_control_has_a_label(bench):
    assert all(control.description for control in Dashboard(bench).controls.values())


def test_folder_of_a_source_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert absolute_source("files:prices") == f"files:{tmp_path / 'prices'}"
    assert absolute_source("simulated:3") == "simulated:3"


def test_taken_port_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(ArgumentError, match="which another program has"):
            free_port(taken.getsockname()[1])


def test_port_zero_is_any_free_one_and_less_is_refused():
    with socket.socket() as free:
        free.bind(("127.0.0.1", free_port(0)))

    with pytest.raises(
        ArgumentError, match=r"^port must be a whole number of at least 0 \(0 is any free one\); got -1"
    ):
        free_port(-1)


def test_command_says_what_is_wrong_in_one_line():
    import volkit.cli.dashboard
    from volkit.cli import app

    result = CliRunner().invoke(app, ["dashboard", "--port", "70000", "--no-browser"])

    assert result.exit_code == 2
    assert result.stderr == "volkit: port must be at most 65535; got 70000; leave it out for a free one.\n"
    assert volkit.cli.dashboard.dashboard
