"""The report printed as PDF by a Chromium or Chrome that is installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from volkit.errors import ArgumentError

__all__ = ["find_browser", "print_page"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_SECONDS = 180
# Nothing leaves the machine: the page needs nothing, and no name is looked up for the browser itself.
_ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


def find_browser() -> str | None:
    """Return the path of the first Chromium or Chrome on the path, or None."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def print_page(page: Path, target: Path) -> Path:
    """Print a page as PDF and return the path of the PDF.

    Parameters
    ----------
    page : Path
        An HTML file that needs no other file.
    target : Path
        A PDF file, which is replaced. The browser writes the moment of printing into it: its bytes differ between
        printings, its pages do not.

    Raises
    ------
    ArgumentError
        When there is no browser, or it wrote nothing.
    """
    browser = find_browser()
    if browser is None:
        remedy = f"install Chromium or Chrome, or open {page} in a browser and print it there"
        raise ArgumentError("format pdf", f"needs a browser on the path ({', '.join(_NAMES)})", "none", remedy)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        printed = Path(scratch) / "page.pdf"
        # Chromium refuses its sandbox to root, as whom containers run; the page is of our own making.
        sandbox = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        command = [browser, *_ARGUMENTS, *sandbox, f"--user-data-dir={scratch}/profile", f"--print-to-pdf={printed}"]
        said = _run([*command, page.resolve().as_uri()])
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            remedy = f"open {page} in a browser and print it there"
            raise ArgumentError("format pdf", f"needs {browser} to print the page", said or "no file", remedy)
        shutil.copyfile(printed, target)
    return target


def _run(command: list[str]) -> str:
    """Last line of what the browser complained of."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {_SECONDS} s"
    except OSError as error:
        return str(error)
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines and done.returncode else ""
