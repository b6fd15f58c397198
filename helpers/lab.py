"""A panel to try initial weights with: distribution, scale, depth and activation function."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from .data import find_data
from .lab_controls import controls
from .lab_networks import BATCHES, Result, Setting, Tried, try_setting
from .machinery.figures import label, legend_below, show
from .plots import draw_losses
from .self_check import nbgrader_is_running
from .signals import LayerSignal, describe, draw_signals, first_images

_FIGURE = "helpers.init_lab"


def init_lab(loader: DataLoader | None = None) -> None:
    """Show a panel that draws signals and a short training curve for initial weights you choose.

    The network has hidden layers of 64 neurons and biases of 0. It is trained on 100 batches with
    Adam 0.001. Each choice is drawn beside the two before it, and a pinned one stays. Without
    widgets, in a plain script or an exported page, the picture that the panel starts with stands
    alone. While nbgrader runs the notebook it is passed over.

    Args:
        loader: batches of images and class labels; without it, of Fashion-MNIST.
    """
    if nbgrader_is_running():
        # A panel that nobody can move.
        return
    if loader is None:
        data = datasets.FashionMNIST(find_data(), train=True, transform=transforms.ToTensor())
        loader = DataLoader(data, batch_size=100, shuffle=True)
    images, labels = first_images(loader, BATCHES)
    tried = Tried()

    def add(setting: Setting) -> Result:
        result = try_setting(setting, images, labels)
        tried.add(setting, result)
        return result

    def chosen(setting: Setting) -> Result:
        result = add(setting)
        _draw(tried.results(), _FIGURE)
        return result

    add(Setting())
    panel = controls(chosen, tried)
    if panel is None:
        _draw(tried.results(), None)
    else:
        from IPython.display import display

        display(panel)
        _draw(tried.results(), _FIGURE)


def _draw(results: dict[Setting, Result], display_id: str | None) -> None:
    # The modules of a Sequential are numbered; what counts here is the how manyth layer it is.
    models = {
        str(setting): tuple(
            replace(signal, layer=str(place)) for place, signal in enumerate(result.signals, 1)
        )
        for setting, result in results.items()
    }
    losses = {str(setting): result.losses for setting, result in results.items()}
    show(_draw_figure, models, losses, description=describe(models), display_id=display_id)


def _draw_figure(
    models: dict[str, tuple[LayerSignal, ...]], losses: dict[str, np.ndarray]
) -> Figure:
    figure, panels = plt.subplots(3, 1, figsize=(5.6, 7.2), layout="constrained")
    draw_signals(panels[0], models, gradients=False)
    draw_signals(panels[1], models, gradients=True)
    panels[1].set_xlabel(label("layer"))
    draw_losses(panels[2], losses)
    panels[2].set_title(label("The first 100 batches of training"))
    legend_below(figure, panels[0])
    return figure
