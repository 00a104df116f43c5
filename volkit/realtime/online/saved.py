"""Any saved calibrator, by its file."""

from pathlib import Path

from volkit.realtime.online.calibrator import OnlineCalibrator
from volkit.realtime.online.levels import AdaptiveConformal, DynamicallyTunedAdaptiveConformal
from volkit.realtime.online.state_files import read_state
from volkit.realtime.online.tracking import ProportionalIntegral, QuantileTracker

__all__ = ["load_calibrator"]

_KINDS: dict[str, type[OnlineCalibrator]] = {
    kind.__name__: kind
    for kind in (QuantileTracker, ProportionalIntegral, AdaptiveConformal, DynamicallyTunedAdaptiveConformal)
}


def load_calibrator(path: str | Path, *, asset: str) -> OnlineCalibrator:
    """Return the calibrator that a file holds, whatever its kind.

    Parameters
    ----------
    path : path
        Written by a calibrator's `save`.
    asset : str
        Whose state is wanted.

    Raises
    ------
    DataError
        For a file of another version or asset, or one that was changed since it was written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tracker = QuantileTracker(confidence=0.99, asset="BTC")
    ...     tracker.update(1.3)
    ...     tracker.save(f"{folder}/btc.json")
    ...     load_calibrator(f"{folder}/btc.json", asset="BTC")
    <QuantileTracker: BTC, multiplier 1.297, 1 exceedances in 1 scores>
    """
    return read_state(path, _KINDS, asset=asset)
