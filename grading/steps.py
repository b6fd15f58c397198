"""Parts a list of nbgrader's preprocessors into steps, and takes a notebook through one."""

from collections.abc import Iterable, Iterator
from typing import Any

from nbformat.notebooknode import NotebookNode
from traitlets.config import Configurable
from traitlets.utils.importstring import import_item


def up_to(last: type, preprocessors: Iterator[str | type]) -> Iterator[str | type]:
    """Yield from a list of preprocessors, classes or their names, up to one of a class."""
    for each in preprocessors:
        yield each
        if issubclass(_class(each), last):
            return


def take(
    preprocessors: Iterable[str | type],
    notebook: NotebookNode,
    resources: dict[str, Any],
    parent: Configurable,
) -> NotebookNode:
    """Return what the preprocessors make of a notebook, which they change in place.

    nbconvert's own way copies notebook and resources first, for each list anew.
    """
    for each in preprocessors:
        notebook, _ = _class(each)(parent=parent)(notebook, resources)
    return notebook


def _class(preprocessor: str | type) -> Any:
    return import_item(preprocessor) if isinstance(preprocessor, str) else preprocessor
