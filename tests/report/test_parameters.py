import dataclasses
import tomllib
import warnings

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, DataQualityWarning
from volkit.report import load_parameters, write_parameters

HASHES = {"data_sha256": "a" * 64, "config_sha256": "b" * 64}


@pytest.fixture
def written(calibrated, tmp_path):
    return write_parameters(calibrated, tmp_path, study="test", **HASHES)


def test_round_trip_gives_equal_numbers(calibrated, written):
    loaded = load_parameters(written[0])

    expected = pd.concat([one.to_frame() for one in calibrated])
    pd.testing.assert_frame_equal(loaded.table[expected.columns], expected, check_exact=True)
    # Without levels and overrides the recommended number is in force.
    assert loaded.table[["low_risk", "mid_risk", "high_risk"]].isna().all(axis=None)
    assert (loaded.table["in_force"] == expected["recommended"]).all()
    assert loaded.overrides.empty


def test_header_says_study_hashes_and_validity(calibrated, written):
    loaded = load_parameters(written[0])

    assert (loaded.study, loaded.data_sha256, loaded.config_sha256) == ("test", "a" * 64, "b" * 64)
    assert loaded.simulated is False
    assert loaded.as_of == calibrated[0].as_of
    assert loaded.valid_from == calibrated[0].as_of + pd.Timedelta(days=1)
    assert loaded.valid_until == calibrated[0].valid_until
    assert loaded.policies.loc["BTC", "confidence"] == 0.95


def test_file_is_as_fresh_as_its_oldest_asset(calibrated, tmp_path):
    older = dataclasses.replace(
        calibrated[1], as_of=pd.Timestamp("2020-01-01", tz="UTC"), valid_until=pd.Timestamp("2020-02-01", tz="UTC")
    )

    loaded = load_parameters(write_parameters([calibrated[0], older], tmp_path, study="test", **HASHES)[0])

    assert (loaded.as_of, loaded.valid_until) == (older.as_of, older.valid_until)
    assert loaded.policies.loc["BTC", "valid_until"] == calibrated[0].valid_until


def test_simulated_prices_are_said_in_the_header(simulated_calibration, tmp_path):
    path, _ = write_parameters([simulated_calibration], tmp_path, study="test", **HASHES)

    assert load_parameters(path).simulated is True
    assert repr(load_parameters(path)).startswith("<ParameterFile: SIMULATED test, BTC")


def test_a_value_that_is_not_given_is_left_out(written):
    content = tomllib.loads(written[0].read_text())

    assert "current" not in content["assets"]["ETH"]["parameters"]["initial_margin_long"]
    assert content["assets"]["BTC"]["parameters"]["initial_margin_long"]["current"] == 0.1


def test_csv_has_the_same_numbers_one_row_a_parameter(calibrated, written):
    table = pd.read_csv(written[1])

    assert list(table.columns[:2]) == ["asset", "parameter"]
    assert table["recommended"].tolist() == pd.concat([one.table for one in calibrated])["recommended"].tolist()
    assert set(table["data_sha256"]) == {"a" * 64}
    assert "valid_until" in table


def test_two_runs_give_the_same_files(calibrated, written, tmp_path):
    again = write_parameters(calibrated, tmp_path / "again", study="test", **HASHES)

    assert [p.read_bytes() for p in written] == [p.read_bytes() for p in again]


@pytest.mark.parametrize(("column", "value"), [("recommended", np.nan), ("high", np.inf), ("current", np.inf)])
def test_an_unusable_number_is_never_written(calibrated, tmp_path, column, value):
    table = calibrated[0].table.copy()
    table.loc["initial_margin_long", column] = value

    with pytest.raises(ArgumentError, match=f"{column} of initial_margin_long of BTC must be a finite number"):
        write_parameters([dataclasses.replace(calibrated[0], table=table)], tmp_path / "new", study="test", **HASHES)

    assert not (tmp_path / "new").exists()


def test_no_asset_and_an_asset_twice_are_refused(calibrated, tmp_path):
    for parameters in ([], [calibrated[0], calibrated[0]]):
        with pytest.raises(ArgumentError, match="each asset once"):
            write_parameters(parameters, tmp_path, study="test", **HASHES)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('study = "test"\n', "", r"header\.study must be there"),
        ("confidence = 0.95", 'confidence = "high"', r"assets\.BTC\.confidence must be a number; got 'high'"),
        ("confidence = 0.95", "confidence = true", r"assets\.BTC\.confidence must be a number; got True"),
        ("floor = 0.02", "floor = nan", r"assets\.BTC\.floor must be a number"),
        ("simulated = false", "simulated = 0", r"header\.simulated must be true or false"),
        ("low = ", "low = 1e9 #", r"low must not exceed high"),
        ("mid = ", "middle = ", r"parameters\.maintenance_margin_long\.mid must be there"),
        ("current = 0.1", 'current = "0.1"', r"initial_margin_long\.current must be a number"),
        ("[header]", "[header", "must be valid TOML"),
        ("[header]", "[head]", "header must be a table"),
    ],
)
def test_a_spoilt_file_is_refused_with_the_place(written, old, new, words):
    text = written[0].read_text()
    assert old in text
    written[0].write_text(text.replace(old, new, 1))

    with pytest.raises(DataError, match=words):
        load_parameters(written[0])


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_parameters(tmp_path / "parameters.toml")


def test_use_after_the_end_of_validity_warns(calibrated, written):
    late = calibrated[0].valid_until + pd.Timedelta(seconds=1)

    with pytest.warns(DataQualityWarning, match="valid until"):
        load_parameters(written[0], as_of=late)


def test_use_within_validity_is_silent(calibrated, written):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_parameters(written[0], as_of=calibrated[0].valid_until)


def test_a_naive_time_of_use_is_refused(written):
    with pytest.raises(ArgumentError, match="must have a time zone"):
        load_parameters(written[0], as_of=pd.Timestamp("2024-01-01"))
