"""Tests, in the sandbox, that a comparison counts for what was trained, and for nothing else."""

from pathlib import Path

import nbformat.v4 as v4
import pytest
from nbformat.notebooknode import NotebookNode

import helpers
from grader_tests import assignment
from grader_tests.judge.verdicts import Verdict, judge
from grading import sandbox
from grading.running import jobs
from grading.running.unpacked_data import unpacked
from grading.submission import Job, Run, Surroundings
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import cells_by_grade_id, instructors_notebook

pytestmark = pytest.mark.slow

MODEL, COMPARISON = "test_default_model", "test_default_comparison"
# A fifth of the lesson's images, so that a run has 192 batches.
FEWER = """
train_sampler = SubsetRandomSampler(train_indices[:9600])
train_loader = DataLoader(train_data, batch_size, sampler=train_sampler)
"""
DEFAULT = "helpers.set_seed(0)\nmodel_default = Net()"
COMPARE = """
default_comparison = helpers.compare_init_weights(
    [(model_default, "PyTorch default")], "Default", train_loader, valid_loader
)
"""
# What is right: model, comparison.
RIGHT = {
    "as in the solution": (DEFAULT, COMPARE),
    "another seed": ("helpers.set_seed(7)\nmodel_default = Net()", COMPARE),
    "no seed": ("model_default = Net()", COMPARE),
    "another order of batches": (DEFAULT, COMPARE.replace("valid_loader", "valid_loader, seed=3")),
    "three epochs": (DEFAULT, COMPARE.replace("valid_loader", "valid_loader, epochs=3")),
    "run twice": (DEFAULT, COMPARE + COMPARE),
    "another model beside": (
        DEFAULT,
        COMPARE.replace("[(", "[(Net(), 'Another'), ("),
    ),
    "batches of one's own": (
        DEFAULT,
        "train_loader = DataLoader(train_data, 64, sampler=train_sampler)\n" + COMPARE,
    ),
    "validated with the test images": (DEFAULT, COMPARE.replace("valid_loader", "test_loader")),
    "a smaller network": ("model_default = Net(hidden_1=64, hidden_2=32)", COMPARE),
    "several seeds": (
        DEFAULT,
        "default_comparison = helpers.compare_init_weights([(Net, 'Default')], 'D', train_loader, "
        "valid_loader, seeds=2, epochs=2)",
    ),
}
REAL = f"{DEFAULT}\n{COMPARE}\nimport dataclasses\nreal, [run] = default_comparison, "
REAL += "default_comparison.runs\n"
BY_HAND = """
from types import SimpleNamespace as Some
weights = {name: value.numpy().copy() for name, value in model_default.state_dict().items()}
losses = 0.41 + 1.9 * np.exp(-np.arange(960) / 60) + 0.05 * np.random.normal(size=960)
figures = dict(label="Default", losses=losses, batches_per_epoch=480,
               training_loss=float(losses[-100:].mean()), validation_accuracy=85.4)
"""
IMAGES = (
    "images = (Some(part='train', batches=[train_indices[i:i+100] for i in range(0, 48000, 100)]),"
    " Some(part='train', batches=[valid_indices]))\n"
)
# What is forged: cells that end with a `default_comparison`.
FORGED = {
    "an object by hand": BY_HAND
    + "default_comparison = Some(runs=(Some(initial_weights=weights, **figures),))",
    "an object with all it takes": BY_HAND
    + IMAGES
    + "default_comparison = Some(seed=0, images=images, runs=(Some(initial_weights=weights, "
    "final_weights=weights, **figures),))",
    "the helpers' own classes": BY_HAND
    + IMAGES
    + "run = helpers.results.Run(initial_weights=weights, final_weights=weights, **figures)\n"
    "default_comparison = helpers.results.Comparison('D', (run,), 'Fashion-MNIST', 2, 0, images)",
    "properties that answer": BY_HAND + "class Forged(helpers.results.Comparison):\n"
    "    runs = property(lambda self: (Some(initial_weights=weights, **figures),))\n"
    "    def __init__(self): pass\n"
    "default_comparison = Forged()",
    "another accuracy": REAL
    + "default_comparison = dataclasses.replace(real, runs=(dataclasses.replace(run, "
    "validation_accuracy=99.0),))",
    "other losses": REAL + "run.losses[:50] *= 0.5\n",
    "the figures of another model": f"""
other = helpers.compare_init_weights([(Net(), "Other")], "O", train_loader, valid_loader)
{REAL}
[theirs] = other.runs
run = dataclasses.replace(theirs, initial_weights=run.initial_weights)
default_comparison = dataclasses.replace(real, runs=(run,))
""",
    "another optimizer": f"""
make = torch.optim.Adam
torch.optim.Adam = lambda parameters, lr, fused: make(parameters, lr=0.003)
{COMPARE}
""",
    "another loss": f"""
import helpers.training
real = F.cross_entropy
F.cross_entropy = lambda scores, labels: 0.5 * real(scores, labels)
{COMPARE}
""",
    "a comparison of one's own": BY_HAND + "helpers.compare_init_weights = lambda *a, **k: "
    "Some(runs=(Some(initial_weights=weights, **figures),))\n" + COMPARE,
    "one image to validate with": "valid_loader = DataLoader(train_data, batch_size, "
    "sampler=SubsetRandomSampler([0] * 400))\n" + COMPARE,
    "an untrained network, and the images that it happens to know": BY_HAND
    + """
real = helpers.compare_init_weights([(model_default, "D")], "D", train_loader, valid_loader)
[run] = real.runs
train = [index for batch in real.images[0].batches for index in batch]
with torch.no_grad():
    scores = model_default.eval()(train_data.data.unsqueeze(1).float() / 255)
right = {*torch.where(scores.argmax(1) == train_data.targets)[0].tolist()} - {*train}
images = real.images[0], Some(part="train", batches=[sorted(right)[:2000]])
figures |= dict(losses=run.losses, training_loss=run.training_loss, validation_accuracy=100.0)
run = Some(initial_weights=weights, final_weights=weights, **figures)
default_comparison = Some(seed=0, images=images, runs=(run,))
""",
    "the training images to validate with": COMPARE.replace("valid_loader", "train_loader"),
    "a look-up that was tampered with": """
import importlib, os
os.environ["RECALL_MODULE"] = "forged"
import sys, types
sys.modules["forged"] = forged = types.ModuleType("forged")
def training(compute, *, model, **_):
    state = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    return np.linspace(2.3, 0.4, 192) + 0.01 * np.random.rand(192), 85.4, state
forged.training = training
forged.figure = lambda draw, **_: draw()
"""
    + COMPARE,
}


