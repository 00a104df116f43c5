import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.validation.confidence_set import model_confidence_set


def draw(n=300, seed=6, extra=(0.0, 0.05, 0.15, 0.8)):
    rng = np.random.default_rng(seed)
    common = rng.chisquare(1, (n, 1))
    return pd.DataFrame(common + rng.normal(0.0, 0.6, (n, len(extra))) + extra, columns=list("ABCD")[: len(extra)])


def by_hand(losses, seed, *, method, block, replications):
    """Hansen, Lunde and Nason (2011), section 3.1.2, one model at a time on the given bootstrap."""
    from arch.bootstrap import StationaryBootstrap

    values, n = losses.to_numpy(), len(losses)
    seed = int(np.random.default_rng(seed).integers(2**63 - 1))
    draws = StationaryBootstrap(block, np.arange(n), seed=seed).bootstrap(replications)
    means = values.mean(axis=0)
    centred = np.array([values[data[0]].mean(axis=0) - means for data, _ in draws])
    left, p_values, so_far = list(range(values.shape[1])), {}, 0.0
    while len(left) > 1:
        if method == "max":
            d, db = means[left] - means[left].mean(), centred[:, left] - centred[:, left].mean(axis=1, keepdims=True)
            scale = np.sqrt((db**2).mean(axis=0))
            t, tb = d / scale, db / scale
        else:
            pairs = [(i, j) for i in left for j in left if i != j]
            d = np.array([means[i] - means[j] for i, j in pairs])
            db = np.array([centred[:, i] - centred[:, j] for i, j in pairs]).T
            scale = np.sqrt((db**2).mean(axis=0))
            t, tb = d / scale, db / scale
        so_far = max(so_far, float(np.mean(tb.max(axis=1) > t.max())))
        worst = left[int(t.argmax())] if method == "max" else pairs[int(t.argmax())][0]
        p_values[losses.columns[worst]] = so_far
        left.remove(worst)
    return {**p_values, losses.columns[left[0]]: 1.0}


@pytest.mark.parametrize("method", ["max", "R"])
def test_p_values_are_those_of_the_procedure_written_out(method):
    losses = draw()

    found = model_confidence_set(losses, rng=np.random.default_rng(9), method=method, block_length=8, n_bootstrap=400)

    expected = by_hand(losses, 9, method=method, block=8, replications=400)
    assert found.p_values.to_dict() == pytest.approx(expected, abs=1e-12)
    assert found.p_values["D"] < 0.01 < found.p_values["B"]


def test_best_model_stays_and_a_bad_one_goes_as_often_as_promised():
    held, kept = 0, 0
    for seed in range(150):
        losses = draw(200, seed, extra=(0.0, 0.0, 0.4))
        found = model_confidence_set(losses, rng=np.random.default_rng(seed), block_length=2, n_bootstrap=200)
        held += "A" in found.included
        kept += "C" in found.included

    # Four standard errors of 150 samples below the promise. C loses by 0.4 / (0.6 sqrt(2 / 200)) = 6.7 errors.
    assert held / 150 >= 0.90 - 4 * np.sqrt(0.9 * 0.1 / 150)
    assert kept == 0


@settings(max_examples=20)
@given(st.permutations(list("ABCD")), st.floats(1e-6, 1e6))
def test_order_of_the_models_and_unit_of_the_losses_change_nothing(order, scale):
    losses = draw(100)
    settings_ = {"n_bootstrap": 100, "block_length": 5}

    one = model_confidence_set(losses, rng=np.random.default_rng(1), **settings_)
    other = model_confidence_set(scale * losses[order], rng=np.random.default_rng(1), **settings_)

    assert other.p_values[list("ABCD")].tolist() == one.p_values.tolist()


def test_same_generator_gives_the_same_set_and_moves_on():
    rng = np.random.default_rng(1)

    first, second = (model_confidence_set(draw(), rng=rng, n_bootstrap=200).p_values for _ in range(2))
    again = model_confidence_set(draw(), rng=np.random.default_rng(1), n_bootstrap=200).p_values

    assert first.tolist() == again.tolist()
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("method", ["max", "R"])
def test_models_with_the_same_losses_share_a_p_value(method):
    losses = draw().assign(twin=lambda t: t["B"] * (1 + 1e-15))

    found = model_confidence_set(losses, rng=np.random.default_rng(1), method=method, n_bootstrap=200)
    alone = model_confidence_set(losses[["A", "A"]].set_axis(["A", "B"], axis=1), rng=np.random.default_rng(1))

    assert found.p_values["twin"] == found.p_values["B"]
    assert list(found.p_values.index) == ["A", "B", "C", "D", "twin"]
    assert alone.p_values.tolist() == [1.0, 1.0]


def test_display_names_members_and_confidence():
    found = model_confidence_set(draw(extra=(0.0, 0.9)), rng=np.random.default_rng(1), confidence=0.95)

    assert repr(found) == "<ModelConfidenceSet: A of 2 models at 0.95, 300 periods>"
    assert found.summary()["in the set at 0.95"].tolist() == [True, False]
    with pytest.raises(ValueError, match="read-only"):
        found.p_values.iloc[0] = 0.5


def test_array_has_numbers_for_names():
    found = model_confidence_set(draw().to_numpy(), rng=np.random.default_rng(1), n_bootstrap=100)

    assert list(found.p_values.index) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[["A"]], "losses must have at least 2 models; got 1"),
        (lambda t: t.iloc[:9], "losses of A must have at least 10 values; got 9"),
        (lambda t: t.where(t["B"] != t["B"].iloc[4]), r"losses of A must be finite; got 1 NaN .* first at 4"),
        (lambda t: t[["A", "B", "A"]], "losses must name each model once; got A more than once"),
        (lambda t: t.assign(E=t["B"] + 0.5), r"must differ by a varying amount; got .* same amount .*\(B, E\)"),
    ],
)
def test_losses_that_cannot_be_compared_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        model_confidence_set(change(draw()), rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"confidence": 0.1}, r"pass the confidence, not the tail probability: confidence=0\.9"),
        ({"method": "SQ"}, "method must be one of max, R"),
        ({"n_bootstrap": 50}, "n_bootstrap must be a whole number of at least 100 replications"),
        ({"block_length": 0}, "block_length must be a whole number of at least 1"),
        ({"block_length": 300}, "block_length must be below the 300 periods"),
        ({"rng": 1}, "rng must be a random generator; got int; pass np.random.default_rng"),
    ],
)
def test_arguments_that_cannot_be_are_refused(keywords, message):
    with pytest.raises(ArgumentError, match=message):
        model_confidence_set(draw(), **{"rng": np.random.default_rng(1), **keywords})
