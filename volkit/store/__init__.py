"""Series on disk: Parquet files with provenance, revisions and checksums, below `Store.root`.

Every file is replaced in one step, verified at every read, and moved aside, never deleted, when it is damaged.
"""

from volkit.store.errors import (
    ContradictingUpdateError,
    DamagedFileError,
    NewerFormatError,
    OfflineError,
    ShrinkingUpdateError,
    StalePullError,
    StoreAccessError,
    StoreLockedError,
)
from volkit.store.files import FORMAT, read_series, write_series
from volkit.store.holdings import StoredSeries, StoreStatus, UpdateReport
from volkit.store.keys import SeriesKey, key_of_path, path_of_key
from volkit.store.live import LiveSource
from volkit.store.pull import PullOutcome, key_of_series, pull_series
from volkit.store.store import Store

__all__ = [
    "FORMAT",
    "ContradictingUpdateError",
    "DamagedFileError",
    "LiveSource",
    "NewerFormatError",
    "OfflineError",
    "PullOutcome",
    "SeriesKey",
    "ShrinkingUpdateError",
    "StalePullError",
    "Store",
    "StoreAccessError",
    "StoreLockedError",
    "StoreStatus",
    "StoredSeries",
    "UpdateReport",
    "key_of_path",
    "key_of_series",
    "path_of_key",
    "pull_series",
    "read_series",
    "write_series",
]
