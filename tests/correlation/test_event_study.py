"""Event studies: placing by the instant, matching, exclusions by name, plain twins, size and power, refusals."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.macro import event_study, variance_event_study
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
        [np.abs(x[rows]).mean(), np.sqrt((x[rows] ** 2).mean()), np.corrcoef(x[rows], y[rows])[0, 1]], rel=1e-10
    )
    assert table["baseline"].tolist() == pytest.approx([weights @ np.abs(x), np.sqrt(weights @ x**2), rho], rel=1e-10)
    difference = table["event"] - table["baseline"]
    assert table["effect"].tolist() == pytest.approx(
        [difference.iloc[0], table["event"].iloc[1] / table["baseline"].iloc[1], difference.iloc[2]], rel=1e-10
    )
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
    pd.testing.assert_frame_equal(by_variance.table, by_change.table.drop("correlation", level=1, errors="ignore"))
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
    assert found.to_frame()["measure"].tolist() == ["absolute move", "volatility", "correlation"]


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
        assert rejected["absolute move"] > 0.7 and rejected["volatility"] > 0.5 and rejected["correlation"] < 0.10


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
