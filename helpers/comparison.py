"""Compares initial weights: trains models that differ in nothing else, and shows how they learn."""

import copy
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeGuard

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from . import training
from .machinery import progress, side_by_side, stand_in
from .machinery.cores import idle_cores
from .machinery.language import TranslatedError, translate
from .machinery.notebook import show_table
from .machinery.recall import recalled
from .plots import plot_losses
from .results import Comparison, Images, Run, SeedComparison
from .seed import generators_kept, set_seed
from .training import Batches, accuracy, in_threads, train

EPOCHS = 2
# The loss of one batch of 100 images scatters by about a fifth from batch to batch. The mean of
# the last 100 batches is what "training loss" means here.
LAST_BATCHES = 100

Maker = Callable[[], nn.Module]
Weights = dict[str, np.ndarray]  # the parameters of a model, by name
Outcome = tuple[np.ndarray, float, Weights]  # loss of each batch, accuracy in per cent, at the end


class ComparisonError(TranslatedError):
    """A comparison was asked for that cannot be made."""


def compare_init_weights(
    model_list: Sequence[tuple[nn.Module | Maker, str]],
    plot_title: str,
    train_loader: DataLoader,
    valid_loader: DataLoader,
    plot_n_batches: int = 100,
    *,
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    epochs: int = EPOCHS,
) -> Comparison:
    """Train models that differ in their initial weights alone, and compare how they learn.

    A copy of each model is trained for 2 epochs. All of them see the same batches in the same order
    and, if they have one architecture, the same dropout masks. A plot shows the training loss of
    the first batches, where initialization tells most; a table shows validation accuracy and
    training loss (the mean of the last 100 batches) at the end.

    One run of each cannot say that one initialization beats another. With `seeds`, each entry is a
    function that makes a model, called under each seed; plot and table show mean and spread.

    Args:
        model_list: pairs (model, label); with `seeds`, (function without arguments, label).
        plot_title: the title of the plot.
        train_loader: batches of images and class labels to train on.
        valid_loader: batches to measure the accuracy on.
        plot_n_batches: how many batches the plot shows.
        seed: decides the order of the batches and the dropout masks.
        seeds: seeds to make models under, or how many of them, from 0 upward.
        epochs: how many epochs each model is trained for.

    Returns:
        The comparison, a `SeedComparison` with `seeds`; it shows itself as a table.

    Raises:
        ComparisonError: an argument is not as described, or a loader gives no batches.
    """
    several = seeds is not None
    _check(model_list, several)
    _check_number(plot_n_batches, "plot_n_batches")
    _check_number(epochs, "epochs")
    numbers = _seeds(seeds)
    batches = _batches(train_loader, valid_loader, seed, epochs)
    names = [name for _, name in model_list]
    if several:
        models = _make(model_list, numbers)
        labels = [f"{name}, {translate('seed')} {number}" for name in names for number in numbers]
    else:
        models = [copy.deepcopy(thing) for thing, _ in model_list if isinstance(thing, nn.Module)]
        labels = names
    runs = _train_all(models, labels, batches, seed)
    size = len(numbers) or 1
    groups = {name: runs[i * size : (i + 1) * size] for i, name in enumerate(names)}
    images = tuple(map(_images, (train_loader, valid_loader), batches))
    figures = plot_title, runs, _name_of_data(train_loader), epochs, seed, images
    comparison = SeedComparison(*figures, numbers, groups) if several else Comparison(*figures)
    curves = {name: np.array([run.losses for run in group]) for name, group in groups.items()}
    plot_losses(plot_title, {name: of[:, :plot_n_batches] for name, of in curves.items()})
    show_table(comparison)
    return comparison


def _batches(
    train_loader: DataLoader, valid_loader: DataLoader, seed: int, epochs: int
) -> tuple[Batches, Batches]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        batches = Batches(train_loader, device, epochs), Batches(valid_loader, device)
    if not all(map(len, batches)):
        raise ComparisonError(
            "train_loader and valid_loader must each give batches; they give {train} and {valid}.",
            train=len(batches[0]),
            valid=len(batches[1]),
        )
    return batches