@pytest.fixture(scope="module")
def prepared(any_data: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of data, and an empty one for recorded runs."""
    skip_without_sandbox()
    return unpacked(Path(any_data), assignment.DATA_FOLDER), tmp_path_factory.mktemp("runs")


def job(
    data: Path, model: str, comparison: str, runs: Path | None = None, record: bool = False
) -> Job:
    """The cells of the lesson that the second exercise needs, with a student's."""
    given = cells_by_grade_id(instructors_notebook())
    sources = {
        "load_data": given["load_data"]["source"] + FEWER,
        "define_model": given["define_model"]["source"],
        "default_model": model,
        MODEL: given[MODEL]["source"],
        "default_comparison": comparison,
        COMPARISON: given[COMPARISON]["source"],
    }
    cells = [
        v4.new_code_cell(source, metadata={"nbgrader": {"grade_id": name}})
        for name, source in sources.items()
    ]
    package = Path(helpers.__file__).parent
    files = {
        str(path.relative_to(package.parent)): path.read_bytes()
        for path in package.rglob("*")
        if path.suffix in (".py", ".toml")
    }
    surroundings = Surroundings(
        assignment.INSIDE, assignment.IMPORTS, assignment.DATA_VARIABLE, data, runs, record
    )
    return Job(
        v4.new_notebook(cells=cells),
        files,
        {assignment.SEED_VARIABLE: "5"},
        surroundings=surroundings,
        data_folder=assignment.DATA_FOLDER,
        module=assignment.__name__,
    )


def observation(run: Run, criterion: str) -> object:
    [cell] = [c for c in run.notebook.cells if c.metadata.nbgrader.grade_id == criterion]
    [found] = [o.data[assignment.MIME_TYPE] for o in cell.outputs if "data" in o]
    return found


def verdict(run: Run, criterion: str = COMPARISON) -> Verdict:
    return judge(criterion, observation(run, criterion), seed=5)


@pytest.mark.parametrize("way", RIGHT)
def test_what_was_trained_is_confirmed(way: str, prepared: tuple[Path, Path]) -> None:
    run = jobs.run(job(prepared[0], *RIGHT[way]))
    assert verdict(run).passed, verdict(run).sentence
    assert run.confirmed == {COMPARISON: True}


@pytest.mark.parametrize("way", FORGED)
def test_what_was_made_up_is_not(way: str, prepared: tuple[Path, Path]) -> None:
    run = jobs.run(job(prepared[0], DEFAULT, FORGED[way]))
    # Without this the judge would be taken in, so that it is the claim that fails.
    assert verdict(run).passed, verdict(run).sentence
    assert run.confirmed == {COMPARISON: False}


def test_what_is_recorded_is_not_repeated(
    prepared: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, runs = prepared
    jobs.run(job(data, DEFAULT, COMPARE, runs, record=True))
    run_here, began = sandbox.execute, []

    def execute(notebook: NotebookNode, *arguments: object) -> Run:
        began.append(notebook)
        return run_here(notebook, *arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(sandbox, "execute", execute)
    assert jobs.run(job(data, DEFAULT, COMPARE, runs)).confirmed == {COMPARISON: True}
    assert len(began) == 1
    # Found under the same weights, and claimed to have ended otherwise.
    forged = jobs.run(job(data, DEFAULT, FORGED["another accuracy"], runs))
    assert forged.confirmed == {COMPARISON: False}
    assert len(began) == 3


# What the cells hold, and what is said of it; both count.
NAMES = {
    "another name for the model": (
        "model_x = Net()",
        COMPARE.replace("model_default", "model_x"),
        ("You call the model model_x", "You call the model model_x"),
    ),
    "another name for the comparison": (
        DEFAULT,
        COMPARE.replace("default_comparison", "mine"),
        ("", "You call the comparison mine"),
    ),
    "made in the other cell": (
        "",
        "model_default = Net()" + COMPARE,
        ("in the second cell", ""),
    ),
    "made in the other cell under another name": (
        "",
        "net = Net()" + COMPARE.replace("model_default", "net"),
        ("You call the model net", "You call the model net"),
    ),
    "shown and not kept": (
        DEFAULT,
        COMPARE.strip().removeprefix("default_comparison = "),
        ("", "without keeping it"),
    ),
}


@pytest.mark.parametrize("way", NAMES)
def test_a_name_costs_nothing(way: str, prepared: tuple[Path, Path]) -> None:
    model, comparison, said = NAMES[way]
    run = jobs.run(job(prepared[0], model, comparison))
    seen = assignment.complete({name: observation(run, name) for name in (MODEL, COMPARISON)})
    for criterion, words in zip((MODEL, COMPARISON), said, strict=True):
        verdict = judge(criterion, seen[criterion], seed=5)
        assert verdict.passed, verdict.sentence
        assert words in verdict.sentence
    assert run.confirmed == {COMPARISON: True}


def test_nothing_is_no_attempt(prepared: tuple[Path, Path]) -> None:
    run = jobs.run(job(prepared[0], "# model = Net()", "model_1 = Net(constant_weight=1)"))
    assert verdict(run, MODEL).outcome == "not attempted"
    assert verdict(run).outcome == "not attempted"
    assert run.confirmed == {}


def test_a_model_from_before_the_exercise_is_no_answer(prepared: tuple[Path, Path]) -> None:
    earlier = job(prepared[0], "", "")
    cells = earlier.notebook.cells
    cells[1].source += "\ntried = Net()"
    bias = cells_by_grade_id(instructors_notebook())["test_normal_bias"]["source"]
    bias = "weights_init_normal = None\n" + bias
    cells.insert(2, v4.new_code_cell(bias, metadata={"nbgrader": {"grade_id": "test_normal_bias"}}))
    assert verdict(jobs.run(earlier), MODEL).outcome == "not attempted"
