"""Independent pieces of work: the same results, in order, in one process or in several."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from volkit.errors import ArgumentError
from volkit.parallel import map_tasks, one_blas_thread, progress, show_progress


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
parallel._DELAY = 0.0
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
