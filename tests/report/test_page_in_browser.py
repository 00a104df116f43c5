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
from volkit.report.blocks import Answer, CardBlock, Formula, FormulaBlock, Reading, SummaryPart

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page_path(calibrated, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("page")
    one = calibrated[0]
    specs = [
        FigureSpec(name="a", draw=lambda ax: plot_margin_schedule(one.schedule, ax=ax), alt="Margins", caption="Held."),
        FigureSpec(name="b", draw=lambda ax: plot_coverage(one.backtests, ax=ax), alt="Coverage", caption="Held."),
    ]
    figures = tuple(FigureBlock(save_figure(spec, tmp_path, simulated=True)) for spec in specs)
    wide = pd.DataFrame(np.ones((3, 40)), columns=[f"column {i}" for i in range(40)])
    sortable = pd.DataFrame(
        {"name": ["a", "b", "c", "d", "e"], "value": [2.0, np.nan, 10.0, -1.5, 2.0], "word": ["z", "x", None, "y", "x"]}
    )
    formula = Formula(title="Mean", latex=r"\bar x = \frac{1}{n} \sum_i x_i", where={"n": "count"}, source="Nobody.")
    card = CardBlock(
        title="BTC",
        subtitle="Filtered historical, 99 % over 1 day.",
        readings=(Reading("Initial margin", (("long", "8.3 %"), ("short", "8.5 %")), "of the notional"),),
        table=TableBlock(frame=one.table.drop(columns="reason"), caption="All of it", strong="recommended"),
        notes=("By hand: none.",),
    )
    blocks = (
        TextBlock(("A" * 300,)),
        TableBlock(frame=sortable, caption="Sortable", index=False),
        FormulaBlock("Margins (1 formula)", (formula,)),
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
        summary=(SummaryPart("Margins", (card,), (Answer("Why", "They held.", ("Margins",)),)),),
        dateline="Data to 2024-01-01",
        sections=(Section("Margins", "They held.", blocks, "Part"), Section("Data", "All there.", (), "Part")),
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
    for folded in page.locator("main details summary").all():
        folded.click()
    page.get_by_role("button", name="value").first.click()

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


def column(page, name, number):
    return page.evaluate(
        "([name, number]) => [...document.querySelectorAll('table')].find(t => t.caption.innerText === name)"
        ".tBodies[0].querySelectorAll('tr').values().map(row => row.cells[number].innerText).toArray()",
        [name, number],
    )


def test_a_head_sorts_up_down_and_back_by_click_and_by_key(browser, page_path):
    page = browser.new_page()
    page.goto(page_path.as_uri())
    table = page.locator("table", has_text="Sortable")
    value, word = table.get_by_role("button", name="value"), table.get_by_role("button", name="word")
    head = table.locator("thead th").nth(1)

    value.click()
    up = column(page, "Sortable", 0)
    value.focus()
    page.keyboard.press("Enter")
    down = column(page, "Sortable", 0)

    assert up == ["d", "a", "e", "c", "b"]  # equal ones in the order of the report, the missing one last
    assert down == ["c", "a", "e", "d", "b"]
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert column(page, "Sortable", 0) == ["a", "b", "c", "d", "e"]
    assert head.get_attribute("aria-sort") is None
    word.click()
    assert column(page, "Sortable", 0) == ["b", "e", "d", "a", "c"]
    assert page.locator("th[aria-sort]").count() == 1
    page.close()


def test_contents_fold_on_a_phone_and_mark_what_is_read(browser, page_path):
    wide, phone = (
        browser.new_page(viewport={"width": 1280, "height": 800}),
        browser.new_page(viewport={"width": 390, "height": 800}),
    )
    for page in (wide, phone):
        page.goto(page_path.as_uri())

    is_open = [page.evaluate("document.querySelector('nav details').open") for page in (wide, phone)]
    wide.get_by_role("link", name="Data", exact=True).click()
    wide.locator("nav a[aria-current]", has_text="Data").wait_for(timeout=5000)

    assert is_open == [True, False]
    wide.close()
    phone.close()


def test_without_script_everything_can_be_read(browser, page_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()

    page.goto(page_path.as_uri())

    assert page.get_by_role("link", name="Data", exact=True).is_visible()
    assert page.get_by_role("columnheader", name="word").is_visible()
    assert page.get_by_role("button").count() == 0
    context.close()


def test_print_is_a4_with_page_numbers_and_everything_open(browser, page_path, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    page = browser.new_page()
    page.goto(page_path.as_uri())

    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)

    pages = pypdf.PdfReader(tmp_path / "report.pdf").pages
    texts = [one.extract_text() for one in pages]
    assert {tuple(round(float(x)) for x in one.mediabox[2:]) for one in pages} == {(595, 842), (842, 595)}
    assert all(f"page {n} of {len(pages)}" in text for n, text in enumerate(texts, start=1))
    assert all("SIMULATED" in text for text in texts)
    assert "On this page" in texts[0]
    whole = " ".join(texts)
    assert "Nobody." in whole
    assert "exceptions" in whole
    links = [a.get_object() for one in pages for a in one.get("/Annots", [])]
    assert sum(link["/Subtype"] == "/Link" for link in links) >= 4
    page.close()
