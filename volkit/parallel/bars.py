"""How far the work is: a bar in a terminal or a notebook, nothing elsewhere."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from html import escape
from typing import Any, TypeVar

__all__ = ["progress", "progress_stages", "show_progress"]

_SWITCH = "VOLKIT_PROGRESS"
_DELAY = 0.5  # seconds; work that is done before shows no bar
_shown: ContextVar[bool] = ContextVar("shown", default=True)

Task = TypeVar("Task")


@contextmanager
def show_progress(shown: bool) -> Iterator[None]:
    """Return a context in which bars are shown as usual, or not at all.

    ``VOLKIT_PROGRESS=0`` in the environment switches them off for a whole process.

    Examples
    --------
    >>> with show_progress(False):
    ...     list(progress([1, 2], label="fits"))
    [1, 2]
    """
    token = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(token)


def progress(items: Iterable[Task], *, label: str, total: int | None = None) -> Iterable[Task]:
    """Return the items behind a progress bar in a terminal or a notebook, and as they are elsewhere.

    The bar comes after half a second, is written to standard error in a terminal, and goes when the work is done; see
    `show_progress` to do without.

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
    place = _place()
    if place is None:
        return items
    bar: Iterable[Task] = _bar_class(place)(items, desc=label, total=total, leave=False, delay=_DELAY, file=sys.stderr)
    return bar


@contextmanager
def progress_stages(total: int, *, label: str) -> Iterator[Callable[[str], None]]:
    """Return a context whose value is called with the name of each stage as it begins, for a bar like `progress`'s.

    Examples
    --------
    >>> with progress_stages(2, label="study") as begin:
    ...     begin("prices")
    ...     begin("margin")
    """
    place = _place()
    if place is None:
        yield lambda _: None
        return
    begun: list[str] = []
    with _bar_class(place)(total=total, desc=label, leave=False, file=sys.stderr) as bar:

        def begin(name: str) -> None:
            if begun:
                bar.update()
            begun.append(name)
            bar.set_description(f"{label}: {name}")

        yield begin


def _place() -> str | None:
    """Return where a bar can be drawn: in a notebook, in a terminal, or nowhere."""
    if not _shown.get() or os.environ.get(_SWITCH, "").strip().lower() in ("0", "no", "off", "false"):
        return None
    # Workers would draw over the bar of the process that started them.
    if multiprocessing.parent_process() is not None or threading.current_thread() is not threading.main_thread():
        return None
    # Whoever runs in a kernel has loaded IPython.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is not None:
        return "notebook"
    return "terminal" if sys.stderr is not None and sys.stderr.isatty() else None


@cache
def _bar_class(place: str) -> Any:
    from tqdm.std import tqdm

    class TerminalBar(tqdm):  # type: ignore[misc]
        monitor_interval = 0  # no thread beside the work

    class NotebookBar(TerminalBar):
        """A bar in the page itself: a widget would stay behind, dead, in a notebook that is saved or exported."""

        _handle: Any = None

        def display(self, *_: object, **__: object) -> None:
            facts = self.format_dict
            of = f" of {facts['total']:,}" if facts["total"] else ""
            told = f"{facts['prefix']}: {facts['n']:,}{of}, {self.format_interval(facts['elapsed'])}"
            size = f' value="{facts["n"]}" max="{facts["total"]}"' if facts["total"] else ""
            bar = f'<progress{size} aria-label="{escape(facts["prefix"])}"></progress> <small>{escape(told)}</small>'
            self._show({"text/html": bar, "text/plain": told})

        def clear(self, nolock: bool = False) -> None:
            """Leave the page as it is: nothing else writes over the bar."""

        def close(self) -> None:
            if not self.disable:
                self.disable: bool = True
                self._decr_instances(self)
                if self._handle is not None:
                    self._show({"text/html": "", "text/plain": ""})

        def _show(self, data: dict[str, str]) -> None:
            import IPython.display

            draw: Any = IPython.display.display
            if self._handle is None:
                self._handle = draw(data, raw=True, display_id=True)
            else:
                self._handle.update(data, raw=True)

    return NotebookBar if place == "notebook" else TerminalBar
