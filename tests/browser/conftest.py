"""A real JupyterLab server and a real browser for the tests in this folder.

A test asks for `lab` and drives JupyterLab through it: open a notebook, run it, look at its cells.
`jupyter` is the server behind it; `jupyter.add(...)` puts a notebook where the server finds it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "notebooks"))
import handouts  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUIET_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
SECONDS = 1000  # playwright counts in milliseconds


class Jupyter:
    """A JupyterLab server of our own: its own port, token, folders and settings."""

    def __init__(self, folder: Path):
        self.root = folder / "notebooks"
        self.token = "gan-lessons-test"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log_path = folder / "server.log"

        environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            environment[f"JUPYTER_{kind}_DIR"] = str(folder / kind.lower())
        environment["PYTHONPATH"] = str(REPOSITORY)
        environment["GAN_LESSONS_SCALE"] = "smoke"
        settings = folder / "config" / "labconfig" / "default_setting_overrides.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(QUIET_SETTINGS))
        self.root.mkdir()
        with self._log_path.open("w") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
                    f"--IdentityProvider.token={self.token}",
                    f"--ServerApp.root_dir={self.root}",
                    "--KernelManager.shutdown_wait_time=0.1",  # no test needs its last words
                    "--LabApp.expose_app_in_browser=True",  # the tests speak to window.jupyterapp
                ],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def request(self, method: str, path: str, body: dict | None = None):
        """Ask the server's REST interface; return the decoded answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={"Authorization": f"token {self.token}"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def wait_until_ready(self, seconds: float = 150) -> None:
        """Return when the server answers; fail with its log when it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.request("GET", "/api/status")
                return
            except OSError:
                time.sleep(0.2)
        pytest.fail(f"JupyterLab did not start:\n{self._log_path.read_text()}")

    def add(self, notebook: Path | nbformat.NotebookNode, name: str) -> str:
        """Put a notebook (a file or one just made) into the server's folder; return its name."""
        if isinstance(notebook, Path):
            shutil.copy(notebook, self.root / name)
        else:
            nbformat.write(notebook, self.root / name)
        return name

    def set_setting(self, plugin: str, values: dict) -> None:
        """Change a user setting; JupyterLab obeys when it is loaded the next time."""
        self.request("PUT", f"/lab/api/settings/{plugin}", {"raw": json.dumps(values)})

    def shut_down_kernels(self) -> None:
        """End every kernel, so that the next test starts clean."""
        for session in self.request("GET", "/api/sessions"):
            self.request("DELETE", f"/api/sessions/{session['id']}")

    def stop(self) -> None:
        """End the server: politely, then by force. Its kernels end with it."""
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, kind)
                try:
                    self._process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    continue


