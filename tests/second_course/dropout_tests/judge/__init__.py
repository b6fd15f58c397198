"""Judges dropout: two criteria in which chance plays, three in which it does not."""

from pathlib import Path

from grader_kit.judging.calls import CallsSeen, measured
from grader_kit.judging.judge import Criterion, Judge
from grader_kit.judging.words import SHARED, Words

from ..observation import EVALUATION, FORMAT, GRADIENT, INDEPENDENCE, RATE, SCALE, plan
from . import criteria, picture

TABLE = {
    EVALUATION: Criterion(criteria.evaluation, criteria.explain_evaluation),
    RATE: Criterion(criteria.rate, criteria.explain_rate, True, picture.masks),
    SCALE: Criterion(criteria.scale, criteria.explain_scale, picture=picture.outputs),
    INDEPENDENCE: Criterion(
        criteria.independence, criteria.explain_by_finding, True, picture.masks
    ),
    GRADIENT: Criterion(criteria.gradient, criteria.explain_by_finding),
}
WORDS = Words(SHARED, Path(__file__).with_name("words"))
JUDGE = Judge(FORMAT, TABLE, CallsSeen, WORDS, measured(FORMAT, plan))
judge = JUDGE.judge
