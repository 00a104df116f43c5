import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.procyclicality import procyclicality_metrics

# By hand, after the definitions of Murphy, Vasios and Vause (2014).
TOY = [100, 110, 105, 150, 180, 120, 100]


def test_toy_path_has_the_ratios_of_its_definition():
    metrics = procyclicality_metrics(TOY, horizons=(1, 2, 3))

    assert metrics.peak_to_trough == pytest.approx(1.8, rel=1e-12)
    assert metrics.rises["largest"].tolist() == pytest.approx([45 / 105, 75 / 105, 70 / 110], rel=1e-12)
    assert metrics.rises["pairs"].tolist() == [6, 5, 4]


def test_too_few_pairs_give_no_quantile_and_a_reason():
    metrics = procyclicality_metrics(TOY, horizons=(1, 2))

    assert metrics.rises["quantile 95 %"].isna().all()
    assert metrics.reason == "too few pairs for a quantile over 1, 2 periods"


def test_quantile_and_shortfall_are_those_of_the_changes():
    rates = np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.02, 800)))

    metrics = procyclicality_metrics(rates, horizons=(5,))

    changes = np.array([rates[i + 5] / rates[i] - 1 for i in range(795)])
    at = np.quantile(changes, 0.95, method="weibull")
    assert metrics.rises.loc[5, "quantile 95 %"] == pytest.approx(at, rel=1e-12)
    assert metrics.rises.loc[5, "shortfall 95 %"] == pytest.approx(changes[changes >= at].mean(), rel=1e-12)
    assert metrics.reason == ""


def test_no_change_reaches_over_a_hole():
    metrics = procyclicality_metrics([0.1, 0.1, np.nan, 0.4, 0.4], horizons=(1,))

    assert metrics.rises.loc[1, "pairs"] == 2
    assert metrics.rises.loc[1, "largest"] == 0.0
    assert (metrics.n_obs, metrics.n_missing) == (4, 1)


@given(rates=st.lists(st.floats(0.01, 1.0), min_size=3, max_size=40), scale=st.floats(0.1, 10.0))
def test_unit_of_the_rates_plays_no_part(rates, scale):
    one, other = (procyclicality_metrics(x, horizons=(1, 2)) for x in (rates, scale * np.array(rates)))

    assert other.peak_to_trough == pytest.approx(one.peak_to_trough, rel=1e-9)
    assert other.rises["largest"].to_numpy() == pytest.approx(one.rises["largest"].to_numpy(), rel=1e-9, abs=1e-9)
    assert one.rises["largest"].max() <= one.peak_to_trough - 1 + 1e-9


def test_unusable_arguments_are_refused():
    with pytest.raises(ArgumentError, match=r"horizons must leave a pair of rates .*; got 20 for 7 rates"):
        procyclicality_metrics(TOY)
    with pytest.raises(ArgumentError, match="horizons must name at least one number of periods"):
        procyclicality_metrics(TOY, horizons=())
    with pytest.raises(ArgumentError, match=r"pass the confidence, not the tail probability: confidences=0.99"):
        procyclicality_metrics(TOY, horizons=(1,), confidences=(0.01,))
    with pytest.raises(DataError, match="rates must be above zero"):
        procyclicality_metrics([0.1, 0.0], horizons=(1,))
