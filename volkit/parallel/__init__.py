"""One seam for running independent pieces of work: here, in threads, in processes, or on a cluster of machines.

Every piece carries its own seed or none, linear algebra keeps to one thread, and results come in the order of the
tasks, so that all of them give the same bits. `bars` shows how far the work is.
"""

from volkit.parallel.backends import BACKENDS, Backend, map_tasks, parallel_backend
from volkit.parallel.bars import progress, progress_stages, show_progress
from volkit.parallel.blas import one_blas_thread
from volkit.parallel.cluster import ClusterError

__all__ = [
    "BACKENDS",
    "Backend",
    "ClusterError",
    "map_tasks",
    "one_blas_thread",
    "parallel_backend",
    "progress",
    "progress_stages",
    "show_progress",
]
