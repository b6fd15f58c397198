"""Tests that README and docs speak of what there is: commands, targets, files."""

import json
import re
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderApp

COURSE_ROOT = Path(__file__).resolve().parents[2]
PAGES = [COURSE_ROOT / "README.md", COURSE_ROOT / "SECURITY.md"]
PAGES += sorted((COURSE_ROOT / "docs").glob("*.md"))
TARGETS = set(re.findall(r"^([a-z-]+):", (COURSE_ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_the_makefile_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_to_run_exist(page: Path) -> None:
    for module in re.findall(r"python -m ([\w.]+)", page.read_text()):
        if module in {"pip", "pytest", "nbgrader"}:
            continue
        path = COURSE_ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\((\w+\.md)\)", (COURSE_ROOT / "docs/README.md").read_text()))
    assert listed == {page.name for page in PAGES if page.parent.name == "docs"} - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nbgrader_knows_the_commands(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)nbgrader ([a-z_]+)", page.read_text(), re.MULTILINE))
    assert named <= set(NbGraderApp.subcommands)


def test_the_instructors_commands_are_run_by_the_tests_of_the_course() -> None:
    block = (COURSE_ROOT / "README.md").read_text().split("## For instructors")[1]
    named = set(re.findall(r"^nbgrader ([a-z_]+)", block, re.MULTILINE))
    assert len(named) == 7
    tests = (COURSE_ROOT / "tests" / "grading" / "test_nbgrader.py").read_text()
    assert {command for command in named if f'"{command}"' not in tests} == set()


def test_the_points_in_the_readme_are_the_notebooks() -> None:
    source = COURSE_ROOT / "source" / "weight_initialization" / "weight_initialization.ipynb"
    readme = (COURSE_ROOT / "README.md").read_text()
    tests = 0
    for cell in json.loads(source.read_text())["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade") and not marks["solution"]:
            tests += 1
            assert f"| `{marks['grade_id']}` | {marks['points']} |" in readme
    assert tests == 7
