"""Judges the observations of an assignment by its table of criteria, and puts it into words.

Correct work fails any of the criteria with a probability below `FALSE_ALARM_RATE`. The rate is
shared out evenly over the criteria in which chance plays (Bonferroni); a criterion shares its part
out over its tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..observing.errors import ObservationError
from ..observing.format import Format
from .calls import not_called
from .records import Head, read
from .verdict import Finding, Message, Verdict, incorrect, message
from .words import Words

FALSE_ALARM_RATE = 1e-9
"""Probability that correct work fails, over all criteria of an assignment together."""


def _nothing(_: Any, __: Finding) -> None:
    """Name no mistake."""


@dataclass(frozen=True)
class Criterion:
    """How one criterion is judged.

    Attributes:
        judge: takes the observation and the probability with which correct work may fail.
        explain: names the mistake behind a finding that is not correct, or None.
        chance: whether correct work can fail by chance.
        picture: draws what is behind a verdict, as PNG; None for no picture.
    """

    judge: Callable[[Any, float], Finding]
    explain: Callable[[Any, Finding], Message | None] = _nothing
    chance: bool = False
    picture: Callable[[Any], bytes | None] | None = None


class Judge:
    """The judge of an assignment; its methods are what the engine asks (`grading.assignment`).

    Args:
        form: names the assignment's observations.
        table: how each criterion is judged, by grade id.
        record: what an observation is read into.
        words: what is said.
        look: makes of a record what the criteria take, or the finding why it cannot be judged. By
            default they take the record, of code that was called to the end.
    """

    def __init__(
        self,
        form: Format,
        table: Mapping[str, Criterion],
        record: type[Head],
        words: Words,
        look: Callable[[Any], Any] | None = None,
    ) -> None:
        self.form, self.table, self.record, self.words = form, table, record, words
        self._look = look or (lambda seen: not_called(seen) or seen)
        chances = sum(criterion.chance for criterion in table.values())
        self.level = FALSE_ALARM_RATE / max(1, chances)
        self.title = words.title

    def judge(
        self, criterion: str, observation: object, language: str = "en", seed: int | None = None
    ) -> Verdict:
        """Return the verdict on an observation, of which nothing is trusted.

        Args:
            criterion: one of the table's.
            observation: what the probe returned, by way of a kernel that ran student code.
            language: one of the words'.
            seed: the grading's; an observation under another fails and is foreign. None where
                there is no grading.

        Raises:
            KeyError: the criterion or the language is unknown.
        """
        entry, mistake = self.table[criterion], None
        try:
            with np.errstate(all="ignore"):
                material = self._material(criterion, observation, seed)
                if isinstance(material, Finding):
                    finding = material
                else:
                    finding = entry.judge(material, self.level)
                    if finding.outcome == "incorrect":
                        mistake = entry.explain(material, finding)
        except ObservationError as error:
            finding = incorrect(message("malformed", reason=str(error)))
        return self._in_words(criterion, finding, language, mistake)

    def no_observation(self, criterion: str, reason: str, language: str = "en") -> Verdict:
        """Return the verdict on a test that reported nothing; `reason` is a sentence."""
        finding = incorrect(message("no_observation", reason=reason))
        return self._in_words(criterion, finding, language, None)

    def evidence(
        self, criterion: str, observation: object, language: str
    ) -> tuple[bytes, str] | None:
        """Return a picture in PNG of what is behind a verdict, and its caption, if there is one."""
        picture = self.table[criterion].picture
        if picture is None:
            return None
        try:
            material = self._material(criterion, observation, None)
            drawn = None if isinstance(material, Finding) else picture(material)
        except ObservationError:
            return None
        caption = self.words.catalogue(language)["page"]["picture"]
        return None if drawn is None else (drawn, caption)

    def _material(self, criterion: str, observation: object, seed: int | None) -> Any:
        seen = read(criterion, observation, self.record, self.form.version)
        if seed is not None and seen.seed != str(seed):
            return incorrect(message("foreign"))
        return self._look(seen)

    def _in_words(
        self, criterion: str, finding: Finding, language: str, mistake: Message | None
    ) -> Verdict:
        said = self.words.say(finding.messages, language)
        explanation, hint = self.words.explain(mistake, language) if mistake else ("", "")
        return Verdict(
            criterion=criterion,
            passed=finding.outcome == "correct",
            outcome=finding.outcome,
            sentence=self.words.whole(said, explanation, hint, language),
            figures=finding.figures,
            finding=said,
            mistake=mistake.key if mistake else "",
            explanation=explanation,
            hint=hint,
            foreign=any(item.key == "foreign" for item in finding.messages),
        )
