import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_price
from volkit.options.index import variance_strip
from volkit.options.index.truncation import flat_tails

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "index.json").read_text())
SIDES = ["strike", "call_bid", "call_ask", "put_bid", "put_ask"]


def quotes_of(strike, call, put, half_spread=0.0):
    columns = [strike, call - half_spread, call + half_spread, put - half_spread, put + half_spread]
    return pd.DataFrame(dict(zip(SIDES, columns, strict=True)))


def flat_quotes(strike, *, forward, time, volatility, rate=0.0):
    discount = math.exp(-rate * time)
    call, put = (black76_price(forward, strike, time, volatility, c, discount=discount) for c in (True, False))
    return quotes_of(strike, call, put)


def ragged():
    """A chain with a gap, single and double zero bids, and a bid beyond them; forward 101."""
    strike = np.array([60.0, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 130, 140, 150])
    put = np.array([0.3, 0.02, 0.02, 0.1, 0.02, 0.4, 0.9, 2.0, 4.0, 7.0, 10.5, 15, 19.5, 29, 39, 49])
    call = np.array([41.0, 36, 31, 26.2, 21.3, 16.5, 12, 8, 5.0, 3.0, 1.6, 0.8, 0.02, 0.3, 0.02, 0.02])
    quotes = quotes_of(strike, call, put, 0.02)
    quotes.loc[quotes["put_bid"] < 0.01, "put_bid"] = 0.0
    quotes.loc[quotes["call_bid"] < 0.01, "call_bid"] = 0.0
    return quotes


def plain_strip(quotes, minutes, rate):
    """Return forward, reference strike, variance and strikes by the white paper, one line at a time."""
    T = minutes / 525_600
    rows = quotes.sort_values("strike").to_dict("records")
    for row in rows:
        row["c"], row["p"] = (row["call_bid"] + row["call_ask"]) / 2, (row["put_bid"] + row["put_ask"]) / 2
    at = min(rows, key=lambda r: abs(r["c"] - r["p"]))
    F = at["strike"] + math.exp(rate * T) * (at["c"] - at["p"])
    k0 = max(r["strike"] for r in rows if r["strike"] <= F)
    chosen = {k0: next((r["c"] + r["p"]) / 2 for r in rows if r["strike"] == k0)}
    for side, walk in (
        ("put", [r for r in rows if r["strike"] < k0][::-1]),
        ("call", [r for r in rows if r["strike"] > k0]),
    ):
        zeros = 0
        for r in walk:
            zeros = zeros + 1 if r[f"{side}_bid"] == 0 else 0
            if zeros == 2:
                break
            if zeros == 0:
                chosen[r["strike"]] = r[side[0]]
    ks = sorted(chosen)
    total = 0.0
    for i, k in enumerate(ks):
        low, high = ks[max(i - 1, 0)], ks[min(i + 1, len(ks) - 1)]
        width = (high - low) / (2 if 0 < i < len(ks) - 1 else 1)
        total += width / k**2 * math.exp(rate * T) * chosen[k]
    return F, k0, 2 / T * total - (F / k0 - 1) ** 2 / T, ks


def test_ragged_chain_is_read_as_a_plain_loop_reads_it():
    strip = variance_strip(ragged(), minutes=30_000, rate=0.02)

    forward, k0, variance, strikes = plain_strip(ragged(), 30_000, 0.02)
    assert strip.strikes["strike"].tolist() == strikes == [75, 85, 90, 95, 100, 105, 110, 115, 130]
    assert (strip.forward, strip.reference_strike) == pytest.approx((forward, k0), rel=1e-15)
    assert strip.variance == pytest.approx(variance, rel=1e-14)


def test_widths_are_those_of_the_surviving_strikes():
    width = variance_strip(ragged(), minutes=30_000, rate=0.0).strikes.set_index("strike")["delta_strike"]

    # 80 lost its bid: 75's only neighbour is 85, and 85 lies between 75 and 90.
    assert width.loc[[75, 85, 115, 130]].tolist() == [10, 7.5, 10, 15]


