"""The set-up cell in a stand-in for Colab: what is missing comes, what is there stays, and a lesson runs after it.

The stand-in is an environment of its own that shares this one's packages but for those that Colab lacks. It has a package
``google.colab``, an index that is a folder, and a working folder without the repository beside it.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import types
import venv
import zipfile
from pathlib import Path

import pytest
import torch

from sentiment_kit import colab, models, profiles
from tests import badges

REPOSITORY = Path(__file__).resolve().parents[1]
LESSON = REPOSITORY / "notebooks" / "01_choose_a_model.ipynb"
LACKING = ("captum", "evaluate", "optuna")
HERE = Path(sysconfig.get_path("purelib"))
CELL = badges.CELL.format(address="https://repository.invalid")
RUNNER = """
import json, sys
import google.colab  # as the kernel of a Colab does
sys.path.remove(sys.path[0])  # the folder of this script
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), globals())
"""

# ---------------------------------------------------------------- the stand-in


def _environment(folder: Path) -> tuple[Path, Path]:
    """An empty environment: its Python and the folder of its packages."""
    venv.create(folder, symlinks=True, with_pip=False)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    return folder / "bin" / "python", site


def _wheel_of(name: str, index: Path) -> None:
    """Packs what is installed here into a wheel again."""
    package = importlib.metadata.distribution(name)
    with zipfile.ZipFile(index / f"{name}-{package.version}-py3-none-any.whl", "w") as wheel:
        for file in package.files:
            if not {"..", "__pycache__"} & set(file.parts):
                wheel.write(file.locate(), file.as_posix())


class StandIn:
    """A machine like Colab's, with nothing installed that Colab lacks."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "content"
        self.work.mkdir()
        self._folder = folder
        self._python, self.site = _environment(folder / "venv")
        for entry in HERE.iterdir():
            name = re.split(r"[-.]", entry.name)[0]
            if name not in (*LACKING, "jupyterlab", "nbval", "sentiment_kit", "__pycache__") and entry.suffix != ".pth":
                (self.site / entry.name).symlink_to(entry)
        (folder / "index").mkdir()
        for name in LACKING:
            _wheel_of(name, folder / "index")
        package = folder / "colab" / "google" / "colab"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (folder / "runner.py").write_text(RUNNER, encoding="utf-8")

    def packages(self) -> dict[str, Path]:
        """The packages that are installed, and what their folders lead to."""
        return {path.name.split("-")[0]: path.resolve() for path in self.site.glob("*.dist-info")}

    def run(self, notebook: Path) -> subprocess.CompletedProcess:
        """Runs the code cells of a notebook that lies in the working folder."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("SENTIMENT", "PYTHON"))
        }
        environment |= {
            "PYTHONPATH": str(self._folder / "colab"),
            "PYTHONDONTWRITEBYTECODE": "1",  # the packages are shared
            "MPLBACKEND": "agg",
            "SENTIMENT_KIT_PROFILE": "laptop",  # whatever machine this is
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self._folder / "index"),
            "PIP_NO_COMPILE": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one the other way round: no isolation
        }
        command = [str(self._python), str(self._folder / "runner.py"), str(notebook)]
        return subprocess.run(command, cwd=self.work, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


def _source_zip(path: Path) -> None:
    """The repository as GitHub's *Download ZIP* gives it, as far as a build needs it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("sentiment_kit", "data", "notebooks", "exercises", "pyproject.toml", "README.md", "LICENSE"):
            found = [REPOSITORY / name, *(REPOSITORY / name).rglob("*")]
            for one in found:
                if one.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(one.parts):
                    archive.write(one, Path("sentiment_kit-main") / one.relative_to(REPOSITORY))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    _source_zip(folder / "sentiment_kit-main.zip")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command += ["--wheel-dir", str(folder), str(folder / "sentiment_kit-main.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def _only_set_up(folder: Path) -> Path:
    path = folder / "set_up.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": CELL}]}), encoding="utf-8")
    return path


# ---------------------------------------------------------------- the set-up cell, as it stands


