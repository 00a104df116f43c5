"""Offsets between assets: credit where it was shown, none elsewhere, and never more than the cap."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.correlation.bounds import offset_verdicts
from volkit.errors import ArgumentError, DataError
from volkit.portfolio.netting import offset_credits

GOOD = "significant and reliable"


def table_of(*rows):
    return pd.DataFrame(list(rows), columns=["first", "second", "verdict", "offset"])


TABLE = table_of(("BTC", "ETH", GOOD, 0.7), ("BTC", "VIX", GOOD, -0.4), ("ETH", "VIX", "refused", 0.0))


def margin(margins, table=TABLE, **options):
    return offset_credits(table, margins, **options).margin


def test_an_admitted_hedge_earns_the_credit_of_its_bound():
    found = offset_credits(TABLE, {"BTC": 100.0, "ETH": -80.0})

    assert found.uncapped == pytest.approx(np.sqrt(100**2 + 80**2 - 2 * 0.7 * 100 * 80))
    assert found.table["credit"].iloc[0] == pytest.approx(1 - found.uncapped / 180)


def test_a_negative_correlation_makes_a_hedge_of_two_longs():
    assert margin({"BTC": 100.0, "VIX": 50.0}) == pytest.approx(np.sqrt(100**2 + 50**2 - 2 * 0.4 * 100 * 50))


@pytest.mark.parametrize(
    "margins",
    [{"BTC": 100.0, "ETH": 80.0}, {"BTC": 100.0, "VIX": -50.0}, {"ETH": 80.0, "VIX": 50.0}, {"BTC": 1.0, "SPX": -1.0}],
)
def test_no_credit_without_an_admitted_hedge(margins):
    found = offset_credits(TABLE, margins)

    assert found.margin == pytest.approx(found.gross) and found.table["credit"].tolist() == [0.0]


def test_a_refused_pair_earns_nothing_whatever_offset_stands_beside_it():
    found = offset_credits(table_of(("a", "b", "refused", 0.9)), {"a": 100.0, "b": -100.0})

    assert found.margin == found.gross == 200.0


def test_published_aggregation_of_two_sensitivities():
    # AcadiaSoft simm-lib (MIT), SimmTenDayTest: 7.4 times 910 million and -900 million at a correlation of 0.5.
    found = margin({"a": 7.4 * 9.1e8, "b": -7.4 * 9e8}, table_of(("a", "b", GOOD, 0.5)))

    assert found == pytest.approx(6697306623, abs=1)


def test_published_concentration():
    # AcadiaSoft simm-lib (MIT): S = 2.1 billion, weight 7.4, threshold 1.2 billion.
    found = margin({"a": 7.4 * 2.1e9}, thresholds={"a": 7.4 * 1.2e9})

    assert found == pytest.approx(20557487687, abs=1)


def test_concentration_of_one_side_lowers_the_credit():
    even, uneven = (margin({"BTC": 100.0, "ETH": -100.0}, thresholds=limits, cap=1.0) for limits in ({}, {"BTC": 25.0}))

    # Twice the weight of one side, half the correlation.
    assert uneven == pytest.approx(np.sqrt(200**2 + 100**2 - 2 * 0.35 * 200 * 100)) and uneven > 2 * even


def test_the_cap_limits_a_hedge_that_is_too_good():
    perfect = table_of(("a", "b", GOOD, 1.0))

    found = offset_credits(perfect, {"a": 100.0, "b": -100.0})

    assert found.uncapped == 0.0 and found.margin == pytest.approx(40.0) and found.is_capped
    assert repr(found) == (
        "<OffsetCredits: margin 40 of 200 gross, credit 80.0 %, capped at 80 %; 1 of 1 pairs earn one>"
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 100_000))
def test_margin_lies_between_that_of_the_offsets_and_the_gross(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    factor = rng.normal(size=(n, n + 1))
    R = factor @ factor.T / np.sqrt(np.outer((factor**2).sum(1), (factor**2).sum(1)))
    names = list("abcdefg"[:n])
    rows = [(names[i], names[j], GOOD, R[i, j]) for i in range(n) for j in range(i)]
    m = pd.Series(rng.normal(size=n) * 100, index=names)

    found = offset_credits(table_of(*rows), m, cap=1.0)

    assert np.sqrt(m @ R @ m) <= found.margin * (1 + 1e-9)
    assert found.margin <= found.gross * (1 + 1e-12)


def test_verdicts_of_the_correlation_stage_are_taken_as_they_are():
    rng = np.random.default_rng(1)
    a, e, f = rng.standard_normal((3, 900))
    times = pd.date_range("2018-01-01", periods=900, tz="UTC", name="time")
    moves = pd.DataFrame({"A": a, "B": 0.8 * a + 0.6 * e, "C": f}, index=times)  # simulated; C stands alone
    verdicts = offset_verdicts(moves, window=90, rng=np.random.default_rng(1), n_draws=99)

    found = offset_credits(verdicts, {"A": 100.0, "B": -100.0, "C": -50.0})

    bound = verdicts.offsets.loc["A", "B"]
    assert 0.7 < bound < 0.8
    assert found.table["correlation"].tolist() == pytest.approx([-bound, 1.0, 1.0])
    assert found.table["reasons"].iloc[1] == verdicts.table["reasons"].iloc[1]
    assert found.as_of == verdicts.as_of


def test_pairs_say_why_they_earn_nothing():
    found = offset_credits(TABLE, {"BTC": 100.0, "ETH": 80.0, "SPX": -1.0})

    assert found.table["reasons"].tolist() == [
        "admitted, but the exposures do not offset each other", "no row in the verdicts", "no row in the verdicts",
    ]  # fmt: skip
    assert found.summary().index.tolist() == ["BTC and ETH", "BTC and SPX", "ETH and SPX"]


@pytest.mark.parametrize(
    ("table", "margins", "options", "message"),
    [
        (TABLE.drop(columns="offset"), {"BTC": 1.0}, {}, "got no offset"),
        (pd.concat([TABLE, TABLE.iloc[:1]]), {"BTC": 1.0}, {}, "BTC and ETH in row 0"),
        (table_of(("a", "b", GOOD, 1.2)), {"a": 1.0}, {}, "1.2 for a and b"),
        (table_of(("a", "b", GOOD, 0.9), ("b", "c", GOOD, 0.9), ("a", "c", GOOD, -0.9)),
         {"a": 1.0, "b": 1.0, "c": 1.0}, {}, "smallest eigenvalue of -0.8"),
        (TABLE, {"BTC": np.nan, "ETH": 1.0}, {}, "none for BTC"),
        (TABLE, {"BTC": 0.0}, {}, "only zeros"),
        (TABLE, pd.Series([1.0, 2.0], index=["BTC", "BTC"]), {}, "BTC more than once"),
        (TABLE, {"BTC": 1.0}, {"thresholds": {"SPX": 1.0}}, "SPX; choose from BTC"),
    ],
)  # fmt: skip
def test_bad_input_is_named(table, margins, options, message):
    with pytest.raises(DataError, match=message):
        offset_credits(table, margins, **options)


def test_a_cap_in_per_cent_is_refused():
    with pytest.raises(ArgumentError, match=r"cap=0\.8"):
        offset_credits(TABLE, {"BTC": 1.0}, cap=80)
