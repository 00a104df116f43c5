import numpy as np
import pandas as pd
import pytest
from browser import Watched, needs_browser, open_browser, serious_findings

from volkit.report import (
    FigureBlock,
    FigureSpec,
    ReportDocument,
    Section,
    TableBlock,
    TextBlock,
    plot_coverage,
    plot_margin_schedule,
    render_report,
    save_figure,
)

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page_path(calibrated, tmp_path):
    one = calibrated[0]
    specs = [
        FigureSpec(name="a", draw=lambda ax: plot_margin_schedule(one.schedule, ax=ax), alt="Margins", caption="Held."),
        FigureSpec(name="b", draw=lambda ax: plot_coverage(one.backtests, ax=ax), alt="Coverage", caption="Held."),
    ]
    figures = tuple(FigureBlock(save_figure(spec, tmp_path, simulated=True)) for spec in specs)
    wide = pd.DataFrame(np.ones((3, 40)), columns=[f"column {i}" for i in range(40)])
    blocks = (
        TextBlock(("A" * 300,)),
        TableBlock(frame=wide, caption="A wide table"),
        TableBlock(frame=one.table, caption="Parameters"),
        TableBlock(frame=one.backtest.table, caption="Tests", is_folded=True),
        *figures,
    )
    document = ReportDocument(
        title="test",
        question="Would the margins have held?",
        answer=("Yes.",),
        simulated=True,
        sections=(Section("Margins", "They held.", blocks),),
        footer={"data sha-256": "a" * 64},
    )
    path = tmp_path / "report.html"
    path.write_text(render_report(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_needs_nothing_from_outside_and_fits_the_window(browser, page_path, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = Watched(context.new_page())
    page = watched.page

    page.goto(page_path.as_uri())
    page.locator("details summary").click()

    assert watched.outside == []
    assert watched.complaints == []
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    context.close()


def test_first_line_that_is_read_says_simulated(browser, page_path):
    page = browser.new_page()

    page.goto(page_path.as_uri())

    assert page.inner_text("body").splitlines()[0].startswith("Simulated prices:")
    page.close()


def test_phone_shows_the_narrow_figure(browser, page_path):
    page = browser.new_page(viewport={"width": 390, "height": 800})

    page.goto(page_path.as_uri())

    assert page.evaluate("[...document.images].every(image => image.naturalWidth === 720)")
    page.close()
