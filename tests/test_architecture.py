"""The table of modules in docs/design.md holds: who imports whom, what importing does, what is public is explained."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "sentiment_kit"
DESIGN = REPOSITORY / "docs" / "design.md"
LONGEST_FUNCTION = 40
UNLISTED = ("__init__", "__main__")

# ---------------------------------------------------------------- the table and the imports


def read_table(path: Path) -> dict[str, set[str] | None]:
    """What each module may need, in the table's order; ``None`` for 'any'."""
    table: dict[str, set[str] | None] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and (name := re.fullmatch(r"`(\w+)`.*", cells[0])):
            assert cells[2] in ("any", "nothing") or "`" in cells[2], f"cannot read the row {line!r}"
            assert name[1] not in table, f"{name[1]} has two rows"
            table[name[1]] = None if cells[2] == "any" else set(re.findall(r"`(\w+)`", cells[2]))
    return table


def source_files(package: Path) -> dict[str, list[Path]]:
    """The files of each module; a folder counts as one module."""
    modules: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.py")):
        modules.setdefault(path.relative_to(package).parts[0].removesuffix(".py"), []).append(path)
    return modules


def _named(path: Path, package: Path) -> Iterator[str]:
    """Every dotted name that a file imports, at the top or inside a function, by statement or by importlib."""
    inside = ["sentiment_kit", *path.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "__import__"):
                yield str(node.args[0].value)


def read_imports(package: Path) -> dict[str, set[str]]:
    """The modules of the package that each module imports."""
    modules = source_files(package)
    found: dict[str, set[str]] = {}
    for module, paths in modules.items():
        parts = [name.split(".") for path in paths for name in _named(path, package)]
        found[module] = {name[1] for name in parts if name[0] == "sentiment_kit" and len(name) > 1}
        found[module] = (found[module] & modules.keys()) - {module}
    return found


def breaches(table: dict[str, set[str] | None], imports: dict[str, set[str]]) -> list[str]:
    """Everything in which table and imports differ, as sentences."""
    found, order = [], list(table)
    for module in imports.keys() - table.keys() - set(UNLISTED):
        found.append(f"{module} has no row")
    for module, needs in table.items():
        if module not in imports:
            found.append(f"{module} has a row and no file")
            continue
        for other in needs or ():
            if other not in order[: order.index(module)]:
                found.append(f"{module}: the table says it needs {other}, which does not stand above it")
        above = set(order[: order.index(module)])
        for other in imports[module] - (above if needs is None else needs):
            found.append(f"{module} imports {other}, which its row does not allow")
        for other in (needs or set()) - imports[module]:
            found.append(f"{module}: its row names {other}, which it does not import")
    found += [f"the package itself imports {other}" for other in imports.get("__init__", ())]
    found += [f"__main__ imports {other}" for other in imports.get("__main__", set()) - {"cli"}]
    return sorted(found)


def cycle(imports: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""

    def walk(path: list[str]) -> list[str]:
        for other in sorted(imports[path[-1]]):
            if other in path:
                return [*path[path.index(other) :], other]
            if circle := walk([*path, other]):
                return circle
        return []

    return next((circle for module in sorted(imports) if (circle := walk([module]))), [])


def test_every_module_imports_what_its_row_says_and_no_more() -> None:
    table = read_table(DESIGN)
    assert {"labels", "models", "data", "training", "cli"} <= table.keys(), "the table was not found"
    assert breaches(table, read_imports(PACKAGE)) == []


def test_no_import_circles() -> None:
    assert cycle(read_imports(PACKAGE)) == []


def _broken_copy(folder: Path, module: str, line: str) -> Path:
    package = folder / "sentiment_kit"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "bundled"))
    with (package / f"{module}.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")
    return package


@pytest.mark.parametrize(
    "line",
    [
        "from sentiment_kit import training",
        "import sentiment_kit.training",
        "from sentiment_kit.training import fine_tune",
        "from . import training",
        "from .training import fine_tune",
        "def late() -> None:\n    from sentiment_kit import training",
        "import importlib\nlate = lambda: importlib.import_module('sentiment_kit.training')",
    ],
)
def test_an_import_upwards_from_labels_is_noticed_however_it_is_written(tmp_path: Path, line: str) -> None:
    imports = read_imports(_broken_copy(tmp_path, "labels", line))
    assert "labels imports training, which its row does not allow" in breaches(read_table(DESIGN), imports)
    assert set(cycle(imports)) >= {"labels", "training"}


def test_a_module_without_a_row_and_a_row_that_is_wrong_are_noticed(tmp_path: Path) -> None:
    package = _broken_copy(tmp_path, "extra", "from sentiment_kit import cli")
    assert "extra has no row" in breaches(read_table(DESIGN), read_imports(package))
    table = {
        "low": {"high"},  # stands below what it needs
        "high": set(),
        "lazy": {"high"},  # does not import what it names
        "gone": set(),
        "all": None,
    }
    imports = {"low": {"high"}, "high": set(), "lazy": set(), "all": {"low", "high"}}
    assert breaches(table, imports) == [
        "gone has a row and no file",
        "lazy: its row names high, which it does not import",
        "low: the table says it needs high, which does not stand above it",
    ]
    assert cycle(imports) == []


# ---------------------------------------------------------------- what importing does

