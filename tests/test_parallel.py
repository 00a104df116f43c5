"""Independent pieces of work: the same results, in order, in one process or in several."""

import re

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from volkit.errors import ArgumentError
from volkit.parallel import map_tasks, one_blas_thread, progress


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


def test_linear_algebra_keeps_to_one_thread_inside_the_context_only():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with one_blas_thread():
        assert set(threads()) == {1}

    assert threads() == before
