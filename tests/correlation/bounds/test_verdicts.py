"""Verdicts on offsets: planted truths are admitted or refused for the reason that was planted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.correlation.bounds import offset_verdicts
from volkit.correlation.inference import constancy_tests
from volkit.errors import ArgumentError, DataError
from volkit.prices import Synchrony
from volkit.validation.multiplicity import benjamini_yekutieli


def frame_of(values, names="ABCD"):
    times = pd.date_range("2018-01-01", periods=len(values), tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=list(names[: values.shape[1]]))


def market(*, n=900, late=0.8, seed=1):
    """Simulated changes: B follows A with 0.8 and from the middle with `late`, C moves against A, D by itself."""
    rng = np.random.default_rng(seed)
    a, e, f, g = rng.standard_normal((4, n))
    loading = np.where(np.arange(n) < n // 2, 0.8, late)
    b = loading * a + np.sqrt(1.0 - loading**2) * e
    return frame_of(np.column_stack([a, b, -0.7 * a + np.sqrt(0.51) * f, g]))


def verdicts_of(moves, *, window=90, n_draws=199, **options):
    return offset_verdicts(moves, window=window, rng=np.random.default_rng(1), n_draws=n_draws, **options)


def row_of(found, first, second):
    table = found.table
    return table[(table["first"] == first) & (table["second"] == second)].iloc[0]


@pytest.fixture(scope="module")
def steady():
    return verdicts_of(market())


@pytest.fixture(scope="module")
def changed():
    return verdicts_of(market(late=0.0))


def test_a_steady_strong_pair_is_admitted_with_its_conservative_bound(steady):
    positive, negative = row_of(steady, "A", "B"), row_of(steady, "A", "C")

    assert positive["verdict"] == negative["verdict"] == "significant and reliable"
    assert positive["offset"] == positive["lower"] < positive["correlation"]
    assert negative["offset"] == negative["upper"] > negative["correlation"]
    assert 0.7 < positive["offset"] < 0.8
    assert -0.7 < negative["offset"] < -0.55
    assert positive["reasons"].startswith("no change shown (adjusted p ")


def test_an_unrelated_pair_is_refused_as_not_significant(steady):
    row = row_of(steady, "A", "D")

    assert (row["verdict"], row["offset"]) == ("refused", 0.0)
    assert not row["is_significant"]
    assert row["is_reliable"]
    assert row["reasons"] == f"not significant: adjusted p {row['p_adjusted']:.3f}"


def test_a_pair_that_fell_apart_is_refused_with_the_span(changed):
    row = row_of(changed, "A", "B")

    assert row["is_significant"]
    assert not row["is_reliable"]
    assert row["offset"] == 0.0
    assert row["reasons"].startswith("changed (adjusted p 0.")
    assert row["reasons"].endswith(f"and not shown to be beyond 0.1 in {row['least_in']}")
    assert row["least"] < 0.1


def test_a_change_that_stays_beyond_the_threshold_is_admitted_at_its_worst():
    found = verdicts_of(market(late=0.97, n=1500))
    row = row_of(found, "A", "B")

    spans = found.spans[(found.spans["first"] == "A") & (found.spans["second"] == "B")]
    assert row["constancy_p_adjusted"] <= 0.05
    assert row["verdict"] == "significant and reliable"
    assert row["offset"] == row["least"] == spans["lower"].min() < row["lower"]
    assert row["reasons"].startswith("changed, but at least ")


def test_a_window_of_thirty_rows_is_refused_for_power():
    found = verdicts_of(market(), window=30)

    assert found.constancy.power < 0.5
    assert (found.table["verdict"] == "refused").all()
    assert found.table["reasons"].str.contains("too little power: a 30-row test of constancy sees").all()
    assert (found.offsets.to_numpy() == np.eye(4)).all()


def test_few_rows_are_refused_for_their_number():
    found = verdicts_of(market(n=230), minimum=250, least_power=0.0)

    assert (found.table["verdict"] == "refused").all()
    assert found.table["reasons"].str.contains("too few rows: 220, fewer than 250").all()


def test_p_values_and_hypotheses_are_those_of_the_family(steady):
    moves = market()
    constancy = constancy_tests(moves, window=90, rng=np.random.default_rng(1), n_draws=199)

    np.testing.assert_array_equal(steady.table["constancy_p_adjusted"], constancy.table["adjusted"])
    # From the intervals' own numbers: |atanh r| / se against a t law.
    cells = np.triu_indices(4, k=1)
    r, error, freedom = (
        m.to_numpy()[cells]
        for m in (steady.bounds.estimate, steady.bounds.standard_error, steady.bounds.degrees_of_freedom)
    )
    p = 2.0 * stats.t.sf(np.abs(np.arctanh(r)) / error, freedom)
    np.testing.assert_allclose(steady.table["p_adjusted"], benjamini_yekutieli(p), atol=1e-14)
    assert steady.n_hypotheses == 12


def test_significant_means_that_zero_lies_outside_the_interval(steady, changed):
    for found in (steady, changed):
        for row in found.admitted.itertuples():
            assert row.lower * row.upper > 0.0
            assert abs(row.offset) <= abs(row.correlation)


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_offsets_are_a_correlation_matrix_no_larger_than_admitted(seed):
    rng = np.random.default_rng(seed)
    mix = np.eye(4) + np.triu(rng.standard_normal((4, 4)), k=1)

    found = verdicts_of(frame_of(rng.standard_normal((400, 4)) @ mix), n_draws=99)

    assert np.linalg.eigvalsh(found.offsets)[0] > 0.0
    entries = found.offsets.to_numpy()[np.triu_indices(4, k=1)]
    assert (np.abs(entries) <= np.abs(found.table["offset"]) + 1e-12).all()
    assert (entries * found.table["offset"] >= 0.0).all()


def test_offsets_that_do_not_fit_together_are_scaled_by_one_factor():
    # B and C each follow A; their own correlation rises from 0.3 to near 1 and is refused, which leaves no matrix.
    rng = np.random.default_rng(2)
    a, e, f = rng.standard_normal((3, 1200))
    shared = np.where(np.arange(1200) < 600, -1.0, 1.0)
    c = 0.8 * a + 0.6 * (0.95 * shared * e + np.sqrt(1.0 - 0.95**2) * f)

    found = verdicts_of(frame_of(np.column_stack([a, 0.8 * a + 0.6 * e, c])), threshold=0.6)

    wanted = found.table["offset"].to_numpy()
    entries = found.offsets.to_numpy()[np.triu_indices(3, k=1)]
    assert (wanted > 0.0).tolist() == [True, True, False]
    assert np.hypot(*wanted[:2]) > 1.0
    # Two offsets p and q beside a zero fit together when p^2 + q^2 <= 1.
    assert np.hypot(*entries[:2]) == pytest.approx(1.0, abs=1e-6)
    assert entries[0] / entries[1] == pytest.approx(wanted[0] / wanted[1])


def test_the_order_of_columns_changes_no_verdict(steady):
    again = verdicts_of(market()[["D", "B", "C", "A"]])

    pair = row_of(again, "B", "A")
    assert pair["verdict"] == row_of(steady, "A", "B")["verdict"]
    assert pair["offset"] == pytest.approx(row_of(steady, "A", "B")["offset"], abs=1e-9)


def test_eras_given_are_used_and_clocks_are_stated():
    moves = market()
    middle, end = moves.index[450], moves.index[-1] + pd.Timedelta(days=1)
    eras = {"early": (moves.index[0], middle), "late": (middle, end)}
    clocks = Synchrony(clocks=("24:00 UTC", "16:00 New York"), overlap_share=0.8, attenuation=0.9)

    found = verdicts_of(moves, eras=eras, synchrony={("B", "A"): clocks})

    assert found.spans["span"].drop_duplicates().tolist() == ["early", "late", "lowest window", "highest window"]
    assert found.spans.loc[0, "n"] == 440
    assert row_of(found, "A", "B")["clocks"] == clocks.words
    assert row_of(found, "A", "C")["clocks"] == "clocks not stated"


def test_arguments_that_cannot_be_used_are_refused():
    moves = market(n=300)
    naive = {"early": (pd.Timestamp("2018-01-01"), pd.Timestamp("2018-06-01"))}
    short = {"week": (moves.index[50], moves.index[57])}

    with pytest.raises(ArgumentError, match=r"eras\['early'\] must be two times with a zone"):
        verdicts_of(moves, eras=naive)
    with pytest.raises(DataError, match=r"eras\['week'\] must have at least 20 complete rows; got 7"):
        verdicts_of(moves, eras=short)
    with pytest.raises(ArgumentError, match="threshold must be a fraction"):
        verdicts_of(moves, threshold=2.0)
    with pytest.raises(ArgumentError, match="adjustment must be one of benjamini-yekutieli, holm"):
        verdicts_of(moves, adjustment="romano-wolf")
    with pytest.raises(ArgumentError, match="confidence must be a fraction"):
        verdicts_of(moves, confidence=1.0)
    with pytest.raises(ArgumentError, match="window"):
        verdicts_of(moves, window=200)


def test_the_result_says_its_counts(steady):
    words = f"{len(steady.admitted)} of 6 pairs significant and reliable, 12 hypotheses, 890 rows, 90-row test"
    assert steady.headline.startswith(words)
    assert "reasons" in steady.summary().columns
    assert len(steady.to_frame()) == 6


@pytest.mark.slow
def test_unrelated_pairs_are_seldom_admitted():
    # No pair is related: the share of families with any admitted pair is at most the significance (5 %), and
    # 200 draws have a standard error of 1.5 points.
    rng = np.random.default_rng(5)
    families = [len(verdicts_of(frame_of(rng.standard_t(4, (400, 4))), n_draws=99).admitted) > 0 for _ in range(200)]

    assert np.mean(families) < 0.095
