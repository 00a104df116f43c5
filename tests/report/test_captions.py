from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from volkit.correlation import (
    directional_betas,
    event_study,
    exceedance_correlation,
    macro_hedge,
    rolling_correlation,
    systematic_share,
)
from volkit.correlation.change import breakdown_alarm, correlation_break_test, structural_breaks
from volkit.correlation.connectedness import connectedness, connectedness_from_var, rolling_connectedness
from volkit.correlation.dcc import Dcc
from volkit.correlation.inference import constancy_test, correlation_change
from volkit.correlation.leadlag import cross_correlogram, granger_network, granger_test, rolling_granger
from volkit.correlation.macro import rolling_betas, volatility_response, volatility_transmission
from volkit.prices import Synchrony
from volkit.report.captions import clocks_of, correlation_caption, method_of, p_of, power_of, sample_words, window_words
from volkit.results import Provenance, SeriesProvenance

N = 600
START = pd.Timestamp("2021-01-01", tz="UTC")
MIDDLE = pd.Timestamp("2021-09-01", tz="UTC")
UNITS = {"SPX": "log return", "GOLD": "log return"}
SAME = Synchrony(clocks=("16:00 New York", "16:00 New York"), overlap_share=0.97, attenuation=0.98)


def source_of(name, *, simulated=False):
    return SeriesProvenance(
        name=name, source="s", sha256="abcdef01" * 8, unit="USD", close_rule="r", simulated=simulated
    )


def rng_of(seed=1):
    return np.random.default_rng(seed)


# One small result of each kind.


@cache
def moves():
    times = pd.date_range(START, periods=N, tz="UTC", name="time")
    frame = pd.DataFrame(0.01 * rng_of(3).standard_normal((N, 3)), index=times, columns=["BTC", "SPX", "GOLD"])
    frame["BTC"] += 0.8 * frame["SPX"]
    return frame


def pair():
    return moves()["BTC"], moves()["SPX"]


def factors():
    return moves()[["SPX", "GOLD"]]


def late_asset(n_before):
    """An asset whose data begin `n_before` rows into the panel."""
    asset = moves()["BTC"].copy()
    asset.iloc[:n_before] = np.nan
    return asset


@cache
def correlogram():
    return cross_correlogram(*pair(), max_lag=3, n_draws=99, rng=rng_of())


@cache
def granger():
    return granger_test(moves(), caused="BTC", causing="SPX", lags=2)


@cache
def network():
    return granger_network(moves(), lags=2)


@cache
def moving_granger():
    return rolling_granger(
        moves(), caused="BTC", causing="SPX", lags=1, window=100, every=50, horizon=N, n_draws=99, rng=rng_of()
    )


@cache
def alarm():
    return breakdown_alarm(*pair(), reference_end=MIDDLE, horizon=500, rng=rng_of(), n_draws=199)


@cache
def fluctuation():
    return correlation_break_test(*pair())


@cache
def breaks():
    return structural_breaks(moves()["GOLD"].iloc[:200], rng=rng_of(), n_draws=99)


@cache
def change():
    return correlation_change(*pair(), before=(None, MIDDLE), after=(MIDDLE, None))


@cache
def constancy():
    return constancy_test(*pair(), window=90, rng=rng_of(), n_draws=99)


@cache
def exceedance():
    return exceedance_correlation(*pair(), thresholds=(0.0, 0.5), synchrony=SAME)


@cache
def directional():
    return directional_betas(moves()["BTC"], factors(), units=UNITS, synchrony={"SPX": SAME, "GOLD": SAME})


@cache
def response():
    x, y = pair()
    return volatility_response(x**2, y, unit="log return", lags=(1, 5), max_horizon=3)


@cache
def transmission():
    asset = (moves()["BTC"] ** 2).rename("BTC")
    return volatility_transmission(asset, factors(), units=UNITS, lags=(1, 5), horizons=(1, 5), first=400)


@cache
def split():
    return systematic_share(moves()["BTC"], factors(), window=120, units=UNITS, periods_per_year=365)


