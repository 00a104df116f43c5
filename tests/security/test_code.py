"""What the code never does: load objects, run text, or go through a shell; and no file makes it do so."""

import ast
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import volkit
from volkit.errors import VolkitError
from volkit.instruments import read_position_book
from volkit.realtime.replay.files import load_bar_file
from volkit.store.files import read_series

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("volkit", "benchmarks", "docs", "data")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "_build" not in path.parts
]
MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "jsonpickle",
    "marshal",
    "shelve",
    "telnetlib",
    "yaml",
}
CALLS = {
    "eval", "exec", "compile", "__import__", "read_pickle", "to_pickle", "mktemp", "popen", "getoutput",
    "unsafe_load", "full_load", "read_xml", "read_html", "read_hdf",
}  # fmt: skip
# Of these only with the object before the dot: json.load and catalogue loaders are harmless.
QUALIFIED = {"os.system", "joblib.load", "joblib.dump", "yaml.load", "np.loads", "numpy.loads", "torch.load"}


def findings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {a.name}" for a in node.names if a.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield f"from {node.module} import"
        elif isinstance(node, ast.ImportFrom) and node.module == "joblib":
            yield from (f"from joblib import {a.name}" for a in node.names if a.name in ("load", "dump"))
        elif isinstance(node, ast.Call):
            yield from in_call(node)


def in_call(node):
    words = ast.unparse(node.func)
    name = words.rpartition(".")[2]
    # re.compile makes a pattern; compile alone makes code.
    if (words in CALLS or (name in CALLS - {"compile", "eval"})) or words in QUALIFIED:
        yield f"{words}()"
    for keyword in node.keywords:
        given = ast.unparse(keyword.value)
        if (keyword.arg, given) in {("shell", "True"), ("allow_pickle", "True"), ("verify", "False")}:
            yield f"{words}({keyword.arg}={given})"


def test_code_loads_no_objects_and_runs_no_text():
    found = {
        f"{path.relative_to(ROOT)}: {what}"
        for path in SOURCES
        for what in findings(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert len(SOURCES) > 300
    assert found == set()


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "import cloudpickle as c", "pd.read_pickle(p)", "f.to_pickle(p)",
        "np.load(p, allow_pickle=True)", "joblib.load(p)", "from joblib import dump", "eval(text)", "exec(text)",
        "yaml.load(text)", "subprocess.run(words, shell=True)", "tempfile.mktemp()", "os.system(words)",
        "session.get(url, verify=False)", "builtins.exec(text)",
    ],
)  # fmt: skip
def test_the_search_finds_each_of_them(line):
    assert list(findings(ast.parse(line)))


class Fired:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def pickled_parquet(path, trace):
    """A Parquet file whose close is a pickled object, and whose pandas notes ask for objects."""
    column = pa.array([pickle.dumps(Fired(trace))] * 2, pa.binary())
    table = pa.table({"time": ["2024-01-01", "2024-01-02"], "close": column, "instrument": column, "quantity": column})
    pq.write_table(table.replace_schema_metadata({"pandas": '{"columns": [], "index_columns": []}'}), path)


def read_by_source(path):
    return volkit.open_source(f"files:{path.parent}").load_bars("BTC")


def read_bars(path):
    return load_bar_file(path, asset="BTC")


@pytest.mark.parametrize("read", [read_by_source, read_bars, read_position_book, read_series])
def test_a_parquet_file_of_pickled_objects_is_refused_unopened(tmp_path, read):
    path, trace = tmp_path / "BTC.parquet", tmp_path / "fired"
    pickled_parquet(path, trace)

    with pytest.raises(VolkitError):
        read(path)

    assert not trace.exists()


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_an_array_file_of_objects_under_another_name_is_refused_unopened(tmp_path, ending):
    trace = tmp_path / "fired"
    with (tmp_path / f"BTC{ending}").open("wb") as file:
        np.save(file, np.array([Fired(trace)], dtype=object), allow_pickle=True)

    with pytest.raises(VolkitError):
        volkit.open_source(f"files:{tmp_path}").load_bars("BTC")

    assert not trace.exists()


def test_the_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Fired(tmp_path / "fired")))

    assert (tmp_path / "fired").exists()
