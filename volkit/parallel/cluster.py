"""A cluster of dask that runs already: connecting to its scheduler, and tasks that survive the loss of workers.

Tasks are sent by dask's own client: joblib's backend for it waits for ever once a task's workers were lost.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from volkit.errors import ArgumentError, VolkitError

__all__ = ["Cluster", "ClusterError", "connected"]

_CONNECT = 5.0  # seconds to reach a scheduler
_PATIENCE = 60.0  # seconds that a cluster may be without any worker
_PACKAGES = ("volkit-lab", "numpy", "scipy", "pandas", "numba", "llvmlite", "statsmodels", "arch")

Task = TypeVar("Task")
Result = TypeVar("Result")


class ClusterError(VolkitError, RuntimeError):
    """Workers, or the scheduler that gives them work, that cannot be reached or were lost."""


@contextmanager
def connected(address: str) -> Iterator["Cluster"]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ArgumentError(
            "backend", "must be serial, threads or processes where dask is not installed", "'dask'",
            'run pip install "volkit-lab[cluster]"',
        ) from error  # fmt: skip
    try:
        connect: Any = Client
        client = connect(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers at {address!r} within {_CONNECT:g} seconds; start one with `dask scheduler`, and "
            "pass the address that it prints, for example tcp://10.0.0.5:8786."
        ) from error
    with client:
        cluster = Cluster(address, client)
        cluster.check_versions()
        yield cluster


class Cluster:
    """Tasks done by the workers of one scheduler."""

    def __init__(self, address: str, client: Any) -> None:
        self.address, self._client = address, client

    def check_versions(self) -> None:
        """Raise when a worker would work the numbers out with other packages than this process."""
        here = _versions()
        try:
            found = self._client.run(_versions, on_error="raise")
        except ImportError as error:
            raise ClusterError(f"a worker cannot load volkit ({error}); install the same lock file there.") from error
        for worker, there in found.items():
            other = [
                f"{name} {there.get(name)} instead of {here[name]}" for name in here if there.get(name) != here[name]
            ]
            if other:
                raise ClusterError(
                    f"worker {worker} has {', '.join(other)}: its numbers could differ. Install the same lock there."
                )

    def results(self, call: Callable[[Task], Result], tasks: Sequence[Task], *, label: str) -> Iterator[Result]:
        """Yield the results in order; few tasks are with the scheduler at a time, so that its memory stays flat."""
        todo, sent = iter(tasks), deque[Any]()
        ahead = max(16, 4 * self._n_threads())
        try:
            while True:
                while len(sent) < ahead and (more := next(todo, _NO_MORE)) is not _NO_MORE:
                    # Bound into the function: a cluster reads futures and graphs into plain arguments.
                    sent.append(self._client.submit(partial(call, more), key=f"{label}-{uuid4().hex}", pure=False))
                if not sent:
                    return
                yield self._result(sent[0])
                sent.popleft()
        finally:
            # Nobody may be left to tell; what went wrong is said by whoever ended the loop.
            with suppress(OSError, TimeoutError, RuntimeError):
                self._client.cancel(list(sent))

    def _result(self, future: Any) -> Any:
        from distributed import KilledWorker

        ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())
        since = None
        while not ended.wait(1.0):
            since = None if self._n_threads() else since or monotonic()
            if since is not None and monotonic() - since > _PATIENCE:
                raise ClusterError(
                    f"the cluster at {self.address} has had no worker for {_PATIENCE:g} seconds; start one with "
                    f"`dask worker {self.address} --nthreads 1` and run again."
                )
        try:
            return future.result()
        except KilledWorker as error:
            raise ClusterError(
                f"a task was lost with {error.allowed_failures + 1} workers, one after another: killed, or out of "
                "memory; give the workers more memory, or the tasks less work."
            ) from error
        except CancelledError as error:
            raise self._gone() from error

    def _n_threads(self) -> int:
        try:
            return sum(self._client.ncores().values())
        except (OSError, TimeoutError) as error:
            raise self._gone() from error

    def _gone(self) -> ClusterError:
        return ClusterError(f"the scheduler at {self.address} went away with work undone; start it and run again.")


_NO_MORE: Any = object()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
