"""What people do in JupyterLab, in terms of the page."""

import re

from playwright.sync_api import Locator, Page, expect

# A notebook that trains takes half a minute on an idle machine, minutes on a loaded one.
LONG = 400_000
USUAL = 60_000
_RAN = re.compile(r"\[\d+\]:")


def open_lab(page: Page, address: str) -> None:
    """Open JupyterLab and wait until it is there."""
    page.goto(address)
    expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=USUAL)


def choose(page: Page, menu: str, item: str) -> None:
    """Choose an item of a menu."""
    page.locator(".lm-MenuBar-itemLabel", has_text=menu).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()


def assignments(page: Page, kind: str, name: str) -> Locator:
    """Return the entry of an assignment in Assignment List.

    Args:
        page: with the list open.
        kind: "released", "fetched" or "submitted".
        name: of the assignment.
    """
    entries = page.locator(f"#{kind}_assignments_list > .list_item")
    return entries.filter(has=page.get_by_text(name, exact=True))


def fetch_and_open(page: Page, name: str, notebook: str, cells: int) -> None:
    """Fetch an assignment from the list, open its notebook, and wait until it is all there.

    Args:
        page: JupyterLab.
        name: of the assignment.
        notebook: its name, without the ending.
        cells: how many cells of code it has.
    """
    choose(page, "Nbgrader", "Assignment List")
    assignments(page, "released", name).get_by_role("button", name="Fetch").click()
    fetched = assignments(page, "fetched", name)
    fetched.locator(".assignment-notebooks-link").click(timeout=USUAL)
    fetched.locator(".assignment-notebooks a").get_by_text(notebook, exact=True).click()
    expect(page.locator(".jp-NotebookPanel:visible .jp-CodeCell")).to_have_count(
        cells, timeout=USUAL
    )
    wait_until_idle(page)


def wait_until_idle(page: Page) -> None:
    """Wait until the kernel has nothing to do."""
    panel = page.locator(".jp-NotebookPanel:visible")
    idle = panel.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    expect(idle).to_be_visible(timeout=LONG)


def run_all(page: Page) -> None:
    """Run all cells, and wait for the last."""
    prompts = page.locator(".jp-NotebookPanel:visible .jp-CodeCell .jp-InputPrompt")
    last = prompts.last.inner_text()
    choose(page, "Run", "Run All Cells")
    expect(prompts.last).not_to_have_text(last, timeout=LONG)
    expect(prompts).to_have_text([_RAN] * prompts.count(), timeout=LONG)
    wait_until_idle(page)


def run_cell(page: Page, cell: Locator) -> None:
    """Run one cell and wait for it."""
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(prompt).not_to_have_text(before, timeout=LONG)
    expect(prompt).to_have_text(_RAN, timeout=LONG)


def cell_with(page: Page, text: str) -> Locator:
    """Return the code cell whose source holds a text."""
    editors = page.locator(".jp-NotebookPanel:visible .jp-CodeCell")
    return editors.filter(has=page.locator(".jp-InputArea-editor", has_text=text))


def write(page: Page, cell: Locator, source: str) -> None:
    """Replace what a cell holds."""
    cell.scroll_into_view_if_needed()
    editor = cell.locator(".cm-content")
    editor.click()
    expect(editor).to_be_focused()
    page.keyboard.press("Control+a")
    # As if pasted: typing would indent lines once more.
    page.keyboard.insert_text(source)


def answer(page: Page, cell: Locator, text: str) -> None:
    """Write an answer into a cell of text."""
    cell.scroll_into_view_if_needed()
    cell.locator(".jp-RenderedMarkdown").dblclick()
    write(page, cell, text)
    page.keyboard.press("Control+Enter")


def validate(page: Page) -> Locator:
    """Press Validate, and return the dialog with the result."""
    page.locator(".jp-NotebookPanel-toolbar:visible [data-jp-item-name=runAll]").click()
    dialog = page.locator(".jp-Dialog", has_text="Validation Results")
    expect(dialog).to_be_visible(timeout=LONG)
    return dialog
