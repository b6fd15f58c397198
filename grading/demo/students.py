"""The students of the demonstration: what each writes into the exercises, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_RIGHT = """\
if isinstance(m, nn.Linear):
    y = 1.0 / np.sqrt(m.in_features)
    m.weight.data.normal_(0, y)
    m.bias.data.fill_(0)"""

_NUMPY = """\
classname = m.__class__.__name__
if classname == 'Linear':
    n = m.in_features
    values = np.random.normal(0, 1 / np.sqrt(n), size=tuple(m.weight.shape))
    m.weight.data = torch.from_numpy(values).float()
    m.bias.data = torch.zeros_like(m.bias)"""

_NN_INIT = """\
if isinstance(m, nn.Linear):
    nn.init.normal_(m.weight, mean=0.0, std=m.in_features ** -0.5)
    nn.init.zeros_(m.bias)"""

_OVER_N = """\
if isinstance(m, nn.Linear):
    m.weight.data.normal_(0, 1 / m.in_features)
    m.bias.data.fill_(0)"""

_UNIFORM = """\
if isinstance(m, nn.Linear):
    y = 1 / np.sqrt(m.in_features)
    m.weight.data.uniform_(-y, y)
    m.bias.data.fill_(0)"""

_FAN_OUT = """\
if isinstance(m, nn.Linear):
    y = 1 / np.sqrt(m.out_features)
    m.weight.data.normal_(0, y)
    m.bias.data.fill_(0)"""

_NO_BIAS = """\
if isinstance(m, nn.Linear):
    m.weight.data.normal_(0, 1 / np.sqrt(m.in_features))"""

_SYNTAX_ERROR = """\
if isinstance(m, nn.Linear)
    m.weight.data.normal_(0, 1 / np.sqrt(m.in_features))"""

_MODEL = "model_default = Net()"
_COMPARISON = """\
default_comparison = helpers.compare_init_weights(
    [(model_default, 'PyTorch default'), (model_uniform_rule, 'Uniform rule')],
    'Default against the uniform rule',
    train_loader,
    valid_loader)"""
_RESULTS = "The losses ended close together; the table above has the figures of my run."
_CHOICE = "PyTorch's default: it learns as well as the rules do here and needs no code."


@dataclass(frozen=True)
class Student:
    """One student: an id, what their notebook shows, and the sources of their cells.

    `body` stands for the stub in `weights_init_normal`, without its indentation; `cells` holds
    the whole source of other cells by grade id. What is not given stays as released.
    """

    name: str
    story: str
    body: str | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    late: bool = False
    damaged: bool = False


def _diligent(name: str, story: str, body: str, *, late: bool = False) -> Student:
    """Return a student who does all exercises, the first of them with `body`."""
    cells = {
        "default_model": _MODEL,
        "default_comparison": _COMPARISON,
        "reflection_results": _RESULTS,
        "reflection_choice": _CHOICE,
    }
    return Student(name, story, body, cells, late)


STUDENTS = (
    _diligent("ada", "right, with normal_", _RIGHT),
    _diligent("grace", "right, with NumPy", _NUMPY),
    _diligent("katherine", "right, with nn.init, but late", _NN_INIT, late=True),
    _diligent("rosalind", "standard deviation 1/n", _OVER_N),
    _diligent("emmy", "uniform instead of normal", _UNIFORM),
    _diligent("lise", "fan-out instead of fan-in", _FAN_OUT),
    _diligent("maria", "bias forgotten", _NO_BIAS),
    Student("sophie", "default model forgotten", _RIGHT),
    Student("blaise", "blank"),
    _diligent("edsger", "syntax error", _SYNTAX_ERROR),
    Student("kurt", "file cut off while saving", _RIGHT, damaged=True),
)
