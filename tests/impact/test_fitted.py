import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.impact.bars import block_sums, read_bars
from volkit.impact.fitted import fit_impact
from volkit.impact.illiquidity import amihud_illiquidity, block_of
from volkit.impact.laws import LinearImpact, SquareRootImpact
from volkit.sources.catalogue import load_catalogue
from volkit.sources.protocol import make_bars

PRICE = 50_000.0


def simulated_bars(coefficient, power, *, n=20_000, share=0.3, noise=2e-4, seed=1):
    """Return bars whose moves are impact of a net flow and noise, and that flow: simulated."""
    rng = np.random.default_rng(seed)
    coins = rng.lognormal(3.0, 1.0, n)
    flow = share * coins * rng.choice([-1.0, 1.0], n)
    move = -coefficient * np.sign(flow) * np.abs(flow) ** power + noise * rng.standard_normal(n)
    log_price = np.log(PRICE) + np.concatenate([[0.0], np.cumsum(move)])
    times = pd.date_range("2024-01-01", periods=n, freq="1min", tz="UTC", name="time")
    frame = pd.DataFrame({"open": np.exp(log_price[:-1]), "close": np.exp(log_price[1:]), "volume": coins}, index=times)
    return frame, pd.Series(flow, index=times)


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize(("shape", "power", "coefficient"), [("square_root", 0.5, 1e-4), ("linear", 1.0, 2e-5)])
@pytest.mark.parametrize("with_flow", [True, False])
def test_known_impact_is_recovered(shape, power, coefficient, with_flow):
    frame, flow = simulated_bars(coefficient, power)
    terms = {"flow": flow} if with_flow else {"imbalance": 0.3}

    found = fit_impact(frame, volume_unit="coins", shape=shape, rng=rng(), **terms)

    assert found.low < coefficient < found.high
    assert found.coefficient == pytest.approx(coefficient, rel=0.03)
    assert found.noise == pytest.approx(2e-4, rel=0.03)
    assert found.worst_bin < (0.25 if with_flow else 0.06)
    assert found.law.displacement(100.0) == pytest.approx(found.coefficient * 100.0**power)
    assert isinstance(found.law, SquareRootImpact if shape == "square_root" else LinearImpact)


def test_interval_covers_the_truth_as_often_as_it_says():
    hits = 0
    for seed in range(60):
        frame, _ = simulated_bars(1e-4, 0.5, n=2_000, seed=seed)
        found = fit_impact(
            frame, volume_unit="coins", imbalance=0.3, confidence=0.9, block=10, n_bootstrap=300, rng=rng()
        )
        hits += found.low < 1e-4 < found.high

    # 54 of 60 expected, with a standard deviation of 2.3.
    assert 47 <= hits <= 60


def test_wrong_shape_shows_in_its_bins():
    frame, _ = simulated_bars(1e-4, 0.5, noise=2e-5)

    right, wrong = (fit_impact(frame, volume_unit="coins", shape=s, rng=rng()) for s in ("square_root", "linear"))

    assert right.worst_bin < 0.05 < 0.3 < wrong.worst_bin
    assert right.exponent == pytest.approx(0.5, abs=0.03) and np.isnan(wrong.constant)
    assert right.constant == pytest.approx(np.sqrt(right.explained), rel=0.02)


def test_moves_without_noise_have_none():
    frame, _ = simulated_bars(1e-4, 0.5, noise=0.0)

    found = fit_impact(frame, volume_unit="coins", imbalance=0.3, rng=rng())

    assert found.coefficient == pytest.approx(1e-4, rel=1e-6) and found.noise == pytest.approx(0.0, abs=1e-9)
    assert found.explained == pytest.approx(1.0)


def test_volume_in_money_is_the_same_in_coins():
    frame, _ = simulated_bars(1e-4, 0.5, n=2_000)
    money = frame.assign(volume=frame["volume"] * frame["close"])

    one, two = fit_impact(frame, volume_unit="coins", rng=rng()), fit_impact(money, volume_unit="money", rng=rng())

    assert one.coefficient == pytest.approx(two.coefficient, rel=1e-9) and one.low == pytest.approx(two.low, rel=1e-9)
    a, b = (amihud_illiquidity(f, volume_unit=u, rng=rng()) for f, u in ((frame, "coins"), (money, "money")))
    assert a.value == pytest.approx(b.value, rel=1e-9)


def test_bars_without_a_trade_are_left_out_and_counted():
    frame, _ = simulated_bars(1e-4, 0.5, n=2_000)
    padded = frame.copy()
    padded.iloc[::10, padded.columns.get_loc("volume")] = 0.0
    rest = frame.drop(frame.index[::10])

    found, other = (fit_impact(f, volume_unit="coins", block=50, rng=rng()) for f in (padded, rest))

    assert found.n_empty == 200 and found.n_obs == 1_800
    assert found.coefficient == pytest.approx(other.coefficient, rel=1e-9)
    assert amihud_illiquidity(padded, volume_unit="coins", rng=rng()).n_empty == 200


