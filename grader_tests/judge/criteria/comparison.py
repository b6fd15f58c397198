"""Judges the comparison of the second exercise: it holds the student's model, which learned."""

from dataclasses import replace
from math import log

import numpy as np
from scipy import stats

from ...observation import ObservationError, decode_array
from ..default_records import DefaultObservation, Run
from ..verdict import Figures, Finding, correct, incorrect, message, not_attempted

_CLASSES = 10
FEWEST_IMAGES = 300
"""To validate with: from this many on the bound below holds. The lesson has 12,000."""
_LAST_BATCHES = 100


def judge_comparison(seen: DefaultObservation, _: float) -> Finding:
    """Judge whether a comparison holds a run of `model_default` that learned.

    Raises:
        ObservationError: its run is not as the probe writes it.
    """
    if seen.comparison is None:
        return not_attempted(message("no_comparison"))
    runs = seen.comparison.runs
    if runs is None:
        return incorrect(message("not_a_comparison", type=seen.comparison.type))
    if seen.model is None:
        return incorrect(message("no_model_to_compare"))
    if not runs:
        return incorrect(message("no_runs"))
    run = run_of_the_model(seen)
    if run is None:
        return incorrect(message("other_models", labels=[run.label for run in runs]))
    finding = _judge_run(run)
    notes = []
    if seen.named:
        notes.append(message("model_named", name=seen.named))
    if seen.comparison_named == "shown":
        notes.append(message("comparison_shown"))
    elif seen.comparison_named:
        notes.append(message("comparison_named", name=seen.comparison_named))
    return replace(finding, messages=(*finding.messages, *notes))


def run_of_the_model(seen: DefaultObservation) -> Run | None:
    """Return the first run that started from the weights of `model_default`."""
    if seen.model is None or seen.comparison is None or not seen.model.digests:
        return None
    runs = seen.comparison.runs or ()
    return next((run for run in runs if run.initial_weights == seen.model.digests), None)


def accuracy_of_guessing(images: int) -> float:
    """Return the accuracy, in per cent, that guessing exceeds once in 1e10 times.

    That is far below what a grading meets, and still below the poorest run that learned.
    """
    return 100 * float(stats.binom.isf(1e-10, images, 1 / _CLASSES)) / images


def _judge_run(run: Run) -> Finding:
    """Judge whether a run learned.

    Guessing among ten classes gives an accuracy of 10 %, and the number of hits is binomial. It
    gives a loss of log 10 at least; the mean of the last 100 batches has the standard error
    s / 10, s the deviation between them.
    """
    losses = decode_array(run.losses).astype(np.float64)
    accuracy, loss = run.validation_accuracy, run.training_loss
    if accuracy is None or loss is None or losses.ndim != 1:
        raise ObservationError("A run should report losses, a training loss and an accuracy.")
    last = losses[-_LAST_BATCHES:]
    if last.size < _LAST_BATCHES:
        return incorrect(message("too_few_batches", batches=losses.size))
    if strange := int(losses.size - np.isfinite(losses).sum()):
        return incorrect(message("losses_not_finite", count=strange, batches=losses.size))
    if not abs(last.mean() - loss) <= 1e-3 * last.mean():
        raise ObservationError("A run's training loss is not the mean of its last losses.")
    least = accuracy_of_guessing(FEWEST_IMAGES)
    error = float(last.std(ddof=1)) / _LAST_BATCHES**0.5
    figures: Figures = {"accuracy": accuracy, "training_loss": loss}
    learned = least < accuracy <= 100 and loss + 7 * error < log(_CLASSES)
    said = message("comparison_correct" if learned else "not_learned", accuracy=accuracy, loss=loss)
    return correct(said, figures=figures) if learned else incorrect(said, figures=figures)
