"""Controls and panels of the dashboard, in ipywidgets: a choice is made, the panels follow one after another.

The panel that answers comes first. Work is done in a thread beside the kernel's loop, so that a newer choice is heard
at once and what is under way for an older one is dropped.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from volkit.desk.dashboard import drawings, files, pages, sentences
from volkit.desk.dashboard.choices import Choices
from volkit.desk.dashboard.controls import controls_of, option_of
from volkit.desk.dashboard.model import Workbench
from volkit.desk.dashboard.verdicts import judge
from volkit.errors import VolkitError
from volkit.report import FigureFiles, FigureSpec, method_words
from volkit.sources import PriceSource, open_source
from volkit.study.words import sentence

__all__ = ["Dashboard", "build_dashboard", "open_dashboard"]

_PANELS = ("answer", "schedule", "exceptions", "stress", "correlation", "frontier", "downloads")
# What cannot be shown without margins.
_OF_MARGINS = ("schedule", "exceptions", "stress", "downloads")
_STALE = "is-stale"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A figure of the page: what draws it again as a file, and what its links are called."""

    spec: FigureSpec
    figure: FigureFiles
    words: str
    simulated: bool


def open_dashboard(source: str) -> widgets.Box:
    """Return the page of a source, or one that says in a sentence why there is none.

    Its panels wait until the page presses their button: what a kernel sends while a page still loads its widgets is
    lost, and the panel would wait for ever.

    Parameters
    ----------
    source : str
        As for `volkit.open_source`.
    """
    try:
        dashboard = Dashboard(Workbench(open_source(source)))
        dashboard.box.children = (*dashboard.box.children, dashboard.follow_once_shown())
        return dashboard.box
    except VolkitError as error:
        words = sentence(str(error))
    except Exception as error:  # a page without any word helps nobody
        _LOG.exception("dashboard")
        words = f"{type(error).__name__}: {error}."
    status = widgets.HTML("Failed: the dashboard could not start.")
    status.add_class("volkit-status")
    box = widgets.Box([status, widgets.HTML(pages.failure_html("answer", words))])
    box.add_class("volkit-dashboard")
    return box


def build_dashboard(source: PriceSource) -> "Dashboard":
    """Return a dashboard of a source, at work as soon as a loop runs.

    Parameters
    ----------
    source : PriceSource
        From `volkit.open_source`.

    Returns
    -------
    Dashboard
        Show its `box` in a notebook.

    Raises
    ------
    SourceError
        When the source holds no daily prices.
    """
    dashboard = Dashboard(Workbench(source))
    dashboard.follow()
    return dashboard


