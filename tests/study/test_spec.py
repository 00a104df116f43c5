import json

import pytest

from volkit.errors import StudyError
from volkit.study import find_study, load_study, study_names, study_schema

MINIMAL = """
name = "mine"
title = "How much?"
[data]
required = ["SPX"]
[margin]
assets = ["SPX"]
"""


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", study_names())
def test_packaged_study_fits_the_schema(name):
    assert load_study(name).name == name


def test_minimal_study_gets_its_defaults(tmp_path):
    spec = load_study(write(tmp_path, MINIMAL))

    assert spec.data.source == "bundled"
    assert spec.margin.confidence == 0.99
    assert spec.volatility_assets == ["SPX"]


def test_unknown_key_is_named_with_its_place(tmp_path):
    path = write(tmp_path, MINIMAL + "confidense = 0.99\n")

    with pytest.raises(StudyError, match=r"margin\.confidense is not a known key \(got 0\.99\).*volkit schema"):
        load_study(path)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("confidence = 99.0\n", r"margin\.confidence: Input should be less than 1 \(got 99\.0\)"),
        ("lookback = 5\n", r"margin\.lookback: .*100 \(got 5\)"),
        ("margin_period_of_risk = 0\n", r"margin\.margin_period_of_risk: .*1 \(got 0\)"),
        ('methods = ["magic"]\n', r"margin\.methods\.0: .*historical.*\(got 'magic'\)"),
    ],
)
def test_value_out_of_range_is_answered_with_key_and_value(tmp_path, extra, message):
    with pytest.raises(StudyError, match=message):
        load_study(write(tmp_path, MINIMAL + extra))


def test_series_used_but_not_listed_is_an_error(tmp_path):
    with pytest.raises(StudyError, match=r"BTC must stand in data\.required or data\.optional"):
        load_study(write(tmp_path, MINIMAL.replace('assets = ["SPX"]', 'assets = ["SPX", "BTC"]')))


def test_span_that_ends_before_it_starts_is_an_error(tmp_path):
    text = MINIMAL.replace('required = ["SPX"]', 'required = ["SPX"]\nstart = "2018-01-01"\nend = "2017-01-01"')

    with pytest.raises(StudyError, match="start 2018-01-01 must lie before end 2017-01-01"):
        load_study(write(tmp_path, text))


def test_unknown_study_lists_the_packaged_ones():
    names = "btc-margin, demo, macro-correlation, portfolio, simulated"
    with pytest.raises(StudyError, match=rf"no study file 'nonsense'.*{names}"):
        find_study("nonsense")


def test_malformed_toml_names_file_and_line(tmp_path):
    with pytest.raises(StudyError, match=r"mine\.toml cannot be read: .*line 1"):
        load_study(write(tmp_path, "name = \n"))


def test_schema_lists_every_section_and_forbids_other_keys():
    schema = json.loads(study_schema())

    assert {"data", "volatility", "correlation", "margin"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