def _train_all(
    models: Sequence[nn.Module], labels: Sequence[str], batches: tuple[Batches, Batches], seed: int
) -> tuple[Run, ...]:
    """Train models in place on the first batches, and measure them on the second."""
    initial = list(map(_weights, models))

    def learn(model: nn.Module, label: str) -> Outcome:
        losses = np.array(train(model, batches[0], translate(label), seed))
        return losses, accuracy(model, batches[1]), _weights(model)

    def job(model: nn.Module, label: str) -> Callable[[], Outcome]:
        model = model.to(batches[0].device)
        return partial(
            recalled,
            "training",
            partial(learn, model, label),
            model=model,
            batches=batches,
            seed=seed,
            train=train,
            accuracy=accuracy,
            modules=(training, sys.modules[__name__], progress, side_by_side),
            packages=("torchvision", "tqdm"),
        )

    cores = idle_cores()
    with in_threads(1):
        jobs = list(map(job, models, labels))
        outcomes = side_by_side.run_side_by_side(jobs, cores)
    runs = []
    for label, (losses, reached, final), weights in zip(labels, outcomes, initial, strict=True):
        loss = float(losses[-LAST_BATCHES:].mean())
        runs.append(Run(label, losses, batches[0].per_epoch, loss, reached, weights, final))
    return tuple(runs)


def _weights(model: nn.Module) -> Weights:
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}


def _images(loader: DataLoader, batches: Batches) -> Images:
    part = ""
    if batches.memory is not None:
        part = "train" if getattr(loader.dataset, "train", True) else "test"
    return Images(part, batches.orders[0])


def _make(pairs: Sequence[tuple[nn.Module | Maker, str]], seeds: Sequence[int]) -> list[nn.Module]:
    """Make a model of each kind under each seed; the generators are then as they were before."""
    models = []
    with generators_kept():
        for maker, name in pairs:
            for seed in seeds:
                set_seed(seed)
                model = maker()
                if not isinstance(model, nn.Module):
                    raise ComparisonError(
                        "With seeds=, the function given for {label!r} should return a model; "
                        "it returned {found}.",
                        label=name,
                        found=_short(model),
                    )
                models.append(model)
    shapes = [{key: value.shape for key, value in model.state_dict().items()} for model in models]
    if any(other != shapes[0] for other in shapes):
        raise ComparisonError("With seeds=, all models need the same architecture.")
    return models


def _is_list(value: object) -> TypeGuard[Sequence]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _seeds(seeds: object) -> tuple[int, ...]:
    if seeds is None:
        return ()
    numbers = range(seeds) if isinstance(seeds, int) else seeds
    if not _is_list(numbers) or not 2 <= len(numbers) == len(set(numbers)):
        raise ComparisonError(
            "seeds= is a number, 2 or more, or a list of different whole numbers; it was "
            "{found!r}.",
            found=seeds,
        )
    return tuple(numbers)


def _check(model_list: object, several: bool) -> None:
    wanted = translate('compare_init_weights wants a list of pairs, such as [(model, "its label")]')
    if not _is_list(model_list) or not model_list:
        found = _short(model_list)
        raise ComparisonError("{wanted}; it was given {found}.", wanted=wanted, found=found)
    for pair in model_list:
        if not _is_list(pair) or len(pair) != 2:
            found = _short(pair)
            raise ComparisonError("{wanted}; one entry is {found}.", wanted=wanted, found=found)
        thing, label = pair
        if several and (isinstance(thing, nn.Module) or not callable(thing)):
            raise ComparisonError(
                "With seeds=, each pair holds a function that makes a new model, such as "
                "lambda: Net().apply(weights_init_uniform_rule); one entry holds {found}.",
                found=_short(thing),
            )
        if not isinstance(label, str) or not (several or isinstance(thing, nn.Module)):
            raise ComparisonError(
                "{wanted}: first the model, then its label; one entry holds {first} and {second}.",
                wanted=wanted,
                first=_short(thing),
                second=_short(label),
            )
    labels = [label for _, label in model_list]
    if len(set(labels)) < len(labels):
        raise ComparisonError(
            "Each model needs a label of its own; the labels were {labels}.", labels=labels
        )


def _check_number(value: object, name: str) -> None:
    if not isinstance(value, int) or value < 1:
        raise ComparisonError(
            "{name} is a whole number, 1 or more; it was {found!r}.", name=name, found=value
        )


def _short(value: object) -> str:
    return "None" if value is None else translate("a {kind}", kind=type(value).__name__)


def _name_of_data(loader: DataLoader) -> str:
    root = getattr(loader.dataset, "root", None)
    if root is not None and stand_in.is_stand_in(root):
        return "the STAND-IN (not Fashion-MNIST)"
    name = type(loader.dataset).__name__
    return "Fashion-MNIST" if name == "FashionMNIST" else name
