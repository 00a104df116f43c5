"""Event studies: placing by the instant, matching, exclusions by name, plain twins, size and power, refusals."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.macro import event_study, variance_event_study
from volkit.correlation.macro.event_tests import bootstrap_errors, error_freedom, permutation_p_values
from volkit.correlation.macro.matching import Matched
from volkit.correlation.macro.placing import bar_closes, check_events, place_events
from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.sources import load_events

DAY = pd.Timedelta("1D")


def days(n=1000, *, start="2018-01-01"):
    return pd.date_range(start, periods=n, tz="UTC", name="time", unit="us")


def series(index, *, seed=3, scale=0.02, name="BTC"):
    values = scale * np.random.default_rng(seed).standard_normal(len(index))
    return pd.Series(values, index=index, name=name)


def dated(instants, kind="cpi"):
    return pd.DataFrame({"kind": kind}, index=pd.DatetimeIndex(instants))


def studied(changes, events, **options):
    return event_study(changes, events, rng=np.random.default_rng(1), n_boot=199, **options)


def monthly(index, *, every=29, hours=13):
    return index[40:-5:every] + pd.Timedelta(hours=hours)


@pytest.mark.parametrize(
    ("instant", "row"),
    [
        ("2023-01-12 13:30", "2023-01-12"),
        ("2023-01-12 00:00", "2023-01-12"),
        ("2023-01-11 23:59", "2023-01-11"),
        ("2023-01-10 00:00", "2023-01-10"),
    ],
)
def test_event_belongs_to_the_utc_day_that_spans_it(instant, row):
    index = days(5, start="2023-01-10")

    placed = place_events(dated(pd.to_datetime([instant], utc=True)), index, bar_closes(index, None), window=(0, 0))

    assert index[placed.rows[0]] == pd.Timestamp(row, tz="UTC")


def test_event_after_the_close_moves_the_next_session():
    sessions = pd.DatetimeIndex(["2020-03-12", "2020-03-13", "2020-03-16"], tz="UTC")
    closes = pd.Series(sessions + pd.Timedelta(hours=20), index=sessions)
    instants = pd.to_datetime(["2020-03-13 18:00", "2020-03-13 20:00", "2020-03-15 21:00"], utc=True)

    placed = place_events(dated(instants), sessions, bar_closes(sessions, closes), window=(0, 0))

    assert placed.rows.tolist() == [1, 2, 2]


def test_hourly_bar_of_the_release_follows_daylight_saving():
    hours = pd.date_range("2023-03-01", periods=24 * 60, freq="h", tz="UTC")
    cpi = load_events().select("cpi", start=hours[0], end=hours[-1])

    placed = place_events(check_events(cpi), hours, bar_closes(hours, None), window=(-1, 1))

    assert hours[placed.rows].strftime("%m-%d %H").tolist() == ["03-14 12", "04-12 12"]


def test_outside_and_overlapping_events_are_named_and_counted():
    index = days(800)
    usual = monthly(index)
    late = pd.DatetimeIndex([usual[3] + DAY, index[-1] + 9 * DAY])

    found = studied(series(index), pd.concat([dated(usual), dated(late, "fomc")]), kinds=["cpi"])
    reasons = found.excluded.set_index("time")["reason"]

    assert reasons.to_dict() == {usual[3]: f"overlaps fomc {late[0]:%Y-%m-%d %H:%M}"}
    assert found.counts.loc["cpi", ["given", "used", "overlapping", "left_out"]].tolist() == [27, 26, 1, 1]
    with pytest.raises(DataError, match=r"8 of each kind; got 0 of 2 fomc \(1 overlapping another, 1 outside the samp"):
        studied(series(index), pd.concat([dated(usual), dated(late, "fomc")]))


def test_missing_value_near_an_event_leaves_it_out():
    index = days(1000)
    usual = monthly(index)
    changes = series(index)
    changes[usual[2].normalize() + DAY] = np.nan

    found = studied(changes, dated(usual))

    assert found.excluded["reason"].tolist() == ["a value is missing in its window"]
    assert found.n_missing == 1


def twin(changes, rows, *, controls):
    """Return mean moves, volatility and correlation of events and of the weighted matched rows, slowly."""
    weekday = changes.index.day_of_week
    weights = pd.Series(0.0, index=range(len(changes)))
    for row in rows:
        same = [c for c in controls if weekday[c] == weekday[row]]
        weights[same] += 1.0 / len(same) / len(rows)
    return weights.to_numpy()


def test_measures_equal_a_plain_count():
    index = days(600)
    changes, other = series(index), series(index, seed=4, name="SPX")
    usual = monthly(index)

    found = studied(changes, dated(usual), other=other, n_states=1)

    rows = index.get_indexer(usual.normalize())
    quiet = [i for i in range(11, 599) if np.abs(rows - i).min() > 1]
    weights = twin(changes, rows, controls=quiet)
    x, y = changes.to_numpy(), other.to_numpy()
    mx, my = weights @ x, weights @ y
    rho = (weights @ (x * y) - mx * my) / np.sqrt((weights @ x**2 - mx**2) * (weights @ y**2 - my**2))
    table = found.table.loc["cpi"]
    assert table["event"].tolist() == pytest.approx(
        [
            np.abs(x[rows]).mean(),
            np.sqrt((x[rows] ** 2).mean()),
            x[rows].mean(),
            np.corrcoef(x[rows], y[rows])[0, 1],
        ],
        rel=1e-10,
    )
    assert table["baseline"].tolist() == pytest.approx(
        [weights @ np.abs(x), np.sqrt(weights @ x**2), mx, rho], rel=1e-10
    )
    difference = table["event"] - table["baseline"]
    ratio = table.at["volatility", "event"] / table.at["volatility", "baseline"]
    expected = difference.where(difference.index != "volatility", ratio)
    np.testing.assert_allclose(table["effect"], expected, rtol=1e-9)
    z = np.arctanh(table.at["correlation", "event"]) - np.arctanh(rho)
    contrast = [difference["absolute move"], np.log(ratio), difference["mean move"], z]
    np.testing.assert_allclose(table["t"], contrast / table["standard_error"], rtol=1e-9)
    assert found.counts.at["cpi", "controls"] == (weights > 0).sum()


def test_profile_is_the_study_of_the_shifted_rows():
    index = days(600)
    changes = series(index)

    found = studied(changes, dated(monthly(index)), window=(-2, 2), n_states=1)

    row = found.profile.loc[("cpi", 0)]
    assert row["ratio"] == pytest.approx(found.table.loc[("cpi", "volatility"), "effect"], rel=1e-12)
    assert found.profile.loc["cpi"].index.tolist() == [-2, -1, 0, 1, 2]
    moved = changes.copy()
    moved[monthly(index).normalize() + 2 * DAY] *= 5.0
    again = studied(moved, dated(monthly(index)), window=(-2, 2), n_states=1).profile.loc["cpi", "ratio"]
    assert again[2] == pytest.approx(5.0 * found.profile.loc[("cpi", 2), "ratio"], rel=1e-12)
    assert again[0] == pytest.approx(row["ratio"], rel=1e-12)


def test_stronger_event_days_are_found_and_quiet_kind_is_not():
    index = days(1500)
    strong, quiet = index[40:-5:29] + pd.Timedelta(hours=13), index[50:-5:29] + pd.Timedelta(hours=13)
    changes = series(index)
    changes[strong.normalize()] *= 2.0

    found = studied(changes, pd.concat([dated(strong), dated(quiet, "fomc")])).table["adjusted_p_value"]

    assert found[("cpi", "volatility")] < 0.05 < found[("fomc", "volatility")]


def test_unit_of_the_changes_does_not_matter():
    index = days(600)
    changes = series(index)

    one, other = (studied(changes * scale, dated(monthly(index))).table.loc["cpi"] for scale in (1.0, 1e4))

    assert other.loc["absolute move", "effect"] == pytest.approx(1e4 * one.loc["absolute move", "effect"], rel=1e-9)
    np.testing.assert_allclose(other.loc["volatility", "effect":], one.loc["volatility", "effect":], rtol=1e-9)


def test_variance_study_has_the_roots_of_the_mean_variances():
    index = days(600)
    variance = series(index) ** 2

    by_variance = variance_event_study(variance, dated(monthly(index)), rng=np.random.default_rng(1), n_boot=199)

    by_change = studied(series(index), dated(monthly(index)))
    by_change = by_change.table.drop("mean move", level="measure")
    pd.testing.assert_frame_equal(by_variance.table, by_change)
    assert "abnormal" not in by_variance.profile
    with pytest.raises(DataError, match="realized_variance"):
        variance_event_study(-variance, dated(monthly(index)), rng=np.random.default_rng(1))


def test_hourly_rows_are_matched_on_the_new_york_hour():
    hours = pd.date_range("2023-01-02", periods=24 * 400, freq="h", tz="UTC")
    local = hours.tz_convert("America/New_York")
    changes = series(hours) * np.where(local.hour == 8, 3.0, 1.0)
    releases = hours[(local.hour == 8) & (local.day_of_week == 2)][4::2] + pd.Timedelta(minutes=30)

    found = studied(changes.rename("BTC"), dated(releases), half_life=120.0)

    row = found.table.loc[("cpi", "volatility")]
    assert row["baseline"] == pytest.approx(0.06, rel=0.2)
    assert row["lower"] < 1.0 < row["upper"]
    assert found.used["row"].dt.tz_convert("America/New_York").dt.hour.unique().tolist() == [8]


def test_results_read_as_one_line():
    index = days(1000)
    found = studied(series(index), dated(monthly(index)), other=series(index, seed=5, name="SPX"))

    assert repr(found).startswith("<EventStudy: BTC on event rows: cpi volatility x")
    assert "clocks not stated" in found.summary().columns.name
    assert found.as_of == index[-1]
    assert found.to_frame()["measure"].tolist() == ["absolute move", "volatility", "mean move", "correlation"]


def test_few_events_warn_and_fewer_are_refused():
    index = days(600)
    usual = monthly(index)

    with pytest.warns(SmallSampleWarning, match="study of cpi rests on 12 events, fewer than 20"):
        studied(series(index), dated(usual[:12]))
    with pytest.raises(DataError, match="at least 8 of each kind; got 7 of 7 cpi; pass a longer history"):
        studied(series(index), dated(usual[:7]))


def refusals():
    index = days(600)
    changes, usual = series(index), monthly(index)
    gaps = changes[index.day_of_week < 5]
    return {
        "naive": (changes, dated(usual.tz_localize(None)), {}, DataError, "events of kind cpi must have times in UTC"),
        "twice": (changes, dated(usual.append(usual[:1])), {}, DataError, "events of kind cpi must have unique times"),
        "no kind": (changes, pd.DataFrame({"what": 1}, index=usual), {}, DataError, "column kind; got columns what"),
        "empty": (changes, dated(usual[:0]), {}, DataError, "got an empty frame"),
        "unknown kind": (changes, dated(usual), {"kinds": ["nfp"]}, ArgumentError, "kinds must be among cpi; got nfp"),
        "text window": (changes, dated(usual), {"window": "1"}, ArgumentError, "window must be two whole numbers"),
        "half rows": (changes, dated(usual), {"window": (-0.5, 1)}, ArgumentError, "window must be two whole numbers"),
        "long window": (changes, dated(usual), {"window": (-400, 400)}, ArgumentError, "must fit into the 600 rows"),
        "closes": (
            changes,
            dated(usual),
            {"close_times": index},
            DataError,
            "close_times must be a Series by label; got DatetimeIndex",
        ),
        "naive series": (changes.tz_localize(None), dated(usual), {}, DataError, "changes.*naive times.*tz_localize"),
        "frame": (changes.to_frame(), dated(usual), {}, DataError, "changes must be a Series of one asset"),
        "constant": (changes * 0.0, dated(usual), {}, DataError, "got 0 of 20 cpi .20 without a volatility state"),
        "all missing": (changes * np.nan, dated(usual), {}, DataError, "got 0 of 20 cpi .20 with a value missing"),
        "later": (changes, dated(usual + 900 * DAY), {}, DataError, "got 0 of 20 cpi .20 outside the sample"),
        "other clock": (changes, dated(usual), {"other": changes.iloc[1:]}, DataError, "changes and other must share"),
        "one half-life": (changes, dated(usual), {"half_life": 0.0}, ArgumentError, "half_life"),
        "window": (changes, dated(usual), {"window": (1, 2)}, ArgumentError, "must hold row 0.*pass for example"),
        "gaps": (gaps, dated(usual), {}, DataError, "close_times must be given on a clock with gaps.*close_time"),
        "other rows": (
            changes,
            dated(usual),
            {"close_times": pd.Series(index[1:], index=index[:-1])},
            DataError,
            "close_times must have the rows of the changes; got 599 and 600 rows",
        ),
        "levels": (changes.abs() + 1, dated(usual), {}, DataError, "changes.*look like levels"),
        "draws": (changes, dated(usual), {"n_boot": 10}, ArgumentError, "n_boot must be a whole number of at least 99"),
    }


@pytest.mark.parametrize("case", refusals())
def test_refusal_names_argument_value_and_remedy(case):
    changes, events, options, error, message = refusals()[case]

    with pytest.raises(error, match=message):
        event_study(changes, events, rng=np.random.default_rng(1), **options)


def test_several_kinds_at_once_are_told_apart():
    index = days(800)
    usual = monthly(index)
    both = pd.concat([dated(usual), dated(usual[4:6], "fomc")])

    found = studied(series(index), both, kinds="cpi")

    assert found.excluded["reason"].str.startswith("overlaps fomc").sum() == 2
    assert found.counts.index.tolist() == ["cpi"]


def test_moves_beside_events_are_no_part_of_the_baseline():
    index = days(600)
    usual, other = monthly(index), dated(monthly(index)[:-1] + 9 * DAY, "fomc")
    changes = series(index)
    near = index.get_indexer(usual.append(pd.DatetimeIndex(other.index)).normalize())
    reach = np.unique((near[:, None] + np.arange(-2, 3)).ravel())
    wild = changes.copy()
    wild.iloc[reach] *= 1.0 + 1e-9  # the states stay as they are, the sums would not

    plain, moved = (studied(c, pd.concat([dated(usual), other]), kinds=["cpi"], window=(-2, 2), n_states=1)
                    for c in (changes, wild))  # fmt: skip

    assert (plain.table["baseline"] == moved.table["baseline"]).all()
    assert (plain.table["event"] != moved.table["event"]).all()


def test_baseline_shares_the_volatility_state_of_each_event():
    index = days(900)
    changes = series(index) * np.where(np.arange(900) // 100 % 2, 3.0, 1.0)
    usual = monthly(index)

    found = studied(changes, dated(usual), n_states=3, half_life=5.0)

    # A slow twin: volatility of the rows before the window, thirds of the usable rows, same weekday and third.
    x, n = changes.to_numpy(), 900
    past = np.full(n, np.nan)
    for t in range(11, n):
        weights = 0.5 ** (np.arange(t - 2, -1, -1) / 5.0)
        past[t] = np.sqrt((weights * x[: t - 1] ** 2).sum() / weights.sum())
    usable = [t for t in range(1, n - 1) if np.isfinite(past[t])]
    thirds = np.digitize(past, np.quantile(past[usable], [1 / 3, 2 / 3]), right=True)
    rows = index.get_indexer(usual.normalize())
    quiet = [t for t in usable if np.abs(rows - t).min() > 1]
    squares = []
    for row in rows:
        same = [t for t in quiet if index[t].day_of_week == index[row].day_of_week and thirds[t] == thirds[row]]
        squares.append(np.mean(x[same] ** 2))
    assert found.table.at[("cpi", "volatility"), "baseline"] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-10)


def test_profile_gives_abnormal_and_cumulative_moves():
    index = days(600)
    changes, usual = series(index), monthly(index)
    changes[usual.normalize()] += 0.03
    changes[usual.normalize() + DAY] -= 0.01

    found = studied(changes, dated(usual), window=(-1, 1), n_states=1)

    rows, x = index.get_indexer(usual.normalize()), changes.to_numpy()
    weights = twin(changes, rows, controls=[i for i in range(11, 599) if np.abs(rows - i).min() > 1])
    abnormal = [x[rows + k].mean() - weights[1:-1] @ x[1 + k : 599 + k] for k in (-1, 0, 1)]
    profile = found.profile.loc["cpi"]
    np.testing.assert_allclose(profile["abnormal"], abnormal, rtol=1e-9)
    np.testing.assert_allclose(profile["cumulative"], np.cumsum(abnormal), rtol=1e-9)
    assert (profile["abnormal_lower"] < profile["abnormal"]).all() and profile.loc[0, "abnormal_lower"] > 0.0
    assert (profile["cumulative_upper"] > profile["cumulative"]).all()
    move = found.table.loc[("cpi", "mean move")]
    assert move["effect"] == pytest.approx(abnormal[1], rel=1e-9) and move["p_value"] == 0.01
    assert move["lower"] == pytest.approx(profile.loc[0, "abnormal_lower"], rel=0.15)


def test_bootstrap_error_of_a_mean_equals_the_closed_form():
    # One event and one baseline row a block: the difference of means has the error of a mean of 12 differences.
    x = np.random.default_rng(1).standard_normal((12, 2, 3)) ** 2
    nought = np.zeros(12, dtype=int)
    matched = Matched(np.arange(12), np.arange(12), nought, nought)

    errors = bootstrap_errors(
        x[:, 0], x[:, 1], matched, (np.arange(12), np.arange(12)), n_boot=40_000, rng=np.random.default_rng(2)
    )

    exact = (x[:, 0] - x[:, 1]).std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_allclose(errors[[0, 2]], exact[[0, 2]], rtol=0.02)


def test_few_stretches_of_time_leave_few_degrees_of_freedom():
    events = np.random.default_rng(1).standard_normal((60, 3)) ** 2

    assert (error_freedom(events, 5) == 4.0).all()
    assert (error_freedom(events, 60) < 59.0).all()


def test_events_crowded_into_a_few_weeks_are_refused():
    hours = pd.date_range("2023-01-02", periods=24 * 90, freq="h", tz="UTC")
    local = hours.tz_convert("America/New_York")
    releases = hours[(local.hour == 8) & (local.day_of_week < 5)][2::2] + pd.Timedelta(minutes=30)

    with pytest.raises(
        DataError, match=r"events must lie in at least 4 stretches of 30 days; got \d+ cpi in 3; pass a"
    ):
        studied(series(hours).rename("BTC"), dated(releases), half_life=120.0, n_states=1)


def test_wilder_event_rows_are_no_move():
    # 10 wild events beside 200 calm rows: shuffled means without their own errors would call a quarter significant.
    rng, rejected = np.random.default_rng(1), 0
    nought = (np.zeros(10, dtype=int), np.zeros(200, dtype=int))
    matched = Matched(np.arange(10), np.arange(200), *nought)
    for _ in range(300):
        x = rng.standard_normal(210) * np.repeat([3.0, 1.0], [10, 200])
        columns = np.column_stack([np.abs(x), x**2, x])
        p = permutation_p_values(columns[:10], columns[10:], matched, n_permutations=199, rng=rng)
        rejected += p[2] < 0.05

    assert rejected / 300 < 0.10


def clustered(n, rng):
    """Return two GARCH(0.10, 0.87) series with t5 shocks correlated by 0.4, shape (n, 2)."""
    z = rng.standard_t(5, (n + 200, 2)) * np.sqrt(0.6)
    z[:, 1] = 0.4 * z[:, 0] + np.sqrt(0.84) * z[:, 1]
    h, moves = np.ones(2), np.empty((n + 200, 2))
    for t in range(n + 200):
        moves[t] = np.sqrt(h) * z[t]
        h = 0.03 + 0.10 * moves[t] ** 2 + 0.87 * h
    return 0.01 * moves[200:]


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "n_samples"), [(1.0, 1000), (1.5, 200)])
def test_size_and_power_with_volatility_clusters(effect, n_samples, capsys):
    rng, sessions = np.random.default_rng(5), pd.bdate_range("2015-01-01", periods=1050, tz="UTC")
    closes = pd.Series(sessions + pd.Timedelta(hours=21), index=sessions)
    p_values, inside = [], []
    for _ in range(n_samples):
        x = clustered(1050, rng)
        rows = np.arange(30, 1045, 21)
        rows = rows + rng.integers(-5, 6, len(rows))
        x[rows] *= effect
        found = event_study(
            pd.Series(x[:, 0], index=sessions, name="BTC"),
            dated(sessions[rows] + pd.Timedelta(hours=13)),
            rng=rng,
            close_times=closes,
            other=pd.Series(x[:, 1], index=sessions, name="SPX"),
            n_boot=399,
        ).table.loc["cpi"]
        p_values.append(found["p_value"])
        row = found.loc["volatility"]
        inside.append(row["lower"] <= effect <= row["upper"])
    rejected = (pd.DataFrame(p_values) < 0.05).mean()
    with capsys.disabled():
        print(
            f"\nEvent study, {n_samples} simulated GARCH-t5 samples, 49 events, volatility x{effect}: 5 % tests reject"
        )
        print(rejected.round(3).to_string(), f"\nratio covered by 95 % intervals {np.mean(inside):.3f}")

    assert np.mean(inside) > 0.88
    if effect == 1.0:
        assert rejected.between(0.03, 0.065).all()
    else:
        assert rejected["absolute move"] > 0.7 and rejected["volatility"] > 0.5
        assert (rejected[["correlation", "mean move"]] < 0.10).all()


@pytest.mark.real
def test_bitcoin_moves_more_in_the_hour_of_the_statement(real_data):
    table = pd.read_csv(real_data / "hourly" / "BTC-USD_1h.csv.gz", index_col="time")
    close = table["close"].set_axis(pd.to_datetime(table.index, utc=True).as_unit("us"))
    scheduled = load_events().select("fomc", is_scheduled=True, start=close.index[0], end=close.index[-1])

    found = event_study(
        np.log(close).diff().iloc[1:].rename("BTC"),
        scheduled,
        rng=np.random.default_rng(1),
        window=(-3, 3),
        half_life=168.0,
    )

    # No more is claimed: with 30 statements the p-value is near 0.05, on either side of it with the window.
    move = found.table.loc[("fomc", "absolute move")]
    assert move["event"] > 1.5 * move["baseline"]
    assert found.used["row"].dt.tz_convert("America/New_York").dt.hour.unique().tolist() == [14]


@pytest.mark.real
def test_bitcoin_moves_with_equities_when_the_federal_reserve_speaks(real_data):
    def closes(file):
        table = pd.read_csv(real_data / "daily" / file, index_col="time")
        return table["close"].set_axis(pd.to_datetime(table.index, utc=True).as_unit("us"))

    spx = closes("SPX_1d.csv.gz").loc["2019-12-31":"2023-12-31"]
    btc = closes("BTC-USDT_binance_1d.csv.gz").reindex(spx.index)
    moves = np.log(pd.DataFrame({"BTC": btc, "SPX": spx})).diff().iloc[1:]
    at_close = pd.Series(
        (moves.index.tz_localize(None) + pd.Timedelta(hours=16)).tz_localize("America/New_York").tz_convert("UTC"),
        index=moves.index,
    )

    found = event_study(
        moves["BTC"],
        load_events().select(start=moves.index[0], end=moves.index[-1]),
        rng=np.random.default_rng(1),
        close_times=at_close,
        other=moves["SPX"],
    )

    row = found.table.loc[("fomc", "correlation")]
    assert row["event"] > 0.6 and row["baseline"] < 0.45 and row["adjusted_p_value"] < 0.05
    assert found.counts.loc["fomc", "overlapping"] == 4
