"""JupyterLab as `volkit lab` starts it: opened in Chromium, a notebook run with Run All Cells, its figure seen."""

import json
import re
import secrets
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from browser import Watched, needs_browser, open_browser

from volkit.desk.dashboard.serve import free_port
from volkit.desk.lab import lab_command, lab_environment
from volkit.desk.notebook_files import read_notebook
from volkit.resources import notebooks_folder

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# The start of JupyterLab and the run of the notebook take a minute on a busy machine.
pytestmark = [*needs_browser, pytest.mark.slow]

NAME = "04_margin_calibration.ipynb"
PATIENCE = 600_000  # milliseconds, for all cells
# Every cell that holds code has its number (an empty one shows nothing), or one has failed and the rest is left.
ALL_DONE = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent.trim());
  const ran = prompts.filter(text => /\\d/.test(text)).length;
  return ran > 0 && (ran === prompts.filter(text => text !== '').length || !prompts.some(text => text.includes('*')));
}"""


HAS_BEGUN = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].some(
  one => /[*\\d]/.test(one.textContent)
)"""


@contextmanager
def jupyterlab(folder, private):
    """Yield the address of a JupyterLab with settings of its own."""
    token, port = secrets.token_hex(16), free_port(0)
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    # All cells stay in the page, also those out of sight, so that the test can look at them.
    settings = private / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    words = [
        *lab_command(folder, open_browser=False, port=port),
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0",
        "--allow-root",
    ]
    environment = {**lab_environment(), **{name: str(private / place) for name, place in places.items()}}
    environment |= {"JUPYTER_TOKEN": token, "OMP_NUM_THREADS": "1"}
    with (private / "log").open("w") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, private / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/{NAME}?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(address, server, log):
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended: {log.read_text()[-2000:]}")
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.25)  # another program starts; it does not tell when it is ready
    pytest.fail(f"JupyterLab does not answer: {log.read_text()[-2000:]}")


def wait_for_kernel(page):
    # A notebook says that it is idle before it has a kernel, and once more between its name and its connection.
    page.locator(".jp-KernelName", has_text="Python 3").wait_for(timeout=60_000)
    for _ in range(2):
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60_000)
        page.wait_for_timeout(1_000)


def run_all_cells(page):
    # A menu that is clicked while the page still settles may close without doing anything.
    for _ in range(5):
        assert page.locator(".jp-Dialog").all_inner_texts() == []
        page.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
        page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
        with suppress(playwright.TimeoutError):
            page.wait_for_function(HAS_BEGUN, timeout=10_000)
            return
    pytest.fail("Run All Cells does nothing")


def not_run(cells):
    # A reader's empty cell has nothing to run.
    return [cell.source for cell in cells if cell.source.strip() and not cell.execution_count]


def saved_cells(page, path):
    for _ in range(60):
        # A key that is pressed while the page still draws may reach nothing, so it is pressed again.
        page.keyboard.press("Control+s")
        page.wait_for_timeout(500)
        cells = [cell for cell in read_notebook(path).cells if cell.cell_type == "code"]
        if not_run(cells) == []:
            break
    return cells


def test_run_all_cells_shows_the_figures_of_notebook_04(tmp_path):
    folder, private = tmp_path / "mine", tmp_path / "private"
    folder.mkdir()
    private.mkdir()
    shutil.copy(notebooks_folder() / NAME, folder)

    with jupyterlab(folder, private) as address, open_browser() as browser:
        watched = Watched(browser.new_page(viewport={"width": 1280, "height": 900}))
        page = watched.page
        page.goto(address, timeout=60_000)
        page.locator(".jp-Notebook .jp-CodeCell").last.wait_for(timeout=60_000)
        wait_for_kernel(page)
        run_all_cells(page)
        page.wait_for_function(ALL_DONE, timeout=PATIENCE)

        cells = saved_cells(page, folder / NAME)
        outputs = [output for cell in cells for output in cell.outputs]
        assert [o.get("evalue") for o in outputs if o.output_type == "error"] == []
        assert not_run(cells) == []
        figures = page.locator(".jp-OutputArea-output img")
        assert figures.count() == 4
        assert page.evaluate(
            "[...document.querySelectorAll('.jp-OutputArea-output img')].every(i => i.naturalWidth > 0)"
        )
        assert page.locator(".jp-Dialog").all_inner_texts() == []
        assert page.get_by_text("Jupyter news").count() == 0
        assert watched.outside == []
