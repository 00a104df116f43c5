import pandas as pd
import pytest

from volkit.errors import SourceError
from volkit.sources import load_events


def test_announcements_carry_their_new_york_instant_through_summer_and_winter():
    found = load_events().announcements

    assert found.loc["2018-12-19"].index[0] == pd.Timestamp("2018-12-19 19:00", tz="UTC")
    assert found.loc["2018-06-13"].index[0] == pd.Timestamp("2018-06-13 18:00", tz="UTC")
    assert found[found["kind"] == "cpi"].loc["2020-03-11"].index[0] == pd.Timestamp("2020-03-11 12:30", tz="UTC")


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
        "[fomc]\ndates = []\n[cpi]\ndates = []\n"
        '[[stress]]\nname = "Upside down"\nwindow = ["2020-03-20", "2020-03-09"]\n'
    )

    with pytest.raises(SourceError, match="'Upside down' must be a first and a last day"):
        load_events(path)


def test_missing_part_is_named(tmp_path):
    path = tmp_path / "events.toml"
    path.write_text("[fomc]\ndates = []\n")

    with pytest.raises(SourceError, match=r"events\.toml cannot be read: KeyError: 'stress'"):
        load_events(path)
