"""What is installed: pins within ranges, the conda file, and a wheel that carries reviews and lessons."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _lines(name: str) -> list[str]:
    lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
    return [line for raw in lines if (line := re.sub(r"(^|\s)#.*", "", raw).strip())]


def _pins(name: str) -> dict[str, str]:
    """The packages of a requirements file and their versions; anything but ``name==version`` fails."""
    pins = {}
    for line in _lines(name):
        if line.startswith("-"):
            continue
        requirement = Requirement(line)
        only = list(requirement.specifier)
        assert len(only) == 1, f"{name}: {line!r} is no single pin"
        assert only[0].operator == "==", f"{name}: {line!r} is not pinned with =="
        assert "*" not in only[0].version, f"{name}: {line!r} is not pinned to one version"
        assert not requirement.url, f"{name}: {line!r} comes from an address of its own"
        package = canonicalize_name(requirement.name)
        assert package not in pins, f"{name}: {package} stands there twice"
        pins[package] = only[0].version
    assert pins, f"{name} pins nothing"
    return pins


def _ranges() -> dict[str, SpecifierSet]:
    everything = [
        *PROJECT["dependencies"],
        *(one for extra in PROJECT["optional-dependencies"].values() for one in extra),
    ]
    return {canonicalize_name(Requirement(one).name): Requirement(one).specifier for one in everything}


def test_every_pin_lies_in_the_range_of_the_project() -> None:
    ranges = _ranges()
    wrong = {
        f"{name}: {package}=={version}, but pyproject.toml says {ranges[package]}"
        for name in ("requirements.txt", "constraints.txt")
        for package, version in _pins(name).items()
        if package in ranges and version not in ranges[package]
    }
    assert wrong == set()


def test_every_dependency_of_the_project_is_pinned() -> None:
    needed = {canonicalize_name(Requirement(one).name) for one in PROJECT["dependencies"]}
    assert needed - _pins("requirements.txt").keys() == set()


def test_every_range_has_a_lowest_version() -> None:
    """Without one, an installer may take a version that the kit has never been tried with."""
    open_below = [name for name, range_ in _ranges().items() if not any(one.operator == ">=" for one in range_)]
    assert open_below == []


def test_constraints_exist_and_agree_with_the_requirements() -> None:
    referred = [line.split(maxsplit=1)[1] for line in _lines("requirements.txt") if line.startswith("-c")]
    assert referred == ["constraints.txt"]
    requirements, constraints = _pins("requirements.txt"), _pins("constraints.txt")
    assert {package: constraints.get(package) for package in requirements} == requirements
    assert not any("+" in version for version in constraints.values()), "a build of one machine (+cpu) is pinned"


def test_the_floor_is_the_lowest_version_of_each_range() -> None:
    """All of them but torch, which stays the one of requirements.txt, and those of extras that are not tested there."""
    untried = ("demo", "browser", "site")
    left_out = [*(one for extra in untried for one in PROJECT["optional-dependencies"][extra]), "torch"]
    names = {canonicalize_name(Requirement(one).name) for one in left_out}
    lowest = {
        package: next(one.version for one in range_ if one.operator == ">=")
        for package, range_ in _ranges().items()
        if package not in names
    }
    assert _pins("constraints-floor.txt") == lowest | {"torch": _pins("requirements.txt")["torch"]}


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-floor.txt"])
def test_the_readme_tells_the_versions_that_are_pinned(name: str) -> None:
    table = (REPOSITORY / "README.md").read_text(encoding="utf-8").split("\n| versions |")[1].split("\n\n")[0]
    packages = [cell.strip() for cell in table.splitlines()[0].split("|")[:-2]]
    row = next(line for line in table.splitlines() if line.startswith(f"| `{name}`"))
    pinned = _pins(name)
    assert [cell.strip() for cell in row.split("|")[2:-2]] == [pinned[package] for package in packages]


def test_shared_files_name_no_index_of_their_own() -> None:
    """An index option in the shared file would take Colab's builds away; it belongs in the README."""
    for name in ("requirements.txt", "constraints.txt", "constraints-floor.txt", "environment.yml"):
        assert not re.search(r"--(extra-)?index-url|--find-links|^-[if]\s", "\n".join(_lines(name)), re.M), name


