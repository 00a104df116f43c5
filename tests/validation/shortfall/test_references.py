import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from volkit.validation import diebold_mariano_test
from volkit.validation.shortfall import (
    acerbi_szekely_draws,
    acerbi_szekely_z1_test,
    acerbi_szekely_z2_test,
    du_escanciano_conditional_from_statistic,
    du_escanciano_conditional_test,
    du_escanciano_from_statistic,
    du_escanciano_test,
    exceedance_residual_test,
    fz0_score,
    nolde_ziegel_general_test,
    nolde_ziegel_test,
    normal_law,
    student_law,
)

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[2] / "reference" / "shortfall.json").read_text())["entries"]
}
MODELS = ["garchN", "const"]


def reference(name):
    entry = REFERENCE[name]
    kind = "abs" if entry["tolerance"]["type"] == "absolute" else "rel"
    return entry["inputs"], entry["expected"], {kind: entry["tolerance"]["value"]}


def tail(market, model, alpha):
    losses, volatility = market
    s, law = volatility[model], normal_law()
    return losses, s * law.value_at_risk(1 - alpha), s * law.expected_shortfall(1 - alpha), s


def test_generator_gives_the_series_of_the_oracle(oracle_market):
    _, expected, tolerance = reference("generator_checksum")
    losses, volatility = oracle_market

    assert -losses[:5] == pytest.approx(expected["r_first5"], **tolerance)
    assert volatility["garchN"].sum() == pytest.approx(expected["sum_sigma"], **tolerance)


@pytest.mark.parametrize("name", ["du_escanciano_uncond_0.05", "du_escanciano_uncond_0.025"])
def test_unconditional_p_values_and_intervals_are_the_published_ones(name):
    inputs, expected, tolerance = reference(name)

    test = du_escanciano_from_statistic(inputs["statistic"], inputs["n"], confidence=1 - inputs["alpha"])

    assert test.standard_error == pytest.approx(expected["std"], **tolerance)
    assert test.p_value == pytest.approx(expected["p_value"], **tolerance)
    assert test.acceptance == pytest.approx(expected["ci95"], **tolerance)


def test_conditional_p_value_is_the_published_one():
    inputs, expected, tolerance = reference("du_escanciano_cond_0.05")

    test = du_escanciano_conditional_from_statistic(inputs["statistic"], lags=2, n_obs=1966, confidence=0.95)

    assert test.p_value == pytest.approx(expected["p_value"], **tolerance)
    assert test.critical_value == pytest.approx(expected["critical_5pct"], **tolerance)


@pytest.mark.parametrize("model", MODELS)
def test_du_escanciano_matches_tstests(oracle_market, model):
    inputs, expected, tolerance = reference(f"du_escanciano_{model}_0.05")
    losses, _, _, s = tail(oracle_market, model, 0.05)
    u = stats.norm.sf(losses / s)

    first = du_escanciano_test(u, confidence=0.95)
    second = du_escanciano_conditional_test(u, lags=inputs["lags"], confidence=0.95)

    assert [first.statistic, first.p_value] == pytest.approx([expected["u"], expected["p_u"]], **tolerance)
    assert [second.statistic, second.p_value] == pytest.approx([expected["c"], expected["p_c"]], **tolerance)


@pytest.mark.parametrize("model", MODELS)
def test_nolde_ziegel_matches_esback(oracle_market, model):
    _, expected, tolerance = reference(f"nolde_ziegel_{model}_0.05")
    *rows, s = tail(oracle_market, model, 0.05)

    simple = nolde_ziegel_test(*rows, confidence=0.95)
    general = nolde_ziegel_general_test(*rows, volatility=s, confidence=0.95)

    assert simple.statistic == pytest.approx(expected["stat_simple"], **tolerance)
    assert simple.p_value == pytest.approx(expected["p_simple_two_sided"], **tolerance)
    assert general.statistic == pytest.approx(expected["stat_general"], **tolerance)
    assert general.p_value == pytest.approx(expected["p_general_two_sided"], **tolerance)


