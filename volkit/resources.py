"""The version, and where the packaged files are: `data/`, `studies/` and `notebooks/`, in a checkout and in a wheel."""

from pathlib import Path

__all__ = ["VERSION", "data_folder", "notebooks_folder", "studies_folder"]

VERSION = "0.1.0"

_PACKAGE = Path(__file__).resolve().parent


def data_folder() -> Path:
    """Return the folder that holds the catalogue, the events and the offline series.

    Examples
    --------
    >>> (data_folder() / "series.toml").is_file()
    True
    """
    return _find("data")


def notebooks_folder() -> Path:
    """Return the folder of the course of notebooks.

    Examples
    --------
    >>> (notebooks_folder() / "04_margin_calibration.ipynb").is_file()
    True
    """
    return _find("notebooks")


def studies_folder() -> Path:
    """Return the folder of the ready-made study files.

    Examples
    --------
    >>> (studies_folder() / "btc-margin.toml").is_file()
    True
    """
    return _find("studies")


def _find(name: str) -> Path:
    # A wheel carries the folder inside the package; a checkout keeps it at the top, where people look.
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
