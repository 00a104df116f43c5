import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.scenarios.paths import PathSet

HOUR = pd.Timedelta("1h")
VALUES = np.array([[[0.9, 1.0], [1.1, 1.2]], [[1.2, 0.7], [0.8, 0.6]], [[1.0, 1.0], [1.0, 1.0]]])


def path_set(**changes):
    given = {"values": VALUES.copy(), "step": HOUR, "assets": ("BTC", "ETH"), "engine": "given", "seed": "none"}
    return PathSet(**given | changes)


def test_extremes_and_ends_are_by_path_and_asset():
    paths = path_set()

    assert paths.minimum().tolist() == [[0.9, 1.0], [0.8, 0.6], [1.0, 1.0]]
    assert paths.maximum().tolist() == [[1.1, 1.2], [1.2, 0.7], [1.0, 1.0]]
    assert paths.maximum(with_start=True)[1].tolist() == [1.2, 1.0]
    assert paths.minimum(with_start=True)[0].tolist() == [0.9, 1.0]
    assert paths.terminal().tolist() == [[1.1, 1.2], [0.8, 0.6], [1.0, 1.0]]
    assert paths.horizon == pd.Timedelta("2h")


def test_arrays_cannot_be_changed():
    paths = path_set()

    with pytest.raises(ValueError, match="read-only"):
        paths.values[0, 0, 0] = 2.0


def test_summary_weighs_the_paths():
    weights = np.log([2.9, 0.05, 0.05])

    plain, weighted = path_set().summary(), path_set(log_weights=weights).summary()

    assert plain.loc[0.05, ("BTC", "end")] == 0.8
    assert weighted.loc[0.05, ("BTC", "end")] == 1.1
    assert path_set().effective_paths == pytest.approx(3.0)
    assert path_set(log_weights=weights).effective_paths == pytest.approx(9.0 / (2.9**2 + 2 * 0.05**2))


def test_frame_has_a_row_a_path_and_asset():
    frame = path_set().to_frame()

    assert frame.loc[(1, "ETH")].to_dict() == {"end": 0.6, "lowest": 0.6, "highest": 0.7, "weight": 1.0}


def test_headline_says_what_the_paths_are():
    assert "BTC, ETH, 3 paths of 2 steps of 1 h, given" in repr(path_set())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": VALUES[:, :, 0]}, "values must have the shape"),
        ({"values": np.where(VALUES > 1.1, np.nan, VALUES)}, "1 not finite|2 not finite"),
        ({"values": -VALUES}, "at least 0"),
        ({"volatility": VALUES[:2].copy()}, "volatility must have the shape"),
        ({"log_weights": np.zeros(2)}, "log_weights must have the shape"),
        ({"log_weights": np.array([0.0, -np.inf, 0.0])}, "log_weights .* 1 not finite"),
    ],
)
def test_arrays_that_are_no_paths_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        path_set(**changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"values": 60_000.0 * VALUES},
            DataError,
            "values must be prices over the starting price; got a median of 60000",
        ),
        ({"step": pd.Timedelta(0)}, ArgumentError, "step must be a Timedelta above zero"),
        ({"step": "1h"}, ArgumentError, "step must be a Timedelta above zero; got '1h'"),
        ({"assets": ("BTC", "BTC")}, ArgumentError, "assets must have names of their own; got BTC, BTC"),
        ({"values": VALUES.tolist()[0]}, DataError, "values must have the shape"),
    ],
)
def test_paths_of_another_kind_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        path_set(**changes)
