"""Reference entries of venue rules, and the readers that turn one into an account and parameters."""

import importlib
import json
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
# The runner of reference numbers reads them the same way.
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

conformance_venues = importlib.import_module("conformance_venues")
Case = importlib.import_module("conformance_series").Case

REFERENCE = json.loads((TESTS / "reference" / "venues.json").read_text())


@pytest.fixture(scope="session")
def entries():
    return {entry["id"]: entry for entry in REFERENCE["entries"]}


@pytest.fixture(scope="session")
def parameter_sets():
    return {name: conformance_venues.parameters_of(table) for name, table in REFERENCE["parameter_sets"].items()}


@pytest.fixture(scope="session")
def account_of():
    return conformance_venues.account_of


@pytest.fixture
def answer(entries):
    """Return what volkit answers to an entry, and the entry."""

    def ask(name):
        entry = entries[name]
        case = Case(entry["inputs"], entry["expected"], TESTS / "reference")
        return conformance_venues.VENUE_METHODS[entry["method"]](case), entry

    return ask
