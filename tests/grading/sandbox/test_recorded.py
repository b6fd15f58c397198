"""Tests of recorded training runs: found only where training would give the same, to the bit."""

import functools
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import nbformat.v4 as v4
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms

import helpers
from grading import sandbox
from grading.sandbox.inside.recall import folder as recall_folder
from grading.sandbox.inside.recall import trainings
from grading.submission import Surroundings
from helpers import comparison, training
from helpers.machinery import recall
from helpers.training import Batches, in_threads
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net
from tests.sandboxes import skip_without_sandbox

Loaders = tuple[DataLoader, DataLoader]
ASKED = "grading.sandbox.inside.recall"


@pytest.fixture
def loaders(drawn_data: Path) -> Loaders:
    """500 training and 300 validation images of the stand-in: 10 batches of training."""
    data = datasets.FashionMNIST(str(drawn_data), train=False, transform=transforms.ToTensor())
    return (
        DataLoader(data, 100, sampler=SubsetRandomSampler(range(500))),
        DataLoader(data, 100, sampler=SubsetRandomSampler(range(500, 800))),
    )


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for recorded runs, which helpers use."""
    matplotlib.use("agg")
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv(recall.VARIABLE, ASKED)
    monkeypatch.setenv(recall_folder.VARIABLE, str(folder))
    return folder


@pytest.fixture
def untrained(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Forbids runs that are not found from the call on, and sees to it that one was found."""
    found = []
    read = trainings._read

    def find(
        path: Path, batches: int, before: Mapping[str, np.ndarray]
    ) -> trainings.Outcome | None:
        outcome = read(path, batches, before)
        assert outcome is not None, "This run should have been found."
        found.append(outcome)
        return outcome

    yield lambda: monkeypatch.setattr(trainings, "_read", find)
    assert found


def _net(kind: type[Net] = Net) -> Net:
    helpers.set_seed(0)
    model = kind()
    model.apply(INITIAL_WEIGHTS["normal(0, y)"])
    return model


def _compare(model: nn.Module, loaders: Loaders, **settings: int) -> helpers.Comparison:
    models = [(model, "normal")]
    return helpers.compare_init_weights(models, "title", loaders[0], loaders[1], **settings)


def _equal(first: helpers.Comparison, second: helpers.Comparison) -> bool:
    return str(first) == str(second) and all(
        np.array_equal(a.losses, b.losses)
        and a.validation_accuracy == b.validation_accuracy
        and a.training_loss == b.training_loss
        and all(np.array_equal(v, b.initial_weights[k]) for k, v in a.initial_weights.items())
        and all(np.array_equal(v, b.final_weights[k]) for k, v in a.final_weights.items())
        for a, b in zip(first.runs, second.runs, strict=True)
    )


