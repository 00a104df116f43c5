import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.bridge import conditional_tails, stress_replay
from volkit.report.plots_bridge import plot_conditional_margin, plot_stress_replay
from volkit.results import Provenance, SeriesProvenance
from volkit.sources import load_events

TIMES = pd.date_range("2019-06-01", periods=1_300, tz="UTC", name="time")
SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def returns():
    return pd.Series(0.03 * np.random.default_rng(1).standard_t(4, 1_300), TIMES, name="BTC").clip(-0.5)


@pytest.fixture(scope="module")
def tails(returns):
    state = pd.DataFrame({"x": np.random.default_rng(2).standard_normal(1_300)}, TIMES)
    return conditional_tails(returns, state, method="nearest_states", confidence=0.95, provenance=SIMULATED)


@pytest.fixture(scope="module")
def replay(returns):
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    return stress_replay(margin_schedule(returns, policy=policy, periods_per_year=365), load_events(), returns=returns)


def found(ax, name):
    return [x for x in (*ax.lines, *ax.collections, *ax.patches) if x.get_gid() == name]


@pytest.mark.parametrize(("side", "signs"), [("both", (1, -1)), ("long", (1, None)), ("short", (None, 1))])
def test_margins_and_exceptions_are_those_of_the_tails(ax, tails, side, signs):
    plot_conditional_margin(tails, side=side, ax=ax)

    done = tails.frame.iloc[:-1]
    for one, sign in zip(("long", "short"), signs, strict=True):
        if sign is None:
            assert not found(ax, f"given-{one}")
            continue
        (given,), (without,) = found(ax, f"given-{one}"), found(ax, f"without-{one}")
        np.testing.assert_array_equal(given.get_ydata(), sign * done[f"value_at_risk_{one}"])
        np.testing.assert_array_equal(without.get_ydata(), sign * done[f"unconditional_value_at_risk_{one}"])
        (marks,) = found(ax, f"exceptions-{one}")
        assert len(marks.get_offsets()) == (done[f"loss_{one}"] > done[f"value_at_risk_{one}"]).sum()
    assert ax.get_figure().get_suptitle() == "SIMULATED"


def test_bars_and_ticks_are_those_of_the_replay(ax, replay):
    plot_stress_replay(replay, ax=ax)

    for side in ("long", "short"):
        rows = replay.table.xs(side, level="side")
        assert [b.get_width() for b in found(ax, f"loss-{side}")] == rows["worst_loss"].tolist()
        assert [x.get_xdata()[0] for x in found(ax, f"margin-{side}")] == rows["margin_at_worst"].tolist()
        hatched = [b.get_hatch() is not None for b in found(ax, f"loss-{side}")]
        assert hatched == (rows["worst_excess"] > 0.0).tolist()
        assert [tuple(x.get_xdata()) for x in found(ax, f"rise-{side}")] == list(
            zip(rows["margin_at_start"], rows["peak_margin"], strict=True)
        )
    calls = replay.table["calls"].unstack("side").loc[rows.index]
    assert [f"{c.long}, {c.short}" for c in calls.itertuples()] == [t.get_text() for t in ax.texts][: len(rows)]


def test_window_is_named_with_its_year_once(ax, replay):
    plot_stress_replay(replay, ax=ax)

    names = [t.get_text() for t in ax.get_yticklabels()]
    assert "Covid liquidity crisis, 2020" in names and "May 2021 deleveraging" in names


def test_unknown_side_is_refused(ax, tails):
    with pytest.raises(ArgumentError, match="long, short, both"):
        plot_conditional_margin(tails, side="up", ax=ax)