def test_bid_beyond_two_zero_bids_does_not_count():
    strip = variance_strip(ragged(), minutes=30_000, rate=0.0)

    assert strip.dropped == {
        "put without a bid": 3,
        "put beyond strikes without a bid": 1,
        "call without a bid": 3,
    }
    assert 60 not in strip.strikes["strike"].to_numpy()
    patient = variance_strip(ragged(), minutes=30_000, rate=0.0, zero_bids=3)
    assert 60 in patient.strikes["strike"].to_numpy()


def test_price_at_reference_strike_is_the_mean_of_both():
    strikes = variance_strip(ragged(), minutes=30_000, rate=0.0).strikes.set_index("strike")

    assert strikes.loc[100, "side"] == "both"
    assert strikes.loc[100, "price"] == pytest.approx(4.5)


@pytest.mark.parametrize(("volatility", "rate"), [(0.2, 0.0), (0.6, 0.05), (1.2, 0.0)])
def test_flat_volatility_gives_its_square(volatility, rate):
    strike = 100 * np.exp(np.arange(-3.0, 3.0, 0.002) * max(volatility, 0.5))
    quotes = flat_quotes(strike, forward=100.0, time=0.25, volatility=volatility, rate=rate)

    strip = variance_strip(quotes, minutes=0.25 * 525_600, rate=rate)

    # A sum over steps d of ln K exceeds the integral by about d^2 / 12 of the price at the money, and d <= 0.0024.
    assert strip.variance == pytest.approx(volatility**2, rel=1e-4)


def heston_calls(forward, strike, time, v0, kappa, theta, xi, rho):
    """Undiscounted calls by Lewis's integral over the characteristic function of ln(S / F)."""
    u = (np.arange(40_000) + 0.5) * 0.01
    z = u - 0.5j
    d = np.sqrt((kappa - rho * xi * 1j * z) ** 2 + xi**2 * (1j * z + z**2))
    minus = kappa - rho * xi * 1j * z - d
    g = minus / (minus + 2 * d)
    decay = np.exp(-d * time)
    c = kappa * theta / xi**2 * (minus * time - 2 * np.log((1 - g * decay) / (1 - g)))
    phi = np.exp(c + v0 / xi**2 * minus * (1 - decay) / (1 - g * decay))
    weight = phi / (u**2 + 0.25) * 0.01
    k = np.log(forward / strike)
    integral = np.array([float(np.real(np.exp(1j * u * x) @ weight)) for x in k])
    return forward - np.sqrt(forward * strike) / np.pi * integral


def test_heston_strip_gives_the_expected_variance():
    time, v0, kappa, theta, xi, rho = 0.25, 0.36, 3.0, 0.64, 0.9, -0.5
    strike = 100 * np.exp(np.arange(-3.0, 2.5, 0.01))
    call = heston_calls(100.0, strike, time, v0, kappa, theta, xi, rho)
    put = call - 100.0 + strike

    # Far out the integral's own error is all there is.
    keep = (np.minimum(call, put) > 1e-7) | (np.abs(strike - 100) < 50)
    strip = variance_strip(quotes_of(strike[keep], call[keep], put[keep]), minutes=time * 525_600, rate=0.0)

    expected = theta + (v0 - theta) * (1 - math.exp(-kappa * time)) / (kappa * time)
    assert strip.variance == pytest.approx(expected, rel=1e-3)
    assert 0.0 < strip.truncation.estimate < 1e-3


@given(scale=st.floats(1e-3, 1e3), volatility=st.floats(0.2, 1.5), time=st.floats(0.02, 1.0))
def test_unit_of_prices_does_not_matter(scale, volatility, time):
    strike = 100 * np.exp(np.linspace(-3.0, 3.0, 41) * volatility * math.sqrt(time))
    quotes = flat_quotes(strike, forward=101.0, time=time, volatility=volatility)

    one, other = (variance_strip(q, minutes=time * 525_600, rate=0.0) for q in (quotes, scale * quotes))

    assert other.variance == pytest.approx(one.variance, rel=1e-10)
    assert other.truncation.bound == pytest.approx(one.truncation.bound, rel=1e-6)


