"""Compares initial weights: trains models that differ in nothing else, and shows how they learn."""

import copy
import html
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from . import stand_in
from .plots import plot_losses
from .training import Batches, accuracy, one_thread, train

EPOCHS = 2
# The loss of one batch of 100 images scatters by about a fifth from batch to batch. The mean of
# the last 100 batches is what "training loss" means here.
LAST_BATCHES = 100


class ComparisonError(Exception):
    """A comparison was asked for that cannot be made."""


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
    """

    label: str
    losses: np.ndarray
    batches_per_epoch: int
    training_loss: float
    validation_accuracy: float
    initial_weights: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Comparison:
    """The outcome of `compare_init_weights`; shown as a table, it holds the full curves.

    Attributes:
        title: the title of the plot.
        runs: one for each model, in the order given.
        data: what it was trained on, "Fashion-MNIST", the stand-in or another data set's name.
    """

    title: str
    runs: tuple[Run, ...]
    data: str

    def __str__(self) -> str:
        width = max(len("initial weights"), *(len(run.label) for run in self.runs))
        lines = [f"{'initial weights':<{width}}  validation accuracy  training loss"]
        lines += [
            f"{run.label:<{width}}  {run.validation_accuracy:17.2f} %  {run.training_loss:13.3f}"
            for run in self.runs
        ]
        return "\n".join([f"After {EPOCHS} epochs on {self.data}:", *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(run.label)}</td><td>{run.validation_accuracy:.2f} %</td>"
            f"<td>{run.training_loss:.3f}</td></tr>"
            for run in self.runs
        )
        return (
            f"<table><caption>After {EPOCHS} epochs on {html.escape(self.data)}</caption>"
            "<thead><tr><th>initial weights</th><th>validation accuracy</th>"
            f"<th>training loss</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def compare_init_weights(
    model_list: Sequence[tuple[nn.Module, str]],
    plot_title: str,
    train_loader: DataLoader,
    valid_loader: DataLoader,
    plot_n_batches: int = 100,
    *,
    seed: int = 0,
) -> Comparison:
    """Train models that differ in their initial weights alone, and compare how they learn.

    Each model is copied, and the copy is trained for 2 epochs; the models handed in stay as they
    are. All of them see the same batches in the same order and, if they have one architecture,
    the same dropout masks. A plot shows the training loss of the first batches, where
    initialization tells most; then validation accuracy and training loss after 2 epochs are
    printed. Training loss is the mean of the last 100 batches.

    Args:
        model_list: pairs (model, label).
        plot_title: the title of the plot.
        train_loader: batches of images and class labels to train on.
        valid_loader: batches to measure the accuracy on.
        plot_n_batches: how many batches the plot shows.
        seed: decides the order of the batches and the dropout masks.

    Returns:
        The comparison; as the last line of a cell it shows itself as a table.

    Raises:
        ComparisonError: an argument is not as described, or a loader gives no batches.
    """
    _check(model_list, plot_n_batches)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        train_batches = Batches(train_loader, device, EPOCHS)
        valid_batches = Batches(valid_loader, device)
    if not len(train_batches) or not len(valid_batches):
        raise ComparisonError(
            "train_loader and valid_loader must each give batches; they give "
            f"{len(train_batches)} and {len(valid_batches)}."
        )
    runs = []
    with one_thread():
        for model, label in model_list:
            initial = {
                name: value.detach().cpu().numpy().copy()
                for name, value in model.state_dict().items()
            }
            trained = copy.deepcopy(model).to(device)
            losses = np.array(train(trained, train_batches, label, seed))
            runs.append(
                Run(
                    label=label,
                    losses=losses,
                    batches_per_epoch=train_batches.per_epoch,
                    training_loss=float(losses[-LAST_BATCHES:].mean()),
                    validation_accuracy=accuracy(trained, valid_batches),
                    initial_weights=initial,
                )
            )
    comparison = Comparison(plot_title, tuple(runs), _name_of_data(train_loader))
    plot_losses(plot_title, {run.label: run.losses[:plot_n_batches] for run in runs})
    print(comparison)
    return comparison


def _check(model_list: object, plot_n_batches: object) -> None:
    wanted = 'compare_init_weights wants a list of pairs, such as [(model, "its label")]'
    if not isinstance(model_list, Sequence) or isinstance(model_list, str) or not model_list:
        raise ComparisonError(f"{wanted}; it was given {_short(model_list)}.")
    for pair in model_list:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise ComparisonError(f"{wanted}; one entry is {_short(pair)}.")
        model, label = pair
        if not isinstance(model, nn.Module) or not isinstance(label, str):
            raise ComparisonError(
                f"{wanted}: first the model, then its label; one entry holds {_short(model)} and "
                f"{_short(label)}."
            )
    labels = [label for _, label in model_list]
    if len(set(labels)) < len(labels):
        raise ComparisonError(f"Each model needs a label of its own; the labels were {labels}.")
    if not isinstance(plot_n_batches, int) or plot_n_batches < 1:
        raise ComparisonError(
            f"plot_n_batches is a number of batches, 1 or more; it was {plot_n_batches!r}."
        )


def _short(value: object) -> str:
    return f"a {type(value).__name__}" if value is not None else "None"


def _name_of_data(loader: DataLoader) -> str:
    root = getattr(loader.dataset, "root", None)
    if root is not None and stand_in.is_stand_in(root):
        return "the STAND-IN (not Fashion-MNIST)"
    name = type(loader.dataset).__name__
    return "Fashion-MNIST" if name == "FashionMNIST" else name
