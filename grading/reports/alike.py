"""Finds students whose solutions share what few others have: a hint for a person, no verdict.

An exercise of a few lines has few solutions, so equal code says little. What says more are marks
that the exercise does not ask for: names, comments, unusual statements. Each mark that two students
share counts by how rare it is in the class.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log2

from grading.reports.student_code import comments, parse, unparse

# Groups are listed where fewer pairs than this would share as much by chance, over the class.
_EXPECTED = 0.05


@dataclass(frozen=True)
class AlikeGroup:
    """Students who share marks.

    Attributes:
        students: their ids, in order.
        marks: what the closest two of them share, the rarest first, each with the number of
            students in the class who have it.
        expected: how many pairs of the class would share as much as the closest two of these, if
            marks were spread independently.
    """

    students: tuple[str, ...]
    marks: tuple[tuple[str, int], ...]
    expected: float


def marks(cells: Sequence[str], given: Sequence[str]) -> frozenset[str]:
    """Return what a solution's author chose: names, comments, and statements apart from names.

    Args:
        cells: the student's cells.
        given: the released notebook's cells. What stands there is nobody's choice.
    """
    known = {name for cell in given for name in _names(cell)}
    said = {comment for cell in given for comment in comments(cell)}
    plain = {text for cell in given for text in _statements(cell)}
    found = set()
    for cell in cells:
        found |= {f"name {name}" for name in _names(cell, stored=True) - known}
        found |= {f"comment {comment}" for comment in set(comments(cell)) - said}
        found |= {f"statement {text}" for text in set(_statements(cell)) - plain}
    return frozenset(found)


def alike(of_students: Mapping[str, frozenset[str]]) -> list[AlikeGroup]:
    """Return groups of students who share more than chance explains, the least likely first.

    The chance that another student has all of a set of marks is taken as the product of their
    frequencies in the class. Marks do not come independently, so the number is a hint.

    Args:
        of_students: the marks of each student.
    """
    students = sorted(of_students)
    class_size = len(students)
    count = Counter(mark for found in of_students.values() for mark in found)
    pairs = class_size * (class_size - 1) / 2
    near: dict[tuple[str, str], float] = {}
    for one, other in combinations(students, 2):
        shared = of_students[one] & of_students[other]
        expected = pairs * 2.0 ** sum(log2(count[mark] / class_size) for mark in sorted(shared))
        if expected < _EXPECTED:
            near[one, other] = expected
    groups = [_group(members, near, of_students, count) for members in _connected(near)]
    return sorted(groups, key=lambda group: (group.expected, group.students))


def _group(
    members: Sequence[str],
    near: Mapping[tuple[str, str], float],
    of_students: Mapping[str, frozenset[str]],
    count: Mapping[str, int],
) -> AlikeGroup:
    closest, expected = min(
        ((pair, value) for pair, value in near.items() if pair[0] in members),
        key=lambda item: (item[1], item[0]),
    )
    shared = of_students[closest[0]] & of_students[closest[1]]
    ordered = sorted(shared, key=lambda mark: (count[mark], mark))
    return AlikeGroup(tuple(members), tuple((mark, count[mark]) for mark in ordered), expected)


def _connected(pairs: Mapping[tuple[str, str], float]) -> list[list[str]]:
    """Return the students that pairs connect, in order."""
    groups: list[set[str]] = []
    for pair in sorted(pairs):
        touching = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touching]
        groups.append(set(pair).union(*touching))
    return sorted(sorted(group) for group in groups)


def _names(source: str, stored: bool = False) -> set[str]:
    """Return the names in a piece of code, or those alone that it gives to something."""
    found = set()
    for node in ast.walk(parse(source)):
        match node:
            case ast.Name(id=name, ctx=context) if not stored or isinstance(context, ast.Store):
                found.add(name)
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return found


def _statements(source: str) -> Iterator[str]:
    """Yield each statement as Python writes it, with the author's own names replaced."""
    code = parse(source)
    own = {name: f"name{place}" for place, name in enumerate(_ordered_stores(code), start=1)}
    for node in ast.walk(code):
        if isinstance(node, ast.Name | ast.arg):
            attribute = "id" if isinstance(node, ast.Name) else "arg"
            name = getattr(node, attribute)
            setattr(node, attribute, own.get(name, name))
    for node in ast.walk(code):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Return):
            before, written = "", unparse(node)
        elif isinstance(node, ast.If | ast.While):
            before, written = "if ", unparse(node.test)
        else:
            continue
        if written:
            yield before + written


def _ordered_stores(code: ast.AST) -> list[str]:
    found: dict[str, None] = {}
    for node in ast.walk(code):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = None
        elif isinstance(node, ast.arg):
            found[node.arg] = None
    return list(found)
