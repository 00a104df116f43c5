"""A cluster of dask: the same results as here, errors as themselves, lost workers and lost schedulers."""

import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest

from volkit.cli import app
from volkit.errors import ArgumentError, SmallSampleWarning
from volkit.parallel import ClusterError, map_tasks, parallel_backend

distributed = pytest.importorskip("distributed")
from typer.testing import CliRunner  # noqa: E402


@pytest.fixture(scope="module")
def inside():
    """The address of a cluster within this process: quick to start, nothing to kill."""
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "host": "127.0.0.1", "protocol": "tcp://"}
    with distributed.LocalCluster(**options, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def two_workers():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    with distributed.LocalCluster(**options, silence_logs=50, host="127.0.0.1") as cluster:
        yield cluster


def square_of_seeded(seed):
    draws = np.random.default_rng(seed).normal(size=(40, 40))
    return (draws @ draws).sum()


def test_cluster_gives_the_bits_of_one_process_in_their_order(inside):
    here = map_tasks(square_of_seeded, range(100))

    with parallel_backend("dask", scheduler=inside):
        there = map_tasks(square_of_seeded, range(100))

    assert there == here


def fail(task):
    raise ArgumentError("task", "must be even", str(task), "pass 2")


def test_error_of_a_task_arrives_as_itself_and_the_cluster_stays_of_use(inside):
    with parallel_backend("dask", scheduler=inside):
        with pytest.raises(ArgumentError, match="task must be even; got 1; pass 2"):
            map_tasks(fail, [1, 1])

        assert map_tasks(abs, [-1, 2]) == [1, 2]


def doubtful(task):
    warnings.warn("few", SmallSampleWarning, stacklevel=2)
    return task


def test_warnings_come_back_and_graphs_in_tasks_are_left_alone(inside):
    with parallel_backend("dask", scheduler=inside):
        with pytest.warns(SmallSampleWarning, match="few"):
            map_tasks(doubtful, [1, 2])

        # Dask would call such a tuple if it were an argument.
        assert map_tasks(len, [(abs, -1), (abs, -2, 3)]) == [2, 3]


def test_tasks_of_a_worker_with_two_threads_run_one_at_a_time(inside):
    def at_once(_):
        running.append(1)
        time.sleep(0.02)
        count = len(running)
        running.pop()
        return count

    running = []
    with parallel_backend("dask", scheduler=inside):
        assert set(map_tasks(at_once, range(8))) == {1}


def test_scheduler_that_does_not_answer_is_said_within_seconds(monkeypatch):
    monkeypatch.setattr("volkit.parallel.cluster._CONNECT", 0.5)
    start = time.monotonic()

    with (
        pytest.raises(ClusterError, match=r"no scheduler answers at 'tcp://127\.0\.0\.1:9'.*dask scheduler"),
        parallel_backend("dask", scheduler="tcp://127.0.0.1:9"),
    ):
        pass
    assert time.monotonic() - start < 10.0


def test_command_line_says_the_same_in_one_line(monkeypatch):
    monkeypatch.setattr("volkit.parallel.cluster._CONNECT", 0.5)

    done = CliRunner().invoke(app, ["run", "demo", "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"])

    assert done.exit_code == 2
    assert "volkit: no scheduler answers at 'tcp://127.0.0.1:9'" in done.output


def test_worker_with_another_version_is_refused(inside, monkeypatch):
    from volkit.parallel import cluster

    monkeypatch.setattr(cluster, "version", lambda name: f"{threading.current_thread().name} of {name}")

    with pytest.raises(ClusterError, match="its numbers could differ"), parallel_backend("dask", scheduler=inside):
        pass


# --- workers that are killed


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def slow_square(task):
    time.sleep(0.1)
    return square_of_seeded(task)


@pytest.mark.slow
def test_tasks_of_a_killed_worker_run_again_and_give_the_same_bits(two_workers):
    address = two_workers.scheduler_address
    with distributed.Client(address, set_as_default=False) as client:
        pids = list(client.run(os.getpid).values())

        with parallel_backend("dask", scheduler=address):
            timer = threading.Timer(0.7, kill, (pids[:1],))
            timer.start()
            found = map_tasks(slow_square, range(40))
            timer.join()
        left = list(client.run(os.getpid).values())

    assert pids[0] not in left
    assert found == [square_of_seeded(k) for k in range(40)]


@pytest.mark.slow
def test_cluster_without_any_worker_is_said_in_words(two_workers, monkeypatch):
    monkeypatch.setattr("volkit.parallel.cluster._PATIENCE", 2.0)
    address = two_workers.scheduler_address

    with parallel_backend("dask", scheduler=address):
        threading.Timer(0.7, lambda: two_workers.scale(0)).start()
        with pytest.raises(ClusterError, match=r"has had no worker for 2 seconds.*dask worker tcp://127"):
            map_tasks(slow_square, range(200))


def take_the_worker_down(_):
    os._exit(1)


@pytest.mark.slow
def test_task_that_takes_down_every_worker_is_given_up(two_workers, monkeypatch):
    # On a busy machine the workers may take longer to come back than anybody would wait.
    monkeypatch.setattr("volkit.parallel.cluster._PATIENCE", 600.0)
    address = two_workers.scheduler_address

    with (
        parallel_backend("dask", scheduler=address),
        pytest.raises(ClusterError, match="a task was lost with 4 workers, one after another"),
    ):
        map_tasks(take_the_worker_down, [1, 2])


@pytest.mark.slow
def test_lost_scheduler_is_said_in_words(two_workers):
    with parallel_backend("dask", scheduler=two_workers.scheduler_address):
        threading.Timer(0.7, two_workers.close).start()
        with pytest.raises(ClusterError, match=r"the scheduler at tcp://127.* went away"):
            map_tasks(slow_square, range(200))
