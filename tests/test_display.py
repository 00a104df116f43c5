"""Every result shows itself in a notebook: as a card that is escaped, the same on every run, short and without NaN.

The results come from the examples in docstrings (`display_examples.txt` names them), so that each class is shown as its
own documentation makes it. Run as a script, this file prints the cards of the examples as JSON.
"""

import doctest
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import warnings
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import volkit
from volkit.correlation import correlation_matrix
from volkit.instruments import MarketState, PositionBook, book_value
from volkit.margin import MarginPolicy, calibrate_margin, margin_schedule
from volkit.realtime.insolvency import insolvency_margin
from volkit.results import Provenance, ResultDisplay, SeriesProvenance
from volkit.scenarios import historical_scenarios
from volkit.scenarios.paths import PathSet
from volkit.volatility import Ewma

EVIL = "<img src=x onerror=alert(1)>"
NAMES = Path(__file__).with_name("display_examples.txt")
# Made by no example that is quick: they need a fit of minutes, a folder or an exchange.
WITHOUT_EXAMPLE = {
    "CorrelationForecast",
    "Coverage",
    "DccEstimates",
    "LiquidationMap",
    "MarginReserve",
    "OneStateTest",
    "PairCopulaFit",
    "ParameterFile",
    "RegimeCorrelationForecast",
    "StoreStatus",
    "StoredSeries",
    "StudyRun",
    "UpdateReport",
}
MARKS_OF_NOTHING = re.compile(r"\b(?:nan|NaN|NaT|None)\b|<NA>|object at 0x|00:00:00|\+00:00")


def example_names(*, slow):
    quick, slower = NAMES.read_text().split("\n\n")
    return [name for name in (slower if slow else quick).split("\n") if name.startswith("volkit.")]


def classes_of_results():
    for module in pkgutil.walk_packages(volkit.__path__, "volkit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, waiting = {}, [ResultDisplay]
    while waiting:
        for one in waiting.pop().__subclasses__():
            waiting.append(one)
            if one.__module__.startswith("volkit.") and not one.__name__.startswith("_"):
                # A class with slots is made twice; the second is the one in its module.
                found[one.__name__] = getattr(sys.modules[one.__module__], one.__name__)
    return found


def results_of(names, patch):
    """Return the results that the examples make, by class."""
    classes, found = classes_of_results(), {}
    for one in classes.values():

        def remember(self, *args, _init=one.__init__, _class=one, **kwargs):
            _init(self, *args, **kwargs)
            if type(self) is _class:
                found[_class.__name__] = self

        patch(one, "__init__", remember)
    for name in names:
        run_example(name)
    return classes, dict(found)


def run_example(name):
    module = name
    while module not in sys.modules:
        module = module.rpartition(".")[0]
    wanted = name.removeprefix(f"{module}.")
    thing = sys.modules[module]
    for part in wanted.split("."):
        thing = getattr(thing, part)
    [example] = [
        one
        for one in doctest.DocTestFinder(recurse=False).find(thing, name, module=sys.modules[module])
        if one.examples
    ]
    doctest.DocTestRunner(verbose=False).run(example, out=lambda _: None)


def check_card(name, html):
    shown = re.sub(r"<[^>]+>", " ", html)
    assert not (found := MARKS_OF_NOTHING.search(shown)), f"{name} shows {found.group()}"
    assert len(html) < 20_000, name
    assert "<script" not in html and "onerror" not in html
    assert html.count("<table") == html.count("<caption") == html.count("</table>") == 1
    assert re.search(r'<th scope="(?:row|col)"', html)


@pytest.fixture(scope="module")
def displayed():
    with pytest.MonkeyPatch.context() as patch:
        return results_of(example_names(slow=False), patch.setattr)


@pytest.mark.slow
def test_cards_of_results_are_short_and_show_no_missing_value_as_code(displayed):
    _, results = displayed

    assert len(results) > 150
    for name, result in results.items():
        check_card(name, result._repr_html_())


@pytest.mark.slow
def test_cards_are_the_same_when_shown_twice(displayed):
    _, results = displayed

    for name, result in results.items():
        assert result._repr_html_() == result._repr_html_(), name


@pytest.mark.slow
def test_simulated_results_are_marked_in_card_and_line(displayed):
    _, results = displayed

    marked = 0
    for name, result in results.items():
        if getattr(getattr(result, "provenance", None), "simulated", False):
            marked += 1
            assert "SIMULATED" in repr(result) and ">SIMULATED</span>" in result._repr_html_(), name
    assert marked


@pytest.mark.slow
def test_no_class_displays_itself_in_a_way_of_its_own(displayed):
    classes, _ = displayed

    assert [name for name, one in classes.items() if "_repr_html_" in vars(one) or "__repr__" in vars(one)] == []


@pytest.mark.slow
def test_cards_of_all_classes_are_the_same_in_processes_with_other_hash_seeds():
    outputs = []
    for seed in ("1", "2"):
        command = [sys.executable, "-W", "ignore", __file__]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
        outputs.append(json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout))

    first, second = outputs
    assert set(classes_of_results()) - set(first) == WITHOUT_EXAMPLE
    for name, html in first.items():
        check_card(name, html)
        assert second[name] == html, name


