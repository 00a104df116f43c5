"""States on disk: the same bits come back, and a wrong file is refused by name."""

import json

import numpy as np
import pytest

from volkit.errors import DataError
from volkit.realtime.online import (
    AdaptiveConformal,
    DynamicallyTunedAdaptiveConformal,
    LevelCurve,
    ProportionalIntegral,
    QuantileTracker,
    load_calibrator,
)

LAW = LevelCurve.normal(confidence=0.9)
TERMS = {"confidence": 0.9, "asset": "BTC-USD"}
SCORES = np.random.default_rng(5).standard_t(3, 400) / 1.6


def calibrators():
    return [
        QuantileTracker(step=1 / 3, **TERMS),
        ProportionalIntegral(step=0.1, largest_fall=0.01, **TERMS),
        AdaptiveConformal(gamma=0.01, curve=LAW, **TERMS),
        AdaptiveConformal(gamma=0.01, past_scores=SCORES[:50], **TERMS),
        DynamicallyTunedAdaptiveConformal(curve=LAW, may_shrink=True, **TERMS),
    ]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "btc.json"
    tracker = QuantileTracker(**TERMS)
    tracker.update(1.4)
    tracker.save(path)
    return path


def rewrite(path, **changes):
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | changes))


@pytest.mark.parametrize("calibrator", calibrators(), ids=lambda c: type(c).__name__)
def test_loaded_state_goes_on_with_the_same_bits(calibrator, tmp_path):
    path = tmp_path / "state.json"
    for score in SCORES[:200]:
        calibrator.update(score)
    calibrator.save(path)

    loaded = load_calibrator(path, asset="BTC-USD")

    assert type(loaded) is type(calibrator)
    assert repr(loaded) == repr(calibrator)
    for score in SCORES[200:]:
        assert loaded.multiplier == calibrator.multiplier
        calibrator.update(score)
        loaded.update(score)
    assert loaded.guarantee(1000).words == calibrator.guarantee(1000).words
    loaded.reset()
    calibrator.reset()
    assert loaded.multiplier == calibrator.multiplier


def test_fresh_state_is_kept_too(tmp_path):
    QuantileTracker(**TERMS).save(tmp_path / "fresh.json")
    assert QuantileTracker.load(tmp_path / "fresh.json", asset="BTC-USD").n_updates == 0


def test_file_is_strict_json_and_leaves_nothing_beside_it(file):
    def refuse(text):
        raise AssertionError(text)

    json.loads(file.read_text(), parse_constant=refuse)
    assert [p.name for p in file.parent.iterdir()] == ["btc.json"]


def test_state_of_another_asset_is_refused(file):
    with pytest.raises(DataError, match="must be of asset 'ETH-USD'; got 'BTC-USD'"):
        QuantileTracker.load(file, asset="ETH-USD")


def test_state_of_another_version_is_refused(file):
    rewrite(file, version=2)
    with pytest.raises(DataError, match="must be of version 1; got 2"):
        QuantileTracker.load(file, asset="BTC-USD")


def test_state_of_another_kind_is_refused(file):
    with pytest.raises(DataError, match="must be of kind 'AdaptiveConformal'; got 'QuantileTracker'"):
        AdaptiveConformal.load(file, asset="BTC-USD")


def test_changed_state_is_refused(file):
    document = json.loads(file.read_text())
    rewrite(file, settings=document["settings"] | {"step": 9.0})
    with pytest.raises(DataError, match="must be as it was written"):
        QuantileTracker.load(file, asset="BTC-USD")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other"}'])
def test_other_files_are_refused(file, text):
    file.write_text(text)
    with pytest.raises(DataError, match="state file"):
        load_calibrator(file, asset="BTC-USD")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="must be readable JSON"):
        load_calibrator(tmp_path / "none.json", asset="BTC-USD")