@pytest.mark.parametrize("model", MODELS)
def test_exceedance_residuals_match_rugarch(oracle_market, model):
    _, expected, tolerance = reference(f"mcneil_frey_normal_{model}_0.05")
    *rows, _ = tail(oracle_market, model, 0.05)

    assert exceedance_residual_test(*rows, confidence=0.95, law="normal").p_value == pytest.approx(
        expected["p_value"], **tolerance
    )


@pytest.mark.parametrize("model", MODELS)
def test_acerbi_szekely_statistics_follow_the_definition(oracle_market, model):
    _, expected, tolerance = reference(f"acerbi_szekely_{model}_0.05")
    *rows, _ = tail(oracle_market, model, 0.05)
    terms = {"confidence": 0.95, "law": normal_law(), "rng": np.random.default_rng(1), "n_draws": 1000}

    assert acerbi_szekely_z1_test(*rows, **terms).statistic == pytest.approx(expected["z1"], **tolerance)
    # The reference is printed to twelve decimals.
    assert acerbi_szekely_z2_test(*rows, **terms).statistic == pytest.approx(expected["z2"], abs=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_fz0_matches_gas(oracle_market, model):
    _, expected, tolerance = reference(f"fz0_{model}_0.05")
    *rows, _ = tail(oracle_market, model, 0.05)

    assert fz0_score(*rows, confidence=0.95).mean() == pytest.approx(expected["mean"], **tolerance)


def test_diebold_mariano_on_fz0_matches_the_definition(oracle_market):
    _, expected, tolerance = reference("diebold_mariano_fz0_L0")
    scores = [fz0_score(*tail(oracle_market, model, 0.025)[:3], confidence=0.975) for model in MODELS]

    test = diebold_mariano_test(*scores, lags=0)

    assert test.mean_difference == pytest.approx(expected["mean_diff"], **tolerance)
    assert test.asymptotic_statistic == pytest.approx(expected["stat"], **tolerance)
    assert test.asymptotic_p_value == pytest.approx(expected["p_value"], **tolerance)


@pytest.fixture(scope="module")
def drawn():
    def draw(law, n=250, n_draws=100_000):
        rng = np.random.default_rng(20240601)
        return acerbi_szekely_draws(n, statistic="Z2", confidence=0.975, law=law, rng=rng, n_draws=n_draws)

    return draw


def test_critical_values_of_z2_are_those_of_the_paper(drawn):
    _, expected, tolerance = reference("acerbi_szekely_z2_crit_250")
    low, high = expected["t_nu5_to_100_5pct_range"]

    assert np.quantile(drawn(normal_law()), 0.05) == pytest.approx(expected["normal_5pct"], **tolerance)
    assert np.quantile(drawn(student_law(3)), 0.05) == pytest.approx(expected["t3_5pct"], **tolerance)
    for nu in (5, 10, 100):
        assert low - 0.005 < np.quantile(drawn(student_law(nu)), 0.05) < high + 0.005  # two standard errors


def test_critical_value_of_z2_far_out_is_that_of_the_paper(drawn):
    _, expected, _ = reference("acerbi_szekely_z2_crit_250")

    found = np.quantile(drawn(normal_law(), n_draws=2_000_000), 1e-4)

    assert found == pytest.approx(expected["normal_0_01pct"], abs=0.1)


def test_p_value_and_critical_value_of_z2_are_those_of_the_t3_example(drawn):
    inputs, expected, tolerance = reference("acerbi_szekely_z2_t3_matlab")

    found = drawn(student_law(3), inputs["n"])

    assert np.quantile(found, 0.01) == pytest.approx(expected["critical_1pct"], **tolerance)
    assert np.mean(found <= inputs["statistic"]) == pytest.approx(expected["p_value"], **tolerance)
