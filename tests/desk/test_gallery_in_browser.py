import pytest
from browser import Watched, needs_browser, open_browser, serious_findings
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from volkit.desk.gallery import read_facts, render_index, render_notebook
from volkit.desk.gallery.building import _thumbnail
from volkit.desk.gallery.pages import Card

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import base64
    import io

    from PIL import Image

    held = io.BytesIO()
    Image.new("RGB", (1720, 860), "steelblue").save(held, "PNG")
    picture = base64.b64encode(held.getvalue()).decode()
    figure = new_output("display_data", {"image/png": picture}, metadata={"image/png": {"alt": "Blue.", "width": 860}})
    cells = "".join(f"<td>{i}.123456</td>" for i in range(30))
    head = "".join(f"<th>column {i}</th>" for i in range(30))
    rows = f"<thead><tr><th>a</th>{head}</tr></thead><tbody><tr><th>b</th>{cells}</tr></tbody>"
    table = f'<table border="1" class="dataframe">{rows}</table>'
    formula = r"$$m=\max\{\text{floor},\; \inf\{m : P(L > m) \le 1-c\}\}, \qquad n=(1+\text{buffer})\,m, \qquad k=1/n$$"
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# How much is enough?\n\n**The answer.** It is **8 %**, *simulated*.\n\n- A point."),
            new_code_cell("x = 1  # a comment\n" + "y = 'a' + " * 20 + "'b'"),
            new_markdown_cell(f"## 1. Formula\n\nWith $m$ the margin,\n\n{formula}\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
            new_code_cell("draw()", outputs=[figure, new_output("display_data", {"text/html": table})]),
            new_markdown_cell("## Checked"),
            new_code_cell("assert x", outputs=[new_output("stream", name="stderr", text="a   b   c" * 40)]),
        ]
    )
    facts = read_facts("04_margin", notebook)
    made = tmp_path_factory.mktemp("gallery")
    (made / "04_margin.html").write_text(render_notebook(notebook, facts, previous=facts), encoding="utf-8")
    card = Card(facts=facts, thumbnail=_thumbnail(held.getvalue()), alt="Blue.")
    (made / "index.html").write_text(render_index([card] * 5, footer={"volkit": "0"}), encoding="utf-8")
    return made


@pytest.mark.parametrize("name", ["index", "04_margin"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_page_is_quiet_and_fits_the_window(browser, folder, name, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = Watched(context.new_page())
    page = watched.page

    page.goto((folder / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")

    assert watched.outside == []
    assert watched.complaints == []
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("[...document.images].every(image => image.alt && image.naturalWidth > 0)")
    context.close()
