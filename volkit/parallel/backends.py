"""Which backend does the independent pieces of work, and the work itself.

Processes and threads are joblib's; a cluster stands in `cluster`.
"""

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

from volkit.checks import check_choice, check_count
from volkit.errors import ArgumentError, VolkitWarning
from volkit.parallel.bars import progress, show_progress
from volkit.parallel.blas import one_blas_thread
from volkit.parallel.cluster import Cluster, ClusterError, connected

__all__ = ["BACKENDS", "Backend", "map_tasks", "parallel_backend"]

Backend = Literal["serial", "threads", "processes", "dask"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Chosen:
    name: Backend
    n_jobs: int | None = None
    cluster: Cluster | None = None


_chosen: ContextVar[_Chosen | None] = ContextVar("chosen", default=None)


@contextmanager
def parallel_backend(name: Backend | str, *, n_jobs: int | None = None, scheduler: str | None = None) -> Iterator[None]:
    """Return a context in which one backend does the independent pieces of all work, whatever `n_jobs` they were given.

    Parameters
    ----------
    name : {"serial", "threads", "processes", "dask"}
        ``serial`` does one piece after another. ``threads`` does pieces of compiled code beside one another and all
        others one after another: the interpreter would hold them anyway, and Python's warnings belong to the process.
        ``processes`` and ``dask`` send away every piece that does not write into memory of its caller.
    n_jobs : int, optional
        Threads or processes; default all cores. A cluster has as many as it has workers.
    scheduler : str, optional
        Address of a dask scheduler that runs, for example ``tcp://10.0.0.5:8786``; for ``dask`` only.

    Raises
    ------
    ArgumentError
        For an unknown backend, ``dask`` without an address or without the extra ``cluster``, or an address for another.
    ClusterError
        When the scheduler does not answer within five seconds, or a worker has other versions of the packages that
        make the numbers.

    Notes
    -----
    All backends give the same bits on machines of one kind. Processors of different kinds may round differently in
    linear algebra and compiled code; the manifest of a run names the kind of the machine that wrote it.

    Examples
    --------
    >>> with parallel_backend("threads", n_jobs=2):
    ...     map_tasks(abs, [-1, 2], threads=True)
    [1, 2]
    """
    check_choice(name, argument="backend", choices=BACKENDS)
    if n_jobs is not None:
        check_count(n_jobs, argument="n_jobs", unit="processes")
    if (scheduler is None) == (name == "dask"):
        raise ArgumentError(
            "scheduler", "must be the address of a running scheduler for the backend dask, and for no other",
            f"{scheduler!r} for {name}", "start one with `dask scheduler` and pass the address that it prints",
        )  # fmt: skip
    with ExitStack() as stack:
        cluster = stack.enter_context(connected(scheduler)) if scheduler is not None else None
        token = _chosen.set(_Chosen(name, n_jobs, cluster))  # type: ignore[arg-type]
        try:
            yield
        finally:
            _chosen.reset(token)


def map_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    n_jobs: int = 1,
    label: str = "tasks",
    threads: bool = False,
    anywhere: bool = False,
) -> list[Result]:
    """Return the function's results over the tasks, in their order.

    Parameters
    ----------
    function : callable
        Takes one task. With `n_jobs` above 1 it must be importable (a module's function or a partial).
    tasks : sequence
        Independent pieces of work.
    n_jobs : int
        Processes or threads; 1 runs in this one. `parallel_backend` decides in its place.
    label : str
        Text of the progress bar.
    threads : bool
        Threads instead of processes: for work in compiled code that lets others run beside it.
    anywhere : bool
        With `threads`: whether the function only returns and writes into no memory of its caller, so that processes
        and a cluster may do it when they were chosen.

    Returns
    -------
    list
        One result a task, shape (len(tasks),).

    Raises
    ------
    ArgumentError
        When `n_jobs` is not a whole number of at least 1.
    ClusterError
        When processes or workers are lost and nobody is left to do their work.

    Warns
    -----
    VolkitWarning
        What the function warns of, from wherever it ran.

    Examples
    --------
    >>> map_tasks(abs, [-1, 2])
    [1, 2]
    """
    chosen = _chosen.get()
    place, workers = _where(chosen, check_count(n_jobs, argument="n_jobs", unit="processes"), threads, anywhere)
    if place == "serial" or len(tasks) < 2:
        with one_blas_thread():
            return [function(task) for task in progress(tasks, label=label)]
    if place == "threads":
        with one_blas_thread():
            return list(progress(_in_threads(function, tasks, workers), label=label, total=len(tasks)))
    away = _Away(function)
    if place == "dask" and chosen is not None and chosen.cluster is not None:
        done = chosen.cluster.results(away, tasks, label=label)
    else:
        done = _in_processes(away, tasks, workers)
    results = []
    for result, caught in progress(done, label=label, total=len(tasks)):
        results.append(result)
        for category, message in caught:
            warnings.warn(message, category, stacklevel=3)
    return results


def _where(chosen: _Chosen | None, n_jobs: int, threads: bool, anywhere: bool) -> tuple[Backend, int]:
    """Return the backend of one call, and its threads or processes."""
    if chosen is None:
        return "serial" if n_jobs == 1 else "threads" if threads else "processes", n_jobs
    if chosen.name in ("processes", "dask") and threads and not anywhere:
        return "serial" if n_jobs == 1 else "threads", n_jobs
    if chosen.name == "threads" and not threads:
        return "serial", 1
    return chosen.name, chosen.n_jobs or (n_jobs if n_jobs > 1 else _n_cores())


def _n_cores() -> int:
    from joblib import cpu_count

    # Those that this process may use: fewer than the machine has in a container or a job of a cluster.
    return int(cpu_count())


_TURN = threading.RLock()
_Caught = list[tuple[type[Warning], str]]


@dataclass(frozen=True, slots=True)
class _Away(Generic[Task, Result]):
    """A function as another process does it: alone, on one thread, without a bar; its warnings come with the result."""

    function: Callable[[Task], Result]

    def __call__(self, task: Task) -> tuple[Result, _Caught]:
        # One at a time also in a worker of several threads: filters of warnings belong to the process.
        with _TURN, one_blas_thread(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", VolkitWarning)
            result = _Beside(self.function)(task)
        return result, [(w.category, str(w.message)) for w in caught if issubclass(w.category, VolkitWarning)]


@dataclass(frozen=True, slots=True)
class _Beside(Generic[Task, Result]):
    """A function as another thread does it: without a bar, and with nothing parallel inside."""

    function: Callable[[Task], Result]

    def __call__(self, task: Task) -> Result:
        with show_progress(False), parallel_backend("serial"):
            return self.function(task)


def _in_threads(function: Callable[[Task], Result], tasks: Sequence[Task], n_jobs: int) -> Iterable[Result]:
    from joblib import Parallel, delayed

    work = delayed(_Beside(function))
    done: Iterable[Result] = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(work(t) for t in tasks)
    return done


def _in_processes(away: _Away[Task, Result], tasks: Sequence[Task], n_jobs: int) -> Iterator[tuple[Result, _Caught]]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield from Parallel(n_jobs=n_jobs, return_as="generator")(delayed(away)(task) for task in tasks)
    except TerminatedWorkerError as error:
        raise ClusterError(
            "a process was lost in the middle of its work: killed, or out of memory; run again with fewer processes."
        ) from error
