import json
from pathlib import Path

import pandas as pd
import pytest

from volkit.errors import ArgumentError, SourceError
from volkit.sources import load_events

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "macro.json").read_text())["announcements"]
NEW_YORK = 'time = "14:00"\nzone = "America/New_York"\n'


def test_announcements_carry_their_new_york_instant_through_summer_and_winter():
    found = load_events().announcements

    assert found.loc["2018-12-19"].index[0] == pd.Timestamp("2018-12-19 19:00", tz="UTC")
    assert found.loc["2018-06-13"].index[0] == pd.Timestamp("2018-06-13 18:00", tz="UTC")
    assert found[found["kind"] == "cpi"].loc["2020-03-11"].index[0] == pd.Timestamp("2020-03-11 12:30", tz="UTC")


@pytest.mark.parametrize("kind", ["fomc", "cpi"])
def test_instants_are_those_of_the_press_releases(kind):
    found = load_events().select(kind).index

    assert set(pd.to_datetime(PUBLISHED[kind], utc=True)) <= set(found)


def test_kinds_and_spans_are_chosen():
    events = load_events()

    found = events.select("cpi", start=pd.Timestamp("2022-01-01", tz="UTC"), end=pd.Timestamp("2023-01-01", tz="UTC"))

    assert events.kinds == ("cpi", "fomc")
    assert found["kind"].unique().tolist() == ["cpi"] and len(found) == 12
    assert len(events.select(is_scheduled=True)) == len(events.announcements) - 2
    with pytest.raises(ArgumentError, match="kinds must be one of cpi, fomc; got 'ecb'"):
        events.select("ecb")
    with pytest.raises(
        ArgumentError, match=r"start must have a time zone; got 2022-01-01 00:00:00; pass start\.tz_loc"
    ):
        events.select(start=pd.Timestamp("2022-01-01"))


def test_table_of_ones_own_is_a_kind_with_its_zone(tmp_path):
    path = tmp_path / "events.toml"
    path.write_text(
        '[ecb]\ntime = "14:15"\nzone = "Europe/Berlin"\ndates = ["2023-06-15", "2023-12-14"]\n'
        '[ecb.times]\n"2023-12-14" = "13:00"\n'
        '[[stress]]\nname = "One"\nwindow = ["2020-03-09", "2020-03-20"]\n'
    )

    found = load_events(path).select("ecb")

    assert found.index.strftime("%Y-%m-%d %H:%M").tolist() == ["2023-06-15 12:15", "2023-12-14 12:00"]


def test_time_for_a_day_without_announcement_is_named(tmp_path):
    path = tmp_path / "events.toml"
    path.write_text(
        f'[fomc]\n{NEW_YORK}dates = []\n[fomc.times]\n"2020-03-03" = "10:00"\n[[stress]]\nname = "One"\n'
        'window = ["2020-03-09", "2020-03-20"]\n'
    )

    with pytest.raises(SourceError, match="fomc has a time or note for 2020-03-03, which is none of its dates"):
        load_events(path)


def test_unscheduled_statements_are_marked():
    found = load_events().announcements

    assert found.index[~found["is_scheduled"]].strftime("%Y-%m-%d").tolist() == ["2020-03-03", "2020-03-15"]


@pytest.mark.parametrize(
    ("day", "name"),
    [("2020-03-09", "Covid liquidity crisis"), ("2020-03-20", "Covid liquidity crisis"), ("2020-03-21", "")],
)
def test_both_ends_of_a_window_belong_to_it(day, name):
    assert load_events().window_of(pd.DatetimeIndex([day], tz="UTC")).tolist() == [name]


def test_window_that_ends_before_it_starts_is_named(tmp_path):
    path = tmp_path / "events.toml"
    path.write_text(
        f'[fomc]\n{NEW_YORK}dates = []\n[[stress]]\nname = "Upside down"\nwindow = ["2020-03-20", "2020-03-09"]\n'
    )

    with pytest.raises(SourceError, match="'Upside down' must be a first and a last day"):
        load_events(path)


def test_missing_part_is_named(tmp_path):
    path = tmp_path / "events.toml"
    path.write_text(f"[fomc]\n{NEW_YORK}dates = []\n")

    with pytest.raises(SourceError, match=r"events\.toml cannot be read: KeyError: 'stress'"):
        load_events(path)


def test_window_of_crypto_alone_is_told_apart_and_an_unknown_scope_is_named(tmp_path):
    events = load_events()
    path = tmp_path / "events.toml"
    path.write_text(
        f"[fomc]\n{NEW_YORK}dates = []\n"
        '[[stress]]\nname = "One"\nscope = "gold"\nwindow = ["2020-03-09", "2020-03-20"]\n'
    )

    assert {"FTX failure", "Terra/Luna collapse"} < events.crypto_only < set(events.stress.index)
    assert "Covid liquidity crisis" not in events.crypto_only
    with pytest.raises(SourceError, match="the scope of 'One' must be 'all' \\(or left out\\) or 'crypto'"):
        load_events(path)