@given(low=st.floats(0.3, 0.9), high=st.floats(1.15, 2.5), volatility=st.floats(0.3, 1.2))
def test_what_is_missing_lies_between_nothing_and_the_bound(low, high, volatility):
    time = 0.1
    strike = 100 * np.exp(np.arange(np.log(low), np.log(high), 0.01))
    quotes = flat_quotes(strike, forward=100.0, time=time, volatility=volatility)
    if min(quotes["put_bid"].iloc[0], quotes["call_bid"].iloc[-1]) < 1e-12:
        return

    strip = variance_strip(quotes, minutes=time * 525_600, rate=0.0)

    missing = strip.truncation
    # At the forward the price of the strip has a kink of slope 1: the sum over steps d is off by 2 / T d^2 / 12; at
    # its ends, where slopes are smaller, by less.
    step = 2.0 / time * 0.01**2 / 12.0
    assert strip.variance + missing.estimate == pytest.approx(volatility**2, abs=2.0 * step)
    assert 0.0 <= missing.estimate <= missing.bound
    assert 0.0 <= missing.low_estimate <= missing.low_bound
    assert 0.0 <= missing.high_estimate <= missing.high_bound


def test_bound_is_reached_by_a_price_that_may_fall_to_the_floor():
    strip = variance_strip(ragged(), minutes=30_000, rate=0.0, floor_share=0.05)

    # The most that convexity allows below the last put at 75 is the ray to the origin; above 130, a flat call.
    k = np.linspace(0.05 * strip.forward, 75.0, 200_001)
    low = np.trapezoid(0.1 * k / 75.0 / k**2, k)
    k = np.geomspace(130.0, 1e9, 400_001)
    high = np.trapezoid(0.3 / k, np.log(k))
    assert strip.truncation.low_bound == pytest.approx(2.0 / strip.time * low, rel=1e-6)
    assert strip.truncation.high_bound == pytest.approx(2.0 / strip.time * high, rel=1e-6)
    assert strip.truncation.floor == pytest.approx(0.05 * strip.forward)


@pytest.mark.parametrize("end", [60.0, 90.0])
def test_flat_tails_are_the_integrals(end):
    deviation = 0.3
    k = np.exp(np.linspace(np.log(end) - 12 * deviation, np.log(end), 200_001))
    put = black76_price(100.0, k, 1.0, deviation, False)
    below = np.trapezoid(put / k, np.log(k))

    assert flat_tails(np.array([end, 200.0]), 100.0, np.array([deviation, deviation]))[0] == pytest.approx(
        below, rel=1e-6
    )


def test_result_says_what_it_rests_on():
    strip = variance_strip(ragged(), minutes=30_000, rate=0.0, as_of=pd.Timestamp("2024-01-01", tz="UTC"))

    summary = strip.summary()["value"]
    assert summary["strikes (count)"] == 9 == strip.n_strikes
    assert summary["left out, put without a bid (count)"] == 3
    assert "9 strikes from 75 to 130" in repr(strip)
    assert strip.to_frame()["contribution"].sum() - (strip.forward / 100 - 1) ** 2 / strip.time == strip.variance
    with pytest.raises(ValueError, match="read-only"):
        strip.strikes["price"].to_numpy()[0] = 1.0


