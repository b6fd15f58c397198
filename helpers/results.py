"""What a comparison of initial weights found: its runs, shown as a table."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .machinery.language import translate
from .machinery.tables import html_table, text_table


@dataclass(frozen=True)
class Run:
    """How one model learned.

    Attributes:
        label: the name it was given.
        losses: training loss of each batch, shape (epochs * batches_per_epoch,).
        batches_per_epoch: number of batches in one epoch.
        training_loss: mean loss of the last 100 batches.
        validation_accuracy: per cent of the validation images classified rightly at the end.
        initial_weights: the model's parameters before training, by name.
        final_weights: its parameters after training, by name.
    """

    label: str
    losses: np.ndarray
    batches_per_epoch: int
    training_loss: float
    validation_accuracy: float
    initial_weights: dict[str, np.ndarray] = field(repr=False)
    final_weights: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Images:
    """Which images the models of a comparison have seen.

    Attributes:
        part: "train" or "test", as torchvision calls the parts of a data set; "" where the images
            do not lie in memory as they are, because something else is done with them.
        batches: those of one epoch, the first, each as the indices of its images.
    """

    part: str
    batches: list[list[int]]


@dataclass(frozen=True)
class Comparison:
    """The outcome of `compare_init_weights`; shown as a table, it holds the full curves.

    Attributes:
        title: the title of the plot.
        runs: one for each model, in the order given.
        data: what it was trained on, "Fashion-MNIST", the stand-in or another data set's name.
        epochs: how many epochs each model was trained for.
        seed: decided the order of the batches and the dropout masks.
        images: what was trained on, and what the accuracy was measured on.
    """

    title: str
    runs: tuple[Run, ...]
    data: str
    epochs: int
    seed: int
    images: tuple[Images, ...]

    def __str__(self) -> str:
        return f"{self._caption()}\n{text_table(_heads(), self._rows())}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(self._caption(), _heads(), self._rows())

    def _caption(self) -> str:
        return translate("After {epochs} on {data}:", **self._circumstances())

    def _circumstances(self) -> dict[str, str]:
        one, several = translate("1 epoch"), translate("{number} epochs", number=self.epochs)
        return {"epochs": one if self.epochs == 1 else several, "data": translate(self.data)}

    def _rows(self) -> list[list[str]]:
        return [_row_of(run) for run in self.runs]


@dataclass(frozen=True)
class SeedComparison(Comparison):
    """The outcome of `compare_init_weights` over several seeds; shown as a table with spread.

    Attributes:
        seeds: what the models were made under.
        groups: label to that label's runs, one for each seed; `runs` holds all of them.
    """

    seeds: tuple[int, ...]
    groups: dict[str, tuple[Run, ...]]

    def accuracies(self, name: str) -> np.ndarray:
        """Return the validation accuracies of the models labelled `name`, one for each seed."""
        return np.array([run.validation_accuracy for run in self.groups[name]])

    def difference(self, name: str, other: str) -> tuple[float, float]:
        """Return how far `name` is ahead of `other` on average, and the standard error of that.

        Percentage points. The models of one seed saw the same batches, so the difference is taken
        seed by seed: d_1 to d_k with mean d. The standard error of d is s / sqrt(k), with s the
        standard deviation of the differences (divisor k - 1).
        """
        differences = self.accuracies(name) - self.accuracies(other)
        error = differences.std(ddof=1) / len(differences) ** 0.5
        return float(differences.mean()), float(error)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self._differences()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        differences = "<br>".join(html.escape(line) for line in self._differences())
        return f"{super()._repr_html_()}<p>{differences}</p>"

    def _differences(self) -> list[str]:
        first, *others = self.groups
        sentence = translate(
            "{other} minus {first}: {mean:+.2f} points on average, standard error {error:.2f}"
        )
        lines = []
        for other in others:
            mean, error = self.difference(other, first)
            names = {"other": translate(other), "first": translate(first)}
            lines.append(sentence.format(**names, mean=mean, error=error))
        return lines

    def _caption(self) -> str:
        return translate(
            "After {epochs} on {data}, {count} seeds (mean, lowest to highest):",
            count=len(self.seeds),
            **self._circumstances(),
        )

    def _rows(self) -> list[list[str]]:
        rows = []
        for name, runs in self.groups.items():
            losses = np.array([run.training_loss for run in runs])
            accuracies = _mean_and_span(self.accuracies(name), digits=2, unit=" %")
            rows.append([translate(name), accuracies, _mean_and_span(losses, digits=3)])
        return rows


def _mean_and_span(values: np.ndarray, digits: int, unit: str = "") -> str:
    return translate(
        "{mean} ({lowest} to {highest})",
        mean=f"{values.mean():.{digits}f}{unit}",
        lowest=f"{values.min():.{digits}f}",
        highest=f"{values.max():.{digits}f}",
    )


def show_results(names: Mapping[str, object]) -> None:
    """Print one table of all comparisons that a notebook has made so far, each model once.

    Args:
        names: the notebook's names and values, `globals()`. Comparisons over several seeds are
            left out; they have tables of their own.
    """
    comparisons = [value for value in names.values() if type(value) is Comparison]
    if not comparisons:
        print(translate("No comparison has been made yet. Run the cells above first."))
        return
    different: dict[object, Run] = {}
    for comparison in comparisons:
        for run in comparison.runs:
            # A model compared twice, or in a comparison with two names, `_` for one, adds nothing.
            weights = tuple(values.tobytes() for values in run.initial_weights.values())
            different.setdefault((weights, len(run.losses), comparison.seed), run)
    runs = list(different.values())
    labels = [run.label for run in runs]
    rows = []
    for place, run in enumerate(runs):
        name, *figures = _row_of(run)
        if labels.count(run.label) > 1:
            number = labels[: place + 1].count(run.label)
            name = translate("{name}, run {number}", name=name, number=number)
        rows.append([name, *figures])
    print(text_table(_heads(), rows))


def _heads() -> list[str]:
    heads = ("initial weights", "validation accuracy", "training loss")
    return [translate(head) for head in heads]


def _row_of(run: Run) -> list[str]:
    accuracy, loss = f"{run.validation_accuracy:.2f} %", f"{run.training_loss:.3f}"
    return [translate(run.label), accuracy, loss]
