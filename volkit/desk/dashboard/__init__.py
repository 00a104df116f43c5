"""The dashboard: choose an asset, a method, a confidence and a horizon, and read the margins that follow.

`choices` are what a reader can set and `shelf` what a source can offer; `model` computes, `verdicts`, `crises` and
`comparison` read the results, `sentences` and `pages` write them, `drawings` and `files` carry them, `view` puts all
behind controls of ipywidgets, and `serve` starts Voila on them, for this machine alone. A notebook shows the same thing
with ``build_dashboard(volkit.open_source("bundled"))``.
"""

from typing import TYPE_CHECKING

from volkit.lazy import names_on_demand

if TYPE_CHECKING:
    from volkit.desk.dashboard.choices import Choices
    from volkit.desk.dashboard.model import Workbench
    from volkit.desk.dashboard.serve import serve_dashboard
    from volkit.desk.dashboard.view import Dashboard, build_dashboard, open_dashboard

_HOMES = {
    "choices": ("Choices",),
    "model": ("Workbench",),
    "serve": ("serve_dashboard",),
    "view": ("Dashboard", "build_dashboard", "open_dashboard"),
}

__all__ = ["Choices", "Dashboard", "Workbench", "build_dashboard", "open_dashboard", "serve_dashboard"]

__getattr__ = names_on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
