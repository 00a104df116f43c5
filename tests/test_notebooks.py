"""The rules of the notebooks that a machine can check; `make test` also runs them from top to bottom."""

import ast
import json
import re
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
_NOTEBOOKS = sorted(_FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("path", _NOTEBOOKS, ids=lambda path: path.stem)


def _cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def _sources(path, kind):
    return ["".join(cell["source"]) for cell in _cells(path, kind)]


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


def test_first_code_cell_holds_the_parameters(path):
    tagged = [cell for cell in _cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])]

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
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    draws = [i for i, cell in enumerate(cells) if re.search(r"\bplot_\w+\(", "".join(cell["source"]))]
    after = [next("".join(c["source"]) for c in cells[i + 1 :] if c["cell_type"] == "markdown") for i in draws]

    assert draws
    assert [text[:60] for text in after if not re.search(r"\d", text.split("\n\n")[0])] == []


def test_code_needs_no_network_and_no_absolute_path(path):
    code = "\n".join(_sources(path, "code"))

    assert re.findall(r"https?:|\brequests\b|\burllib\b|\bccxt\b|\byfinance\b|\bsocket\b", code) == []
    assert re.findall(r"""["'](?:/|~|[A-Za-z]:\\)[^"'\s]*["']""", code) == []
