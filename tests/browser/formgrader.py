"""What an instructor does in formgrader, in a page of its own or in JupyterLab's frame."""

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser import lab

View = Page | FrameLocator


def in_lab(page: Page) -> FrameLocator:
    """Open formgrader from JupyterLab's menu."""
    lab.choose(page, "Nbgrader", "Formgrader")
    return page.frame_locator("#formgrader iframe")


def manage_assignments(page: Page) -> None:
    """Go back to the page of assignments in JupyterLab's frame."""
    place = f"{page.url.partition('/lab')[0]}/formgrader/manage_assignments"
    body = page.frame_locator("#formgrader iframe").locator("body")
    body.evaluate("(body, place) => { window.location = place }", place)


def assignment(view: View, name: str) -> Locator:
    """Return the assignment's row on the page of assignments."""
    rows = view.locator("#main_table tbody tr, table tbody tr")
    row = rows.filter(has=_exactly(view, name))
    expect(row).to_be_visible(timeout=lab.USUAL)
    return row


def _exactly(view: View, text: str) -> Locator:
    return view.get_by_text(text, exact=True)


def press(view: View, row: Locator, column: str) -> None:
    """Press a button of a row, wait for the message that it worked, and close that."""
    row.locator(f".{column} a").click()
    message = view.locator("#success-modal, #error-modal")
    expect(message).to_be_visible(timeout=lab.LONG)
    expect(message.locator(".modal-title")).to_have_text("Success")
    message.locator("[data-dismiss=modal]").first.click()
    expect(message).to_have_count(0, timeout=lab.USUAL)