@cache
def betas():
    return rolling_betas(moves()["BTC"], factors(), window=120, units=UNITS)


@cache
def hedge():
    return macro_hedge(moves()["BTC"], factors(), window=120, periods_per_year=365, rng=rng_of(), n_boot=99)


@cache
def study():
    times = moves().index[np.arange(40, N - 10, 12)] + pd.Timedelta(hours=12)
    events = pd.DataFrame({"kind": np.where(np.arange(len(times)) % 2 == 0, "cpi", "fomc")}, index=times)
    return event_study(moves()["BTC"], events, rng=rng_of(), window=(-2, 3), n_boot=99)


@cache
def rolling():
    return rolling_correlation(*pair(), window=90, periods_per_year=365)


@cache
def spillovers():
    return connectedness(moves(), lags=2, horizon=5)


@cache
def spillover_path():
    return rolling_connectedness(moves(), lags=1, horizon=5, window=100)


@cache
def model():
    # Volatility and correlation that wander, so that there is something to fit.
    a, b = rng_of(3).standard_normal((2, N))
    phase = np.arange(N) / 60.0
    share = 0.5 + 0.35 * np.sin(phase)
    changes = np.column_stack([a, share * a + np.sqrt(1.0 - share**2) * b]) * np.exp(0.4 * np.sin(phase))[:, None]
    return Dcc().fit(pd.DataFrame(0.01 * changes, moves().index, ["BTC", "SPX"]), periods_per_year=365)


# p-values.


def _smallest(frame, column, p):
    """The frame with `p` in the column's second row and 1 elsewhere: neither first nor mean says it."""
    table = frame.copy()
    table[column] = 1.0
    table.iloc[1, table.columns.get_loc(column)] = p
    return table


def _plant(field):
    return lambda result, p: replace(result, **{field: p})


def _plant_least(field, column):
    return lambda result, p: replace(result, **{field: _smallest(getattr(result, field), column, p)})


def _plant_edge(result, p):
    adjusted = result.adjusted_p_value.copy()
    adjusted.iloc[:, :] = np.where(np.eye(3), np.nan, 1.0)
    adjusted.iloc[2, 1] = p
    return replace(result, adjusted_p_value=adjusted)


def _plant_best_lag(result, p):
    table = result.table.copy()
    table["adjusted_p_value"] = 1.0
    table.loc[result.best_lag, "adjusted_p_value"] = p
    return replace(result, table=table)


def _plant_whole(result, p):
    whole = result.whole.copy()
    whole["p_value"] = p
    return replace(result, whole=whole)


TESTS = {
    "no correlation at any lag, search allowed for": (correlogram, _plant_best_lag),
    "no causality": (granger, _plant("p_value")),
    "no causality anywhere, smallest adjusted": (network, _plant_edge),
    "no causality in any window, smallest adjusted": (moving_granger, _plant_least("path", "adjusted_p_value")),
    "constant correlation over the horizon": (alarm, _plant("p_value")),
    "one level throughout": (fluctuation, _plant("p_value")),
    "no break (UDmax)": (breaks, _plant("double_maximum_p_value")),
    "equal correlations": (change, _plant("p_value")),
    "one correlation throughout": (constancy, _plant("p_value")),
    "equal tails, smallest adjusted": (exceedance, _plant_least("symmetry", "adjusted")),
    "equal betas up and down, all factors": (directional, _plant("joint_p_value")),
    "no response at any horizon": (response, _plant("adjusted_p_value")),
    "no beta, whole sample": (split, _plant_whole),
    "no macro term at any horizon, smallest adjusted": (
        transmission,
        _plant_least("horizons", "adjusted_p_value"),
    ),
}


@pytest.mark.parametrize("words", TESTS)
@pytest.mark.parametrize(("p", "said"), [(0.0312, "p = 0.031"), (0.0004, "p < 0.001"), (0.64, "p = 0.640")])
def test_each_test_quotes_its_own_p(words, p, said):
    make, plant = TESTS[words]

    assert p_of(plant(make(), p)) == f"{words}: {said}"


