"""The scores of a class in figures: mean and median, and how they are spread."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from statistics import fmean, median

from grading.reports.class_report import ClassReport
from grading.words import say

_BARS = 13
_WIDTHS = (0.5, 1, 2, 5, 10, 20, 50, 100)  # points


def figures(scores: Sequence[float]) -> Iterable[tuple[str, float]]:
    """Yield what sums up scores in ascending order, by the key of its words."""
    if scores:
        yield "mean", fmean(scores)
        yield "median", median(scores)
        yield "lowest", scores[0]
        yield "highest", scores[-1]


def bars(report: ClassReport, language: str) -> list[tuple[str, int]]:
    """Return ranges of points, each with the number of scores in it."""
    width = next((w for w in _WIDTHS if report.maximum / w <= _BARS), report.maximum / _BARS)
    number = max(1, ceil(report.maximum / width))
    counts = [0] * number
    for score in report.scores:
        counts[min(number - 1, max(0, ceil(score / width) - 1))] += 1
    ends = [min(report.maximum, place * width) for place in range(number + 1)]
    labels = [say(language, "report.range", low=low, high=high) for low, high in pairwise(ends)]
    return list(zip(labels, counts, strict=True))


def left_out(report: ClassReport, language: str) -> str:
    """Say what the figures of the scores leave out."""
    ungraded = sum(item.score is None for item in report.participants)
    waiting = sum(len(item.waiting) for item in report.participants if item.score is not None)
    told = [say(language, "report.of_graded", count=len(report.scores))]
    if ungraded:
        told.append(say(language, "report.ungraded_left_out", count=ungraded))
    if waiting:
        told.append(say(language, "report.waiting_count_as_0", count=waiting))
    if any(item.penalty for item in report.participants):
        told.append(say(language, "report.penalties_left_out"))
    return say(language, "report.sentences").join(told)
