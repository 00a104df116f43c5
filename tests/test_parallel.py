"""Independent pieces of work: the same results, in order, in one process or in several."""

import io
import os
import re
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from volkit.errors import ArgumentError, SeriesNotFoundError, SmallSampleWarning
from volkit.parallel import ClusterError, map_tasks, one_blas_thread, parallel_backend, progress, show_progress


def test_results_come_in_the_order_of_the_tasks():
    assert map_tasks(abs, [-3, 2, -1]) == [3, 2, 1]


def test_parallel_and_serial_runs_give_the_same_bits():
    tasks = [np.random.default_rng(seed).normal(size=500) for seed in range(4)]

    serial, parallel = (np.array(map_tasks(np.std, tasks, n_jobs=jobs)) for jobs in (1, 2))

    assert serial.tobytes() == parallel.tobytes()


def test_no_tasks_give_no_results():
    assert map_tasks(abs, [], n_jobs=2) == []


def test_error_of_a_task_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError):
        map_tasks(lambda x: 1 / x, [1, 0])


def test_zero_processes_are_refused():
    message = "n_jobs must be a whole number of at least 1 processes; got 0; pass for example n_jobs=1."

    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        map_tasks(abs, [1], n_jobs=0)


def test_progress_leaves_the_items_alone_without_a_terminal():
    items = [1, 2, 3]

    assert progress(items, label="fits") is items


class Terminal(io.StringIO):
    def isatty(self):
        return True


def in_a_terminal(monkeypatch, *, delay=0.0):
    # In the test itself: between set-up and call pytest puts its own stream there.
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(progress.__globals__, "_DELAY", delay)
    return sys.stderr


def test_bar_in_a_terminal_says_the_label_and_goes_when_the_work_is_done(capsys, monkeypatch):
    terminal = in_a_terminal(monkeypatch)

    assert list(progress([1, 2, 3], label="fits")) == [1, 2, 3]

    assert "fits: " in terminal.getvalue() and terminal.getvalue().endswith("\r")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("word", ["0", "off", "No"])
def test_environment_switches_the_bars_off(monkeypatch, word):
    terminal = in_a_terminal(monkeypatch)
    monkeypatch.setenv("VOLKIT_PROGRESS", word)

    assert map_tasks(abs, [-1, 2]) == [1, 2] and terminal.getvalue() == ""


def test_bars_are_off_within_the_context_only(monkeypatch):
    terminal = in_a_terminal(monkeypatch)

    with show_progress(False):
        list(progress([1], label="fits"))
    assert terminal.getvalue() == ""

    list(progress([1], label="fits"))
    assert "fits" in terminal.getvalue()


def test_quick_work_shows_no_bar(monkeypatch):
    terminal = in_a_terminal(monkeypatch, delay=30.0)

    list(progress([1, 2], label="fits"))

    assert terminal.getvalue().strip() == ""


IN_A_KERNEL = """
import sys, types
shown = []

class Handle:
    def update(self, data, raw):
        shown.append(data)

def display(data, raw, display_id):
    shown.append(data)
    return Handle()

shell = types.SimpleNamespace(kernel=object())
sys.modules["IPython"] = types.ModuleType("IPython")
sys.modules["IPython"].get_ipython = lambda: shell
sys.modules["IPython.display"] = sys.modules["IPython"].display = types.ModuleType("IPython.display")
sys.modules["IPython.display"].display = display
from volkit import parallel
sys.modules["volkit.parallel.bars"]._DELAY = 0.0
assert parallel.map_tasks(abs, [-1, 2, 3], label="<b>fits") == [1, 2, 3]
assert list(shown[-1].values()) == ["", ""], shown
bars = [data["text/html"] for data in shown[:-1]]
assert bars and all("<progress" in bar and "&lt;b&gt;fits" in bar and "<b>" not in bar for bar in bars), shown
assert {kind for data in shown for kind in data} == {"text/html", "text/plain"}
assert not [name for name in sys.modules if name.startswith("ipywidgets")]
"""


