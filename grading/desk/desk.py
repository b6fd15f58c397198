"""The desk itself: which answer comes next, what stands on it, and what a mark does."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grading.desk.agreement import agreements, is_shared
from grading.desk.answers import Answer, AnswerFolder, digest
from grading.desk.journal import Entry, Journal
from grading.desk.marks import (
    Mark,
    OtherMark,
    Stands,
    read_marks,
    recorded,
    undone,
    write_marks,
)
from grading.desk.rubric import STEP
from grading.desk.shown import shown_answer, shown_marks, shown_question
from grading.errors import GradingError
from grading.words import say

_MOST_COMMENT = 10_000
_OFFERED = 4  # comments for each line of the rubric


class WrongMark(GradingError):
    """What was sent is no mark for these answers."""


class NothingToUndo(GradingError):
    """No mark has been recorded since this desk was opened, or all are taken back."""


class Seen(msgspec.Struct, frozen=True):
    """An answer as it was shown: its id, and the stamp of what stood on it."""

    id: str
    stamp: str


class Desk:
    """One grader's desk.

    Args:
        folder: where the answers lie.
        answers: all of them, in the order in which they are graded.
        journal: where marks are remembered line by line.
        grader: who sits here.
        names: whether authors are named.
        share: how many of the answers every grader is shown, from 0 to 1.
    """

    def __init__(
        self,
        folder: AnswerFolder,
        answers: Sequence[Answer],
        journal: Journal,
        grader: str,
        names: bool = False,
        share: float = 0.0,
    ) -> None:
        self._folder, self._journal, self.grader = folder, journal, grader
        self._names, self._share = names, share
        self.language, self.assignment = folder.language, folder.assignment
        self._answers = {answer.id: answer for answer in answers}
        self._questions = list(dict.fromkeys(answer.question.name for answer in answers))
        self._question_of = {answer.question.name: answer.question for answer in answers}
        self._recorded: list[list[Mark]] = []

    def overview(self) -> dict[str, Any]:
        """Return the questions, how far each is graded, and in which order answers come."""
        stands, given = self._stands(self._answers), self._journal.marks()
        questions = []
        for name in self._questions:
            order = [
                {"id": item.id, "group": item.group, "waiting": self._waits(item, stands, given)}
                for item in self._answers.values()
                if item.question.name == name
            ]
            questions.append({**shown_question(self._question_of[name]), "answers": order})
        return {"questions": questions, "start": self._start(), "undo": len(self._recorded)}

    def _start(self) -> float:
        """Return at which part of the answers this grader begins: two meet as late as can be."""
        graders = list(dict.fromkeys([*self._journal.graders(), self.grader]))
        return graders.index(self.grader) / len(graders)

    def _stands(self, answers: Mapping[str, Answer] | Sequence[str]) -> dict[str, Stands]:
        return read_marks(self._folder.address, answers)

    def _waits(
        self, answer: Answer, stands: Mapping[str, Stands], given: Mapping[str, Mapping[str, Entry]]
    ) -> bool:
        if answer.id not in stands:
            return False
        return stands[answer.id].waiting or self._waits_for_second(answer, given)

    def _waits_for_second(self, answer: Answer, given: Mapping[str, Mapping[str, Entry]]) -> bool:
        """Tell whether an answer that another grader has marked is to be marked here, too."""
        marked = given.get(answer.id, {})
        is_another = bool(marked) and self.grader not in marked
        return is_another and is_shared(answer.id, self._share)

    def show(self, name: str) -> dict[str, Any]:
        """Return what the page shows of an answer.

        Raises:
            WrongMark: there is no such answer any more.
        """
        answer = self._known(name)
        stands = self._stands([name]).get(name)
        if stands is None:
            raise WrongMark(say(self.language, "desk.gone"))
        self._read_again(answer)
        given = self._journal.marks().get(name, {})
        second = self._waits_for_second(answer, {name: given}) and not stands.waiting
        shown = shown_answer(answer, self.language)
        offered = self._offered(answer)
        for line, comments in zip(shown["lines"], offered, strict=True):
            own = [line.pop("comment")]
            line["comments"] = [text for text in dict.fromkeys([*own, *comments]) if text]
        return {
            **shown,
            "id": name,
            "student": answer.student if self._names else "",
            "group": answer.group,
            "stamp": _stamp(answer, stands),
            "waiting": stands.waiting or second,
            # Who marks second is not told what the first one gave.
            "score": None if second else _score(stands),
            "comment": "" if second else stands.comment or "",
            "points": None if second else _points(given, stands),
            "second": second,
            "marks": []
            if second or len(given) < 2
            else shown_marks(
                {grader: sum(entry.points) for grader, entry in given.items()}, self.language
            ),
        }

    def _read_again(self, answer: Answer) -> None:
        """Take what lies there now, where a submission has been graded anew."""
        cell = self._folder.answer_cells(answer.student, answer.question.name[0]).get(
            answer.question.name[1]
        )
        if cell is not None and digest(cell) != answer.digest:
            answer.read(self._folder, cell)

    def _known(self, name: str) -> Answer:
        if name not in self._answers:
            raise WrongMark(say(self.language, "desk.gone"))
        return self._answers[name]

    def _offered(self, answer: Answer) -> list[list[str]]:
        """Return comments for each line of the rubric: those given before where it lost points."""
        lines = answer.question.lines
        counts: list[Counter[str]] = [Counter() for _ in lines]
        for name, given in self._journal.marks().items():
            other = self._answers.get(name)
            if other is None or other.question is not answer.question or other is answer:
                continue
            for entry in given.values():
                if entry.comment and len(entry.points) == len(lines):
                    for count, points, line in zip(counts, entry.points, lines, strict=True):
                        count[entry.comment] += points < line.points
        return [[text for text, times in count.most_common(_OFFERED) if times] for count in counts]

    def record(self, seen: Sequence[Seen], points: Sequence[float], comment: str) -> int:
        """Record one mark for some answers; return how many of them are second readings.

        Args:
            seen: the answers, as they were shown.
            points: those for each line of the rubric.
            comment: for the student, or "".

        Raises:
            WrongMark: these are no points of the question's rubric.
            OtherMark: something else stands there by now; nothing was recorded.
            GradebookBusy: the gradebook could not be written.
        """
        answers = [self._known(each.id) for each in seen]
        if not answers or len({answer.question.name for answer in answers}) != 1:
            raise WrongMark(say(self.language, "desk.no_answers"))
        lines = answers[0].question.lines
        if (
            len(points) != len(lines)
            or any(
                not 0 <= given <= line.points or (given / STEP) % 1
                for given, line in zip(points, lines, strict=True)
            )
            or len(comment) > _MOST_COMMENT
        ):
            raise WrongMark(say(self.language, "desk.wrong_points"))
        stands, given = self._stands([answer.id for answer in answers]), self._journal.marks()
        for answer in answers:
            self._read_again(answer)
        changed = [
            each.id
            for each, answer in zip(seen, answers, strict=True)
            if each.id not in stands or each.stamp != _stamp(answer, stands[each.id])
        ]
        if changed:
            raise OtherMark(changed)
        first = [
            answer
            for answer in answers
            if stands[answer.id].waiting or not self._waits_for_second(answer, given)
        ]
        marks = [
            Mark(
                answer.id,
                stands[answer.id],
                recorded(stands[answer.id], float(sum(points)), comment.strip()),
            )
            for answer in first
        ]
        write_marks(self._folder.address, marks)
        self._journal.add(self.grader, [each.id for each in answers], points, comment.strip())
        self._recorded.append(
            marks
            + [
                Mark(item.id, stands[item.id], stands[item.id])
                for item in answers
                if item not in first
            ]
        )
        return len(answers) - len(first)

    def undo(self) -> list[str]:
        """Take back what was recorded last; return its answers.

        Raises:
            NothingToUndo: there is nothing.
            OtherMark: somebody has changed it since; it stays, and what was before can be undone.
        """
        if not self._recorded:
            raise NothingToUndo(say(self.language, "desk.nothing_to_undo"))
        marks = self._recorded.pop()
        write_marks(
            self._folder.address, undone(mark for mark in marks if mark.before != mark.after)
        )
        self._journal.add(self.grader, [mark.answer for mark in marks], (), "")
        return [mark.answer for mark in marks]

    def agreement(self) -> list[dict[str, Any]]:
        """Return how far graders agree on the answers that they share."""
        return [
            {
                "text": say(
                    self.language,
                    "desk.agreement" if each.kappa is not None else "desk.agreement_without_kappa",
                    question=each.question,
                    one=each.graders[0],
                    other=each.graders[1],
                    count=each.count,
                    equal=each.equal,
                    kappa=each.kappa or 0.0,
                ),
                "differing": each.differing,
            }
            for each in agreements(self._answers.values(), self._journal.marks())
        ]


def _stamp(answer: Answer, stands: Stands) -> str:
    """Return what changes when the answer, its points or its comment do."""
    held = msgspec.json.encode((answer.id, answer.digest, stands))
    return hashlib.sha256(held).hexdigest()


def _score(stands: Stands) -> float | None:
    return stands.automatic if stands.manual is None else stands.manual


def _points(given: Mapping[str, Entry], stands: Stands) -> list[float] | None:
    """Return the points of each line, where they add up to what the gradebook has."""
    for entry in reversed(list(given.values())):
        if stands.manual is not None and sum(entry.points) == stands.manual:
            return list(entry.points)
    return None