class Dashboard:
    """The page: controls, status, panels.

    Parameters
    ----------
    bench : Workbench
        What computes.

    Attributes
    ----------
    bench : Workbench
        As given.
    controls : dict of name to Dropdown
        By field of `Choices`.
    panels : dict of name to HTML
        By name.
    status : HTML
        What is being done, in words.
    wanted : Button
        Makes the files.
    box : VBox
        All of it.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.controls = controls_of(bench)
        self.panels = {name: widgets.HTML(pages.empty_html(name, "Waiting for its turn.")) for name in _PANELS}
        self.status = widgets.HTML()
        self.status.add_class("volkit-status")
        bar = widgets.Box(list(self.controls.values()))
        bar.add_class("volkit-controls")
        for name, panel in self.panels.items():
            panel.add_class(f"volkit-{name}")
        self.wanted = widgets.Button(description="Prepare the files", disabled=True)
        self.wanted.on_click(self._asked)
        last = widgets.Box([self.panels["downloads"], self.wanted])
        last.add_class("volkit-files")
        body = widgets.Box([*(panel for name, panel in self.panels.items() if name != "downloads"), last])
        body.add_class("volkit-panels")
        self.box = widgets.Box([bar, self.status, body])
        self.box.add_class("volkit-dashboard")
        self._turn = 0
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._shown: dict[str, _Shown] = {}
        self._drawn: dict[tuple[object, ...], tuple[FigureSpec, FigureFiles]] = {}
        for control in self.controls.values():
            control.observe(self._chosen, names="value")

    @property
    def choices(self) -> Choices:
        """What the controls say now."""
        return Choices(**{name: control.value for name, control in self.controls.items()})

    def follow(self) -> None:
        """Bring the panels to the present choices, beside whatever the loop does; needs a running loop."""
        self._turn += 1
        self._task = asyncio.get_running_loop().create_task(self.refresh())

    def follow_once_shown(self) -> widgets.Button:
        """Return a button; the panels follow once it is pressed, and until then their contents are computed."""
        shown = asyncio.Event()
        button = widgets.Button(description="The page is here")
        button.add_class("volkit-shown")
        button.on_click(lambda _: shown.set())
        self._task = asyncio.get_running_loop().create_task(self._compute_until(shown))
        return button

    async def _compute_until(self, shown: asyncio.Event) -> None:
        async with self._lock:
            for _, panel, make in self._steps(self.choices):
                if not shown.is_set():
                    await asyncio.to_thread(_safely, panel, make)
            await shown.wait()
        self.follow()

    async def refresh(self) -> None:
        """Bring the panels to the present choices, the answer first; stop when there are newer ones."""
        turn, choices = self._turn, self.choices
        for panel in self.panels.values():
            panel.add_class(_STALE)
        async with self._lock:
            self._shown = {}
            self._offer_files(ready=False)
            steps = self._steps(choices)
            has_margins = True
            for number, (words, panel, make) in enumerate(steps, start=1):
                if turn != self._turn:
                    return
                if panel == "answer" and number > 1 and not has_margins:
                    continue
                self._say(f"{number} of {len(steps)}: {words} \u2026")
                if has_margins or panel not in _OF_MARGINS:
                    html, is_made = await asyncio.to_thread(_safely, panel, make)
                    has_margins = has_margins and (is_made or panel != "answer")
                else:
                    # It would say again what the first panel says.
                    html = pages.empty_html(panel, "There are no margins for these choices.")
                if turn != self._turn:
                    return
                self.panels[panel].value = html
                self.panels[panel].remove_class(_STALE)
            self.panels["downloads"].remove_class(_STALE)
            self._offer_files(ready=has_margins)
            self._say_done(choices)

    async def prepare(self) -> None:
        """Make the files of what is shown; drop them when there are newer choices."""
        turn, choices = self._turn, self.choices
        self.wanted.disabled = True
        async with self._lock:
            if turn != self._turn:
                return
            self._say("Writing the files \u2026")
            html, is_made = await asyncio.to_thread(_safely, "downloads", lambda: self._downloads(choices))
            if turn != self._turn:
                return
            self.panels["downloads"].value = html
            self.wanted.layout.display = "none" if is_made else ""
            self.wanted.disabled = is_made
            self._say_done(choices)

    def _asked(self, _: widgets.Button) -> None:
        self._task = asyncio.get_running_loop().create_task(self.prepare())

    def _offer_files(self, *, ready: bool) -> None:
        self.panels["downloads"].value = pages.downloads_html(())
        self.wanted.layout.display = ""
        self.wanted.disabled = not ready

    def _chosen(self, change: dict[str, object]) -> None:
        if change["owner"] is self.controls["asset"]:
            self._offer_factors()
        self.controls["model"].disabled = not self.choices.is_filtered
        self.follow()

    def _offer_factors(self) -> None:
        factor, asset = self.controls["factor"], str(self.controls["asset"].value)
        before = factor.value
        options = [option_of(spec) for spec in self.bench.factors(asset)]
        factor.unobserve(self._chosen, names="value")
        factor.options = options
        names = [name for _, name in options]
        factor.value = before if before in names else names[0] if names else None
        factor.disabled = not names
        factor.observe(self._chosen, names="value")

    def _steps(self, choices: Choices) -> Sequence[tuple[str, str, Callable[[], str]]]:
        asset = choices.asset
        return (
            (f"computing the margins of {asset}", "answer", lambda: self._answer(choices)),
            ("testing the exceptions", "exceptions", lambda: self._exceptions(choices)),
            ("drawing margins against losses", "schedule", lambda: self._schedule(choices)),
            ("replaying the named crises", "stress", lambda: self._stress(choices)),
            (f"correlating {asset}", "correlation", lambda: self._correlation(choices)),
            ("comparing policies", "frontier", lambda: self._frontier(choices)),
            # Only now is it known which policy passes.
            ("completing the answer", "answer", lambda: self._answer(choices, with_pointer=True)),
        )

    def _answer(self, choices: Choices, *, with_pointer: bool = False) -> str:
        found, tests = self.bench.margins(choices), self.bench.coverage(choices)
        return pages.answer_html(
            found.result, tests.result, (*found.notes, *self.bench.notes),
            now=self.bench.now, masked=self.bench.asset_series(choices.asset).result.masked,
            pointer=self._pointer(choices) if with_pointer else "",
        )  # fmt: skip

    def _pointer(self, choices: Choices) -> str:
        verdicts, _ = judge(self.bench.margins(choices).result, self.bench.coverage(choices).result)
        if not any(verdict.is_too_many for verdict in verdicts.values()):
            return ""
        try:
            frontier = self.bench.frontier(choices).result
        except VolkitError:  # its own panel says why
            return "There is no comparison with other policies for these choices."
        return sentences.pointer_words(frontier, self.bench.name_in_frontier(choices))

    def _exceptions(self, choices: Choices) -> str:
        margins, tests = self.bench.margins(choices).result, self.bench.coverage(choices)
        return pages.exceptions_html(margins, tests.result, tests.notes)

    def _schedule(self, choices: Choices) -> str:
        schedule = self.bench.margins(choices).result.schedule
        figure = self._figure(
            ("schedule", choices.asset, schedule.policy.words, choices.model),
            lambda: drawings.schedule_figure(schedule), "Figure: margins and losses", schedule.provenance.simulated,
        )  # fmt: skip
        return pages.figure_html("schedule", figure, ())

    def _stress(self, choices: Choices) -> str:
        found = self.bench.stress(choices)
        replay = found.result
        figure = self._figure(
            ("stress", choices.asset, replay.policy, choices.model), lambda: drawings.stress_figure(replay),
            "Figure: named crises", replay.provenance.simulated,
        )  # fmt: skip
        return pages.stress_html(replay, figure, found.notes)

    def _correlation(self, choices: Choices) -> str:
        if choices.factor is None:
            words = f"This source has no second series with enough days in common with {choices.asset}."
            return pages.empty_html("correlation", words)
        found = self.bench.correlation(choices)
        estimate = found.result
        figure = self._figure(
            ("correlation", choices.asset, choices.factor), lambda: drawings.correlation_figure(estimate),
            "Figure: correlation", estimate.provenance.simulated,
        )  # fmt: skip
        return pages.figure_html("correlation", figure, found.notes, lead=sentences.correlation_words(estimate))

    def _frontier(self, choices: Choices) -> str:
        found, current = self.bench.frontier(choices), self.bench.name_in_frontier(choices)
        frontier = found.result
        figure = self._figure(
            ("frontier", choices), lambda: drawings.frontier_figure(frontier, current), "Figure: policies",
            frontier.provenance.simulated,
        )  # fmt: skip
        return pages.frontier_html(frontier, current, figure, found.notes)

    def _figure(
        self, key: tuple[object, ...], make: Callable[[], FigureSpec], words: str, simulated: bool
    ) -> FigureFiles:
        if key not in self._drawn:
            spec = make()
            self._drawn[key] = spec, drawings.draw(spec, simulated=simulated)
        spec, figure = self._drawn[key]
        self._shown[str(key[0])] = _Shown(spec=spec, figure=figure, words=words, simulated=simulated)
        return figure

    def _downloads(self, choices: Choices) -> str:
        found = self.bench.margins(choices).result
        tables = {
            "margins": found.table.reset_index(),
            "exceptions": found.backtest.exceptions,
            "tests": found.backtest.table.reset_index(),
        }
        book = {**tables, "schedule": found.schedule.frame.reset_index()}
        simulated, asset = found.provenance.simulated, choices.asset
        listed = [
            files.parameter_download(found, choices),
            files.workbook_download(book, f"margins_{asset}", "All tables and the schedule", simulated=simulated),
            *(
                files.table_download(frame, f"{name}_{asset}", f"Table: {name}", simulated=simulated)
                for name, frame in tables.items()
            ),
        ]
        for shown in self._shown.values():
            svg = drawings.draw_svg(shown.spec, simulated=shown.simulated)
            listed += files.figure_downloads(shown.figure, svg, shown.words)
        return pages.downloads_html(listed)

    def _say_done(self, choices: Choices) -> None:
        self._say(f"Done: {choices.asset}, {method_words(choices.method)}, {100 * choices.confidence:g} %.")

    def _say(self, words: str) -> None:
        self.status.value = words


def _safely(panel: str, make: Callable[[], str]) -> tuple[str, bool]:
    """Return a panel's HTML and True, or the error as a sentence and False: one panel must not cost the others."""
    try:
        return make(), True
    except VolkitError as error:
        return pages.failure_html(panel, sentence(str(error))), False
    except Exception as error:  # the reader of a page can do nothing with a traceback, and the other panels stand
        _LOG.exception("panel %s", panel)
        return pages.failure_html(panel, f"This panel could not be made: {type(error).__name__}: {error}."), False
