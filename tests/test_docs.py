"""The documentation: what it lists, that its tour runs, that it asks nothing outside, and that it builds."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import CHROMIUM, Watched, open_browser, serious_findings

import volkit
from volkit.resources import data_folder

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import|import\(["']http""")


@pytest.fixture
def extensions(monkeypatch):
    """The modules of docs/_ext, importable."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_every_public_name_is_listed_exactly_once(extensions):
    from api_pages import api_pages

    pages = [text for name, text in api_pages().items() if not name.endswith("-results.md")]
    listed = [name for text in pages for name in re.findall(r"^   (\w+)$", text, re.M)]

    assert sorted(listed) == sorted(volkit.__all__)


def test_every_result_class_is_described_once(extensions):
    from api_pages import api_pages, results_by_room

    pages = api_pages()
    described = re.findall(r"autoclass:: (\S+)", "\n".join(pages.values()))

    assert len(described) == len(set(described)) == sum(map(len, results_by_room().values()))
    assert "volkit.correlation.estimates.CorrelationEstimate" in described


def test_every_method_and_key_and_command_has_its_place(extensions):
    from generated import STAGES, generated_parts

    from volkit.study.methods import METHODS

    parts = generated_parts(DOCS)

    for method in METHODS:
        assert method.stage in STAGES
        assert f"({method.key})=" in parts[f"methods-{method.stage}.md"]
    for key in json.loads(volkit.study_schema())["$defs"]["MarginSection"]["properties"]:
        assert f"| `{key}` |" in parts["study-keys.md"]
    for command in ("demo", "run", "verify", "margin", "replay", "stress", "pull"):
        assert f"## volkit {command}\n" in parts["commands.md"]
    for path in (data_folder() / "venues").glob("*.toml"):
        assert f"| `{path.stem}` |" in parts["venue-files.md"]


def test_every_formula_of_the_registry_becomes_mathml(extensions):
    from mathml import mathml

    from volkit.study.methods import METHODS

    for latex in [text for method in METHODS for text in (method.latex, *method.where)]:
        made = mathml(latex, display="block")
        assert made.startswith("<math alttext=")
        assert made.endswith("</math>")
        assert "<mtext>\\" not in made
        assert "<mi>\\" not in made, latex


def test_the_blocks_of_the_tour_run_and_print_what_the_page_says():
    text = (DOCS / "start" / "tour.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", text, re.S)
    known = {}

    for code, printed in blocks:
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "tour.md", "exec"), known)
        if last is not None:
            assert repr(eval(compile(ast.Expression(last.value), "tour.md", "eval"), known)) == printed.rstrip("\n")

    assert len(blocks) >= 8


def test_terms_of_the_glossary_are_many_unique_and_in_one_sentence():
    text = (DOCS / "glossary.md").read_text()
    body = text.split("```{glossary}\n")[1].split("```")[0]
    entries = [entry.split("\n") for entry in body.strip().split("\n\n")]
    terms = [entry[0].lower() for entry in entries]

    assert len(terms) == len(set(terms)) >= 60
    assert terms == sorted(terms)
    for term, *sentence in entries:
        said = " ".join(sentence).strip()
        assert said.endswith("."), term
        assert ". " not in said, term


def test_terms_that_pages_link_stand_in_the_glossary():
    terms = {line.lower() for line in re.findall(r"^(\S.*)$", (DOCS / "glossary.md").read_text(), re.M)}
    for page in DOCS.glob("[!_]*/*.md"):
        for shown in re.findall(r"\{term\}`([^`]+)`", page.read_text()):
            wanted = re.sub(r"^.*<(.*)>$", r"\1", " ".join(shown.split()), flags=re.S)
            assert wanted.lower() in terms, (page.name, wanted)


def test_templates_scripts_and_styles_ask_for_nothing_outside():
    own = [path for folder in ("_static", "_templates") for path in (DOCS / folder).glob("*") if path.is_file()]

    assert {"volkit.css", "logo.svg", "favicon.svg"} <= {path.name for path in own}
    for path in own:
        assert not OUTSIDE.search(path.read_text()), path.name


def test_records_are_whole_and_name_no_place():
    record = json.loads((DOCS / "measured" / "conformance.json").read_text())
    statuses = [entry["status"] for file in record["files"] for entry in file["entries"]]

    assert record["failed"] == 0
    for status in ("passed", "failed", "skipped"):
        assert statuses.count(status) == record[status]
    for path in (DOCS / "measured").rglob("*.*"):
        assert not re.search(r"/(?:work|home|tmp|root|Users)/", path.read_text()), path.name


def test_the_guides_show_commands_that_exist(extensions):
    for path in (DOCS / "measured" / "outputs").glob("*.txt"):
        first, _, rest = path.read_text().partition("\n")
        assert first.startswith("$ "), path.name
        assert "Traceback" not in rest, path.name
        assert "Error" not in rest.split("\n")[0], path.name


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    order = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(DOCS), str(folder)]
    done = subprocess.run(order, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_for_nothing_outside(site):
    asked = re.compile(r"<(?:script|img|iframe|source|video|audio)[^>]+src\s*=\s*[\"'](?:https?:)?//")
    linked = re.compile(r"<link(?![^>]+rel=[\"'](?:canonical|author|license))[^>]+href=[\"'](?:https?:)?//")
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not asked.search(text), page
        assert not linked.search(text), page
        assert "MathJax" not in text, page


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no program named chromium on the path")
def test_pages_are_quiet_fit_a_telephone_and_pass_axe(site):
    pages = (
        "index",
        "start/tour",
        "methods/margin",
        "api/margin",
        "notebooks/04_margin_calibration",
        "reference/study",
    )
    with open_browser() as browser:
        for name in pages:
            page = browser.new_page(viewport={"width": 390, "height": 800})
            watched = Watched(page)
            page.goto((site / f"{name}.html").as_uri())
            page.wait_for_load_state()
            assert watched.outside == [], name
            assert watched.complaints == [], name
            too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(too_wide) <= 0, name
            assert serious_findings(page) == [], name
            page.close()
