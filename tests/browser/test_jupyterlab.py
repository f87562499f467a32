"""One lesson in JupyterLab, run by its own menu command as a learner would run it."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

REPOSITORY = Path(__file__).parents[2]
LESSON = "02_prepare_data.ipynb"
SETTINGS = {  # nothing pops up, and every cell is in the page
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
PANEL = "const app = window.jupyterapp, panel = app?.shell?.currentWidget;"
IDLE = """
const kernel = panel?.sessionContext?.session?.kernel;
const idle = kernel?.connectionStatus === "connected" && kernel?.status === "idle";
"""
CODE = 'const cells = panel.context.model.toJSON().cells.filter((cell) => cell.cell_type === "code");'


def _python() -> Path:
    """The Python beside JupyterLab's own files: `make test-browser` runs the tests with another one."""
    import jupyterlab

    return Path(jupyterlab.__file__).parents[4] / "bin" / "python"


@pytest.fixture
def lab(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[SimpleNamespace]:
    """JupyterLab on a copy of the lessons, with settings and runs folder of its own and no token."""
    shutil.copytree(REPOSITORY / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_*"))
    for name, setting in SETTINGS.items():
        path = tmp_path / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting), encoding="utf-8")
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
           "SENTIMENT_KIT_RUNS": "runs"}  # fmt: skip
    port = free_port()
    options = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0, "ServerApp.allow_root": True,
        "ServerApp.root_dir": tmp_path / "notebooks", "IdentityProvider.token": "", "LabApp.open_browser": False,
        "LabApp.expose_app_in_browser": True, "LabApp.user_settings_dir": tmp_path / "settings",
        "LabApp.workspaces_dir": tmp_path / "workspaces",
    }  # fmt: skip
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [_python(), "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
            env=os.environ | {name: str(tmp_path / folder) for name, folder in own.items()},
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server, tmp_path / "lab.log")
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}", folder=tmp_path)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    pytest.fail(log.read_text())


def test_a_lesson_runs_from_the_menu_without_an_error_and_shows_its_figures(
    lab: SimpleNamespace, watched: SimpleNamespace, tmp_path: Path
) -> None:
    page = watched.page
    page.goto(f"{lab.url}/lab/tree/{LESSON}")
    page.wait_for_function(f"() => {{ {PANEL} {IDLE} return idle; }}", timeout=90_000)
    page.evaluate(f"async () => {{ {PANEL} await app.commands.execute('notebook:clear-all-cell-outputs'); }}")
    counts = f"() => {{ {PANEL} {CODE} return cells.map((cell) => cell.execution_count); }}"
    assert set(page.evaluate(counts)) == {None}, "counts of an earlier run would prove nothing"
    page.evaluate(f"() => {{ {PANEL} void app.commands.execute('notebook:run-all-cells'); }}")
    done = f"() => {{ {PANEL} {IDLE} {CODE} return idle && cells.every((cell) => cell.execution_count); }}"
    page.wait_for_function(done, timeout=300_000)
    outputs = page.evaluate(f"() => {{ {PANEL} {CODE} return cells.flatMap((cell) => cell.outputs); }}")
    assert [one for one in outputs if one["output_type"] == "error"] == []
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count() == 0
    figure = page.locator(".jp-NotebookPanel .jp-OutputArea-output img").first
    figure.scroll_into_view_if_needed()
    assert figure.is_visible()
    assert figure.evaluate("image => image.complete && image.naturalWidth > 100")
    # JupyterLab makes no alt attribute of it, but it is there for whoever exports the notebook
    assert any(one.get("metadata", {}).get("image/png", {}).get("alt") for one in outputs)
    page.screenshot(path=tmp_path / "lab.png")
    assert (lab.folder / "runs" / "latest" / "data" / "train.jsonl").exists()