def returns_of(*names):
    times = pd.date_range("2024-01-01", periods=300, tz="UTC", unit="us", name="time")
    values = np.random.default_rng(7).standard_t(5, (300, len(names))) * 0.02
    return pd.DataFrame(values, index=times, columns=list(names))


def held_by(name):
    row = {"account": [name], "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [1.0], "entry_price": [100.0]}
    market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    return PositionBook.from_frame(pd.DataFrame(row)), market


def paths_of(name):
    ends = np.linspace(0.8, 1.2, 401)[:, None, None]
    return PathSet(values=ends, step=pd.Timedelta("1D"), assets=(name,), engine="given", seed="none")


def schedule_of(name):
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=100)
    return margin_schedule(returns_of(name)[name], policy=policy, periods_per_year=365)


class Anything(ResultDisplay):
    """Dangerous words in every place that a card has."""

    headline = EVIL
    as_of = pd.Timestamp("2024-01-01", tz="UTC")
    provenance = Provenance(
        (SeriesProvenance(name=EVIL, source=EVIL, sha256="", unit=EVIL, close_rule=EVIL, simulated=True),)
    )

    def __init__(self, frame=None):
        self.frame = frame

    def summary(self):
        if self.frame is not None:
            return self.frame
        index = pd.MultiIndex.from_tuples([(EVIL, EVIL)], names=[EVIL, f"b ({EVIL})"])
        return pd.DataFrame([[EVIL, 1.0, np.nan]], index=index, columns=[EVIL, f"a ({EVIL})", "c"])


NAMED = {
    "every place of a card": Anything,
    "volatility fit": lambda: Ewma().fit(returns_of(EVIL)[EVIL], periods_per_year=365),
    "margin schedule": lambda: schedule_of(EVIL),
    "calibrated parameters": lambda: calibrate_margin(
        returns_of(EVIL)[EVIL],
        policy=MarginPolicy(method="historical", confidence=0.95, lookback=100),
        methods=("historical",),
        periods_per_year=365,
    ),
    "correlation matrix": lambda: correlation_matrix(returns_of(EVIL, "B")),
    "scenarios": lambda: historical_scenarios(returns_of(EVIL, "B"), horizon=1, periods_per_year=365),
    "paths": lambda: paths_of(EVIL),
    "market": lambda: MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({EVIL: 1.0})),
    "book": lambda: held_by(EVIL)[0],
    "value of a book": lambda: book_value(*held_by(EVIL)),
    "margin of an account": lambda: insolvency_margin(*held_by(EVIL), paths_of("BTC"), target=0.05),
}


@pytest.mark.parametrize("make", NAMED.values(), ids=NAMED)
def test_a_name_that_is_code_is_shown_as_text(make):
    html = make()._repr_html_()

    assert EVIL not in html and "<img" not in html
    if make is Anything:
        # Headline, source, two names of rows, two labels, a head, a unit and a cell.
        assert html.count(escape(EVIL)) == 9


def card_of(frame):
    return Anything(frame)._repr_html_()


def test_numbers_are_written_by_their_unit():
    frame = pd.DataFrame(
        {"margin (decimal)": [0.0613], "bad_debt (USD)": [1234567.0], "p-value": [0.00001], "when": [Anything.as_of]}
    )

    html = card_of(frame)

    for words in ("6.13\u00a0%", "bad debt", ">USD</small>", "1,234,567", "&lt;0.001", ">2024-01-01<"):
        assert words in html
    assert "decimal" not in html


def test_a_missing_number_is_a_dash_that_says_so():
    assert card_of(pd.DataFrame({"a": [np.nan, 1.0]})).count('aria-label="not available"') == 1


def test_rows_of_several_units_are_written_one_by_one():
    frame = pd.DataFrame({"value": [3.0, 0.25, 0.5]}, index=["calls (count)", "calls per price (rate)", "share"])

    assert re.findall(r"<td>(.*?)</td>", card_of(frame)) == ["3", "0.25", "50.00\u00a0%"]


def test_a_long_and_wide_table_is_cut_and_says_where_the_rest_is():
    html = card_of(pd.DataFrame(np.ones((25, 14))))

    assert html.count("<tr") == 21 and "5 more rows and 2 more columns: <code>.summary()</code>" in html


def test_simulated_market_marks_what_is_made_from_it():
    series = SeriesProvenance(name="BTC", source="simulated", sha256="", unit="USD", close_rule="", simulated=True)
    book, market = held_by("A")
    market = MarketState(as_of=market.as_of, spot=market.spot, provenance=Provenance((series,)))

    for result in (market, book_value(book, market), insolvency_margin(book, market, paths_of("BTC"), target=0.05)):
        assert repr(result).startswith(f"<{type(result).__name__}: SIMULATED ")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    every = example_names(slow=False) + example_names(slow=True)
    json.dump({name: one._repr_html_() for name, one in results_of(every, setattr)[1].items()}, sys.stdout)
