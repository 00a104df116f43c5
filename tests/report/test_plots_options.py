import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.options.chain import prepare_chain, simulate_chain, smile, term_structure
from volkit.report.plots_options import plot_risk_reversals, plot_smile, plot_term_structure
from volkit.report.style import figure_style
from volkit.results import Provenance, freeze

DAYS = ("2026-01-13", "2026-02-05", "2026-04-06")


@pytest.fixture(scope="module")
def book():
    return prepare_chain(simulate_chain())


@pytest.fixture(scope="module")
def term(book):
    return term_structure(book)


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def dots(ax, gid):
    return np.vstack([np.asarray(c.get_offsets()) for c in ax.collections if c.get_gid() == gid])


def note(ax):
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def test_calls_and_puts_stand_at_their_strike_and_volatility(ax, book):
    found = smile(book, DAYS[1])

    plot_smile(found, ax=ax)

    for gid, is_call in (("call", True), ("put", False)):
        rows = found.points[found.points["is_call"] == is_call]
        assert dots(ax, gid).tolist() == rows[["strike", "volatility"]].to_numpy().tolist()
    assert ax.get_ylabel() == "implied volatility (per cent a year)"


def test_the_curve_passes_through_the_dots_whatever_the_abscissa(book):
    found = smile(book, DAYS[1])
    for by, column in (("strike", "strike"), ("log_moneyness", "log_moneyness"), ("delta", "call_delta")):
        ax = Figure().subplots()
        plot_smile(found, by=by, ax=ax)

        x, y = ax.lines[0].get_data()
        order = np.argsort(x)
        at_dots = np.interp(found.points[column], x[order], y[order])
        # The curve is drawn at 201 points, between which it is straight.
        np.testing.assert_allclose(at_dots, found.points["volatility"], atol=2e-3)


def test_a_side_quoted_alone_is_a_triangle(ax, book):
    quotes = book.quotes.copy()
    rows = quotes["expiry"] == quotes["expiry"].iloc[0]
    quotes.loc[rows, "bid_volatility"] = np.nan

    plot_smile(smile(dataclasses.replace(book, quotes=freeze(quotes)), DAYS[0]), ax=ax)

    assert len(dots(ax, "ask alone")) == 31 and len(dots(ax, "bid alone")) == 0


def test_several_smiles_have_a_colour_and_a_date_each(ax, book):
    plot_smile([smile(book, day) for day in DAYS], by="delta", ax=ax)

    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["13 Jan 2026", "05 Feb 2026", "06 Apr 2026", "call", "put"]
    assert len({to_hex(line.get_color()) for line in ax.lines}) == 3
    assert ax.get_xlim()[0] > ax.get_xlim()[1]  # puts on the left


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: {"slices": []}, "slices must be 1 to 6 smiles of one underlying; got 0 of nothing"),
        (lambda book: {"slices": [smile(book, DAYS[0])] * 7}, "got 7 of BTC; draw the rest on other axes"),
        (lambda book: {"slices": smile(book, DAYS[0]), "by": "price"}, "by must be one of strike"),
    ],
)
def test_what_cannot_be_drawn_is_refused(ax, book, make, says):
    with pytest.raises(ArgumentError, match=says):
        plot_smile(**make(book), ax=ax)


def test_smiles_of_two_coins_are_refused(ax, book):
    other = prepare_chain(simulate_chain(underlying="ETH", forward=3_000.0))

    with pytest.raises(ArgumentError, match="got 2 of BTC, ETH"):
        plot_smile([smile(book, DAYS[0]), smile(other, DAYS[0])], ax=ax)


def test_the_term_structure_shows_money_wings_and_forward_volatility(ax, term):
    plot_term_structure(term, ax=ax)

    days = (term.table["time"] * 365.0).tolist()
    drawn = {tuple(np.round(line.get_ydata(), 12)) for line in ax.lines}
    for column in ("atm_forward", "put_25", "call_25"):
        assert tuple(term.table[column].round(12)) in drawn
    (steps,) = [c for c in ax.collections if c.get_gid() == "forward volatility"]
    second = steps.get_segments()[1]
    assert second[:, 0].tolist() == pytest.approx(days[:2])
    assert second[0, 1] == pytest.approx(term.table["forward_volatility"].iloc[1])
    assert "risk reversal = call volatility minus put volatility" in note(ax)


def test_a_calendar_break_is_crossed_and_named(ax):
    levels = {8: 1.0, 31: 0.4, 91: 0.5}
    chain = simulate_chain(days=[7, 30, 90], smile=lambda k, t: np.full(np.shape(k), levels[round(t * 365)]))

    plot_term_structure(term_structure(prepare_chain(chain)), ax=ax)

    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [line.get_ydata().tolist() for line in crosses] == [pytest.approx([0.4], abs=1e-9)]
    assert "calendar break" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_risk_reversals_are_in_points_with_their_signs_in_the_note(ax, term):
    plot_risk_reversals(term, ax=ax)

    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(lines["25-delta risk reversal"], 100.0 * term.table["risk_reversal_25"])
    np.testing.assert_allclose(lines["10-delta butterfly"], 100.0 * term.table["butterfly_10"])
    assert "butterfly = mean of the wings minus delta-neutral" in note(ax)


def test_a_term_structure_without_wings_has_no_risk_reversals(ax):
    narrow = simulate_chain(days=[90.0])
    quotes = narrow.quotes[narrow.quotes["strike"].between(80_000, 104_000)]
    term = term_structure(prepare_chain(dataclasses.replace(narrow, quotes=quotes)))

    with pytest.raises(ArgumentError, match=r"term must reach a delta of 0\.25 on both sides; got 1 expiries"):
        plot_risk_reversals(term, ax=ax)


@pytest.mark.parametrize("narrow", [False, True])
def test_simulated_books_are_marked_and_real_ones_not(book, term, narrow):
    with figure_style(narrow=narrow):
        for result, draw in (
            (smile(book, DAYS[0]), plot_smile), (term, plot_term_structure), (term, plot_risk_reversals)
        ):  # fmt: skip
            for given, marks in ((result, 1), (dataclasses.replace(result, provenance=Provenance(())), 0)):
                figure = Figure(figsize=(3.9, 3.6) if narrow else (8.6, 4.3), layout="constrained")
                draw(given, ax=figure.subplots())
                figure.canvas.draw()
                found = [t for t in figure.findobj() if getattr(t, "get_text", str)() == "SIMULATED"]
                assert len(found) == marks
