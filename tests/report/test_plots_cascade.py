from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.contagion.cascade import (
    LeveragedAccounts,
    PartialLiquidation,
    TradingHalt,
    Venue,
    cascade_paths,
    compare_mitigations,
    run_cascade,
)
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import LinearImpact
from volkit.report.figures import save_figure
from volkit.report.plots_cascade import (
    cascade_figures,
    plot_cascade_price,
    plot_cascade_rounds,
    plot_fund_paths,
    plot_loss_payers,
    plot_mitigations,
)
from volkit.results import Provenance, SeriesProvenance

SIMULATED = Provenance(
    (SeriesProvenance(name="SIM", source="simulated", sha256="0", unit="USD", close_rule="none", simulated=True),)
)


@pytest.fixture(scope="module")
def book():
    rng = np.random.default_rng(4)
    return LeveragedAccounts.from_leverage(
        price=60_000.0, notional=rng.lognormal(9.0, 1.0, 800), leverage=np.exp(rng.uniform(0.7, 3.7, 800)),
        side=np.where(rng.random(800) < 0.6, "long", "short"), maintenance_rate=0.005, provenance=SIMULATED,
    )  # fmt: skip


@pytest.fixture(scope="module")
def venue(book):
    slope = 0.4 / float(np.abs(book.quantity).sum())
    return Venue(price=60_000.0, impact=LinearImpact(slope), half_life=12.0, fund=5e4, leftover="returned")


@pytest.fixture(scope="module")
def run(book, venue):
    return run_cascade(book, venue, shock=-0.08)


@pytest.fixture(scope="module")
def paths(book, venue):
    steps = 0.01 * np.random.default_rng(5).standard_normal((50, 30))
    return cascade_paths(book, venue, np.exp(np.cumsum(steps, axis=1)))


@pytest.fixture(scope="module")
def comparison(book, venue):
    mitigations = {"halt": TradingHalt(drop=0.08, within=6, length=6), "part": PartialLiquidation()}
    return compare_mitigations(book, venue, mitigations=mitigations, shock=-0.08, steps=12)


def axes():
    return Figure(figsize=(8.6, 4.3)).subplots()


def test_price_goes_through_every_batch(run):
    ax = plot_cascade_price(run, ax=axes())
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), run.price_path)
    assert ax.lines[1].get_ydata()[-1] == pytest.approx(60_000.0 * 0.92)
    np.testing.assert_array_equal(ax.collections[0].get_offsets()[:, 1], run.rounds["fill"])


def test_bars_add_up_to_notional_and_bad_debt(run):
    ax = plot_cascade_rounds(run, ax=axes())
    heights = np.array([bar.get_height() for bar in ax.patches])
    totals = run.totals
    assert heights[heights > 0.0].sum() == pytest.approx(totals["long_notional"] + totals["short_notional"])
    assert -heights[heights < 0.0].sum() == pytest.approx(totals["bad_debt"])


def test_many_batches_are_gathered_in_the_last_bar():
    n = 300
    levels = np.exp(-(np.arange(n) + 1.0) / n)
    table = {"price": levels, "notional": levels, "leverage": 50.0, "side": "long", "maintenance_rate": 0.005}
    venue = Venue(price=1.0, impact=LinearImpact(0.00335))
    run = run_cascade(LeveragedAccounts.from_leverage(**table), venue, shock=-0.02)
    assert len(run.rounds) > 40
    ax = plot_cascade_rounds(run, ax=axes())
    assert "the last holds" in ax.get_xlabel()
    heights = np.array([bar.get_height() for bar in ax.patches])
    assert heights[heights > 0.0].sum() == pytest.approx(run.totals["long_notional"])


def test_the_fan_holds_the_fund_of_all_paths(paths):
    ax = plot_fund_paths(paths, ax=axes())
    median = ax.lines[0].get_ydata()
    assert median[0] == 5e4 and median[-1] == pytest.approx(paths.totals["fund_end"].median())
    note = next(text.get_text() for text in ax.texts if text.get_gid() == "volkit-note")
    assert "independent" in note.replace("\n", " ")


@pytest.mark.parametrize(
    ("step", "words"), [(None, "step"), ("1h", "hours"), ("1D", "days"), ("5min", "step of 5 minutes")]
)
def test_steps_are_named_by_their_length(paths, step, words):
    timed = replace(paths, step=None if step is None else pd.Timedelta(step))

    assert plot_fund_paths(timed, ax=axes()).get_xlabel() == words


def test_payers_add_up_to_the_bad_debt(paths):
    ax = plot_loss_payers(paths, ax=axes())
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(paths.totals["bad_debt"].sum())


def test_mitigations_stand_beside_none(comparison):
    ax = plot_mitigations(comparison, ax=axes())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["none", "halt", "part"]
    drop = comparison.table["drop"]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches[:3]], drop / drop["none"])
    loss = comparison.losses
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches[3:6]], loss / loss["none"])


def test_what_stays_open_is_hatched_at_the_end_of_the_losses(book, venue):
    mitigations = {"halt": TradingHalt(drop=0.08, within=1, length=1), "part": PartialLiquidation(share=0.2)}
    found = compare_mitigations(book, venue, mitigations=mitigations, shock=-0.12)
    ax = plot_mitigations(found, ax=axes())
    bars, hatched = ax.patches[3:6], ax.patches[6:9]
    hole = found.table["open_deficit"] / found.losses["none"]
    assert (hole[["halt", "part"]] > 0.0).all() and all(bar.get_hatch() for bar in hatched)
    np.testing.assert_allclose([bar.get_width() for bar in hatched], hole)
    np.testing.assert_allclose([b.get_x() + b.get_width() for b in hatched], [b.get_width() for b in bars], atol=1e-12)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words[-1] == "deficit of accounts left open"
    note = next(text.get_text() for text in ax.texts if text.get_gid() == "volkit-note")
    assert f"Bad debt with open deficit is least with {found.best}" in note.replace("\n", " ")


def test_figures_are_written_at_both_widths_and_called_simulated(run, paths, comparison, tmp_path):
    specs = cascade_figures(run=run, paths=paths, comparison=comparison)
    assert [spec.name.removeprefix("cascade_") for spec in specs] == [
        "price",
        "rounds",
        "fund",
        "payers",
        "mitigations",
    ]
    files = save_figure(specs[1], tmp_path, simulated=False)
    assert files.png_path.is_file() and files.narrow_size[0] == 720
    drawn = axes()
    specs[0].draw(drawn)
    assert "SIMULATED" in [text.get_text() for text in drawn.figure.texts] or drawn.figure._suptitle is not None
    assert cascade_figures() == ()


def test_nothing_to_draw_is_said(book, venue):
    still = Venue(price=60_000.0, impact=LinearImpact(0.0))
    quiet = run_cascade(book, still, shock=0.0)
    with pytest.raises(DataError, match="must hold a liquidation"):
        plot_cascade_rounds(quiet, ax=axes())
    calm = cascade_paths(book, still, [[1.0, 1.0]], series=False)
    with pytest.raises(DataError, match="must hold a path with bad debt"):
        plot_loss_payers(calm, ax=axes())
    with pytest.raises(ArgumentError, match="series must have been kept"):
        plot_fund_paths(calm, ax=axes())
    assert [spec.name for spec in cascade_figures(run=quiet, paths=calm)] == ["cascade_price"]
