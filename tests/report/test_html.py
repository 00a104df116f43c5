import base64
import hashlib
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from volkit.errors import ArgumentError
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
from volkit.report.blocks import Answer, CardBlock, Formula, FormulaBlock, Reading, SummaryPart
from volkit.report.html import to_mathml

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"


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
        FormulaBlock(
            SCRIPT,
            (
                Formula(
                    title=SCRIPT, latex="a < b", where={"a": SCRIPT}, source=SCRIPT, note=SCRIPT, functions=(SCRIPT,)
                ),
            ),
        ),
    )
    card = CardBlock(
        title=SCRIPT,
        subtitle=SCRIPT,
        readings=(Reading(SCRIPT, ((SCRIPT, SCRIPT),), SCRIPT),),
        table=TableBlock(frame=pd.DataFrame({SCRIPT: [SCRIPT]}), caption=SCRIPT, strong=SCRIPT),
        notes=(SCRIPT,),
    )
    summary = SummaryPart(SCRIPT, (card,), (Answer(SCRIPT, SCRIPT, (SCRIPT, "Nowhere")),))
    return ReportDocument(
        title=SCRIPT,
        question=SCRIPT,
        answer=(SCRIPT, "Second."),
        simulated=simulated,
        sections=(Section(SCRIPT, SCRIPT, blocks, SCRIPT), Section("Empty", "", ()), Section("Empty", "", ())),
        footer={SCRIPT: SCRIPT},
        summary=(summary,),
        dateline=SCRIPT,
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
    assert page.count("<script>") == 1
    assert page.count("alert(1)") == page.count("&lt;img src=x onerror=alert(1)&gt;") * 2
    assert page.count("&lt;script&gt;") >= 40
    style = page.split("<style>")[1].split("</style>")[0]
    assert "<" not in style
    assert style.count("script") == 2  # the title at the top of a printed page, its letters alone


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
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert re.findall(r"script-src ([^;]*);", policy) == [f"'sha256-{digest}'"]
    assert len(scripts) == 1
    assert not re.search(r" on[a-z]+=", re.sub(r"&lt;.*?&gt;", "", page.replace(scripts[0], "")))


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
    named = "script-alert-1-script-img-src-x-onerror-alert-1"
    assert anchors == re.findall(r'<h2 id="([^"]+)"', page) == ["summary", named, "empty", "empty-2"]


def test_answers_link_to_the_sections_that_prove_them_and_to_no_other(page):
    answers = page.split('<div class="answers">')[1].split("</section>")[0]

    assert re.findall(r'href="#([^"]+)"', answers) == ["script-alert-1-script-img-src-x-onerror-alert-1"]
    assert "Nowhere" not in page


def test_cards_fold_their_table_and_answers_keep_their_lines():
    card = CardBlock(
        title="BTC",
        subtitle="",
        readings=(),
        table=TableBlock(frame=pd.DataFrame({"rate": [0.1]}), caption="Rates."),
        whole="All rates: range",
    )
    answer = Answer("Why", "BTC: calm.\nETH: wild.")
    document = ReportDocument(
        title="T",
        question="Q?",
        answer=(),
        simulated=False,
        sections=(),
        summary=(SummaryPart("", (card, CardBlock(title="ETH", subtitle="", readings=())), (answer,)),),
    )

    shown = render_report(document).split('<div class="cards">')[1].split("</section>")[0]

    assert '<details class="whole"><summary>All rates: range</summary>' in shown
    assert 'aria-label="BTC: All rates: range"><table>' in shown
    assert shown.count("<details") == 1
    assert re.findall(r"<p>([^<]+)</p>", shown) == ["BTC: calm.", "ETH: wild."]


def test_a_formula_is_mathml_with_its_source_as_alternative_text():
    assert to_mathml(r"x_t^2") == (
        '<math display="inline" alttext="x_t^2"><mrow><msubsup><mi>x</mi><mi>t</mi><mn>2</mn></msubsup></mrow></math>'
    )
    assert 'alttext="a &lt; b"' in to_mathml("a < b")


@pytest.mark.parametrize("latex", [r"\text{<img src=x onerror=alert(1)>}", r"\text{<img src='x'/>}", r"\text{a & b}"])
def test_a_formula_that_would_become_markup_is_refused(latex):
    with pytest.raises(ArgumentError, match="latex must"):
        to_mathml(latex)


def test_phone_gets_the_narrow_figure(page, figure):
    assert '<source media="(max-width: 640px)" srcset="data:image/png;base64,' in page
    assert f'width="{figure.narrow_size[0]}" height="{figure.narrow_size[1]}"' in page


def test_parts_of_a_study_stand_together_in_the_contents():
    sections = (Section("A", "", (), "Margins"), Section("B", "", (), "Margins"), Section("C", "", (), "Data"))

    page = render_report(ReportDocument(title="t", question="q", answer=(), simulated=False, sections=sections))

    assert re.findall(r"<span>(\w+)</span>", page.split("<nav")[1].split("</nav>")[0]) == ["Margins", "Data"]


def test_a_report_without_sections_is_a_page():
    page = render_report(ReportDocument(title="t", question="q", answer=(), simulated=False, sections=()))

    assert "<nav" not in page
    assert page.rstrip().endswith("</html>")
