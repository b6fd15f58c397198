"""What a student of the lesson imports: data, training and comparison, plots, the self-check."""

from .comparison import ComparisonError, compare_init_weights
from .data import DataError, find_data
from .default_check import check_made
from .lab import init_lab
from .machinery.errors import HelperError
from .machinery.language import LanguageError
from .machinery.unrun_cells import explain_unrun_cells
from .plots import hist_dist, show_batch
from .results import Comparison, Run, SeedComparison, show_results
from .seed import set_seed
from .self_check import SelfCheckFailed, check, is_attempted, nbgrader_is_running
from .signals import Signals, SignalsError, layer_signals
from .symmetry import gradient_rows

__all__ = [
    "Comparison",
    "ComparisonError",
    "DataError",
    "HelperError",
    "LanguageError",
    "Run",
    "SeedComparison",
    "SelfCheckFailed",
    "Signals",
    "SignalsError",
    "check",
    "check_made",
    "compare_init_weights",
    "explain_unrun_cells",
    "find_data",
    "gradient_rows",
    "hist_dist",
    "init_lab",
    "is_attempted",
    "layer_signals",
    "nbgrader_is_running",
    "set_seed",
    "show_batch",
    "show_results",
]

# A student who opens the notebook in the middle reads which cell to run, not a traceback.
explain_unrun_cells()
