"""What tests of several rooms share: the order of the tests and the data they run on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.machinery import stand_in


# Before pytest's own, which leaves out what -m does not ask for.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tests first: a mistake shows within seconds, not after the last notebook."""
    for item in items:
        if {"real_data", "any_data"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.data)
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """Let no test leave its umask to the next: the course's settings narrow it."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def real_data() -> str:
    """The folder with the real files of Fashion-MNIST, or a skipped test."""
    folder = os.environ.get("FASHION_MNIST")
    if not folder or stand_in.is_stand_in(folder):
        pytest.skip("needs the real Fashion-MNIST: set FASHION_MNIST to a folder that holds it")
    return folder


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the stand-in."""
    folder = tmp_path_factory.mktemp("data") / stand_in.FOLDER
    stand_in.write(folder)
    return folder


@pytest.fixture(scope="session")
def any_data(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """The real data where it is, the stand-in elsewhere; never a download."""
    folder = os.environ.get("FASHION_MNIST")
    return folder or str(request.getfixturevalue("drawn_data"))
