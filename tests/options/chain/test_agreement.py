"""Own Greeks beside the venue's: which convention a book follows is found, and what departs is shown."""

import numpy as np
import pytest
from scipy.stats import norm

from volkit.errors import DataError
from volkit.options.chain import compare_with_venue, prepare_chain

INDEX = 89_500.0


def with_greeks(quotes, *, move=0.0, days=365.0, adjusted=False):
    """Add a venue's columns by the closed formula, read when the index had moved by a share, row by row."""
    seconds = (quotes["expiry"] - quotes["quoted_at"]).dt.total_seconds()
    time = seconds / (days * 86_400.0)
    index = INDEX * (1.0 + move * np.linspace(0.0, 1.0, len(quotes)))
    forward = quotes["underlying_price"] * index / INDEX
    deviation = quotes["implied_volatility"] * np.sqrt(time)
    d1 = np.log(forward / quotes["strike"]) / deviation + deviation / 2.0
    sign = np.where(quotes["is_call"], 1.0, -1.0)
    delta = sign * norm.cdf(sign * d1)
    if adjusted:
        delta = sign * quotes["strike"] / forward * norm.cdf(sign * (d1 - deviation))
    vega = forward * norm.pdf(d1) * np.sqrt(time) / 100.0
    return quotes.assign(delta=delta.round(5), vega_per_point=vega.round(5), index_price=index)


def compare(with_quotes, **words):
    return compare_with_venue(prepare_chain(with_quotes(lambda q: with_greeks(q, **words), n_strikes=31)))


def test_a_venue_that_follows_black_76_agrees_to_the_printed_digit(with_quotes):
    found = compare(with_quotes)

    # Half of the fifth decimal, and what a median over rounded deltas leaves open in the index.
    assert found.rows["delta_difference"].abs().max() < 1e-5
    assert (found.agreement.loc[["delta", "vega"], "share within"] == 1.0).all()
    assert found.index_at_quotes == pytest.approx(INDEX, rel=1e-5)


def test_greeks_read_while_the_index_moved_agree_once_the_forward_is_moved_too(with_quotes):
    found = compare(with_quotes, move=0.02)

    assert found.rows["delta_difference"].abs().max() < 1e-5
    assert found.index_at_quotes == pytest.approx(INDEX, rel=1e-5)
    shares = found.conventions["delta: share within 0.01"]
    assert shares[365.0, "forward"] == 1.0 > shares[365.0, "forward, at the forward of the prices"]


def test_the_day_count_that_fits_is_told_apart(with_quotes):
    right = compare(with_quotes).conventions["vega: median relative difference"]
    other = compare(with_quotes, days=365.25).conventions["vega: median relative difference"]

    assert right[365.0].iloc[0] < 1e-5 < right[365.25].iloc[0]
    assert other[365.25].iloc[0] < other[365.0].iloc[0]


def test_a_premium_adjusted_delta_is_seen_as_such(with_quotes):
    table = compare(with_quotes, adjusted=True).conventions["delta: median difference"]

    at_quotes = table[365.0]
    assert at_quotes.idxmin() == "premium-adjusted"


def test_a_row_that_departs_is_counted(with_quotes):
    def change(quotes):
        quotes = with_greeks(quotes)
        return quotes.assign(delta=quotes["delta"] + np.where(quotes.index == 20, 0.02, 0.0))

    found = compare_with_venue(prepare_chain(with_quotes(change, n_strikes=31)))

    assert found.agreement.loc["delta", "share within"] == pytest.approx(61 / 62)


def test_a_venue_without_greeks_is_compared_in_volatility_alone(prepared):
    found = compare_with_venue(prepared)

    assert found.agreement["quotes"].tolist() == [248, 248, 0, 0]
    assert found.agreement.loc["volatility", "share within"] == 1.0
    assert np.isnan(found.index_at_quotes)
    assert "volatility 100.0 %" in found.headline and "delta" not in found.headline


def test_a_venue_without_volatilities_is_refused(with_quotes):
    with pytest.raises(DataError, match="must have implied volatilities of the venue; got none on 22 quotes"):
        compare_with_venue(prepare_chain(with_quotes(lambda q: q.assign(implied_volatility=np.nan))))