PROBE = """
import importlib, io, json, os, random, socket, sys
from contextlib import redirect_stderr, redirect_stdout
import numpy, torch

noticed = []

def watch(owner, name, kind, refuse=False):
    original = getattr(owner, name)
    def watched(*args, **kwargs):
        noticed.append(kind)
        if refuse:
            raise OSError("the network is closed in this test")
        return original(*args, **kwargs)
    setattr(owner, name, watched)

for name in ("connect", "connect_ex", "sendto"):
    watch(socket.socket, name, "network", refuse=True)
for name in ("create_connection", "getaddrinfo", "gethostbyname"):
    watch(socket, name, "network", refuse=True)
# Some libraries draw a random number while they load; that is theirs. Setting the seed is what changes results.
for owner, name in ((random, "seed"), (numpy.random, "seed"), (torch, "manual_seed"), (torch.random, "manual_seed")):
    watch(owner, name, f"{owner.__name__} seeded")

report = {}
for module in sys.argv[1:]:
    states = numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    settings, files = dict(os.environ), set(os.listdir())
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        importlib.import_module(module)
    if states != (numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()):
        noticed.append("random state changed")
    if out.getvalue() + err.getvalue():
        noticed.append("printed " + repr(out.getvalue() + err.getvalue()))
    noticed += [f"wrote {name}" for name in sorted(set(os.listdir()) - files)]
    kit = [name for name in os.environ if name.startswith(("SENTIMENT", "HF_")) and name not in settings]
    noticed += [f"set {name}" for name in kit]
    report[module] = sorted(noticed)
    noticed.clear()
print(json.dumps(report))
"""
NOISY = """
import os, random, socket
import numpy, torch
print("hello")
random.seed(1)
numpy.random.seed(2)
torch.manual_seed(3)
os.environ["SENTIMENT_KIT_PROFILE"] = "gpu"
open("left.txt", "w").close()
try:
    socket.create_connection(("192.0.2.1", 80))
except OSError:
    pass
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], str]:
    """What each module did when it was imported, in the table's order, and what the process printed besides.

    The last one, ``noisy``, is no module of the kit: it shows that the probe sees what it is for.
    """
    folder = tmp_path_factory.mktemp("imports")
    (folder / "noisy.py").write_text(NOISY, encoding="utf-8")
    modules = ["sentiment_kit", *(f"sentiment_kit.{name}" for name in read_table(DESIGN)), "sentiment_kit.__main__"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "SENTIMENT"))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *modules, "noisy"],
        env=environment | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, report = done.stdout.splitlines()
    return json.loads(report), "".join(printed) + done.stderr


def test_importing_starts_nothing(imported: tuple[dict[str, list[str]], str]) -> None:
    report, printed = imported
    noisy = report.pop("noisy")
    assert noisy == [
        "network", "numpy.random seeded", "printed 'hello\\n'", "random seeded", "random state changed",
        "set SENTIMENT_KIT_PROFILE", "torch seeded", "wrote left.txt",
    ]  # fmt: skip
    assert report.keys() >= {f"sentiment_kit.{name}" for name in source_files(PACKAGE) if name not in UNLISTED}
    assert {module: found for module, found in report.items() if found} == {}
    assert printed == ""  # past Python's own streams, too


# ---------------------------------------------------------------- what is public is explained

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _public(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """The public functions and classes of a module, and the public methods of those classes and their ``__init__``."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, Function | ast.ClassDef) and (
                    not inner.name.startswith("_") or inner.name == "__init__"
                ):
                    yield f"{node.name}.{inner.name}", inner


def unexplained(source: str) -> list[str]:
    """What lacks a docstring or an annotation."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    for name, node in _public(tree):
        if not (ast.get_docstring(node) or node.name == "__init__"):
            found.append(f"{name} has no docstring")
        if isinstance(node, ast.ClassDef):
            continue
        given = node.args
        all_args = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        method = "." in name and not any(getattr(one, "id", "") == "staticmethod" for one in node.decorator_list)
        for arg in [arg for arg in all_args if arg][method:]:
            if arg.annotation is None:
                found.append(f"{name}: {arg.arg} has no annotation")
        if node.returns is None:
            found.append(f"{name}: what it returns has no annotation")
    return found


def printing(source: str) -> list[int]:
    """The lines that write to the terminal."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "print",
            "pprint",
            "pprint.pprint",
            "sys.stdout.write",
            "sys.stderr.write",
        ):
            found.append(node.lineno)
    return found


def function_lengths(source: str) -> dict[str, int]:
    """The lines of each function, nested ones too, without its docstring."""
    lengths = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            text = node.body[0] if ast.get_docstring(node) is not None else None
            docstring = text.end_lineno - text.lineno + 1 if text else 0
            lengths[node.name] = node.end_lineno - node.lineno + 1 - docstring
    return lengths


MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_has_a_docstring_and_annotations(module: str) -> None:
    assert unexplained((PACKAGE / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", [name for name in MODULES if name != "cli.py"])
def test_only_the_command_line_prints(module: str) -> None:
    assert printing((PACKAGE / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module: str) -> None:
    lengths = function_lengths((PACKAGE / module).read_text(encoding="utf-8"))
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_these_checks_see_what_they_are_for() -> None:
    source = '''
def open_to_all(first, *rest: int, second: int = 1):
    """Has a docstring."""

def bare(one: int) -> int:
    print(one)
    return one

class Thing:
    """Has a docstring."""

    def __init__(self, size) -> None:
        self.size = size

    def _hidden(self, x): ...

    @property
    def width(self) -> int:
        return self.size
'''
    assert unexplained(source) == [
        "the module has no docstring",
        "open_to_all: first has no annotation",
        "open_to_all: what it returns has no annotation",
        "bare has no docstring",
        "Thing.__init__: size has no annotation",
        "Thing.width has no docstring",
    ]
    assert printing(source) == [6]
    assert function_lengths(source) == {
        "open_to_all": 1, "bare": 3, "__init__": 2, "_hidden": 1, "width": 2,
    }  # fmt: skip
