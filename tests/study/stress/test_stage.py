import re
from dataclasses import replace

import numpy as np
import pytest

from volkit.contagion.cascade import run_cascade
from volkit.errors import SeriesNotFoundError
from volkit.sources import open_source
from volkit.sources.venue import load_demo_venue
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.stress import stress_venue
from volkit.study.stress.answers import stress_answers, threshold_words
from volkit.study.stress.market import build_market
from volkit.study.stress.report import run_venue_stress, stress_record, write_venue_stress
from volkit.study.venue_files import open_venue

SMALL = StressSection(n_paths=1000, horizon=6, leverages=[10.0, 50.0], depths=[0.5, 1.0], rules=[])


@pytest.fixture(scope="module")
def found():
    return run_venue_stress(SMALL, source=open_source("simulated"), seed=3)


def test_market_is_that_of_the_tables():
    market = build_market(open_venue("demo"), SMALL, volatility=0.005, notes=Notes())

    assert market.venue.fund == 9e6
    assert market.venue.half_life == pytest.approx(6.0 / 60.0)  # minutes in steps of an hour
    assert market.venue.permanent_share == 0.4
    assert market.venue.impact.displacement(746.0) == pytest.approx(0.01, rel=0.01)


def test_settings_replace_what_the_tables_say():
    section = SMALL.model_copy(update={"half_life": 30.0, "permanent_share": 0.0, "skin_in_the_game": 1e6})

    venue = build_market(open_venue("demo"), section, volatility=0.005, notes=Notes()).venue

    assert (venue.half_life, venue.permanent_share, venue.skin_in_the_game) == (0.5, 0.0, 1e6)


def test_threshold_without_evaporation_is_the_known_one():
    """The closed form of the simulated venue holds for a linear law; its books follow one but for their steps."""
    section = SMALL.model_copy(update={"evaporation": 0.0})

    parts = stress_venue(
        open_venue("demo"), section, source=None, rng=np.random.default_rng(1), policies={}, notes=Notes()
    )

    truth = load_demo_venue().truth
    down = parts.cascade.thresholds.thresholds["down"]
    assert down.log_shock == pytest.approx(truth.threshold("bad_debt", direction="down"), rel=1e-3)
    assert parts.fund is None


def test_shown_cascade_is_the_engines(found):
    parts = found.parts
    again = run_cascade(parts.market.accounts, parts.market.venue, shock=-0.08, steps=6)

    assert parts.cascade.run.totals.equals(again.totals)


def test_waterfall_is_paid_by_the_cascades(found):
    fund = found.parts.fund
    paid = fund.waterfall.table["expected"]

    assert paid.sum() == pytest.approx(fund.paths.totals["bad_debt"].mean())
    assert paid["fund"] == pytest.approx(fund.paths.totals["fund_paid"].mean())


def test_survivors_are_ranked_and_the_broke_are_not(found):
    network = found.parts.network
    broke = network.clearing.to_frame()["default"]

    assert set(network.ranking.to_frame().index) == set(broke.index[~broke])


def test_same_seed_gives_the_same_bytes(found, tmp_path):
    again = run_venue_stress(SMALL, source=open_source("simulated"), seed=3)

    first, second = (write_venue_stress(one, tmp_path / name) for one, name in ((found, "a"), (again, "b")))

    names = sorted(p.relative_to(first.parent) for p in first.parent.rglob("*.*"))
    assert len(names) > 60
    assert all((first.parent / n).read_bytes() == (second.parent / n).read_bytes() for n in names)


def test_report_says_simulated_and_names_what_breaks(found, tmp_path):
    text = write_venue_stress(found, tmp_path).read_text(encoding="utf-8")

    assert "Simulated prices" in text
    assert "Losses exceed the fund of 9M USD from a fall of 7" in text
    for name in ("cascade", "waterfall", "fracture", "phase_diagram"):
        assert (tmp_path / "figures" / f"{name}.png").is_file()


