"""Formulas as MathML, which browsers show by themselves: without a script and without a network."""

import html
import xml.etree.ElementTree as ElementTree

from latex2mathml.converter import convert_to_element

_LONGEST = 2000  # characters; a page should not hang on what somebody typed

# Presentation MathML alone. Nothing here links, loads or runs anything.
_ELEMENTS = frozenset(
    [
        "math",
        "menclose",
        "mfrac",
        "mi",
        "mmultiscripts",
        "mn",
        "mo",
        "mover",
        "mpadded",
        "mphantom",
        "mroot",
        "mrow",
        "ms",
        "mspace",
        "msqrt",
        "mstyle",
        "msub",
        "msubsup",
        "msup",
        "mtable",
        "mtd",
        "mtext",
        "mtr",
        "munder",
        "munderover",
    ]
)
_ATTRIBUTES = frozenset(
    [
        "accent",
        "columnalign",
        "columnspacing",
        "columnlines",
        "depth",
        "display",
        "displaystyle",
        "fence",
        "form",
        "height",
        "largeop",
        "linethickness",
        "lspace",
        "mathvariant",
        "maxsize",
        "minsize",
        "movablelimits",
        "notation",
        "rowlines",
        "rowspacing",
        "rspace",
        "scriptlevel",
        "separator",
        "stretchy",
        "symmetric",
        "voffset",
        "width",
        "xmlns",
    ]
)


def to_mathml(latex: str, *, display: bool) -> str:
    """Return a formula as MathML, or as code where it cannot be read.

    Args:
        latex: the formula without its dollar signs; it is not trusted.
        display: whether it stands in a line of its own.
    """
    if len(latex) <= _LONGEST:
        try:
            # The converter knows the two environments under one name alone.
            known = latex.replace("{aligned}", "{align*}")
            element = convert_to_element(known, display="block" if display else "inline")
            if _is_harmless(element):
                return _as_text(element)
        # A formula of a student's may be anything, and the converter has many ways to stop.
        except Exception:
            return _as_code(latex)
    return _as_code(latex)


def _as_text(element: ElementTree.Element) -> str:
    for part in element.iter():
        # Signs come as character references, which would be escaped once more.
        part.text = html.unescape(part.text) if part.text else None
        if part.tag == "mo" and part.text and part.text.isalpha():
            part.tag = "mi"  # the name of a function, without an operator's space
    return ElementTree.tostring(element, encoding="unicode", short_empty_elements=False)


def _is_harmless(element: ElementTree.Element) -> bool:
    return all(part.tag in _ELEMENTS and set(part.attrib) <= _ATTRIBUTES for part in element.iter())


def _as_code(latex: str) -> str:
    return f"<code>{html.escape(latex.strip())}</code>"