def test_p_of_a_test_without_any_is_said_to_be_unknown():
    untested = replace(exceedance(), symmetry=exceedance().symmetry.iloc[:0])

    assert p_of(untested) == "equal tails, smallest adjusted: p not known"


def test_p_of_a_rolling_estimate_is_that_of_constancy_with_its_power():
    tested = replace(rolling(), constancy=replace(constancy(), p_value=0.0312))

    assert p_of(replace(rolling(), constancy=None)) == ""
    assert p_of(tested) == f"one correlation throughout: p = 0.031 ({power_of(constancy())})"


def test_p_of_an_event_study_is_of_the_volatility_by_kind():
    table = study().table.copy()
    table["adjusted_p_value"] = 1.0
    table.loc[("cpi", "volatility"), "adjusted_p_value"] = 0.0312
    table.loc[("fomc", "volatility"), "adjusted_p_value"] = 0.5

    said = p_of(replace(study(), table=table))

    assert said == "usual volatility on event rows: CPI p = 0.031, FOMC p = 0.500 (permutation, Holm over kinds)"


@pytest.mark.parametrize("make", [hedge, betas, spillovers, spillover_path, model])
def test_results_without_a_test_have_no_p(make):
    assert p_of(make()) == ""


# Rows and span.


@pytest.mark.parametrize(
    ("make", "changed", "said"),
    [
        (lambda: replace(change(), n_before=243, n_after=357), {}, "n = 243 before and 357 after, "),
        (exceedance, {"n_obs": 1602, "n_missing": 1}, "n = 1,602, 2021-01-01 to 2022-08-23, 1 row left out"),
        (hedge, {"n_dropped": 1204}, "n = 600, to 2022-08-23, 1,204 rows left out"),
        (granger, {}, "n = 598, to 2022-08-23"),
        (fluctuation, {}, "n = 600, 2021-01-01 to 2022-08-23"),
        (betas, {}, "n = 600, 2021-01-01 to 2022-08-23"),
        (split, {}, "n = 600, 2021-01-01 to 2022-08-23"),
        (model, {}, "n = 600, 2021-01-01 to 2022-08-23"),
    ],
)
def test_rows_span_and_rows_left_out(make, changed, said):
    assert sample_words(replace(make(), **changed)).startswith(said)


def test_counts_of_both_spans_are_those_of_the_data():
    # The second span begins on 1 September, row 243; volatility is not known at first.
    assert change().n_after == 357
    assert sample_words(change()).startswith(f"n = {change().n_before} before and 357 after")
    assert change().n_before < 243


def test_counts_by_series_and_a_known_system():
    known = connectedness_from_var(np.zeros((1, 2, 2)), np.eye(2), names=["BTC", "SPX"])

    assert sample_words(known) == "a known system, no sample"


@pytest.mark.parametrize("make", [rolling_betas, systematic_share])
@pytest.mark.parametrize(
    ("n_before", "start"),
    # Begun after the first window: known to the day. Within it: not known. On its first rows: the window stands.
    [(200, "2021-07-20 to "), (120, "2021-05-01 to "), (60, "to "), (0, "2021-01-01 to ")],
)
def test_start_is_not_that_of_a_panel_before_the_assets_data(make, n_before, start):
    yearly = {"periods_per_year": 365} if make is systematic_share else {}

    found = make(late_asset(n_before), factors(), window=120, units=UNITS, **yearly)

    left_out = f", {n_before} rows left out" if n_before else ""
    assert sample_words(found) == f"n = {N - n_before}, {start}2022-08-23{left_out}"
    if n_before >= 120:
        assert start.startswith(str(late_asset(n_before).first_valid_index().date()))


