"""One seam for running independent pieces of work: serial, or processes through joblib.

Every piece carries its own seed or none, and linear algebra keeps to one thread where an optimiser would
carry its rounding into a result, so that serial and parallel runs give the same bits.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

from volkit.checks import check_count

__all__ = ["map_tasks", "one_blas_thread", "progress"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra uses one thread.

    Two threads add in another order; an optimiser that stops at a tolerance then stops elsewhere, and the
    variance that it gives differs in the third digit.

    Examples
    --------
    >>> with one_blas_thread():
    ...     pass
    """
    limits: AbstractContextManager[Any] = _thread_pools().limit(limits=1, user_api="blas")
    return limits


@cache
def _thread_pools() -> Any:
    # Finding the libraries takes milliseconds, as long as a small fit; numpy's and scipy's are loaded by now.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def progress(items: Iterable[Task], *, label: str, total: int | None = None) -> Iterable[Task]:
    """Return the items behind a progress bar on an interactive terminal, and as they are elsewhere.

    Parameters
    ----------
    items : iterable
        What is worked through.
    label : str
        Text before the bar.
    total : int, optional
        Number of items when it cannot be asked of them.

    Returns
    -------
    iterable
        The same items, in order (shape unchanged).

    Examples
    --------
    >>> list(progress([1, 2], label="fits"))
    [1, 2]
    """
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    bar: Iterable[Task] = tqdm(items, desc=label, total=total, leave=False)
    return bar


def map_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    n_jobs: int = 1,
    label: str = "tasks",
    threads: bool = False,
) -> list[Result]:
    """Return the function's results over the tasks, in their order.

    Parameters
    ----------
    function : callable
        Takes one task. With `n_jobs` above 1 it must be importable (a module's function or a partial).
    tasks : sequence
        Independent pieces of work.
    n_jobs : int
        Processes or threads; 1 runs in this one.
    label : str
        Text of the progress bar.
    threads : bool
        Threads instead of processes: for work in compiled code that lets others run beside it.

    Returns
    -------
    list
        One result a task, shape (len(tasks),).

    Raises
    ------
    ArgumentError
        When `n_jobs` is not a whole number of at least 1.

    Examples
    --------
    >>> map_tasks(abs, [-1, 2])
    [1, 2]
    """
    workers = check_count(n_jobs, argument="n_jobs", unit="processes")
    if workers == 1 or len(tasks) < 2:
        return [function(task) for task in progress(tasks, label=label)]
    from joblib import Parallel, delayed

    prefer = "threads" if threads else "processes"
    results = Parallel(n_jobs=workers, prefer=prefer, return_as="generator")(delayed(function)(t) for t in tasks)
    return list(progress(results, label=label, total=len(tasks)))
