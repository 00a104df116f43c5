import asyncio
import base64
import io
import re
import socket
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import volkit
from volkit.correlation import rolling_correlation
from volkit.desk.dashboard import Choices, Dashboard, Workbench, drawings, pages
from volkit.desk.dashboard.serve import absolute_source, free_port
from volkit.errors import ArgumentError, DataError, SourceError
from volkit.margin import MarginPolicy, backtest_margin, calibrate_margin, margin_schedule
from volkit.prices import align
from volkit.report import load_parameters
from volkit.returns import changes, simple_returns


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

    with pytest.raises(DataError, match=r"at least 1051 of them for a confidence of 99.9 %; got 364; choose a lower"):
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

    html = pages.answer_html(found, [hostile]) + pages.failure_html("answer", hostile)

    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 3
    assert figure.name == "margins__img_src_x_onerror_alert_1__"


def test_simulated_mark_is_the_first_thing_said():
    bench = Workbench(volkit.open_source("simulated"))
    found = bench.margins(replace(bench.start, method="historical"))

    html = pages.answer_html(found.result, found.notes)

    assert html.index("SIMULATED") < html.index("set initial margin")


def test_sentence_of_the_answer_has_the_recommended_rates(bench):
    found = bench.margins(CHOICES).result
    rate = found.table["recommended"]

    html = pages.answer_html(found, ())

    assert f"set initial margin {rate['initial_margin_long']:.1%}".replace("%", " %") in html
    for name in ("initial_margin_long", "initial_margin_short", "maintenance_margin_long", "maintenance_margin_short"):
        shown = re.search(rf'data-rate="{name}">([\d.]+) %<', html)
        assert float(shown[1]) == pytest.approx(100 * rate[name], abs=0.05)


def _file(html, name):
    href = re.search(rf'href="data:[^;]+;base64,([^"]+)" download="{re.escape(name)}"', html)
    return base64.b64decode(href[1])


@pytest.fixture(scope="module")
def refreshed(bench):
    """Return a dashboard whose panels were brought to the choices once, and what its status said."""
    said = []

    async def run():
        dashboard = Dashboard(bench)
        dashboard.controls["method"].value = "historical"
        dashboard.status.observe(lambda change: said.append(change["new"]), names="value")
        await dashboard._task
        return dashboard

    return asyncio.run(run()), said


def test_panels_are_filled_and_the_status_counts_the_steps(refreshed):
    dashboard, said = refreshed

    assert said[0] == "1 of 7: computing the margins of BTC \u2026"
    assert said[-1] == "Done: BTC, historical, 99 %."
    for name in ("schedule", "stress", "correlation", "frontier"):
        assert re.search(r'<img src="data:image/png;base64,[^"]+" width="\d+" height="\d+" alt="[^"]{60,}"',
                         dashboard.panels[name].value)  # fmt: skip
    assert "Kupiec" in dashboard.panels["exceptions"].value
    assert dashboard.controls["model"].disabled


def test_files_hold_the_numbers_shown(refreshed, bench, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    dashboard, _ = refreshed
    html = dashboard.panels["downloads"].value
    found = bench.margins(dashboard.choices).result

    (tmp_path / "p.toml").write_bytes(_file(html, "parameters_btc.toml"))
    table = pd.read_csv(io.BytesIO(_file(html, "margins_btc.csv")), index_col="parameter")
    book = openpyxl.load_workbook(io.BytesIO(_file(html, "margins_btc.xlsx")), read_only=True)

    assert "BTC" in load_parameters(tmp_path / "p.toml").headline
    content = tomllib.loads((tmp_path / "p.toml").read_text(encoding="utf-8"))["assets"]["BTC"]["parameters"]
    assert content["initial_margin_long"]["recommended"] == found.table.loc["initial_margin_long", "recommended"]
    np.testing.assert_array_equal(table["recommended"], found.table["recommended"])
    assert {"margins", "exceptions", "tests", "schedule"} <= set(book.sheetnames)
    assert _file(html, "margins_btc.png").startswith(b"\x89PNG")
    assert b"<svg" in _file(html, "correlation_btc_eth.svg")[:1000]


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


def test_command_says_what_is_wrong_in_one_line():
    import volkit.cli.dashboard
    from volkit.cli import app

    result = CliRunner().invoke(app, ["dashboard", "--port", "70000", "--no-browser"])

    assert result.exit_code == 2
    assert result.stderr == "volkit: port must be at most 65535; got 70000; leave it out for a free one.\n"
    assert volkit.cli.dashboard.dashboard
