"""Numbers that were printed before this engine existed: benchmarks of accuracy, and what other programs reach."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500

from volkit.errors import VolkitWarning
from volkit.volatility import Garch

ENTRIES = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[2] / "reference" / "garch.json").read_text())["entries"]
}
RUGARCH = [name for name in ENTRIES if name.startswith("rugarch_") and name != "rugarch_skewt"]
ARCH = [name for name in ENTRIES if name.startswith("arch_")]


def fit(values, *, series=None, **inputs):
    """Return the fit of returns given in per cent, which `Garch` sees as decimals."""
    model = Garch(**({"distribution": "normal"} | inputs))
    index = pd.date_range("1984-01-01", periods=len(values), tz="UTC")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VolkitWarning)
        return model.fit(pd.Series(values / 100.0, index=index), periods_per_year=252)


def in_per_cent(found):
    """Return estimates and the factors that bring them, and their errors, to returns in per cent."""
    power = found.parameters.get("delta", 2.0)
    factors = {"mu": 100.0, "omega": 100.0**power}
    return pd.Series({name: factors.get(name, 1.0) for name in found.parameters.index})


def log_likelihood(found):
    return found.log_likelihood - found.n_obs * np.log(100.0)


def correct_digits(found, expected):
    """Return the log relative error: the number of significant digits that agree."""
    return -np.log10(abs(found / expected - 1.0))


@pytest.fixture(scope="module")
def marks(real_data):
    return np.loadtxt(real_data.parent / "reference" / "series" / "dem2gbp.txt")


@pytest.fixture(scope="module")
def nikkei(real_data):
    return pd.read_csv(real_data.parent / "reference" / "series" / "nikkei.csv.gz")["value"].to_numpy()


@pytest.fixture(scope="module")
def spx():
    return 100.0 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy()


@pytest.fixture(scope="module")
def fcp(marks):
    return fit(marks, start_up="fcp")


@pytest.mark.real
def test_benchmark_coefficients_agree_in_ten_digits(fcp):
    entry = ENTRIES["fcp_coefficients"]

    found = fcp.parameters * in_per_cent(fcp)

    for name, value in entry["expected"]["parameters"].items():
        assert correct_digits(found[name], value) >= entry["tolerance"]["parameters_digits"], name
    assert log_likelihood(fcp) == pytest.approx(entry["expected"]["log_likelihood"], rel=0, abs=1e-9)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["hessian", "opg", "information", "bollerslev_wooldridge", "qmle"])
def test_benchmark_errors_agree_in_every_printed_digit(fcp, kind):
    entry = ENTRIES[f"fcp_errors_{kind}"]

    found = fcp.standard_errors_of(kind) * in_per_cent(fcp)

    for name, printed in entry["expected"]["printed"].items():
        # Some of the sources round the last digit, some cut it off.
        last = 10.0 ** -len(printed.split(".")[1])
        assert found[name] == pytest.approx(float(printed), rel=0, abs=last), name


@pytest.mark.real
@pytest.mark.parametrize("kind", ["hessian", "opg"])
def test_benchmark_errors_agree_in_nine_digits_with_complex_steps(fcp, kind):
    entry = ENTRIES[f"fcp_errors_{kind}_recomputed"]

    found = fcp.standard_errors_of(kind) * in_per_cent(fcp)

    for name, value in entry["expected"]["values"].items():
        assert found[name] == pytest.approx(value, rel=entry["tolerance"]["value"])


@pytest.mark.real
@pytest.mark.parametrize("start_up", ["sample", "unconditional", "backcast"])
def test_other_start_up_gives_its_own_published_optimum(marks, start_up):
    entry = ENTRIES[f"start_up_{start_up}"]

    found = fit(marks, start_up=start_up)

    estimates = found.parameters * in_per_cent(found)
    for name, value in entry["expected"]["parameters"].items():
        assert estimates[name] == pytest.approx(value, rel=entry["tolerance"]["parameters_relative"]), name
    assert log_likelihood(found) == pytest.approx(
        entry["expected"]["log_likelihood"], rel=0, abs=entry["tolerance"]["log_likelihood_absolute"]
    )


@pytest.mark.real
def test_egarch_agrees_with_tsp(marks):
    entry = ENTRIES["egarch_tsp"]

    found = fit(marks, family="egarch", start_up="fcp")

    estimates = found.parameters.copy()
    estimates["mu"] *= 100.0
    # A logarithm of the variance of returns in per cent, not of decimals.
    estimates["omega"] += 2.0 * np.log(100.0) * (1.0 - estimates["beta"])
    for name, value in entry["expected"]["parameters"].items():
        assert estimates[name] == pytest.approx(value, rel=entry["tolerance"]["parameters_relative"]), name
    assert log_likelihood(found) == pytest.approx(entry["expected"]["log_likelihood"], rel=0, abs=1e-7)


@pytest.mark.real
def test_aparch_agrees_with_laurent(nikkei):
    entry = ENTRIES["aparch_laurent"]
    expected, tolerance = entry["expected"], entry["tolerance"]

    found = fit(nikkei, family="aparch", start_up="fcp")
    estimates = found.parameters * in_per_cent(found)
    # The unit of omega depends on delta, and so its error in per cent on delta's.
    J = np.diag(in_per_cent(found))
    J[1, 5] = estimates["omega"] * np.log(100.0)
    covariance = J @ found.covariance("hessian").to_numpy() @ J.T
    errors = pd.Series(np.sqrt(np.diag(covariance)), index=found.parameters.index)

    for name, value in expected["parameters"].items():
        assert estimates[name] == pytest.approx(value, rel=tolerance["parameters_relative"]), name
    for name, value in expected["errors"].items():
        # The curvature in the mean depends on how a program steps over the kinks.
        within = tolerance["mu_error_relative"] if name == "mu" else tolerance["errors_relative"]
        assert errors[name] == pytest.approx(value, rel=within), name
    assert log_likelihood(found) == pytest.approx(expected["log_likelihood"], rel=0, abs=1e-4)


@pytest.mark.real
def test_optimum_on_the_boundary_is_reached_and_named(marks):
    expected = ENTRIES["garch_t_on_the_boundary"]["expected"]

    found = fit(marks, distribution="t", start_up="fcp")

    assert log_likelihood(found) == pytest.approx(expected["log_likelihood"], rel=0, abs=1e-6)
    assert log_likelihood(found) > expected["at_least"]
    assert found.parameters["alpha"] + found.parameters["beta"] == pytest.approx(1.0, abs=1e-14)
    assert (found.status, list(found.certificate.active)) == ("converged", expected["active"])


@pytest.mark.real
@pytest.mark.parametrize("name", RUGARCH)
def test_log_likelihood_is_rugarchs_or_higher(marks, name):
    entry = ENTRIES[name]

    found = fit(marks, **entry["inputs"])

    assert log_likelihood(found) >= entry["expected"]["at_least"] - entry["tolerance"]["log_likelihood_absolute"]


@pytest.mark.real
def test_skewed_t_of_hansen_is_near_that_of_fernandez_and_steel(marks):
    entry = ENTRIES["rugarch_skewt"]

    found = fit(marks, **entry["inputs"])

    assert log_likelihood(found) == pytest.approx(entry["expected"]["log_likelihood"], abs=0.5)


@pytest.mark.parametrize("name", ARCH)
def test_log_likelihood_is_archs_or_higher(spx, name):
    entry = ENTRIES[name]

    found = fit(spx, **entry["inputs"])

    assert log_likelihood(found) >= entry["expected"]["at_least"] - entry["tolerance"]["log_likelihood_absolute"]
    assert found.status == "converged"


@pytest.mark.parametrize(
    ("model", "n_obs"),
    [
        ({"family": "tarch", "distribution": "t"}, 5030),
        ({"family": "tarch", "distribution": "t"}, 1000),
        ({"family": "egarch", "distribution": "t"}, 1000),
        ({"family": "aparch", "distribution": "normal"}, 1000),
        ({"family": "garch", "distribution": "ged"}, 1000),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else str(value),
)
def test_error_of_the_mean_at_kinks_is_about_that_of_the_outer_product(spx, model, n_obs):
    found = fit(spx[-n_obs:], **model)

    errors = {kind: found.standard_errors_of(kind)["mu"] for kind in ("hessian", "information", "qmle")}

    # Under the law's own scores the kinds are alike, and the sandwich of a law that does not hold differs by less
    # than half; a curvature that hangs on one residual is wrong by a factor (arch's robust error of a TARCH mean is a
    # quarter of it, because its differences step over kinks).
    for kind, error in errors.items():
        assert 2 / 3 < error / found.standard_errors_of("opg")["mu"] < 3 / 2, kind
