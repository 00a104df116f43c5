"""The command line: a module a kind of command.

Everything is asked of the package itself, whose names load when first used: ``volkit --help`` answers
without pandas.
"""

# The order is that of the help.
from volkit.cli import studies, export, books, stress, dashboard, desk, data  # isort: skip
from volkit.cli.common import app

__all__ = ["app", "books", "dashboard", "data", "desk", "export", "stress", "studies"]
