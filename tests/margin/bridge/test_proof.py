from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.errors import ArgumentError
from volkit.margin.bridge import CONDITIONAL_METHODS, bridge_proof, conditional_tails
from volkit.margin.bridge.conditional import ConditionalTails
from volkit.validation import diebold_mariano_test
from volkit.validation.multiplicity import holm
from volkit.validation.shortfall import fz0_score, quantile_score


def simulated(n, *, strength, seed, memory=0.9):
    """Returns whose volatility follows a state of the day before (not at all for strength 0), and that state."""
    rng = np.random.default_rng(seed)
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = memory * x[t - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
    times = pd.date_range("2016-01-01", periods=n, tz="UTC", name="time")
    volatility = 0.02 * np.exp(strength * np.r_[0.0, x[:-1]])
    shocks = rng.standard_t(6, n) / np.sqrt(1.5)
    returns = pd.Series(volatility * shocks, index=times, name="simulated").clip(lower=-0.9)
    return returns, pd.DataFrame({"x": x}, index=times)


def with_true_tails(n=2_000, *, confidence=0.975, seed=3, turned=False):
    """Tails of the true law as the conditional ones, those of its mixture as the others (or the other way round)."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2016-01-01", periods=n, tz="UTC", name="time")
    wild = rng.random(n) < 0.3
    sigma = np.where(wild, 0.05, 0.015)
    z, p = stats.norm.ppf(confidence), 1.0 - confidence
    k = stats.norm.pdf(z) / p
    draws = np.where(rng.random(400_000) < 0.3, 0.05, 0.015) * rng.standard_normal(400_000)
    at = np.quantile(draws, confidence)
    flat = {"value_at_risk": np.full(n, at), "expected_shortfall": np.full(n, draws[draws > at].mean())}
    sharp = {"value_at_risk": z * sigma, "expected_shortfall": k * sigma}
    if turned:
        flat, sharp = sharp, flat
    r = sigma * rng.standard_normal(n)
    columns = {f"{name}_{s}": v for s in ("long", "short") for name, v in sharp.items()}
    columns |= {f"unconditional_{name}_{s}": v for s in ("long", "short") for name, v in flat.items()}
    frame = pd.DataFrame(columns | {"loss_long": -r, "loss_short": r, "until": times}, index=times)
    return ConditionalTails(
        asset="simulated", method="quantile_regression", frame=frame, state=pd.DataFrame({"x": wild * 1.0}, times),
        confidence=confidence, lookback=500, refit_every=21, scaled=False,
    )  # fmt: skip


def proof_of(strength, seed, n=2_000):
    returns, state = simulated(n, strength=strength, seed=seed)
    return bridge_proof({m: conditional_tails(returns, state, confidence=0.95, method=m) for m in CONDITIONAL_METHODS})


def test_true_conditional_tails_are_said_to_help_with_their_numbers():
    proof = bridge_proof(with_true_tails())

    assert proof.helps and proof.sentence.startswith(
        "helps: the macro state lowers the score of quantile regression, long, fz0"
    )
    assert "coverage is rejected" not in proof.sentence
    assert (proof.comparisons["difference"] < 0).all() and (proof.comparisons["verdict"] == "helps").all()
    assert proof.coverage.xs("with", level="state")["rate"].to_numpy() == pytest.approx(0.025, abs=0.01)


def test_worse_tails_are_said_not_to_help():
    proof = bridge_proof(with_true_tails(turned=True))

    assert not proof.helps
    assert proof.sentence.startswith("does not help: with the macro state the scores are worse for")


def test_better_score_with_a_coverage_that_is_rejected_says_so():
    tails = with_true_tails()
    # Fifteen per cent too low: still a better score than the flat one, but with too many exceptions.
    columns = {
        f"{m}_{s}": 0.85 * tails.frame[f"{m}_{s}"]
        for m in ("value_at_risk", "expected_shortfall")
        for s in ("long", "short")
    }
    proof = bridge_proof(replace(tails, frame=tails.frame.assign(**columns)))

    assert proof.helps and "but coverage is rejected for quantile regression, long" in proof.sentence


def test_numbers_are_those_of_scores_test_and_correction():
    tails = with_true_tails(300, seed=5)
    proof = bridge_proof(tails)

    p = []
    for side in ("long", "short"):
        f = tails.frame
        columns = [f[f"{m}_{side}"] for m in ("value_at_risk", "expected_shortfall")]
        plain = [f[f"unconditional_{m}_{side}"] for m in ("value_at_risk", "expected_shortfall")]
        for score in ("fz0", "quantile"):
            a, b = (
                fz0_score(f[f"loss_{side}"], *c, confidence=0.975)
                if score == "fz0"
                else quantile_score(f[f"loss_{side}"], c[0], confidence=0.975)
                for c in (columns, plain)
            )
            test, row = diebold_mariano_test(a, b), proof.comparisons.loc[("quantile_regression", side, score)]
            assert row[["with_state", "without_state"]].tolist() == pytest.approx([a.mean(), b.mean()])
            assert row[["statistic", "p_value"]].tolist() == pytest.approx([test.statistic, test.p_value])
            p.append(test.p_value)
    assert proof.comparisons["holm_p_value"].tolist() == pytest.approx(holm(np.array(p)).tolist())


def test_state_that_changes_nothing_is_undefined_and_does_not_help():
    returns, state = simulated(500, strength=0.0, seed=1)
    same = conditional_tails(
        returns, state, confidence=0.95, lookback=300, method="nearest_states", effective_share=1.0
    )
    tails = [c.removeprefix("unconditional_") for c in same.frame if c.startswith("unconditional_")]
    one = replace(same, frame=same.frame.assign(**{c: same.frame[f"unconditional_{c}"] for c in tails}))

    proof = bridge_proof(one)

    assert proof.comparisons["p_value"].isna().all() and not proof.helps
    assert proof.sentence == (
        "does not help: no score differs with the macro state (undefined: the losses are identical)."
    )


def test_more_methods_are_one_family():
    tails = with_true_tails(300, seed=5)
    alone, together = bridge_proof(tails), bridge_proof({"first": tails, "second": tails})

    assert len(together.comparisons) == 8
    assert (together.comparisons["holm_p_value"].to_numpy()[:4] >= alone.comparisons["holm_p_value"]).all()


def test_result_shows_sentence_and_rates():
    proof = bridge_proof(with_true_tails(300, seed=5))

    assert proof.sentence in repr(proof) and proof.n_obs == 300
    assert {"exception rate with", "exception rate without", "target"} <= set(proof.summary().columns)
    assert proof.to_frame().columns[:3].tolist() == ["method", "side", "score"]


@pytest.mark.parametrize(
    ("tails", "changes", "match"),
    [
        ({}, {}, "must be of one subject; got none"),
        ({"a": with_true_tails(100), "b": with_true_tails(100, confidence=0.99)}, {}, "one asset at one confidence"),
        (with_true_tails(100), {"significance": 0.5}, "significance"),
        (with_true_tails(100), {"lags": -1}, "lags"),
    ],
)
def test_what_cannot_be_compared_is_refused(tails, changes, match):
    with pytest.raises(ArgumentError, match=match):
        bridge_proof(tails, **changes)


@pytest.mark.slow
def test_help_is_found_where_it_is():
    proofs = [proof_of(0.6, seed) for seed in range(20)]

    helped = sum(proof.helps for proof in proofs)
    assert helped >= 17, [p.sentence for p in proofs if not p.helps]
    assert all("hurts" not in set(proof.comparisons["verdict"]) for proof in proofs)


@pytest.mark.slow
def test_help_is_not_claimed_where_there_is_none():
    proofs = [proof_of(0.0, 100 + seed) for seed in range(40)]

    # At a true chance of 5 % more than 5 of 40 come once in seventy.
    assert sum(proof.helps for proof in proofs) <= 5
    assert all(proof.helps == proof.sentence.startswith("helps: ") for proof in proofs)
    assert np.mean([proof.sentence.startswith("does not help") for proof in proofs]) >= 0.85
