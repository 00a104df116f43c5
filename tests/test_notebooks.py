"""The rules of the notebooks that a machine can check; `make test` also runs them from top to bottom."""

import ast
import json
import re
from pathlib import Path

import pytest
from latex2mathml.converter import convert

_FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
_NOTEBOOKS = sorted(_FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("path", _NOTEBOOKS, ids=lambda path: path.stem)


_DRAWS = re.compile(r"\bplot_\w+\(|\.subplots\(")
# A source in parentheses: the work in italics, then its year.
_CITATION = re.compile(r"\([^()]*\*[A-Z][^*()]+\*[^()]*\b(?:19|20)\d\d\b[^()]*\)")


def _all_cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _cells(path, kind):
    return [cell for cell in _all_cells(path) if cell["cell_type"] == kind]


def _source(cell):
    return "".join(cell["source"])


def _sources(path, kind):
    return [_source(cell) for cell in _cells(path, kind)]


def _tags(cell):
    return cell["metadata"].get("tags", [])


def _tree(path):
    lines = "\n".join(_sources(path, "code")).splitlines()
    return ast.parse("\n".join(line for line in lines if not line.startswith("%")))


def test_notebook_is_committed_without_outputs_and_counts(path):
    cells = _cells(path, "code")

    assert [cell["outputs"] for cell in cells if cell["outputs"]] == []
    assert {cell["execution_count"] for cell in cells} == {None}


def test_notebook_runs_on_the_plain_python_kernel(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]

    assert metadata["kernelspec"]["name"] == "python3"


def test_title_is_a_question_and_the_answer_follows_it(path):
    title, _, answer = _sources(path, "markdown")[0].partition("\n")

    assert re.fullmatch(r"# .+\?", title)
    assert answer.strip().startswith("**The answer.**")
    assert re.search(r"\*\*[^*]*\d[^*]*\*\*", answer)


def test_first_paragraph_of_the_answer_is_a_sentence_with_a_number(path):
    answer = _sources(path, "markdown")[0].split("\n\n")[1]

    assert answer.endswith(".")
    assert re.search(r"\d", answer)


def test_data_are_described_before_they_are_used(path):
    cells = _all_cells(path)
    described = [i for i, cell in enumerate(cells) if _source(cell).startswith("**Data.**")]

    assert len(described) == 1
    assert described[0] < next(i for i, cell in enumerate(cells) if _source(cell).startswith("## "))
    assert "*simulated*" in _source(cells[described[0]]).lower()


def test_first_code_cell_holds_the_parameters(path):
    tagged = [cell for cell in _cells(path, "code") if "parameters" in _tags(cell)]

    assert tagged == _cells(path, "code")[:1]


def test_imports_stand_in_one_cell(path):
    importing = [text for text in _sources(path, "code") if re.search(r"^\s*(import|from) ", text, flags=re.M)]

    assert len(importing) == 1


def test_last_cell_asserts(path):
    last = ast.parse(_sources(path, "code")[-1])

    assert sum(isinstance(node, ast.Assert) for node in ast.walk(last)) >= 3


def test_code_cells_have_at_most_twelve_lines(path):
    lengths = [len(text.splitlines()) for text in _sources(path, "code")]

    assert max(lengths) <= 12


def test_notebook_defines_no_class_and_no_long_function(path):
    nodes = list(ast.walk(_tree(path)))

    assert not [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in functions if node.end_lineno - node.lineno >= 6]


def test_simulated_numbers_are_called_simulated_in_the_answer(path):
    code, answer = "\n".join(_sources(path, "code")), _sources(path, "markdown")[0]

    assert "simulate_market" in code
    assert "*simulated*" in answer


def test_each_figure_is_followed_by_words_with_a_number(path):
    cells = _all_cells(path)
    draws = [i for i, cell in enumerate(cells) if cell["cell_type"] == "code" and _DRAWS.search(_source(cell))]
    after = {_source(cells[i])[-60:]: cells[i + 1] for i in draws}

    assert draws
    assert [code for code, cell in after.items() if cell["cell_type"] != "markdown"] == []
    assert [code for code, cell in after.items() if not re.search(r"\d", _source(cell).split("\n\n")[0])] == []


def test_one_figure_is_the_thumbnail(path):
    tagged = [cell for cell in _all_cells(path) if "thumbnail" in _tags(cell)]

    assert len(tagged) == 1
    assert _DRAWS.search(_source(tagged[0]))


def test_formulas_are_displayed_and_can_be_converted(path):
    formulas = re.findall(r"\$\$(.+?)\$\$", "\n\n".join(_sources(path, "markdown")), flags=re.DOTALL)

    assert formulas
    assert [formula for formula in formulas if not convert(formula, display="block").startswith("<math")] == []


def test_a_source_is_cited(path):
    assert _CITATION.search("\n\n".join(_sources(path, "markdown")))


def test_exercise_has_a_hidden_check(path):
    cells = _all_cells(path)
    (at,) = [i for i, cell in enumerate(cells) if "### Exercise" in _source(cell)]
    guess, check = cells[at + 1 : at + 3]

    assert _source(guess).startswith("my_guess = None")
    assert "hide-input" in _tags(check)
    assert check["metadata"]["jupyter"] == {"source_hidden": True}
    assert "my_guess is None" in _source(check)


def test_code_needs_no_network_and_no_absolute_path(path):
    code = "\n".join(_sources(path, "code"))

    assert re.findall(r"https?:|\brequests\b|\burllib\b|\bccxt\b|\byfinance\b|\bsocket\b", code) == []
    assert re.findall(r"""["'](?:/|~|[A-Za-z]:\\)[^"'\s]*["']""", code) == []
