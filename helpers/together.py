"""Trains several models of one architecture at once, as one model with stacked weights.

The models see the same batches and the same dropout masks. Each of them learns as it would alone
(`helpers.training.train`), but for rounding: the parameters of all lie in one tensor with a
further dimension in front, and one large product takes the place of many small ones. Batches are
loaded and masks drawn once for all, and a large product keeps several cores or a GPU busy, which
small ones do not.
"""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from .machinery.progress import progress
from .training import LEARNING_RATE, Batches


def train_together(
    models: Sequence[nn.Module], batches: Batches, label: str, seed: int
) -> np.ndarray:
    """Train models in place with Adam (learning rate 0.001) and cross-entropy.

    Args:
        models: of one architecture, whose forward pass neither looks at values to decide its way
            nor keeps running statistics; each gives class scores of shape (batch, classes).
        batches: what to train on, once through.
        label: what the progress bar calls the models.
        seed: seeds PyTorch's generator, from which dropout draws one mask for all models. The
            caller's generator state is kept.

    Returns:
        The loss of each model at each batch, shape (models, batches).

    Raises:
        RuntimeError: the models differ in architecture, from `torch.func.stack_module_state`.
    """
    for model in models:
        model.train()
    parameters, buffers = stack_module_state(list(models))
    # Without values of its own: it only says how the layers are connected.
    skeleton = copy.deepcopy(models[0]).to("meta")
    for layer in skeleton.modules():
        if type(layer) is nn.Linear:
            layer.forward = functools.partial(_forward, layer)  # type: ignore[method-assign]  # a copy of ours

    def loss_of_one(
        weights: dict[str, Tensor], state: dict[str, Tensor], images: Tensor, labels: Tensor
    ) -> Tensor:
        return F.cross_entropy(functional_call(skeleton, (weights, state), (images,)), labels)

    losses_of_all = vmap(loss_of_one, in_dims=(0, 0, None, None), randomness="same")
    optimizer = torch.optim.Adam(parameters.values(), lr=LEARNING_RATE, fused=True)
    history = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for images, labels in progress(batches, label):
            optimizer.zero_grad()
            losses = losses_of_all(parameters, buffers, images, labels)
            # A model's own loss alone depends on its weights, so the sum gives each its gradient.
            losses.sum().backward()
            optimizer.step()
            history.append(losses.detach())
    for index, model in enumerate(models):
        model.load_state_dict(
            {name: value[index] for name, value in parameters.items()}, strict=False
        )
    return torch.stack(history, dim=1).double().cpu().numpy()


def _forward(layer: nn.Linear, inputs: Tensor) -> Tensor:
    return _StackedLinear.apply(inputs, layer.weight, layer.bias)


class _StackedLinear(torch.autograd.Function):
    """A linear layer that knows how to compute for many models in one product.

    For the first layer, whose inputs all models share, `vmap` alone would copy the inputs once per
    model and the gradients once more; that takes half as long again.
    """

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute what `nn.Linear` does, outside of `vmap`."""
        return F.linear(inputs, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        """Keep nothing: gradients are those of the operations in `vmap`."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple, inputs: Tensor, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, int]:
        """Compute for all models: weight of shape (models, out, in), bias (models, out).

        Returns:
            The outputs and the position of their dimension of models.
        """
        models, fan_out, fan_in = weight.shape
        biases = weight.new_zeros(models, fan_out) if bias is None else bias
        if in_dims[0] is None and inputs.ndim == 2:
            # One product with the weights of all models below each other.
            wide = torch.addmm(biases.flatten(), inputs, weight.reshape(-1, fan_in).T)
            return wide.view(-1, models, fan_out), 1
        if in_dims[0] is None:
            inputs = inputs.expand(models, *inputs.shape)
        else:
            inputs = inputs.movedim(in_dims[0], 0)
        outputs = inputs.flatten(1, -2) @ weight.transpose(1, 2) + biases.unsqueeze(1)
        return outputs.view(*inputs.shape[:-1], fan_out), 0