# Window, method and clocks.


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (betas, "window 120 rows"),
        (hedge, "window 120 rows"),
        (study, "rows \u22122 to +3 around the event"),
        (lambda: replace(study(), window=(0, 1)), "rows 0 to +1 around the event"),
        (moving_granger, "window 100 rows"),
        # Its method says so already.
        (spillover_path, ""),
        (exceedance, ""),
    ],
)
def test_window_in_words(make, said):
    assert window_words(make()) == said


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (hedge, "OLS"),
        (lambda: replace(hedge(), method="ewma"), "EWMA"),
        (spillovers, "generalised decomposition, VAR with 2 lags, 5 periods ahead"),
        (lambda: replace(spillovers(), lags=1), "generalised decomposition, VAR with 1 lag, 5 periods ahead"),
        (spillover_path, "generalised, 100 periods (99 usable)"),
        (
            lambda: replace(breaks(), covariance="HAC", chosen_by="BIC"),
            "Bai-Perron, HAC covariance, number of breaks by BIC",
        ),
        (lambda: replace(network(), method="pairs"), "pairs; 2 lags"),
        (lambda: replace(moving_granger(), method="windows"), "windows; 1 lag"),
        (lambda: replace(granger(), method="F test"), "F test"),
        (model, "DCC-normal"),
        (directional, ""),
    ],
)
def test_method_in_words(make, said):
    assert method_of(make()).split(", GARCH")[0] == said


def test_clocks_of_a_pair_and_by_factor():
    assert clocks_of(exceedance()) == SAME.words
    assert clocks_of(directional()) == "share of a period in common: SPX 97 %, GOLD 97 %"
    assert clocks_of(replace(directional(), synchrony={})) == ""
    assert clocks_of(spillovers()) == ""


# The sentence.


def test_caption_says_simulation_method_window_rows_vintage_and_data_in_this_order():
    made = replace(hedge(), provenance=Provenance((source_of("BTC", simulated=True),)))

    said = correlation_caption(made, clock="24:00 UTC", vintage="first releases")

    parts = said.rstrip(".").split("; ")
    assert parts[:6] == [
        "SIMULATED data",
        "OLS",
        "window 120 rows",
        "n = 600, to 2022-08-23",
        "clock: 24:00 UTC",
        "vintage: first releases",
    ]
    assert parts[6] == f"data {made.provenance.sha256[:8]}"
    assert said.endswith(".")


def test_caption_of_real_data_says_nothing_of_simulation_or_of_what_is_not_known():
    made = replace(hedge(), provenance=Provenance((source_of("BTC"),)))

    said = correlation_caption(made)

    assert said.startswith("OLS; window 120 rows; n = 600")
    assert "SIMULATED" not in said
    assert "vintage" not in said
    assert "clock" not in said
    assert "data " not in correlation_caption(hedge())


def test_stated_clocks_come_before_the_callers_and_p_stands_in_the_sentence():
    said = correlation_caption(replace(directional(), joint_p_value=0.0312), clock="24:00 UTC")

    assert said == (
        "n = 600, to 2022-08-23; share of a period in common: SPX 97 %, GOLD 97 %; "
        "equal betas up and down, all factors: p = 0.031."
    )


def test_caption_of_spillovers_through_time_has_lags_and_horizon():
    said = correlation_caption(spillover_path())

    assert said == "Generalised, 100 periods (99 usable); VAR with 1 lag, 5 periods ahead; n = 600, to 2022-08-23."
    assert "VAR with 2 lags, 7 periods ahead;" in correlation_caption(replace(spillover_path(), lags=2, horizon=7))


def test_windows_without_an_adjusted_index_are_counted_when_noise_is_the_cause():
    total = spillover_path().total.copy()
    total["adjusted"] = 20.0
    blank = total.index[:99].append(total.index[[150, 200, 300]])
    total.loc[blank, "adjusted"] = np.nan
    total.loc[total.index[[150, 200]], "status"] = "noisy"
    total.loc[total.index[300], "status"] = "explosive"

    noisy = replace(spillover_path(), total=total)

    assert "; 3 of 501 windows have no adjusted index (2 with too much noise); n = 600" in correlation_caption(noisy)
    assert "adjusted index" not in correlation_caption(spillover_path())
