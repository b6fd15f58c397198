"""Tests that the house keeps its rules: sizes, first lines, and an engine that knows no lesson."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from tests.scratch_course import COURSE_ROOT

PACKAGES = ("helpers", "grader_kit", "grader_tests", "grading")
MODULES = [path for name in PACKAGES for path in sorted((COURSE_ROOT / name).rglob("*.py"))]
FOLDERS = sorted({path.parent for path in MODULES})
LESSON = re.compile("weight|fashion|linear|_zh|torchvision", re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(COURSE_ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    tree = ast.parse(text)
    assert (ast.get_docstring(tree) or "").splitlines()[0].endswith((".", ".`", "`."))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_room_is_small_and_has_a_face(folder: Path) -> None:
    assert (folder / "__init__.py").is_file()
    assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= 14


def code(path: Path) -> str:
    """Return a module without comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    described = {
        node.body[0].value.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node) is not None
        and isinstance(node.body[0], ast.Expr)
    }
    return " ".join(
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type != tokenize.COMMENT
        and not (token.type == tokenize.STRING and token.start[0] in described)
    )


def test_the_engine_names_no_lesson() -> None:
    named = {
        name(path): LESSON.findall(code(path))
        for path in MODULES
        if path.is_relative_to(COURSE_ROOT / "grading")
    }
    texts = [
        path
        for path in (COURSE_ROOT / "grading").rglob("*")
        if path.suffix in (".toml", ".j2", ".json")
    ]
    assert texts
    named |= {name(path): LESSON.findall(path.read_text(encoding="utf-8")) for path in texts}
    assert {key: found for key, found in named.items() if found} == {}


def test_rooms_import_what_they_may() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=COURSE_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_no_symbolic_link_is_part_of_the_course() -> None:
    folders = [COURSE_ROOT / name for name in (*PACKAGES, "source", "docs", "tests")]
    assert [path for folder in folders for path in folder.rglob("*") if path.is_symlink()] == []