def test_a_lesson_runs_from_an_uploaded_wheel(stand_in: StandIn, wheel: Path) -> None:
    shutil.copy(wheel, stand_in.work)
    shutil.copy(LESSON, stand_in.work)
    before = stand_in.packages()
    assert not set(before) & {*LACKING, "jupyterlab", "nbval", "sentiment_kit"} and "torch" in before
    done = stand_in.run(stand_in.work / LESSON.name)
    assert done.returncode == 0, done.stderr[-2000:]
    first, device, place = done.stdout.splitlines()[:3]
    assert first == "Installed: captum, evaluate, optuna. What Colab had is as it was."
    assert re.fullmatch(r"Device: .+ Profile: laptop\.", device)
    runs = stand_in.work / "runs"
    assert place.startswith(f"Results stay in {runs}, ") and (runs / "latest" / "setting.json").exists()
    after = stand_in.packages()
    assert set(after) == {*before, *LACKING, "sentiment_kit"}  # what only a laptop needs did not come
    assert {name: after[name] for name in before} == before

    again = stand_in.run(_only_set_up(stand_in.work))
    assert again.stdout.splitlines() == [device, place], again.stderr
    assert stand_in.packages() == after


def test_an_uploaded_zip_of_the_repository_will_do(stand_in: StandIn) -> None:
    _source_zip(stand_in.work / "sentiment_kit-main.zip")
    done = stand_in.run(_only_set_up(stand_in.work))
    assert done.stdout.startswith("Installed: captum, evaluate, optuna."), done.stderr[-2000:]
    assert (stand_in.site / "sentiment_kit" / "bundled" / "data" / "reviews" / "raw.csv").exists()


def test_without_either_the_kit_comes_from_the_repository(stand_in: StandIn) -> None:
    done = stand_in.run(_only_set_up(stand_in.work))
    assert done.returncode != 0
    assert "repository.invalid" in done.stderr and "/archive/main.zip" in done.stderr  # there is no network here
    told = done.stderr.splitlines()[-1]
    assert told.startswith("AssertionError: Not installed: upload the kit's wheel or zip (")


# ---------------------------------------------------------------- what pip may do


def _made_up(folder: Path, name: str, version: str, *needs: str) -> Path:
    info, path = f"{name}-{version}.dist-info", folder / f"{name}-{version}-py3-none-any.whl"
    contents = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {one}\n" for one in needs),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in contents.items():
            wheel.writestr(file, text)
    return path


