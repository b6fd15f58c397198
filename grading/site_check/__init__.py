"""What is open on this machine and should not be: `python -m grading check`."""

from grading.site_check.quick import Site, quick_check, site_of

__all__ = ["Site", "quick_check", "site_of"]
