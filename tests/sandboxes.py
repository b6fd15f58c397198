"""What tests do where there is no sandbox: they say why, and are skipped."""

import pytest

from grading.sandbox import SandboxUnavailable, check_available


def has_sandbox() -> bool:
    try:
        check_available()
    except SandboxUnavailable:
        return False
    return True


def skip_without_sandbox() -> None:
    try:
        check_available()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
