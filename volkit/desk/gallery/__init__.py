"""The notebooks as pages: run from top to bottom, cleaned, and shown as one page each with an index of cards.

A page is one file with its figures and its style inside, and asks for nothing from anywhere. Pages are made from
the executed copies, and have no clock: the same copies give the same bytes.
"""

from volkit.desk.gallery.building import build_gallery
from volkit.desk.gallery.cleaning import clean_notebook
from volkit.desk.gallery.facts import NotebookFacts, read_facts
from volkit.desk.gallery.pages import render_index, render_notebook
from volkit.desk.gallery.running import run_notebook

__all__ = [
    "NotebookFacts",
    "build_gallery",
    "clean_notebook",
    "read_facts",
    "render_index",
    "render_notebook",
    "run_notebook",
]
