"""Macro values as they were known: joined on the release instant, first or latest vintage, never later ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.prices import check_point_in_time, first_and_latest, last_known, vintage_table
from volkit.sources import load_catalogue, make_bars
from volkit.sources.catalogue import ReleaseRule

JANUARY, FEBRUARY = "2024-01-01", "2024-02-01"
# Reference, release, value: January is revised when February comes out, and once more alone.
CPI = [
    (JANUARY, "2024-02-13 13:30", 3.1),
    (FEBRUARY, "2024-03-12 12:30", 3.2),
    (JANUARY, "2024-03-12 12:30", 3.0),
    (JANUARY, "2024-03-20 12:30", 2.9),
    (FEBRUARY, "2024-04-10 12:30", 3.4),
]


def frame_of(rows):
    reference, released, value = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "reference": pd.to_datetime(list(reference), utc=True),
            "released": pd.to_datetime(list(released), utc=True),
            "value": value,
        }
    )


def table_of(rows=CPI):
    return vintage_table(frame_of(rows), name="CPI", unit="percent")


def instants(*texts):
    return pd.DatetimeIndex(texts, tz="UTC")


def slow_known(rows, at, vintage):
    """Plain twin of the join: look at every release that came by then."""
    come = [
        (pd.Timestamp(r, tz="UTC"), pd.Timestamp(t, tz="UTC"), v) for r, t, v in rows if pd.Timestamp(t, tz="UTC") <= at
    ]
    if not come:
        return np.nan
    newest = max(r for r, _, _ in come)
    own = sorted((t, v) for r, t, v in come if r == newest)
    return own[0][1] if vintage == "first_release" else own[-1][1]


def test_value_is_known_from_its_release_and_not_a_microsecond_before():
    release = pd.Timestamp("2024-02-13 13:30", tz="UTC")

    known = table_of().as_known(pd.DatetimeIndex([release - pd.Timedelta(microseconds=1), release]))

    assert known["value"].tolist()[1] == 3.1 and np.isnan(known["value"].iloc[0])
    assert known["age_days"].iloc[1] == 0.0 and known["label"].iloc[1] == pd.Timestamp(JANUARY, tz="UTC")


def test_first_release_stays_and_latest_known_follows_the_revision():
    at = instants("2024-03-13", "2024-03-21", "2024-04-11")

    first = table_of().as_known(at)["value"].tolist()
    latest = table_of().as_known(at, vintage="latest_known")["value"].tolist()

    # The revision of January on 20 March is no news of February.
    assert (first, latest) == ([3.2, 3.2, 3.2], [3.2, 3.2, 3.4])


def test_history_is_the_vintage_of_its_day():
    history = table_of().history_at(pd.Timestamp("2024-03-15", tz="UTC"))

    assert history.to_dict() == {pd.Timestamp(JANUARY, tz="UTC"): 3.0, pd.Timestamp(FEBRUARY, tz="UTC"): 3.2}
    assert table_of().history_at(pd.Timestamp("2024-01-15", tz="UTC")).empty


RELEASES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 60), st.floats(-9, 9)),
    min_size=1,
    max_size=25,
    unique_by=lambda r: r[:2],
)


def rows_of(drawn):
    start = pd.Timestamp("2024-01-01")
    return [(str(start + pd.Timedelta(days=7 * p)), str(start + pd.Timedelta(days=7 * p + d)), v) for p, d, v in drawn]


@given(drawn=RELEASES, day=st.integers(0, 130), vintage=st.sampled_from(["first_release", "latest_known"]))
def test_join_matches_a_search_through_all_releases(drawn, day, vintage):
    at = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=day)

    found = table_of(rows_of(drawn)).as_known(pd.DatetimeIndex([at]), vintage=vintage)["value"].iloc[0]

    np.testing.assert_equal(found, slow_known(rows_of(drawn), at, vintage))


@given(drawn=RELEASES, cut=st.integers(1, 120), vintage=st.sampled_from(["first_release", "latest_known"]))
def test_later_releases_never_change_what_was_known(drawn, cut, vintage):
    rows = rows_of(drawn)
    limit = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=cut)
    early = [row for row in rows if pd.Timestamp(row[1], tz="UTC") <= limit]
    at = pd.date_range(pd.Timestamp("2024-01-01", tz="UTC"), limit, freq="3D")
    if not early:
        assert table_of(rows).as_known(at, vintage=vintage)["value"].isna().all()
        return

    whole, prefix = (table_of(r).as_known(at, vintage=vintage) for r in (rows, early))

    pd.testing.assert_frame_equal(whole, prefix)


def test_bars_and_table_answer_alike():
    labels = pd.date_range("2023-01-01", periods=12, freq="MS", tz="UTC")
    money = make_bars(
        pd.DataFrame({"close": np.arange(12.0) + 1}, index=labels),
        load_catalogue()["M2"],
        interval="1d",
        source="typed",
    )
    rows = pd.DataFrame(
        {"reference": labels, "released": money.frame["release_time"].to_numpy(), "value": np.arange(12.0) + 1}
    )
    table = vintage_table(rows.assign(released=money.frame["release_time"].array), name="M2", unit="USD")
    at = pd.date_range("2023-01-10", periods=60, freq="5D", tz="UTC")

    pd.testing.assert_frame_equal(last_known(money, at), table.as_known(at).drop(columns="released"))


def test_fred_dates_become_instants_of_the_local_release_time():
    index = pd.to_datetime([JANUARY, FEBRUARY], utc=True)
    pulled = pd.DataFrame(
        {
            "close": [3.1, 3.2],
            "vintage_start": [20240213.0, 20240312.0],
            "latest": [3.0, 3.2],
            "latest_start": [20240312.0, 20240312.0],
        },
        index=index,
    )

    table = first_and_latest(pulled, ReleaseRule(time="08:30", zone="America/New_York"), name="CPI", unit="percent")

    # Half past eight is 13:30 UTC in February and 12:30 after 10 March; February was never revised.
    assert table.releases["released"].dt.strftime("%m-%d %H:%M").tolist() == [
        "02-13 13:30",
        "03-12 12:30",
        "03-12 12:30",
    ]
    assert table.n_revisions == 1


def test_surprise_is_the_first_release_less_what_was_expected():
    expected = pd.Series([2.9], index=pd.to_datetime([JANUARY], utc=True))

    found = table_of().surprises(expected)

    assert found["surprise"].tolist()[0] == pytest.approx(0.2) and np.isnan(found["surprise"].iloc[1])
    assert found.index[0] == pd.Timestamp("2024-02-13 13:30", tz="UTC")


def test_join_on_the_reference_period_is_refused():
    joined = pd.Series([3.1, 3.2], index=pd.to_datetime([JANUARY, FEBRUARY], utc=True))

    with pytest.raises(
        DataError, match=r"2 of 2 rows too early, first 3.1 at 2024-01-01.*released 2024-02-13.*as_known"
    ):
        check_point_in_time(joined, table_of())


def test_join_on_the_newest_vintage_is_refused():
    revised_too_early = pd.Series([3.4], index=instants("2024-03-13"))

    with pytest.raises(DataError, match=r"1 of 1 rows too early, first 3\.4"):
        check_point_in_time(revised_too_early, table_of())


def test_what_as_known_gives_passes():
    at = pd.date_range("2024-02-01", periods=90, tz="UTC")

    for vintage in ("first_release", "latest_known"):
        values = table_of().as_known(at, vintage=vintage)["value"]
        assert check_point_in_time(values, table_of()) is values


def test_result_shows_itself():
    table = table_of()

    assert repr(table) == "<VintageTable: CPI, 2 periods, 5 releases 2024-02-13..2024-04-10, 3 of them a revision>"
    assert "median delay" in table._repr_html_() and table.as_of == pd.Timestamp("2024-04-10 12:30", tz="UTC")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: table_of([*CPI, (JANUARY, "2024-03-20 12:30", 5.0)]),
            DataError,
            "one value for a period.*two for 2024-01-01",
        ),
        (
            lambda: table_of([(FEBRUARY, "2024-01-13", 1.0)]),
            DataError,
            "after the start of their period; got 2024-01-13",
        ),
        (lambda: table_of([(JANUARY, "2024-02-13", np.nan)]), DataError, "hold a value; got 1 rows without one"),
        (
            lambda: vintage_table(frame_of(CPI).assign(released="2024-02-13"), name="CPI", unit="percent"),
            DataError,
            "released of CPI must be times with a zone.*utc=True",
        ),
        (lambda: table_of().as_known(pd.DatetimeIndex(["2024-03-01"])), DataError, "at must have times in UTC"),
        (
            lambda: table_of().as_known(instants("2024-03-01"), vintage="final"),
            ArgumentError,
            "first_release, latest_known",
        ),
        (lambda: table_of().history_at(pd.Timestamp("2024-03-01")), ArgumentError, "the naive 2024-03-01"),
        (
            lambda: table_of().surprises(pd.Series([1.0], index=instants("2024-02-13"))),
            DataError,
            "1 other periods, first 2024-02-13.*reference period",
        ),
        (
            lambda: check_point_in_time(pd.Series([0.031], index=instants("2024-03-01")), table_of()),
            DataError,
            "1 of 1 rows with other values, first 0.031",
        ),
    ],
)
def test_refusal_names_argument_value_and_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()
