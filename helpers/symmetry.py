"""Shows symmetry: the gradients that the neurons of a layer receive, equal ones or each its own."""

import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import DataLoader

from .machinery.figures import label, show
from .machinery.language import translate
from .signals import Models, SignalsError, first_images, model_pairs
from .training import LEARNING_RATE, in_threads

# Gradients that differ by less than this part of the largest entry differ by rounding alone.
_ROUNDING = 1e-4
_ROWS_SHOWN = 5


def gradient_rows(model_list: Models, loader: DataLoader, steps: int = 1) -> dict[str, list[int]]:
    """Show the gradients that the neurons of a layer receive: equal ones, or each its own.

    A copy of each model takes some training steps with dropout off. Then, for one more batch, the
    weights' gradients are compared: a row of a layer's gradient belongs to one neuron. Prints how
    many different rows there are, and draws those of five neurons of the first layer, each in the
    shape of an image, because each of its weights belongs to a pixel.

    Args:
        model_list: a model, or pairs (model, label), for images of one gray channel.
        loader: batches of images and class labels.
        steps: training steps beforehand. At the very first batch of a network with equal weights
            the errors of the ten classes cancel, and every gradient but the last layer's is 0.

    Returns:
        Label to the number of different rows in each linear layer.

    Raises:
        SignalsError: a model has no linear layer, or `loader` gives no batches.
    """
    pairs = model_pairs(model_list)
    images, labels = first_images(loader, steps + 1)
    size = len(images) // (steps + 1)
    counts: dict[str, list[int]] = {}
    pictures: dict[str, np.ndarray] = {}
    side = images.shape[-1]
    for model, name in pairs:
        net = copy.deepcopy(model).to(images.device).eval()
        layers = {key: m for key, m in net.named_modules() if isinstance(m, nn.Linear)}
        if not layers:
            raise SignalsError("gradient_rows looks at linear layers; there are none.")
        optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
        with in_threads(1):
            for step in range(steps + 1):
                part = slice(step * size, (step + 1) * size)
                optimizer.zero_grad()
                F.cross_entropy(net(images[part]), labels[part]).backward()
                if step < steps:
                    optimizer.step()
        gradients = {key: _gradient(layer) for key, layer in layers.items()}
        counts[name] = [_different(gradient) for gradient in gradients.values()]
        pictures[name] = next(iter(gradients.values()))[:_ROWS_SHOWN].reshape(-1, side, side)
        print(translate(name))
        for (key, gradient), count in zip(gradients.items(), counts[name], strict=True):
            line = translate("  {layer}: {neurons:3} neurons, {count:3} different rows")
            zero = "" if gradient.any() else translate(" (all 0)")
            print(line.format(layer=key, neurons=len(gradient), count=count) + zero)
    show(
        _draw_rows,
        pictures,
        description=translate(
            "For {labels}: the gradients of the weights of five neurons of the first layer, "
            "each drawn as an image. The table above says how many of them differ."
        ).format(labels=translate(", ").join(translate(name) for name in pictures)),
    )
    return counts


def _gradient(layer: nn.Linear) -> np.ndarray:
    gradient = layer.weight.grad
    return np.zeros(layer.weight.shape) if gradient is None else gradient.double().cpu().numpy()


def _different(rows: np.ndarray) -> int:
    """Count the rows that differ from every row before them by more than rounding."""
    # As they were computed: single precision is enough, and takes half the time.
    values = torch.from_numpy(rows).float()
    near = torch.pdist(values, p=float("inf")) <= _ROUNDING * values.abs().max()
    # The pairs that pdist compares, in its order; the second of a pair is the later row.
    later = torch.triu_indices(len(rows), len(rows), offset=1)[1]
    return len(rows) - len(later[near].unique())


def _draw_rows(pictures: dict[str, np.ndarray]) -> Figure:
    """Draw a row of pictures for each model; blue is a negative gradient, red a positive one."""
    figure = plt.figure(figsize=(5.8, 1.55 * len(pictures)), layout="constrained")
    parts = figure.subfigures(len(pictures), 1, squeeze=False)[:, 0]
    for part, (name, rows) in zip(parts, pictures.items(), strict=True):
        part.suptitle(label(name), fontsize=11)
        largest = np.abs(rows).max() or 1.0
        for index, (axes, row) in enumerate(
            zip(part.subplots(1, _ROWS_SHOWN), rows, strict=False), start=1
        ):
            axes.imshow(row, cmap="RdBu_r", vmin=-largest, vmax=largest)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlabel(label("neuron {number}").format(number=index), fontsize=9)
    return figure