def test_illiquidity_is_the_mean_by_hand_and_its_days():
    frame, _ = simulated_bars(1e-4, 0.5, n=4_000)
    ratio = (frame["close"] / frame["open"] - 1).abs() / (frame["volume"] * frame["close"])

    found = amihud_illiquidity(frame, volume_unit="coins", rng=rng())

    assert found.value == pytest.approx(ratio.mean(), rel=1e-12) and found.low < found.value < found.high
    np.testing.assert_allclose(found.by_day["illiquidity"], ratio.groupby(ratio.index.floor("1D")).mean(), rtol=1e-12)
    # Bars drawn one by one: the interval is the normal one of a mean.
    some, few = frame.iloc[:1_000], ratio.iloc[:1_000]
    single = amihud_illiquidity(some, volume_unit="coins", block=1, n_bootstrap=8_000, rng=rng())
    assert single.high - single.low == pytest.approx(2 * 1.96 * few.std() / len(few) ** 0.5, rel=0.05)
    assert "bp per million traded" in repr(found) and found.summary().shape == (3, 1)
    assert found.to_frame() is found.by_day and found.block == 400


def test_block_sums_are_those_of_a_loop():
    values, block = np.arange(1.0, 12.0)[None, :] ** 2, 4
    starts = np.random.default_rng(3).integers(0, 11, (5, 3))

    sums = block_sums(values, block=block, n_draws=5, rng=np.random.default_rng(3))

    for draw, got in zip(starts, sums[:, 0], strict=True):
        rows = np.concatenate([(s + np.arange(block)) % 11 for s in draw])[:11]
        assert got == pytest.approx(values[0, rows].sum())


def test_provenance_of_simulated_bars_is_handed_on():
    frame, _ = simulated_bars(1e-4, 0.5, n=500)
    bars = make_bars(frame, load_catalogue()["BTC_PERP"], interval="1m", source="drawn", simulated=True)

    fit, ratio = (
        fit_impact(bars, volume_unit="coins", rng=rng()),
        amihud_illiquidity(bars, volume_unit="coins", rng=rng()),
    )

    assert fit.provenance.simulated and "SIMULATED" in repr(fit) and "SIMULATED" in repr(ratio)
    assert fit.as_of == frame.index[-1] and fit.to_frame() is fit.bins and "Y" in fit.headline
    assert fit.summary().loc["largest miss of a bin (share)", "value"] == fit.worst_bin
    assert read_bars(bars, volume_unit="coins").minutes == 1.0 and block_of(pd.Timedelta("1h"), 100) == 10


@pytest.mark.parametrize(
    ("change", "terms", "error", "words"),
    [
        (lambda f: f.drop(columns="volume"), {}, DataError, "no volume"),
        (lambda f: f.iloc[:99], {}, DataError, "99 bars"),
        (lambda f: f.assign(close=np.nan), {}, DataError, "others, first at"),
        (lambda f: f.assign(volume=0.0), {}, DataError, "no volume at all"),
        (lambda f: f.assign(volume=-1.0), {}, DataError, "volumes of at least 0"),
        (lambda f: f.assign(close=f["open"] * np.exp(1e-3 / f["volume"])), {}, DataError, "must move more"),
        (lambda f: f.set_axis(f.index[0] + pd.Timedelta("1D") * np.arange(len(f))), {}, DataError, "step of at most"),
        (lambda f: f, {"volume_unit": "contracts"}, ArgumentError, "volume_unit must be one of"),
        (lambda f: f, {"shape": "cubic"}, ArgumentError, "shape must be one of"),
        (lambda f: f, {"imbalance": 0.0}, ArgumentError, "imbalance must be"),
        (lambda f: f, {"confidence": 0.01}, ArgumentError, "confidence"),
        (lambda f: f, {"block": 0}, ArgumentError, "block must be"),
        (lambda f: f, {"flow": "short"}, DataError, "flow must have a finite number on each time"),
        (lambda f: f, {"flow": "none"}, DataError, "must not be 0"),
        (lambda f: f, {"flow": "against"}, DataError, "check its sign"),
    ],
)
def test_bad_bars_and_flows_are_named(change, terms, error, words):
    frame, flow = simulated_bars(1e-4, 0.5, n=500)
    flows = {"short": flow.iloc[1:], "none": 0.0 * flow, "against": -flow}
    terms = {"volume_unit": "coins", "rng": rng()} | terms
    if "flow" in terms:
        terms["flow"] = flows[terms["flow"]]

    with pytest.raises(error, match=words):
        fit_impact(change(frame), **terms)


@pytest.mark.real
def test_minutes_of_a_perpetual_follow_the_square_root(real_data):
    bars = pd.read_csv(real_data / "minute/BTC-PERP_1m.csv.gz", parse_dates=["time"], index_col="time")

    root, line = (fit_impact(bars, volume_unit="money", shape=s, rng=rng()) for s in ("square_root", "linear"))

    assert root.exponent == pytest.approx(0.48, abs=0.01) and 0.8 < root.constant < 1.0
    assert root.worst_bin < 0.2 < line.worst_bin
