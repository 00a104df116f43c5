import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from volkit.report import (
    FigureBlock,
    FigureSpec,
    ReportDocument,
    Section,
    TableBlock,
    TextBlock,
    render_report,
    save_figure,
)

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def figure(tmp_path):
    spec = FigureSpec(name="line", draw=lambda ax: ax.plot([1, 2]), alt=SCRIPT, caption=SCRIPT)
    return save_figure(spec, tmp_path, simulated=False)


@pytest.fixture
def page(figure):
    return render_report(document_of(figure))


def document_of(figure, *, simulated=True):
    blocks = (
        TextBlock((SCRIPT,), is_note=True),
        TableBlock(frame=pd.DataFrame({"a": [SCRIPT]}), caption=SCRIPT),
        TableBlock(frame=pd.DataFrame({"a": [SCRIPT]}), caption=SCRIPT, is_folded=True),
        FigureBlock(figure),
    )
    return ReportDocument(
        title=SCRIPT,
        question=SCRIPT,
        answer=(SCRIPT, "Second."),
        simulated=simulated,
        sections=(Section(SCRIPT, SCRIPT, blocks), Section("Empty", "", ())),
        footer={SCRIPT: SCRIPT},
    )


def visible_text(page):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.words = []

        def handle_data(self, data):
            if data.strip():
                self.words.append(data.strip())

    reader = Reader()
    reader.feed(page.split("<body>")[1])
    return reader.words


def test_texts_are_escaped_everywhere(page):
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 12


def test_page_refers_to_nothing_outside_itself(page):
    assert "http://" not in page
    assert "https://" not in page
    assert all(target.startswith("data:") for target in re.findall(r'(?:src|srcset)="([^"]*)"', page))
    assert all(target.startswith(("data:", "#")) for target in re.findall(r'href="([^"]*)"', page))
    assert not re.search(r"url\(|@import", page)


def test_page_forbids_outside_requests(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)

    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert "script-src" not in policy


def test_first_line_says_that_prices_are_simulated(page):
    assert visible_text(page)[0].startswith("Simulated prices: every price in this report was made by")
    assert "<title>SIMULATED: " in page


def test_real_prices_are_not_called_simulated(figure):
    assert "imulated prices" not in render_report(document_of(figure, simulated=False))


def test_same_document_gives_the_same_page(figure):
    assert render_report(document_of(figure)) == render_report(document_of(figure))


def test_page_has_language_viewport_contents_and_one_heading(page):
    assert '<html lang="en">' in page
    assert 'name="viewport"' in page
    assert page.count("<h1>") == 1
    anchors = re.findall(r'<li><a href="#([^"]+)"', page)
    assert anchors == re.findall(r'<h2 id="([^"]+)"', page) == ["section-1", "section-2"]


def test_phone_gets_the_narrow_figure(page, figure):
    assert '<source media="(max-width: 640px)" srcset="data:image/png;base64,' in page
    assert f'width="{figure.narrow_size[0]}" height="{figure.narrow_size[1]}"' in page


def test_a_report_without_sections_is_a_page():
    page = render_report(ReportDocument(title="t", question="q", answer=(), simulated=False, sections=()))

    assert "<nav" not in page
    assert page.rstrip().endswith("</html>")
