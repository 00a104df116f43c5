"""The dashboard: choose an asset, a method, a confidence and a horizon, and read the margins that follow.

`model` computes, `pages` writes HTML, `view` puts both behind controls of ipywidgets, `serve` starts Voila on them,
for this machine alone. A notebook shows the same thing with ``build_dashboard(volkit.open_source("bundled"))``.
"""

from typing import TYPE_CHECKING

from volkit.lazy import names_on_demand

if TYPE_CHECKING:
    from volkit.desk.dashboard.model import Choices, Workbench
    from volkit.desk.dashboard.serve import serve_dashboard
    from volkit.desk.dashboard.view import Dashboard, build_dashboard

_HOMES = {
    "model": ("Choices", "Workbench"),
    "serve": ("serve_dashboard",),
    "view": ("Dashboard", "build_dashboard"),
}

__all__ = ["Choices", "Dashboard", "Workbench", "build_dashboard", "serve_dashboard"]

__getattr__ = names_on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