def test_crossed_quote_is_named():
    quotes = ragged()
    quotes.loc[3, "put_bid"] = 9.0

    with pytest.raises(DataError, match="put's bid not above its ask; got 1 rows that break this, first at strike 75"):
        variance_strip(quotes, minutes=30_000, rate=0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda q: q.drop(columns="put_ask"), "none named put_ask"),
        (lambda q: q.assign(call_bid="x"), "must be numbers"),
        (lambda q: pd.concat([q, q.iloc[[2]]]), "each strike once.*strike 70"),
        (lambda q: q.assign(put_bid=-1.0), "not negative"),
        (lambda q: q[q["strike"] >= 105], "pair at or below the forward"),
        (lambda q: q.assign(put_ask=np.nan), "put and call priced"),
        (lambda q: q[q["strike"] >= 100], "0 puts, 4 calls"),
    ],
)
def test_unusable_chain_says_why(change, words):
    with pytest.raises(DataError, match=words):
        variance_strip(change(ragged()), minutes=30_000, rate=0.0)


def test_missing_bid_is_no_bid_and_missing_ask_no_price():
    quotes = ragged()
    quotes.loc[quotes["put_bid"] == 0.0, "put_bid"] = np.nan
    assert (
        variance_strip(quotes, minutes=30_000, rate=0.0).variance
        == variance_strip(ragged(), minutes=30_000, rate=0.0).variance
    )

    quotes.loc[quotes["strike"] == 110, "call_ask"] = np.nan
    strip = variance_strip(quotes, minutes=30_000, rate=0.0)
    assert strip.dropped["call without an ask"] == 1
    assert 110 not in strip.strikes["strike"].to_numpy()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"minutes": 0, "rate": 0.0}, "minutes"), ({"minutes": 1, "rate": np.inf}, "rate"),
     ({"minutes": 1, "rate": 0.0, "zero_bids": 0}, "zero_bids")],
)  # fmt: skip
def test_argument_out_of_range_is_refused(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        variance_strip(ragged(), **arguments)


def reference_chains(folder):
    """Return the chains of both papers, where they are at hand."""
    files = [folder / f"cboe_{name}" for name in ("2009_options.csv", "vixnearterm.dat", "vixnextterm.dat")]
    if not all(file.exists() for file in files):
        pytest.skip("no chains of the papers beside the market data")
    days = pd.read_csv(files[0])
    days = days.set_axis([c.lower().replace(" ", "_") for c in days.columns], axis=1)
    old = [days.loc[days["days"] == d, SIDES] for d in (9, 37)]
    return {"cboe_2009": old, "cboe_2014": [pd.DataFrame(np.loadtxt(f)[:, :5], columns=SIDES) for f in files[1:]]}


@pytest.mark.real
@pytest.mark.parametrize("paper", ["cboe_2009", "cboe_2014"])
def test_papers_come_out_to_every_digit(real_data, paper):
    facts, chains = REFERENCE[paper], reference_chains(real_data.parent / "reference" / "series")[paper]

    strips = [
        variance_strip(c, minutes=m, rate=r) for c, m, r in zip(chains, facts["minutes"], facts["rate"], strict=True)
    ]

    for i, strip in enumerate(strips):
        assert round(strip.forward, 5) == facts["forward"][i]
        assert strip.reference_strike == facts["reference_strike"]
        assert plain_strip(chains[i], facts["minutes"][i], facts["rate"][i])[2] == pytest.approx(strip.variance, 1e-13)
        if paper == "cboe_2014":
            assert round(strip.variance, 8) == facts["term_variance"][i]
            assert strip.n_strikes == facts["n_strikes"][i]
            by_strike = strip.strikes.set_index("strike")
            assert by_strike.index[[0, -1]].tolist() == facts["ends"][i]
            assert by_strike.loc[1960, "price"] == pytest.approx(facts["price_at_reference"][i])
            for strike, width in facts["delta_strike"][i].items():
                assert by_strike.loc[float(strike), "delta_strike"] == width
        else:
            # The paper rounds F and its widths on the way: its seven digits are met to six.
            assert strip.variance == pytest.approx(facts["term_variance"][i], rel=2e-6)
            assert round(strip.variance, 10) == facts["term_variance_recomputed"][i]
    if paper == "cboe_2014":
        lost = chains[0].set_index("strike").loc[facts["dropped_with_a_bid"], "put_bid"]
        assert (lost > 0).all() and not set(lost.index) & set(strips[0].strikes["strike"])