def _install(folder: Path, wanted: str) -> tuple[subprocess.CompletedProcess, set[str]]:
    """Installs one package where ``base`` 1.0 is there and 2.0 is to be had; gives what is there then."""
    python, site = _environment(folder / "venv")
    for name in ("pip", "packaging", "tqdm"):
        (site / name).symlink_to(HERE / name)
    (folder / "index").mkdir()
    with zipfile.ZipFile(_made_up(folder, "base", "1.0")) as wheel:
        wheel.extractall(site)
    (site / "odd-1.dist-info").mkdir()
    (site / "odd-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1-of-the-system\n")
    _made_up(folder / "index", "base", "2.0")
    _made_up(folder / "index", "careful", "1.0", "base")
    _made_up(folder / "index", "careful", "2.0", "base>=2")
    _made_up(folder / "index", "pushy", "1.0", "base>=2")
    code = f"from sentiment_kit import colab\ncolab._install([colab.Requirement({wanted!r})])\nimport {wanted}"
    environment = {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "index")}
    done = subprocess.run(
        [str(python), "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done, {path.name.removesuffix(".dist-info") for path in site.glob("*.dist-info")}


def test_what_is_installed_stays_at_its_version(tmp_path: Path) -> None:
    done, there = _install(tmp_path, "careful")
    assert done.returncode == 0, done.stderr
    assert there == {"base-1.0", "odd-1", "careful-1.0"}  # and not the newest, which would have taken base along


def test_what_cannot_come_without_moving_something_is_an_error_with_pips_words(tmp_path: Path) -> None:
    done, there = _install(tmp_path, "pushy")
    assert there == {"base-1.0", "odd-1"}
    told = done.stderr.split("colab.ColabError: ")[-1]
    assert told.startswith("pip could not install pushy:\n")
    assert "pushy 1.0 depends on base>=2" in told and "base==1.0" in told
    assert told.splitlines()[-1].startswith("Run this cell again.")


# ---------------------------------------------------------------- what is told


@pytest.fixture
def in_colab(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """This process passes for a Colab without a GPU; gives the list of what was mounted."""
    assert models  # imported before: what it imports looks around, too
    mounted = []
    package = types.SimpleNamespace(drive=types.SimpleNamespace(mount=mounted.append))
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(profiles.shutil, "which", lambda name: None)
    monkeypatch.setattr(colab, "_install", lambda missing: pytest.fail(f"would install {missing}"))
    return mounted


def _pretend(patch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Lets packages look as if they were of another version, or not there."""
    found = [(one, versions.get(one.name, version)) for one, version in colab.requirements()]
    patch.setattr(colab, "requirements", lambda: iter(found))


def test_outside_colab_nothing_is_set_up() -> None:
    with pytest.raises(colab.ColabError, match=r"^this is no Google Colab: .+ README"):
        colab.set_up()


def test_with_all_there_it_says_device_profile_and_place(in_colab, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path))
    assert colab.set_up().splitlines() == [
        "Device: CPU (for a GPU: Runtime > Change runtime type). Profile: laptop.",
        f"Results stay in {tmp_path}, and go with this machine. To keep them: drive=True in this cell, and run it again.",
    ]
    assert in_colab == []
    assert os.environ["SENTIMENT_KIT_PROFILE"] == "laptop"


@pytest.mark.parametrize(("capability", "half"), [((7, 5), "fp16"), ((8, 0), "bf16")])
def test_a_gpu_is_named_with_its_format_and_other_processes_get_its_profile(
    in_colab, monkeypatch, capability, half
) -> None:
    monkeypatch.setattr(profiles.shutil, "which", lambda name: f"/somewhere/{name}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert colab.set_up().splitlines()[0] == f"Device: Tesla T4, 16 bits as {half}. Profile: gpu."
    assert os.environ["SENTIMENT_KIT_PROFILE"] == "gpu"  # a lesson that bring() runs has no google.colab in it


def test_only_what_is_missing_and_needed_there_is_installed(in_colab, monkeypatch) -> None:
    _pretend(monkeypatch, evaluate=None, optuna=None, nbval=None, jupyterlab=None)
    asked = []
    monkeypatch.setattr(colab, "_install", asked.extend)
    assert colab.set_up().startswith("Installed: evaluate, optuna. What Colab had is as it was.\n")
    assert [one.name for one in asked] == ["evaluate", "optuna"]
    assert all(one.specifier for one in asked)


@pytest.mark.parametrize(("name", "version"), [("scikit-learn", "1.2.0"), ("transformers", "6.0.0")])
def test_a_package_outside_its_range_is_told_and_left(in_colab, monkeypatch, name, version) -> None:
    _pretend(monkeypatch, **{name: version})
    told = colab.set_up().splitlines()[0]
    (needed,) = [one for one, _ in colab.requirements() if one.name == name]
    assert told.startswith(f"{name} {version} is not {needed.specifier}, ")
    assert "it stays as it is" in told and "Runtime > Change runtime type" in told


def test_the_lowest_versions_of_colab_are_within_the_ranges(in_colab, monkeypatch) -> None:
    preinstalled = {"torch": "2.11.0+cu128", "transformers": "5.15.0", "datasets": "4.0.0", "accelerate": "1.14.0"}
    _pretend(monkeypatch, **preinstalled | {"scikit-learn": "1.6.1", "ipywidgets": "7.7.1"})
    assert colab.set_up().startswith("Device: ")


def test_drive_is_mounted_when_asked_and_keeps_the_runs(in_colab, monkeypatch) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", "")
    told = colab.set_up(drive=True).splitlines()[-1]
    assert in_colab == ["/content/drive"]
    assert told == f"Results are kept in {colab.RUNS_IN_DRIVE}, and found there next time."
    assert profiles.runs_folder() == colab.RUNS_IN_DRIVE
    assert colab.set_up().splitlines()[-1] == told  # in a lesson that another one brings


def test_a_folder_of_ones_own_in_drive_is_kept(in_colab, monkeypatch) -> None:
    own = str(colab.DRIVE / "MyDrive" / "mine")
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", own)
    assert f"kept in {own}," in colab.set_up(drive=True)


def test_a_drive_that_was_refused_is_told(in_colab, monkeypatch) -> None:
    def refuse(path):
        raise ValueError("mount failed")

    monkeypatch.setenv("SENTIMENT_KIT_RUNS", "")
    monkeypatch.setattr(sys.modules["google.colab"].drive, "mount", refuse)
    with pytest.raises(colab.ColabError, match=r"^Google Drive was not mounted \(mount failed\): .+ set drive=False$"):
        colab.set_up(drive=True)
    assert os.environ["SENTIMENT_KIT_RUNS"] == ""
