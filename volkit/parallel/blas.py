"""Linear algebra on one thread."""

import sys
import threading
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra uses one thread.

    Two threads add in another order; an optimiser that stops at a tolerance then stops elsewhere, and the
    variance that it gives differs in the third digit.

    Examples
    --------
    >>> with one_blas_thread():
    ...     pass
    """
    return _ONE_BLAS_THREAD


class _OneBlasThread:
    """Holds linear algebra at one thread as long as anybody asks for it.

    The setting is the process's: where several threads ask, the first to leave must not let go for the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._limits: dict[bool, Any] = {}

    def __enter__(self) -> None:
        with self._lock:
            self._n_inside += 1
            # scipy brings a library of its own, which may come later than numpy's.
            loaded = "scipy.linalg" in sys.modules
            if loaded not in self._limits:
                self._limits[loaded] = _thread_pools(loaded).limit(limits=1, user_api="blas")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                while self._limits:
                    self._limits.popitem()[1].restore_original_limits()


_ONE_BLAS_THREAD = _OneBlasThread()


@cache
def _thread_pools(with_scipy: bool) -> Any:  # noqa: ARG001 -- the libraries found depend on it
    # Finding the libraries takes milliseconds, as long as a small fit.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