class TestFound:
    def test_is_what_training_gives_to_the_last_bit(
        self,
        runs: Path,
        loaders: Loaders,
        untrained: Callable[[], None],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def page() -> tuple[helpers.Comparison, str, bytes, Tensor, object]:
            """Return all that a run leaves behind, plots and generators included."""
            plt.close("all")
            capsys.readouterr()
            torch.manual_seed(5)
            found = _compare(_net(), loaders)
            canvas = plt.gcf().canvas
            canvas.draw()
            pixels = bytes(canvas.buffer_rgba())  # type: ignore[attr-defined]  # agg's canvas
            return found, capsys.readouterr().out, pixels, torch.rand(3), np.random.rand()

        monkeypatch.delenv(recall.VARIABLE)
        trained = page()
        monkeypatch.setenv(recall.VARIABLE, ASKED)
        kept = page()
        untrained()
        found = page()
        for other in (kept, found):
            assert _equal(trained[0], other[0])
            assert trained[1].splitlines()[-3:] == other[1].splitlines()[-3:]
            assert trained[2] == other[2]
            assert torch.equal(trained[3], other[3])
            assert trained[4] == other[4]

    def test_with_several_seeds(
        self, runs: Path, loaders: Loaders, untrained: Callable[[], None]
    ) -> None:
        def compare() -> helpers.Comparison:
            return helpers.compare_init_weights([(Net, "default")], "t", *loaders, seeds=2)

        trained = compare()
        untrained()
        assert _equal(trained, compare())

    def test_under_another_label(
        self, runs: Path, loaders: Loaders, untrained: Callable[[], None]
    ) -> None:
        trained = _compare(_net(), loaders)
        untrained()
        found = helpers.compare_init_weights([(_net(), "other")], "t", *loaders)
        assert np.array_equal(trained.runs[0].losses, found.runs[0].losses)
        assert found.runs[0].label == "other"

    def test_one_bad_file_is_replaced(self, runs: Path, loaders: Loaders) -> None:
        trained = _compare(_net(), loaders)
        [path] = runs.glob("*.npz")
        whole = path.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], b"nothing of the kind"):
            path.write_bytes(damaged)
            assert _equal(trained, _compare(_net(), loaders))
            with np.load(path) as arrays:
                assert np.array_equal(arrays["losses"], trained.runs[0].losses)

    def test_a_pickle_is_not_loaded(self, runs: Path, loaders: Loaders, tmp_path: Path) -> None:
        trained = _compare(_net(), loaders)
        [path] = runs.glob("*.npz")
        trace = tmp_path / "trace"
        path.write_bytes(pickle.dumps(_Trap(trace)))
        assert _equal(trained, _compare(_net(), loaders))
        with path.open("wb") as file:
            arrays = np.array([_Trap(trace)], dtype=object)
            np.savez(file, losses=arrays, accuracies=arrays)
        assert _equal(trained, _compare(_net(), loaders))
        assert not trace.exists()

    def test_without_a_folder_to_write_to(
        self, runs: Path, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(recall_folder.VARIABLE, "/proc/none")
        assert _compare(_net(), loaders).runs[0].losses.shape == (10,)
        assert not list(runs.glob("*.npz"))


class _Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.mkdir, (self._trace,)  # type: ignore[return-value]  # a trap, not a Path


class _Leaky(Net):
    """The lesson's network with another activation."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 784)
        x = self.dropout(F.leaky_relu(self.fc1(x)))
        x = self.dropout(F.leaky_relu(self.fc2(x)))
        scores: Tensor = self.fc3(x)
        return scores


class _Scaled(Net):
    """The lesson's network, its scores multiplied by a number from outside."""

    factor = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * _Scaled.factor


def _other_dropout() -> Net:
    model = _net()
    model.dropout.p = 0.3
    return model


def _frozen() -> Net:
    model = _net()
    model.fc2.requires_grad_(False)
    return model


def _one_weight() -> Net:
    model = _net()
    with torch.no_grad():
        model.fc3.weight[0, 0] = torch.nextafter(model.fc3.weight[0, 0], torch.tensor(9.0))
    return model


class TestNotFound:
    @pytest.mark.parametrize("make", [_other_dropout, _frozen, _one_weight, lambda: _net(_Leaky)])
    def test_another_model(self, runs: Path, loaders: Loaders, make: Callable[[], Net]) -> None:
        _compare(_net(), loaders)
        _compare(make(), loaders)
        assert len(list(runs.glob("*.npz"))) == 2

    def test_a_value_from_outside_the_model(
        self, runs: Path, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _compare(_net(_Scaled), loaders)
        monkeypatch.setattr(_Scaled, "factor", 2.0)
        _compare(_net(_Scaled), loaders)
        assert len(list(runs.glob("*.npz"))) == 2

    @pytest.mark.parametrize("settings", [{"seed": 1}, {"epochs": 1}])
    def test_other_settings(self, runs: Path, loaders: Loaders, settings: dict[str, int]) -> None:
        _compare(_net(), loaders)
        _compare(_net(), loaders, **settings)
        assert len(list(runs.glob("*.npz"))) == 2

    def test_other_data(self, runs: Path, loaders: Loaders) -> None:
        _compare(_net(), loaders)
        # The last image, which no batch of this comparison holds, and a label.
        loaders[0].dataset.data[-1, 0, 0] += 1  # type: ignore[attr-defined]  # torchvision's
        _compare(_net(), loaders)
        labels: Tensor = loaders[0].dataset.targets  # type: ignore[attr-defined]  # torchvision's
        labels[0] = (labels[0] + 1) % 10
        _compare(_net(), loaders)
        assert len(list(runs.glob("*.npz"))) == 3

    def test_other_batches(self, runs: Path, loaders: Loaders) -> None:
        train_loader, valid_loader = loaders
        data = train_loader.dataset
        _compare(_net(), loaders)
        fewer = DataLoader(data, 100, sampler=SubsetRandomSampler(range(501)))
        _compare(_net(), (fewer, valid_loader))
        other = DataLoader(data, 100, sampler=SubsetRandomSampler(range(501, 801)))
        _compare(_net(), (train_loader, other))
        assert len(list(runs.glob("*.npz"))) == 3

    def test_another_number_of_threads(self, runs: Path, loaders: Loaders) -> None:
        train_batches, valid_batches = (Batches(of, torch.device("cpu")) for of in loaders)
        for number in (1, 2):
            with in_threads(number):
                trainings.training(
                    lambda: (np.zeros(len(train_batches)), 0.0, {}),
                    model=_net(),
                    batches=(train_batches, valid_batches),
                    seed=0,
                    train=training.train,
                    accuracy=training.accuracy,
                    modules=(training,),
                    packages=("torchvision", "tqdm"),
                )
        assert len(list(runs.glob("*.npz"))) == 2


class TestNotRecorded:
    def test_a_model_that_something_acts_on_from_outside(
        self, runs: Path, loaders: Loaders
    ) -> None:
        hooked = _net()
        hooked.fc1.register_forward_hook(lambda *_: None)
        overridden = _net()
        overridden.forward = overridden.forward  # type: ignore[method-assign]  # as a student may
        for model in (hooked, overridden):
            _compare(model, loaders)
        assert not list(runs.glob("*.npz"))

    def test_data_that_may_differ_each_time(
        self, runs: Path, drawn_data: Path, loaders: Loaders
    ) -> None:
        flipped = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()])
        data = datasets.FashionMNIST(str(drawn_data), train=False, transform=flipped)
        loader = DataLoader(data, 100, sampler=SubsetRandomSampler(range(500)))
        _compare(_net(), (loader, loaders[1]))
        assert not list(runs.glob("*.npz"))