class Lab:
    """One browser page showing JupyterLab. The methods act on the notebook in front.

    Commands and cell contents go through `window.jupyterapp`, JupyterLab's own interface; what a
    reader sees and clicks goes through `page`, the playwright page.
    """

    def __init__(self, page, jupyter: Jupyter):
        self.page = page
        self._jupyter = jupyter

    def start(self) -> None:
        """Load JupyterLab, or load it again, with no notebook open."""
        self.page.goto(f"{self._jupyter.url}/lab?reset&token={self._jupyter.token}")
        self.page.wait_for_function("() => window.jupyterapp?.shell")
        self.page.evaluate("() => window.jupyterapp.restored")

    def open_notebook(self, name: str) -> None:
        """Open a notebook and wait until its kernel is there; load JupyterLab when needed."""
        if self.page.url == "about:blank":
            self.start()
        self.page.evaluate(
            """path => {
                jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
            }""",
            name,
        )
        self.page.wait_for_function(
            """path => {
                const panel = jupyterapp.shell.currentWidget;
                return panel?.context?.path === path && panel.context.isReady
                    && panel.sessionContext.session?.kernel?.status === 'idle';
            }""",
            arg=name,
        )

    def run_cell(self, index: int, seconds: float = 60) -> None:
        """Run one cell and wait for it."""
        self.select_cell(index)
        self._run("notebook:run-cell", seconds)

    def start_cell(self, index: int) -> None:
        """Run one cell and do not wait for it."""
        self.select_cell(index)
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell'); }")

    def interrupt(self, seconds: float = 60) -> None:
        """Press the notebook's stop button, and wait until the kernel is idle."""
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
        self.wait_idle(seconds)

    def is_busy(self) -> bool:
        """Tell whether the kernel runs a cell."""
        return self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
        )

    def run_all(self, seconds: float = 120) -> None:
        """Run > Run All Cells, and wait until the last cell is done and the kernel idle."""
        self._run("notebook:run-all-cells", seconds)

    def _run(self, command: str, seconds: float) -> None:
        self.page.evaluate(
            """command => {
                window.commandDone = false;
                jupyterapp.commands.execute(command).finally(() => { window.commandDone = true });
            }""",
            command,
        )
        self.page.wait_for_function("() => window.commandDone", timeout=seconds * SECONDS)
        self.wait_idle(seconds)

    def wait_idle(self, seconds: float = 60) -> None:
        """Wait until no cell of the notebook runs or waits, and the kernel is idle."""
        self.page.wait_for_function(
            """() => {
                const panel = jupyterapp.shell.currentWidget;
                const cells = [...panel.content.model.cells];
                return panel.sessionContext.session?.kernel?.status === 'idle'
                    && cells.every(cell => (cell.executionState ?? 'idle') === 'idle');
            }""",
            timeout=seconds * SECONDS,
        )

    def cells(self) -> list[dict]:
        """Return the cells as they would be saved now, in nbformat's JSON."""
        return self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.model.toJSON().cells"
        )

    def outputs(self) -> list[dict]:
        """Return the outputs of all cells, in nbformat's JSON."""
        return [output for cell in self.cells() for output in cell.get("outputs", [])]

    def errors(self) -> list[str]:
        """Return every error that a cell shows."""
        errors = [output for output in self.outputs() if output["output_type"] == "error"]
        return [f"{error['ename']}: {error['evalue']}" for error in errors]

    def cell_with(self, source: str) -> int:
        """Return the index of the first code cell whose source contains a text."""
        cells = enumerate(self.cells())
        return next(i for i, c in cells if c["cell_type"] == "code" and source in c["source"])

    def cells_in(self, language: str) -> list[int]:
        """Return the indices of the Markdown cells tagged lang-zh or lang-en."""
        tag = f"lang-{language}"
        return [i for i, c in enumerate(self.cells()) if tag in c["metadata"].get("tags", [])]

    def select_cell(self, index: int) -> None:
        """Make a cell the active one, as a click beside it does."""
        self.page.evaluate(
            """index => {
                const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = index;
                notebook.activate();
            }""",
            index,
        )

    def active_cell(self) -> int:
        """Return the index of the active cell."""
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")

    def scroll_to(self, index: int) -> None:
        """Scroll to a cell and wait until it is drawn; cells far away are not."""
        self.page.evaluate(
            """async index => {
                const notebook = jupyterapp.shell.currentWidget.content;
                await notebook.scrollToItem(index, 'smart');
                await notebook.widgets[index].ready;
                await new Promise(done => setTimeout(done, 50)); // Markdown and layout settle
            }""",
            index,
        )

    def is_visible(self, index: int) -> bool:
        """Scroll to a cell and say whether a reader sees it, by computed style."""
        self.scroll_to(index)
        return self.page.evaluate(
            """index => {
                const node = jupyterapp.shell.currentWidget.content.widgets[index].node;
                return node.checkVisibility({visibilityProperty: true})
                    && node.getBoundingClientRect().height > 0;
            }""",
            index,
        )

    def pictures(self, alt: str) -> list[int]:
        """Return the widths, in pixels, of the pictures on the page with such an `alt`."""
        widths = []
        for index, cell in enumerate(self.cells()):
            if any("<img " in output.get("data", {}).get("text/html", "")
                   for output in cell.get("outputs", [])):
                self.scroll_to(index)
                widths += self.page.evaluate(
                    """async ([index, alt]) => {
                        const cell = jupyterapp.shell.currentWidget.content.widgets[index];
                        const images = [...cell.outputArea.node.querySelectorAll('img')]
                            .filter(image => image.alt.includes(alt));
                        await Promise.all(images.map(image => image.decode()));
                        return images.map(image => image.naturalWidth);
                    }""",
                    [index, alt],
                )
        return widths


def browser_path() -> str | None:
    installed = filter(None, map(shutil.which, BROWSERS))
    return os.environ.get("GAN_LESSONS_BROWSER") or next(installed, None)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium or Chrome that is installed here; without one the test is skipped."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    path = browser_path()
    if path is None:
        pytest.skip(
            "no browser found: install Chromium (Debian, Ubuntu: apt-get install chromium) "
            "or Chrome, or set GAN_LESSONS_BROWSER to the path of one"
        )
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=BROWSER_FLAGS, timeout=30 * SECONDS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sets(tmp_path_factory) -> Path:
    """The handouts of lesson 01, in both languages: the folder that holds `zh` and `en`."""
    out = tmp_path_factory.mktemp("handouts")
    assert handouts.main(["both", "01", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory, browser) -> Iterator[Jupyter]:
    """The server, started once; ended whatever happens."""
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
def lab(browser, jupyter) -> Iterator[Lab]:
    """JupyterLab in a fresh browser profile, which remembers nothing."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(100 * SECONDS)
    try:
        yield Lab(context.new_page(), jupyter)
    finally:
        context.close()
        jupyter.shut_down_kernels()
