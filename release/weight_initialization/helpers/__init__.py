"""What a student of the lesson imports: data, training and comparison, plots, the self-check."""

from .comparison import Comparison, ComparisonError, Run, compare_init_weights
from .data import DataError, find_data
from .plots import hist_dist, show_batch
from .seed import set_seed
from .self_check import SelfCheckFailed, check, explain_missing, is_attempted

__all__ = [
    "Comparison",
    "ComparisonError",
    "DataError",
    "Run",
    "SelfCheckFailed",
    "check",
    "compare_init_weights",
    "explain_missing",
    "find_data",
    "hist_dist",
    "is_attempted",
    "set_seed",
    "show_batch",
]