def test_report_of_a_venue_says_each_thing_once(found, tmp_path):
    text = write_venue_stress(found, tmp_path).read_text(encoding="utf-8")

    said = re.findall(r"<(?:p|figcaption)(?: class=\"lead\")?>([^<]+)", text)
    sentences = [one for paragraph in said for one in re.split(r"(?<=[.;]) ", paragraph) if len(one) > 30]
    assert sentences
    assert {one for one in sentences if sentences.count(one) > 1} == set()
    for question in ("What breaks it", "What it leaves of the fund", "What helps", "How sure"):
        answer = rf"<h3>{question}</h3>\s*<p>[^<]*\d[^<]*</p>(?:\s*<p>[^<]*</p>)*"
        assert re.search(answer + r'\s*<p class="proof"><a href="#[a-z0-9-]+">', text)


def test_record_is_plain_and_has_the_threshold(found):
    record = stress_record(found)

    assert record["simulated"] is True
    assert record["fracture"]["down"]["status"] == "found"
    assert 0.0 <= record["depletion"]["low"] <= record["depletion"]["probability"] <= record["depletion"]["high"]


def test_prices_that_are_not_there_leave_a_note():
    class Nothing:
        name = "nothing"

        def load_bars(self, name, *, interval):
            assert interval == "1h"
            raise SeriesNotFoundError(self.name, (name,), ())

    notes = Notes()
    parts = stress_venue(
        open_venue("demo"), SMALL, source=Nothing(), rng=np.random.default_rng(1), policies={}, notes=notes
    )

    assert parts.fund is None
    assert any("price paths of BTC left out" in text for _, text in notes.entries)
    assert any("depth does not evaporate" in text for _, text in notes.entries)


def _changed(**columns):
    tables = open_venue("demo")
    accounts = tables.tables["accounts"].assign(**columns)
    return replace(tables, tables={**tables.tables, "accounts": accounts})


def _stress(tables, **settings):
    notes = Notes()
    section = SMALL.model_copy(update=settings)
    rng = np.random.default_rng(1)
    return stress_venue(tables, section, source=None, rng=rng, policies={}, notes=notes), notes


def test_venue_of_shorts_alone_is_shocked_upwards():
    tables = open_venue("demo")
    shorts = tables.tables["accounts"].query("quantity < 0")

    parts, _ = _stress(replace(tables, tables={**tables.tables, "accounts": shorts}))

    assert parts.cascade.direction == "up"
    assert parts.cascade.run.shock == 0.08
    assert "a rise of" in stress_answers(parts)[0]


def test_account_under_water_is_noted_and_does_not_stop_the_report():
    collateral = open_venue("demo").tables["accounts"]["collateral"].to_numpy(copy=True)
    entry = open_venue("demo").tables["accounts"]["entry_price"].to_numpy(copy=True)
    collateral[0], entry[0] = 1.0, entry[0] * (1.5 if open_venue("demo").tables["accounts"]["quantity"][0] > 0 else 0.5)

    parts, notes = _stress(_changed(collateral=collateral, entry_price=entry))

    assert any("1 accounts are under water" in text for _, text in notes.entries)
    assert parts.cascade.run.totals["bad_debt"] > 0.0


def test_answers_name_the_broke_and_the_weakest_reserve(found):
    text = " ".join(stress_answers(found.parts))

    assert "desk-2, desk-3, alpha, beta, lender-1 cannot pay all they owe" in text
    assert "of ETH only 91.6 % of what is owed is held" in text


def test_moves_beyond_the_books_are_noted():
    _, notes = _stress(open_venue("demo"), shock=0.15)

    assert any("goes beyond the orders that were seen, 13.9 % below" in text for _, text in notes.entries)


def test_deleveraging_takes_from_accounts_that_are_left(found):
    fund = found.parts.fund
    if fund.deleveraging is None:
        pytest.skip("no path of this seed takes from winners")
    worst = fund.paths.totals.loc[fund.paths.totals["deleveraged"].idxmax()]

    assert fund.deleveraging.table["shortfall"].to_numpy() == pytest.approx(worst["deleveraged"])


def test_a_fund_that_nothing_exceeds_is_told_so():
    parts, _ = _stress(replace(open_venue("demo"), fund=1e12), evaporation=0.0)

    assert threshold_words(parts) == "losses exceed the fund of 1e+03B USD after no move that was tried."
