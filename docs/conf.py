"""Sphinx settings."""

from importlib.metadata import version as _version

project = "volkit"
author = "The volkit developers"
release = _version("volkit-lab")
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
autosummary_generate = True
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_title = "volkit"
nb_execution_mode = "off"
exclude_patterns = ["_build"]
suppress_warnings = ["myst.header"]