def test_bar_in_a_notebook_is_plain_html_that_goes_without_widgets_or_warnings():
    done = subprocess.run([sys.executable, "-W", "error", "-c", IN_A_KERNEL], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_linear_algebra_keeps_to_one_thread_inside_the_context_only():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with one_blas_thread():
        assert set(threads()) == {1}

    assert threads() == before


# --- backends


def test_backend_decides_whatever_the_call_asked_for():
    with parallel_backend("processes", n_jobs=2):
        assert os.getpid() not in map_tasks(process_of, [0, 1], n_jobs=1)
    with parallel_backend("serial"):
        assert set(map_tasks(process_of, [0, 1], n_jobs=2)) == {os.getpid()}


def test_backend_ends_with_its_context_also_after_an_error():
    with pytest.raises(ZeroDivisionError), parallel_backend("processes", n_jobs=2):
        map_tasks(lambda x: 1 / x, [1, 0])

    assert map_tasks(process_of, [0, 1]) == [os.getpid()] * 2


def test_processes_leave_tasks_that_write_into_shared_memory_here():
    seen = np.zeros(4)

    with parallel_backend("processes", n_jobs=2):
        map_tasks(lambda k: seen.__setitem__(k, k + 1.0), range(4), n_jobs=2, threads=True)
        away = map_tasks(process_of, [0, 1], threads=True, anywhere=True)

    assert seen.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert os.getpid() not in away


def test_threads_do_compiled_work_beside_one_another_and_the_rest_in_turn():
    with parallel_backend("threads", n_jobs=2):
        beside = map_tasks(lambda _: threading.current_thread().name, range(4), threads=True)
        in_turn = map_tasks(lambda _: threading.current_thread().name, range(4), n_jobs=2)

    assert threading.main_thread().name not in beside
    assert set(in_turn) == {threading.main_thread().name}


def blas_threads(_):
    import scipy.linalg  # noqa: F401  (its own library counts too)

    with one_blas_thread():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def what_a_worker_sees(_):
    return progress([1], label="inner") == [1], map_tasks(process_of, [0, 1], n_jobs=2), blas_threads(_)


def process_of(_):
    return os.getpid()


def test_workers_have_one_blas_thread_no_bar_and_nothing_parallel_inside():
    with parallel_backend("processes", n_jobs=2):
        for bare, inside, threads in map_tasks(what_a_worker_sees, [0, 1]):
            assert bare and len(set(inside)) == 1 and threads == {1}


def warn_of(x):
    if x == 2:
        warnings.warn("doubtful 2", SmallSampleWarning, stacklevel=2)
    return x


@pytest.mark.parametrize("backend", ["serial", "processes"])
def test_warning_of_a_task_reaches_the_caller_from_any_process(backend):
    with pytest.warns(SmallSampleWarning, match="doubtful 2"), parallel_backend(backend, n_jobs=2):
        assert map_tasks(warn_of, [1, 2]) == [1, 2]


def fail_with(error):
    raise error


@pytest.mark.parametrize(
    "error",
    [
        ArgumentError("horizon", "must be at least 1", "0", "pass horizon=1"),
        SeriesNotFoundError("files:prices", ("BTC",), ("ETH",)),
        KeyError("BTC"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_of_a_task_arrives_as_itself_from_another_process(error):
    with pytest.raises(type(error)) as caught, parallel_backend("processes", n_jobs=2):
        map_tasks(fail_with, [error, error])

    assert str(caught.value) == str(error)


def test_lost_process_is_said_in_words():
    with pytest.raises(ClusterError, match="a process was lost"), parallel_backend("processes", n_jobs=2):
        map_tasks(lambda _: os._exit(1), range(3))


def test_first_thread_to_leave_does_not_let_go_of_blas_for_the_others():
    with threadpool_limits(2, user_api="blas"), one_blas_thread():
        inner = threading.Thread(target=lambda: one_blas_thread().__enter__() or one_blas_thread().__exit__(None))
        inner.start()
        inner.join()

        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("spark", {}, "backend must be one of"),
        ("dask", {}, "scheduler must be the address of a running scheduler for the backend dask"),
        ("threads", {"scheduler": "tcp://127.0.0.1:1"}, "got 'tcp://127.0.0.1:1' for threads"),
        ("threads", {"n_jobs": 0}, "n_jobs must be a whole number of at least 1"),
    ],
)
def test_mistaken_backend_is_answered_in_words(name, options, message):
    with pytest.raises(ArgumentError, match=message), parallel_backend(name, **options):
        pass


def test_missing_dask_names_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with (
        pytest.raises(ArgumentError, match=re.escape('run pip install "volkit-lab[cluster]"')),
        parallel_backend("dask", scheduler="tcp://127.0.0.1:1"),
    ):
        pass