def test_what_is_pinned_is_complete() -> None:
    """Everything that the pinned packages pull in on this machine is pinned too, so two installs are the same."""
    pinned = _pins("constraints.txt")
    if distribution("transformers").version != pinned["transformers"]:
        pytest.skip("other versions are installed, as by `make test-floor`")
    seen: set[str] = set()
    queue = [(name, "") for name in _pins("requirements.txt")]
    while queue:
        name, extra = queue.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            needed = distribution(name).requires or []
        except PackageNotFoundError:  # not asked for on this machine, or by an extra nobody chose
            continue
        for requirement in map(Requirement, needed):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            package = canonicalize_name(requirement.name)
            queue += [(package, ""), *((package, one) for one in requirement.extras)]
    assert {name for name, _ in seen} - pinned.keys() == set()


def test_the_conda_file_installs_the_same() -> None:
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] and environment["channels"]
    plain = [one for one in environment["dependencies"] if isinstance(one, str)]
    (by_pip,) = [one["pip"] for one in environment["dependencies"] if isinstance(one, dict)]
    assert "-r requirements.txt" in by_pip
    assert "-e ." in by_pip
    assert "pip" in plain
    (python,) = [one for one in plain if one.split("=")[0] == "python"]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.split("=")[-1])
    # anything that conda itself chose would stand beside the pins of pip
    assert {re.split("[=<> ]", one)[0] for one in plain} == {"python", "pip"}


# ---------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tree, so that the checkout stays as it is. Nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("sentiment_kit", "data", "notebooks", "exercises"):
        shutil.copytree(REPOSITORY / name, folder / "source" / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / "source" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    done = subprocess.run([*command, str(folder), str(folder / "source")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_a_wheel_carries_the_reviews_and_the_lessons_unchanged(wheel: Path) -> None:
    source = wheel.parent / "source"  # the copy it was built from: the tree may have moved on
    expected = {
        f"sentiment_kit/bundled/{path.relative_to(source).as_posix()}": path
        for folder in ("data/messages", "data/reviews", "notebooks", "exercises")
        for path in (source / folder).rglob("*")
        if path.is_file()
    }
    names = {Path(name).name for name in expected}
    assert names >= {"raw.csv", "README.md", "train.jsonl", "validation.jsonl", "test.jsonl", "ex01.ipynb"}
    assert names >= {"messages.csv", "messages_raw_example.csv", "guideline.md", "entities.jsonl"}
    with zipfile.ZipFile(wheel) as archive:
        for name, path in expected.items():
            assert archive.read(name) == path.read_bytes(), name
        for path in (source / "sentiment_kit").glob("*.py"):
            assert archive.read(f"sentiment_kit/{path.name}") == path.read_bytes()


def test_an_installed_wheel_finds_what_it_carries(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    asking = (
        "from sentiment_kit import profiles\n"
        "print(profiles.bundled('data', 'reviews', 'raw.csv'))\n"
        "print(profiles.bundled('data', 'messages', 'messages.csv'))\n"
        "print(profiles.bundled('notebooks'))\n"
        "print(profiles.runs_folder())\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_KIT")}
    done = subprocess.run(
        [sys.executable, "-c", asking],
        env=environment | {"PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    bundled = tmp_path / "installed" / "sentiment_kit" / "bundled"
    assert done.stdout.splitlines() == [
        str(bundled / "data" / "reviews" / "raw.csv"),
        str(bundled / "data" / "messages" / "messages.csv"),
        str(bundled / "notebooks"),
        str(tmp_path / "runs"),  # never inside the installed package
    ]


def test_the_wheel_declares_what_pyproject_declares(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        (entry_points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        needed = re.findall(r"^Requires-Dist: ([^;\n]+)$", archive.read(metadata).decode(), re.M)
        commands = archive.read(entry_points).decode()
    assert {(canonicalize_name(one.name), one.specifier) for one in map(Requirement, needed)} == {
        (canonicalize_name(one.name), one.specifier) for one in map(Requirement, PROJECT["dependencies"])
    }
    assert "sentiment-kit = sentiment_kit.cli:main" in commands
