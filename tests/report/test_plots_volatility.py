import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from volkit.errors import ArgumentError, DataError
from volkit.report.drawn import EVENT_ID
from volkit.report.plots_premium import plot_implied_realized
from volkit.report.plots_volatility import plot_volatility_estimators
from volkit.results import Provenance, SeriesProvenance
from volkit.volatility.premium import ex_ante_premium, ex_post_premium

TIMES = pd.date_range("2020-01-01", periods=700, tz="UTC", name="time")
LEVEL = pd.Series(0.6 + 0.2 * np.sin(np.arange(700) / 40), TIMES, name="BTC")
SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def events(ax):
    return [text.get_text() for text in ax.texts if text.get_gid() == EVENT_ID]


def premium_of(**more):
    return ex_ante_premium(LEVEL, pd.Series(0.36 * 10 / 365, TIMES), horizon=10, periods_per_year=365, **more)


def test_each_estimator_has_a_look_and_a_name_of_its_own(ax):
    estimates = pd.DataFrame({"Parkinson": LEVEL, "Yang-Zhang": 1.1 * LEVEL})

    plot_volatility_estimators(estimates, asset="BTC", window=30, band=(0.9 * LEVEL, 1.1 * LEVEL), ax=ax)

    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 2 and ax.lines[1].get_ydata().tolist() == (1.1 * LEVEL).tolist()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["Parkinson", "Yang-Zhang", "interval of Parkinson"]
    assert ax.get_ylabel() == "volatility (per cent a year)"
    assert "BTC, n = 700 to 2021-11-30; windows of 30 periods" in ax.texts[-1].get_text()


def test_crises_are_shaded_where_data_are_real_and_wanted(ax):
    estimates = LEVEL.to_frame()

    plot_volatility_estimators(estimates, ax=ax)
    without = plot_volatility_estimators(estimates, with_events=False, ax=Figure().subplots())
    made = plot_volatility_estimators(estimates, provenance=SIMULATED, ax=Figure().subplots())

    assert events(ax) == ["Covid", "May 2021"]
    assert events(without) == events(made) == []


def test_too_many_estimators_or_none_are_refused(ax):
    with pytest.raises(ArgumentError, match="6 columns"):
        plot_volatility_estimators(pd.DataFrame(dict.fromkeys(range(7), LEVEL)), ax=ax)
    with pytest.raises(DataError, match="at least one value"):
        plot_volatility_estimators(pd.DataFrame({"a": np.nan * LEVEL}), ax=ax)


def test_implied_and_expected_are_drawn_with_the_premium_between(ax):
    premium = premium_of()

    plot_implied_realized(premium, ax=ax)

    lines = {line.get_gid(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(lines["implied"], premium.frame["implied"])
    np.testing.assert_array_equal(lines["expected"], premium.frame["expected"])
    areas = {area.get_gid(): area for area in ax.collections}
    assert areas["discount"].get_hatch() == "////" and areas["premium"].get_hatch() is None
    for gid, is_above in (("premium", True), ("discount", False)):
        corners = np.concatenate([path.vertices for path in areas[gid].get_paths()])[:, 1]
        assert (corners >= 0.6 - 1e-9 if is_above else corners <= 0.6 + 1e-9).all()
    assert "Covid" in events(ax)


def test_ex_post_is_called_realised_and_simulated_data_are_stamped(ax):
    squared = pd.Series(0.36 / 365 * np.random.default_rng(1).standard_normal(700) ** 2, TIMES)

    plot_implied_realized(
        ex_post_premium(LEVEL, squared, horizon=10, periods_per_year=365, provenance=SIMULATED), ax=ax
    )

    assert "realised afterwards" in [t.get_text() for t in ax.get_legend().get_texts()]
    assert ax.get_figure().get_suptitle() == "SIMULATED" and not events(ax)


def real(name):
    return Provenance((SeriesProvenance(name=name, source="s", sha256="0" * 64, unit="USD", close_rule="r"),))


def test_crises_of_crypto_alone_are_no_crises_of_equities():
    drawn = {}
    for name in ("BTC", "SPX", "MY_COIN"):
        axes = plot_volatility_estimators(
            LEVEL.to_frame(), provenance=real(name), ax=Figure(figsize=(8.6, 4.3)).subplots()
        )
        drawn[name] = events(axes)

    assert drawn["BTC"] == drawn["MY_COIN"] == ["Covid", "May 2021"]
    assert drawn["SPX"] == ["Covid"]


def test_names_of_crises_outside_limits_set_later_do_not_stretch_the_picture(ax):
    figure = ax.get_figure()
    canvas = FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained")
    plot_volatility_estimators(LEVEL.to_frame(), ax=ax)
    before = figure.get_tightbbox(canvas.get_renderer()).width

    ax.set_xlim(TIMES[-30], TIMES[-1])

    assert events(ax) == ["Covid", "May 2021"]
    assert figure.get_tightbbox(canvas.get_renderer()).width < before + 0.2
    assert not [text for text in ax.texts if text.get_text() == "Covid" and text.get_tightbbox().width > 0.0]