class _Other(torch.optim.SGD):
    """Another optimizer, under the name of Adam."""

    def __init__(self, parameters: Any, lr: float, fused: bool) -> None:
        super().__init__(parameters, lr=lr)


def _step_of_five(step: Callable[..., object]) -> Callable[..., object]:
    """An optimizer's step that does nothing from the sixth call on."""
    calls = 0

    @torch.no_grad()
    def some(*arguments: Any, **options: Any) -> object:
        nonlocal calls
        calls += 1
        return step(*arguments, **options) if calls <= 5 else None

    return some


def _backward_twice(self: Tensor, *arguments: Any, **options: Any) -> None:
    torch.autograd.backward(self * 2, *arguments, **options)


def _shorter(items: Any, label: str) -> Iterator[Any]:
    for number, item in enumerate(items):
        if number < 7:
            yield item


def _lower(model: nn.Module, batches: Batches) -> float:
    return training.accuracy(model, batches) / 2


def _train_on_one(model: nn.Module, batches: Batches, label: str, seed: int) -> list[float]:
    return [1.5] * len(batches)


def _weighted(scores: Tensor, labels: Tensor) -> Tensor:
    return -scores.log_softmax(dim=1)[:, 0].mean() + 0 * labels.sum()


class _Backwards(Batches):
    def __iter__(self) -> Iterator[Any]:
        return _backwards(self)


def _backwards(self: Batches) -> Iterator[Any]:
    """Give the batches in reverse, from the third on."""
    for order in self.orders:
        for indices in order[:2] + order[:1:-1]:
            yield self._batch(indices)


