"""The bundled source: five real series, their clocks and their hashes."""

import re
import shutil

import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, SeriesNotFoundError, SourceError
from volkit.resources import data_folder
from volkit.sources import BundledSource, load_catalogue, make_bars

SPANS = {
    "BTC": ("2016-07-04", "2017-07-03", 365),
    "SPX": ("1999-01-04", "2018-12-31", 5031),
    "NASDAQ": ("1999-01-04", "2018-12-31", 5031),
    "VIX": ("2014-01-03", "2019-01-03", 1305),
    "WTI_SPOT": ("1986-01-02", "2019-01-03", 8611),
}


def test_holdings_are_the_five_daily_series():
    assert {(h.name, h.interval) for h in BundledSource().holdings()} == {(name, "1d") for name in SPANS}


@pytest.mark.parametrize("name", SPANS)
def test_series_cover_the_span_that_the_holdings_say(name):
    first, last, n_obs = SPANS[name]
    frame = BundledSource().load_bars(name).frame
    note = next(h.note for h in BundledSource().holdings() if h.name == name)

    assert (str(frame.index[0].date()), str(frame.index[-1].date()), len(frame)) == (first, last, n_obs)
    assert note.startswith(f"{first}..{last}")


@pytest.mark.parametrize("name", SPANS)
def test_series_are_real_and_say_their_origin(name):
    provenance = BundledSource().load_bars(name).provenance

    assert not provenance.simulated
    assert provenance.source.startswith("bundled: ") and provenance.licence and len(provenance.sha256) == 64


def test_share_index_has_known_closes():
    close = BundledSource().load_bars("SPX").frame["close"]

    assert close["2018-02-05"] / close["2018-02-02"] - 1 == pytest.approx(-0.0410, abs=5e-5)  # four decimals


def test_bitcoin_closes_at_an_estimated_seven_utc():
    bars = BundledSource().load_bars("BTC")

    assert ((bars.frame["close_time"] - bars.frame.index) == pd.Timedelta(hours=7)).all()
    assert bars.provenance.close_estimated
    assert bars.provenance.close_rule == "07:00 UTC of the labelled date"
    assert "the close time is an estimate" in bars.provenance.note


def test_other_series_have_documented_closes():
    assert not any(BundledSource().load_bars(n).provenance.close_estimated for n in SPANS if n != "BTC")


@pytest.mark.parametrize(("name", "interval", "wanted"), [("ETH", "1d", "ETH"), ("BTC", "1h", "BTC 1h")])
def test_series_that_is_not_bundled_lists_those_that_are(name, interval, wanted):
    message = f"source 'bundled' has no {wanted}; it has BTC, SPX, NASDAQ, VIX, WTI_SPOT."

    with pytest.raises(SeriesNotFoundError, match=f"^{re.escape(message)}$") as error:
        BundledSource().load_bars(name, interval=interval)

    assert error.value.missing == (wanted,)


def test_argument_is_refused():
    with pytest.raises(
        ArgumentError, match=r"^source must be 'bundled' alone; got 'bundled:7'; leave the colon out\.$"
    ):
        BundledSource("7")


def test_changed_file_is_refused(tmp_path):
    folder = shutil.copytree(data_folder(), tmp_path / "data", ignore=shutil.ignore_patterns("store", "demo"))
    path = folder / "bundled" / "btc_usd_2016_2017.csv"
    path.write_text(path.read_text().replace("2016-07-04", "2016-07-03"))
    listed = folder / "manifest.toml"
    message = f"bundled file {path} differs from {listed}; restore it or run data/bundled/rebuild.py."

    with pytest.raises(SourceError, match=f"^{re.escape(message)}$"):
        BundledSource(folder=folder).load_bars("BTC")


def test_bars_cannot_be_changed_in_place():
    frame = BundledSource().load_bars("SPX").frame

    with pytest.raises(ValueError, match="read-only"):
        frame.iloc[0, 0] = 1.0


def test_bars_of_another_zone_are_labelled_in_utc():
    new_year = pd.DatetimeIndex(["2024-01-01 19:00"], tz="America/New_York")

    bars = make_bars(pd.DataFrame({"close": [1.0]}, index=new_year), load_catalogue()["BTC"], interval="1d", source="")

    assert str(bars.frame.index[0]) == "2024-01-02 00:00:00+00:00"


@pytest.mark.parametrize("name", ["BTC", "SPX"])
def test_bars_with_naive_labels_are_refused(name):
    frame = pd.DataFrame({"close": [1.0]}, index=pd.DatetimeIndex(["2024-01-02"]))
    message = (
        f"bars of {name} must be labelled by their open instants in UTC; got an index of datetime64[us]; "
        'say what zone the times are in, e.g. frame.tz_localize("UTC").'
    )

    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        make_bars(frame, load_catalogue()[name], interval="1d", source="")


def test_bars_without_a_close_are_refused():
    frame = pd.DataFrame({"price": [1.0]}, index=pd.DatetimeIndex(["2024-01-02"], tz="UTC"))
    message = "bars of BTC must have a close; got price; rename the column of prices to close."

    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        make_bars(frame, load_catalogue()["BTC"], interval="1d", source="")
