"""The registry of methods: every formula can be set, every function named is public, every run states its own."""

from importlib import import_module

import pytest

from volkit.report.html import to_mathml
from volkit.study.methods import METHODS, get_methods
from volkit.study.methods.used import _OF_CORRELATION_PART, _OF_METHOD, _OF_PART, _TITLES, methods_section

KEYS = {method.key for method in METHODS}


def test_keys_are_unique_and_letters_of_an_anchor():
    assert len(KEYS) == len(METHODS)
    assert all(key.replace("-", "").isalnum() and key == key.lower() for key in KEYS)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_a_method_can_be_set_and_found(method):
    for latex in (method.latex, *method.where):
        math = to_mathml(latex, display="block")
        assert "\\" not in math.split(">", 1)[1], latex  # no command that the converter left as it was

    assert method.where
    assert method.source.endswith(".")
    assert method.stage in _TITLES
    for name in method.functions:
        module, function = name.rsplit(".", 1)
        assert function in import_module(module).__all__, name


def test_what_runs_ask_for_stands_in_the_registry():
    asked = [keys for table in (_OF_METHOD, _OF_PART, _OF_CORRELATION_PART) for keys in table.values()]

    assert {key for keys in asked for key in keys} <= KEYS


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(KeyError, match="no method nothing; the keys are returns"):
        get_methods({"nothing"})


def test_a_section_states_the_methods_by_stage():
    section = methods_section(frozenset({"kupiec", "ewma", "christoffersen"}))

    assert [block.title for block in section.blocks] == [
        "Returns and volatility (1 formula)",
        "Tests and scores (2 formulas)",
    ]
    assert [formula.title[:6] for formula in section.blocks[1].formulas] == ["Propor", "Indepe"]
