"""Chromium for the tests of pages: how it is opened, what a quiet page is, and what axe says of it."""

import json
import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

CHROMIUM = shutil.which("chromium")
# Without the background switches Chromium asks for hosts of its own at every start.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no program named chromium on the path"),
]


@contextmanager
def open_browser():
    """Yield Debian's Chromium under playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


class Watched:
    """A page with all that it asked for and complained of.

    `outside` holds the addresses of requests that left files, data and this machine; `complaints` the errors and
    warnings of its console and its uncaught errors.
    """

    def __init__(self, page):
        self.page = page
        self.requests = []
        self.complaints = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    @property
    def outside(self):
        split = [urlsplit(url) for url in self.requests]
        inside = ("file", "data", "blob", "about")
        return [u.geturl() for u in split if u.scheme not in inside and u.hostname not in ("127.0.0.1", "localhost")]


def serious_findings(page):
    """Return axe's findings of impact serious or critical: rule, help and the first places."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found = axe.Axe().run(page).response["violations"]
    return [
        json.dumps({"rule": v["id"], "help": v["help"], "where": [n["html"][:160] for n in v["nodes"][:3]]})
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
