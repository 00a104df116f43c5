"""The controls above the panels: what is offered, and what is chosen at the start."""

import ipywidgets as widgets

from volkit.desk.dashboard.choices import CONFIDENCES, HORIZONS, METHODS, MODELS
from volkit.desk.dashboard.model import Workbench
from volkit.report import method_words
from volkit.sources import SeriesSpec

__all__ = ["controls_of", "option_of"]


def option_of(spec: SeriesSpec) -> tuple[str, str]:
    """Return what a control shows of a series, and its name."""
    return f"{spec.name}, {spec.title}", spec.name


def controls_of(bench: Workbench) -> dict[str, widgets.Dropdown]:
    """Return the controls by field of `Choices`, set to where the workbench starts."""
    start = bench.start
    options: dict[str, tuple[str, list[tuple[str, object]]]] = {
        "asset": ("Asset", [option_of(spec) for spec in bench.assets]),
        "method": ("Margin method", [(method_words(method), method) for method in METHODS]),
        "model": ("Volatility model", [(name, name) for name in MODELS]),
        "confidence": ("Confidence", [(f"{100 * c:g} %", c) for c in CONFIDENCES]),
        "horizon": ("Margin period of risk", [(f"{h} day{'s' if h > 1 else ''}", h) for h in HORIZONS]),
        "factor": ("Compare with", [option_of(spec) for spec in bench.factors(start.asset)]),
    }
    controls = {
        name: widgets.Dropdown(description=words, options=listed, value=getattr(start, name))
        for name, (words, listed) in options.items()
    }
    controls["factor"].disabled = start.factor is None
    return controls