def _is_nothing(self: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
    """Stand in for a method that should do something."""


def _outcome(loaders: Loaders) -> helpers.Comparison | str:
    """Return a comparison, or what it raised."""
    try:
        return _compare(_net(), loaders)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _same(first: helpers.Comparison | str, second: helpers.Comparison | str) -> bool:
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    return _equal(first, second)


Patch = Callable[[pytest.MonkeyPatch], object]
ADAM = torch.optim.Adam

# What a cell of a notebook may have done to the training before it compares.
TAMPERED: dict[str, Patch] = {
    "learning rate 0": lambda m: m.setattr(training, "LEARNING_RATE", 0.0),
    "learning rate 0.1": lambda m: m.setattr(training, "LEARNING_RATE", 0.1),
    "step does nothing": lambda m: m.setattr(ADAM, "step", _is_nothing),
    "step ends later": lambda m: m.setattr(ADAM, "step", _step_of_five(ADAM.step)),
    "step is another's": lambda m: m.setattr(ADAM, "step", torch.optim.SGD.step),
    "step by partial": lambda m: m.setattr(ADAM, "step", functools.partialmethod(_is_nothing)),
    "gradients add up": lambda m: m.setattr(torch.optim.Optimizer, "zero_grad", _is_nothing),
    "gradients are doubled": lambda m: m.setattr(Tensor, "backward", _backward_twice),
    "another optimizer": lambda m: m.setattr(torch.optim, "Adam", _Other),
    "PyTorch's own other": lambda m: m.setattr(torch.optim, "Adam", torch.optim.RMSprop),
    "another default": lambda m: m.setitem(ADAM.__init__.__kwdefaults__ or {}, "maximize", True),
    "another loss": lambda m: m.setattr(F, "cross_entropy", _weighted),
    "another activation": lambda m: m.setattr(F, "relu", F.leaky_relu),
    "no dropout": lambda m: m.setattr(F, "dropout", lambda x, *_, **__: x),
    "another product": lambda m: m.setattr(F, "linear", lambda x, w, b: 2 * x @ w.T + b),
    "a layer's method": lambda m: m.setattr(nn.Linear, "forward", lambda s, x: x @ s.weight.T),
    "no seed": lambda m: m.setattr(torch, "manual_seed", lambda seed: None),
    "fewer batches": lambda m: m.setattr(training, "progress", _shorter),
    "another measure": lambda m: m.setattr(comparison, "accuracy", _lower),
    "another training": lambda m: m.setattr(comparison, "train", _train_on_one),
    "other code": lambda m: m.setattr(training.train, "__code__", _train_on_one.__code__),
    "other batches": lambda m: m.setattr(comparison, "Batches", _Backwards),
    "batches by another method": lambda m: m.setattr(Batches, "__iter__", _backwards),
    "a hook on every module": lambda m: m.setitem(
        nn.modules.module._global_forward_hooks, 0, lambda module, _, output: output * 1.5
    ),
}


class TestTampered:
    """Whatever was done to the training: with recorded runs a comparison is what it is without."""

    @pytest.mark.parametrize("name", TAMPERED)
    def test_is_as_without_recorded_runs(
        self, runs: Path, loaders: Loaders, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        def outcome() -> helpers.Comparison | str:
            torch.manual_seed(0)
            with monkeypatch.context() as patch:
                TAMPERED[name](patch)
                return _outcome(loaders)

        untouched = _compare(_net(), loaders)
        # The second time, what the first may have recorded.
        found = outcome(), outcome()
        assert _equal(untouched, _compare(_net(), loaders))
        monkeypatch.delenv(recall.VARIABLE)
        trained = outcome()
        assert not _same(untouched, trained)
        assert all(_same(trained, one) for one in found)

    @pytest.mark.parametrize(
        "switch",
        [torch.set_grad_enabled, torch.use_deterministic_algorithms, torch.set_flush_denormal],
    )
    def test_a_setting(
        self,
        runs: Path,
        loaders: Loaders,
        monkeypatch: pytest.MonkeyPatch,
        switch: Callable[[bool], object],
    ) -> None:
        before = torch.is_grad_enabled()
        _compare(_net(), loaders)
        switch(switch is not torch.set_grad_enabled)
        try:
            found = _outcome(loaders)
            monkeypatch.delenv(recall.VARIABLE)
            trained = _outcome(loaders)
        finally:
            switch(switch is torch.set_grad_enabled and before)
        assert _same(found, trained)


_limit, _limits, _calls = 9.0, [9.0], 0


class _Bounded(Net):
    """The lesson's network; its scores are bounded by a number from outside, far away at first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(max=_limit)


class _BoundedByEntry(Net):
    """The same with a number that is not seen to change."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(max=_limits[0])


class _Counting(Net):
    """The lesson's network; it counts, and scores differently from the twentieth batch on."""

    def forward(self, x: Tensor) -> Tensor:
        global _calls
        _calls += 1
        return super().forward(x) * (1 if _calls < 20 else 2)


@pytest.mark.parametrize("kind", [_Bounded, _BoundedByEntry, _Counting])
def test_a_model_that_reads_what_decides_later(
    kind: type[Net], runs: Path, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = sys.modules[__name__]

    def compare(limit: float) -> helpers.Comparison:
        for name, value in (("_limit", limit), ("_limits", [limit]), ("_calls", 0)):
            monkeypatch.setattr(here, name, value)
        return _compare(_net(kind), loaders)

    found = [compare(limit) for limit in (9.0, 1.0, 9.0, 1.0)]
    monkeypatch.delenv(recall.VARIABLE)
    trained = [compare(limit) for limit in (9.0, 1.0)] * 2
    assert all(map(_equal, found, trained))


SETUP = """
import hashlib, torch, helpers
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms
data = datasets.FashionMNIST(helpers.find_data(), train=False, transform=transforms.ToTensor())
train_loader = DataLoader(data, 100, sampler=SubsetRandomSampler(range(500)))
valid_loader = DataLoader(data, 100, sampler=SubsetRandomSampler(range(500, 800)))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 20)
        self.fc2 = nn.Linear(20, 10)
        self.dropout = nn.Dropout(0.2)
    def forward(self, x):
        return self.fc2(self.dropout(self.fc1(x.view(-1, 784)).relu()))
helpers.set_seed(0)
model = Net()
"""
COMPARE = """
comparison = helpers.compare_init_weights([(model, "mine")], "t", train_loader, valid_loader)
run = comparison.runs[0]
print(run.validation_accuracy, run.training_loss, hashlib.sha256(run.losses).hexdigest())
"""
CELLS = {
    "untouched": "",
    "learning rate 0": "import helpers.training\nhelpers.training.LEARNING_RATE = 0.0",
    "step does nothing": "torch.optim.Adam.step = lambda self, closure=None: None",
    "gradients add up": "torch.optim.Optimizer.zero_grad = lambda self, *a, **k: None",
    "no gradients": "torch.set_grad_enabled(False)",
    "another training": "import helpers.comparison\n"
    "helpers.comparison.train = lambda model, batches, label, seed: [2.0] * len(batches)",
    "step counts": "step, calls = torch.optim.Adam.step, []\n"
    "def some(self, *a):\n"
    "  calls.append(1)\n"
    "  if len(calls) < 8: step(self, *a)\n"
    "torch.optim.Adam.step = some",
}


@pytest.mark.slow
class TestInSandbox:
    """The same where submissions run: a folder that the instructor's notebook has filled."""

    @pytest.fixture(scope="class")
    def files(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("files")
        shutil.copytree(Path(helpers.__file__).parent, folder / "helpers")
        return folder

    @pytest.fixture(scope="class")
    def printed(
        self, files: Path, drawn_data: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[dict[str, str], dict[str, str]]:
        """What the comparison printed after each cell, with recorded runs and without."""
        skip_without_sandbox()
        folder = tmp_path_factory.mktemp("filled")
        self._run("", files, drawn_data, folder, record=True)
        assert len(list(folder.glob("*.npz"))) == 1
        # One after the other, since a sandbox with another folder starts anew.
        found = {name: self._run(CELLS[name], files, drawn_data, folder) for name in CELLS}
        trained = {name: self._run(CELLS[name], files, drawn_data, None) for name in CELLS}
        return found, trained

    def _run(
        self, cell: str, files: Path, data: Path, folder: Path | None, record: bool = False
    ) -> str:
        """Return what the comparison's cell printed, or raised."""
        notebook = v4.new_notebook(cells=list(map(v4.new_code_cell, (SETUP, cell, COMPARE))))
        ran = sandbox.execute(
            notebook,
            files,
            Surroundings(data_variable="FASHION_MNIST", data=data, runs=folder, record=record),
        )
        assert ran.complete
        outputs = ran.notebook.cells[2].outputs
        return str([out.get("text", out.get("evalue")) for out in outputs][-1])

    @pytest.mark.parametrize("name", CELLS)
    def test_is_as_without_recorded_runs(
        self, name: str, printed: tuple[dict[str, str], dict[str, str]]
    ) -> None:
        found, trained = printed
        assert found[name] == trained[name]
        assert (found[name] == found["untouched"]) == (name == "untouched")
