"""Sphinx settings. What is made from the package or from the last measurements is written before a build."""

import re
import sys
import warnings
from importlib.metadata import version as _version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "volkit"
author = "The volkit developers"
project_copyright = "The volkit developers, BSD 3-clause"
release = _version("volkit-lab")
language = "en"
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "mathml",
]
exclude_patterns = ["_build", "_ext", "_generated", "_templates", "measured"]
templates_path = ["_templates"]
# A notebook begins again at a second heading where its first cell ends.
suppress_warnings = ["myst.header"]

autosummary_generate = True
numpydoc_show_class_members = False
add_module_names = False
python_use_unqualified_type_names = True
autodoc_typehints = "none"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
nb_execution_mode = "off"
# No widget script is asked of a host outside: a page shows what a notebook drew.
nb_ipywidgets_js = {}
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = "volkit"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["volkit.css"]
html_js_files = ["volkit.js"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {
        "text": "volkit",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo-dark.svg",
        "alt_text": "",
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_center": [],
    "footer_end": [],
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}


def setup(app):
    """Write the generated pages before Sphinx looks for pages."""
    app.connect("config-inited", lambda *_: write_pages())
    app.connect("autodoc-process-signature", _without_signature)
    app.connect("autodoc-process-docstring", _keep_bars)


def _without_signature(_app, what, _name, thing, *_):
    """Leave the arguments of results out: one gets a result from a function and does not make it."""
    from volkit.results import ResultDisplay

    return ("", None) if what == "class" and issubclass(thing, ResultDisplay) else None


def _keep_bars(_app, _what, _name, _thing, _options, lines):
    """Keep the bars of a modulus, |k|, which reStructuredText would take for a substitution."""
    lines[:] = [line if ">>>" in line else re.sub(r"\|(\w+)\|", r"\\|\1\\|", line) for line in lines]


def write_pages():
    """Write what is made from the package, the notebooks and the last measurements; leave what is the same alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from api_pages import api_pages
        from course import write_course
        from generated import generated_parts

        write_course(HERE)
        _write(HERE / "_generated", generated_parts(HERE))
        _write(HERE / "api", api_pages())


def _write(folder, pages):
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for old in set(folder.iterdir()) - {folder / name for name in pages}:
        old.unlink()
