import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from volkit.errors import DataError
from volkit.margin.frontier import non_dominated

# Few values, so that ties and equal rows are common.
TABLES = st.integers(1, 12).flatmap(
    lambda n: arrays(np.float64, (n, 3), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, np.inf]))
)


def dominates(one, other):
    """Said out loud: no worse anywhere and better somewhere."""
    no_worse = all(a <= b for a, b in zip(one, other, strict=True))
    return no_worse and any(a < b for a, b in zip(one, other, strict=True))


@given(table=TABLES)
def test_no_member_is_dominated_and_every_other_row_is(table):
    kept = non_dominated(table)

    for row, is_kept in zip(table, kept, strict=True):
        assert is_kept == (not any(dominates(other, row) for other in table))


@given(table=TABLES, seed=st.integers(0, 1000))
def test_order_of_rows_does_not_matter(table, seed):
    order = np.random.default_rng(seed).permutation(len(table))

    assert non_dominated(table[order]).tolist() == non_dominated(table)[order].tolist()


@given(table=TABLES)
def test_some_row_is_kept_and_dominated_rows_are_dominated_by_a_member(table):
    kept = non_dominated(table)

    assert kept.any()
    for row in table[~kept]:
        assert any(dominates(member, row) for member in table[kept])


@pytest.mark.parametrize("table", [np.array([1.0, 2.0]), np.array([[1.0, np.nan]])])
def test_table_with_gaps_or_another_shape_is_refused(table):
    with pytest.raises(DataError, match="objectives must be a table of numbers without gaps"):
        non_dominated(table)
