"""Functions that take seconds on ordinary input show how far they are, with a label in words and the right total.

Each is run as its docstring's example runs it, with a bar that counts in place of the one that draws.
"""

import doctest
import importlib
import inspect

import pytest

from volkit.parallel import progress, progress_stages
from volkit.study.run import run_study

LONG = {
    "contagion.cascade.mitigations:compare_mitigations": "mitigations",
    "contagion.fracture.phase:phase_diagram": "leverages",
    "contagion.fracture.policies:policies_in_cascade": "policies in a cascade",
    "contagion.measures.ranking:systemic_table": "measures by asset",
    "contagion.networks.samples:sample_networks": "networks drawn",
    "contagion.networks.scenarios:clear_scenarios": "scenarios",
    "contagion.shared.lags:lag_sensitivity": "lags of the price feeds",
    "correlation.bounds.cycle:through_the_cycle": "reviews",
    "correlation.connectedness.independence:independent_totals": "histories of independent series",
    "correlation.inference.bands:bootstrap_band": "resampled windows",
    "correlation.leadlag.rolling:rolling_granger": "simulated critical values",
    "correlation.matrix.family:bootstrap_scores": "resampled matrices",
    "correlation.macro.transmission:volatility_transmission": "forecasts through time",
    "margin.frontier.bands:resampled_means": "resampled histories",
    "margin.frontier.overrides:override_parameters": "margin schedules",
    "margin.frontier.walking:walk_policies": "policies",
    "realtime.insolvency.accounts:insolvency_margins": "accounts",
    "realtime.insolvency.nested:insolvency_probabilities": "blocks of paths",
    "scenarios.paths.engine:stream_path_sets": "paths",
    "solvency.default.bad_debt:bad_debt_measures": "resampled scenarios",
    "validation.battery:coverage_battery": "instruments and sides",
    "validation.shortfall.power:shortfall_power": "tests of expected shortfall",
    "volatility.panel:fit_panel": "GARCH-t",
    "volatility.rolling:walk_forward": "EWMA half-life 11.2 BTC",
}


class Bar:
    """Counts what goes through, as the bar that draws would."""

    def __init__(self, items=None, *, desc, total, **_):
        self.items, self.label, self.done = items, desc, 0
        self.total = len(items) if total is None else total

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        for item in self.items:
            yield item
            self.done += 1

    def update(self):
        self.done += 1

    def set_description(self, label):
        self.label = label


@pytest.fixture
def bars(monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append(Bar(*args, **kwargs))
        return made[-1]

    monkeypatch.setitem(progress.__globals__, "_place", lambda: "terminal")
    monkeypatch.setitem(progress.__globals__, "_bar_class", lambda _: make)
    return made


@pytest.mark.parametrize(("where", "label"), LONG.items(), ids=LONG)
def test_long_function_shows_how_far_it_is(bars, where, label):
    module, _, name = where.partition(":")
    loaded = importlib.import_module(f"volkit.{module}")
    [example] = doctest.DocTestFinder(recurse=False).find(getattr(loaded, name), name, module=loaded)

    result = doctest.DocTestRunner(verbose=False).run(example)

    assert result.attempted and not result.failed
    assert label in [bar.label for bar in bars]
    assert all(bar.done == bar.total > 0 for bar in bars)


def test_stages_are_named_as_they_begin_and_counted_as_they_end(bars):
    with progress_stages(2, label="btc-margin") as begin:
        begin("prices")
        assert (bars[0].label, bars[0].done) == ("btc-margin: prices", 0)
        begin("margin")
        assert (bars[0].label, bars[0].done, bars[0].total) == ("btc-margin: margin", 1, 2)


def test_a_study_tells_of_all_its_stages():
    source = inspect.getsource(run_study)

    assert f"progress_stages({source.count('begin(')}, label=spec.name)" in source
