"""The dashboard in Chromium, behind a real Voila: one server and one page for the whole module."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import Watched, needs_browser, open_browser, serious_findings

import volkit

pytest.importorskip("voila", reason="Voila is not installed")

from volkit.desk.dashboard import Choices, Workbench
from volkit.desk.dashboard.serve import free_port

pytestmark = needs_browser

# Of a bundle that shares JavaScript modules with another of a later version: they work, and say so.
_MODULE_VERSIONS = ("Unsatisfied version", "No satisfying version")
_PATIENCE = 90_000
_SERVE = "import sys; from volkit.desk.dashboard import serve_dashboard as s; "


@pytest.fixture(scope="module")
def source():
    """Name a folder of two simulated price series, 900 days."""
    with tempfile.TemporaryDirectory() as folder:
        times = pd.date_range("2021-01-01", periods=900, tz="UTC").strftime("%Y-%m-%d")
        moves = 0.03 * np.random.default_rng(7).standard_t(5, (900, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
        for name, column in zip(("BTC", "ETH"), np.exp(moves.cumsum(axis=0)).T, strict=True):
            pd.DataFrame({"time": times, "close": 1000.0 * column}).to_csv(f"{folder}/{name}.csv", index=False)
        yield f"files:{folder}"


@pytest.fixture(scope="module")
def port(source):
    # Not the first free one: whoever else starts a dashboard now, another run of these tests too, would be given it.
    chosen = free_port(0)
    code = _SERVE + f"s({source!r}, port={chosen}, open_browser=False)"
    server = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "MPLBACKEND": "Agg"})
    try:
        until = time.monotonic() + _PATIENCE / 1000
        while not _listens(chosen):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.1)
        assert server.poll() is None, "another server has the port"
        yield chosen
        assert server.poll() is None, "the server ended before its tests did"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _listens(port, host="127.0.0.1"):
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((host, port)) == 0


@pytest.fixture(scope="module")
def watched(port):
    with open_browser() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        context.set_default_timeout(_PATIENCE)
        watched = Watched(context.new_page())
        watched.page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        _settle(watched.page)
        yield watched
        context.close()


def _settle(page):
    page.wait_for_function("document.getElementById('status')?.textContent.startsWith('Done')")


def _rate(page, name):
    return page.inner_text(f'[data-rate="{name}"]')


def test_page_is_complete_and_quiet(watched):
    page = watched.page

    assert page.inner_text("h1") == "What margin holds now, and would it have held?"
    assert _rate(page, "initial_margin_long").endswith(" %")
    assert page.locator(".panel").count() == 7
    assert page.locator(".failure").count() == 0
    assert page.evaluate("[...document.images].length >= 4 && [...document.images].every(i => i.naturalWidth > 0)")
    assert watched.outside == []
    assert [c for c in watched.complaints if not any(words in c for words in _MODULE_VERSIONS)] == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_and_can_be_used_by_everybody(watched, width, scheme):
    page = watched.page
    _settle(page)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)

    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_change_of_a_control_brings_the_numbers_of_the_library(watched, source):
    page = watched.page
    choices = Choices(asset="ETH", factor="BTC", method="historical", confidence=0.975)
    expected = Workbench(volkit.open_source(source)).margins(choices).result.table["recommended"]

    for label, option in (("Asset", "ETH"), ("Margin method", "historical"), ("Confidence", "0.975")):
        value = {"Asset": "ETH, Ether", "Confidence": "97.5 %"}.get(label, option)
        page.get_by_label(label, exact=True).select_option(label=value)
    page.wait_for_function("document.getElementById('status')?.textContent === 'Done: ETH, historical, 97.5 %.'")

    for name in ("initial_margin_long", "initial_margin_short", "maintenance_margin_long"):
        assert _rate(page, name) == f"{100 * expected[name]:.1f} %"
    assert page.locator(".volkit-answer").inner_text().count("ETH") >= 1


def test_parameter_file_downloads_and_says_what_the_page_says(watched):
    page = watched.page
    _settle(page)

    page.get_by_role("button", name="Prepare the files").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Parameter file (TOML)").click()
    content = tomllib.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))

    ((asset, entry),) = content["assets"].items()
    assert waiting.value.suggested_filename == f"parameters_{asset.lower()}.toml"
    shown = _rate(page, "initial_margin_long")
    assert shown == f"{100 * entry['parameters']['initial_margin_long']['recommended']:.1f} %"


def _answer(port, path, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Security-Policy") or "", answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/dashboard.ipynb",
        "/voila/files/../../../../etc/passwd",
        "/voila/files/..%2f..%2f..%2fetc%2fpasswd",
        "/voila/files/",
        "/voila/static/../../../../etc/passwd",
    ],
)
def test_other_files_are_closed(port, path):
    assert _answer(port, path)[0] in (403, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/files/../x",
        "/files/dashboard.ipynb",
        "/voila/tree",
        "/voila/tree/",
        "/voila/render/dashboard.ipynb",
        "/voila/api/contents",
        "/api/contents",
        "/no-such-page",
    ],
)
def test_other_pages_lead_to_a_closed_folder(port, path):
    # Voila sends whatever it has no page for to its folder of files, and that is closed.
    status, _, body = _answer(port, path)

    assert (status, body) == (302, b"")
    assert _answer(port, f"/voila/files{path}")[0] == 403


def test_way_out_of_a_template_ends_in_an_error_of_voila(port):
    # Voila asserts that the folder after the template's name is "static" once dots are resolved: 500, and no file.
    status, _, body = _answer(port, "/voila/templates/volkit/static/../../../../../../etc/passwd")

    assert status == 500
    assert b"root:" not in body


@pytest.mark.parametrize("path", ["/", "/api/kernels/00000000-0000-0000-0000-000000000000"])
def test_request_for_another_host_name_is_refused(port, path):
    assert _answer(port, path, host="elsewhere.example")[0] == 403


def test_page_that_cannot_start_says_why_and_stops_pulsing(watched, port, source):
    folder = Path(source.removeprefix("files:"))
    moved = [(path, path.with_suffix(".away")) for path in folder.glob("*.csv")]
    for path, away in moved:
        path.rename(away)
    page = watched.page.context.new_page()
    try:
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        page.wait_for_function("document.getElementById('status')?.textContent.startsWith('Failed')")

        assert "holds no daily prices; the dashboard needs one price series." in page.inner_text(".failure")
        assert "is-busy" not in page.get_attribute("#status", "class")
        assert serious_findings(page) == []
    finally:
        page.close()
        for path, away in moved:
            away.rename(path)


def test_page_that_loads_its_widgets_slowly_misses_nothing(watched, port):
    page = watched.page.context.new_page()
    # Widgets hear nothing between the answer with their states and the code of their classes: made a second long.
    connected = []
    page.on("websocket", lambda channel: connected.append(channel))

    def hold(route):
        time.sleep(1.0 if connected else 0.0)
        route.continue_()

    page.route("**/jupyterlab-manager/static/*.js*", hold)
    try:
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        _settle(page)

        assert connected
        assert page.get_by_text("Waiting for its turn.").count() == 0
        assert page.locator(".is-stale").count() == 0
    finally:
        page.close()


def test_server_listens_on_one_address_only(port):
    # A server on all addresses would answer on every one of 127.0.0.0/8.
    assert _listens(port)
    assert not _listens(port, "127.0.0.2")


def test_page_may_load_nothing_from_elsewhere(port):
    policy = _answer(port, "/no-such-page")[1] or _answer(port, "/voila/files/x")[1]

    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
