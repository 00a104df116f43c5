"""Every public function with every argument of its example spoiled in turn: refused in words, never NaN or a crash."""

import pytest
from accepted import ACCEPTED, HOLES, LOUD, accepts, must_refuse
from bad_values import QUICK, bad_values, is_object
from documented_calls import WITHOUT_EXAMPLE, documented_call, public_functions, untouched_copy
from judgement import holes, outcome

WITH_EXAMPLE = [name for name in public_functions() if name not in WITHOUT_EXAMPLE]
# Handed on without a look, or no value of a kind that can be spoiled.
NOT_SPOILED = {"rng", "provenance", "n_jobs", "path"}


def faults(name, *, quick):
    call = documented_call(name)
    before = frozenset(holes(call.given()))
    found = []
    for argument, value in call.arguments.items():
        if argument in NOT_SPOILED:
            continue
        for label, bad in bad_values(untouched_copy(value), argument):
            if quick and (label not in QUICK or not (hasattr(value, "__len__") or is_object(value))):
                continue
            kind, words = outcome(call, argument, bad, holes_before=before)
            listed = {"crash": LOUD, "hole": HOLES, "accepted": ACCEPTED}.get(kind)
            if listed is None or accepts(listed, name, argument, label):
                continue
            if kind != "accepted" or label in must_refuse(value):
                found.append(f"{argument} {label}: {kind} {words}")
    return found


def test_functions_without_an_example_are_known():
    assert set(WITHOUT_EXAMPLE) <= set(public_functions())


@pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")
@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_nan_infinity_no_rows_and_disorder_are_answered(name):
    assert faults(name, quick=True) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")
@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_every_kind_of_mistake_is_answered(name):
    assert faults(name, quick=False) == []
