import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats


class Oracle:
    """The reference numbers of the tests of exceptions, and the fully specified series that they were run on."""

    def __init__(self):
        path = Path(__file__).parents[1] / "reference" / "exceptions.json"
        self.entries = {entry["id"]: entry for entry in json.loads(path.read_text())["entries"]}
        self.returns, variance = self._market(self.entries["generator_checksum"]["inputs"]["n"])
        constant = np.full(len(variance), np.sqrt(np.mean(self.returns**2)))
        self.volatility = {"garchN": np.sqrt(variance), "const": constant}

    @staticmethod
    def _market(n):
        """A Lehmer generator, t(4) shocks, GARCH(1,1) variance."""
        state, uniforms = 20240601, np.empty(n)
        for k in range(n):
            state = 16807 * state % 2147483647
            uniforms[k] = state / 2147483647
        z = stats.t(4).ppf(uniforms) / np.sqrt(2)
        variance, r = np.ones(n), np.empty(n)
        for k in range(n):
            if k:
                variance[k] = 0.05 + 0.10 * r[k - 1] ** 2 + 0.85 * variance[k - 1]
            r[k] = np.sqrt(variance[k]) * z[k]
        return r, variance

    def case(self, name):
        entry = self.entries[name]
        tolerance = entry["tolerance"]
        return (
            entry["inputs"],
            entry["expected"],
            {"abs" if tolerance["type"] == "absolute" else "rel": tolerance["value"]},
        )

    def margins(self, inputs):
        return -self.volatility[inputs["model"]] * stats.norm.ppf(inputs["alpha"])

    def pit(self, inputs):
        return stats.norm.cdf(self.returns / self.volatility[inputs["model"]])


@pytest.fixture(scope="session")
def oracle():
    return Oracle()
