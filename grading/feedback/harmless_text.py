"""Makes texts of a student's harmless on a page: nothing in them runs, and nothing is fetched.

A picture that a page loads from elsewhere tells that place who reads which answer, and when; one
from the reader's own server does there what its address says. So pictures are the notebook's own,
and all others become links, which lead somewhere when a person follows them.
"""

import html
import re
from urllib.parse import unquote

import nh3

BREAK = "\u200b"
"""Shown to whoever reads, and written by nobody; it ends what a browser would take for a tag."""

# A name beside the notebook: no way up, no way to another machine, nothing that a parser decodes.
_PART = r"[\w-](?:[\w.-]|%20)*"
_OWN_NAME = rf"(?:\./)?(?:{_PART}/){{0,9}}{_PART}\.(?:png|jpe?g|gif|webp|svg)"
_OWN = re.compile(_OWN_NAME.replace("%20", " "), re.IGNORECASE)
_WITHIN = r"data:image/(?:png|jpeg|gif|webp);base64,"
# What stands after `![` where no parser can take the picture for another: in a simple form.
_PICTURE = re.compile(
    r"!\[(?P<own>(?![^\[\]\n]{0,300}://)[^\[\]\n\\`$<~^|]{0,300}"
    rf"\]\((?:attachment:[^\s()<>\\\"']{{1,300}}|{_WITHIN}[A-Za-z0-9+/=]*|{_OWN_NAME})"
    r'(?:[ \t]{1,9}"[^"\\\n&]{0,300}")?\))?'
    r"(?P<bare>[ \t]{0,9}\](?:\(<?|\[)(?P<address>[^\s<>()\[\]]{1,500}))?",
    re.IGNORECASE,
)
# An entity is decoded after all that looks for words; none of these has to be one.
_ENTITY = re.compile(r"&(?:#0{0,9}\d{1,3}|#[xX]0{0,9}[0-9a-fA-F]{1,2}|bsol|colon);?")
_PLAIN = re.compile(r"[A-Za-z:\\]")
_SCHEME = re.compile(rf"(?!{_WITHIN})(script|data|file|blob)(\s*)(\\*:|&#|&colon)", re.IGNORECASE)
_RUNS = re.compile(
    rf"(?!{_WITHIN})(?:[a-z0-9+.-]*script|data|file|filesystem|blob):", re.IGNORECASE
)
# An address between angle brackets is a link, and no tag.
_BEGIN = re.compile(r"<(?=[a-zA-Z/!?])(?!https?://[^\s<>\"']{1,500}>)")
# A fence from its first sign on: tried at each, a long one would take time in its square.
_DIAGRAM = re.compile(r"((?:(?<!`)`{3,}|(?<!~)~{3,})[^\S\n]*)(?=mermaid)", re.IGNORECASE)
# Commands by which a formula links, styles, names, or loads something.
_COMMAND = re.compile(r"\\(?=(?:href|style|class|cssId|require|mmlToken|includegraphics)\b)")
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>?")
_NAME = re.compile(r"</?([a-z]+[1-6]?)\b")
_ATTRIBUTE = re.compile(r'\b(href|src|class)="([^"]*)"')
_TAGS = frozenset(
    (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "a", "img", "em", "strong", "del", "br", "hr"),
        *("code", "pre", "span", "div", "blockquote", "ul", "ol", "li", "input", "dl", "dt", "dd"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    )
)


def decoded(text: str) -> str:
    """Return Markdown in which no letter, colon or backslash is written as an entity."""

    def plain(match: re.Match[str]) -> str:
        sign = html.unescape(match[0])
        return sign if _PLAIN.fullmatch(sign) else match[0]

    return _ENTITY.sub(plain, text)


def harmless_markdown(text: str) -> str:
    """Return Markdown in which nothing is taken for HTML, runs when it is clicked, or is fetched.

    What a parser makes of it all the same is for `is_harmless` to find.
    """
    text = _BEGIN.sub(f"<{BREAK}", decoded(text))
    text = _SCHEME.sub(rf"\1{BREAK}\2\3", linked_pictures(text))
    return harmless_formulas(_DIAGRAM.sub(r"\1text ", text))


def linked_pictures(text: str) -> str:
    """Return Markdown with links in place of pictures that are not the notebook's own."""

    def linked(match: re.Match[str]) -> str:
        if match["own"] is not None:
            return match[0]
        # A link without words could not be seen.
        return f"!{BREAK}[{match['address'] or ''}{(match['bare'] or '').lstrip()}"

    return _PICTURE.sub(linked, text)


def harmless_formulas(text: str) -> str:
    """Break commands by which MathJax makes links, sets styles or loads files."""
    return _COMMAND.sub(rf"\\{BREAK}", text)


def is_harmless(page: str) -> bool:
    """Tell whether HTML that was made of Markdown runs nothing and loads nothing from elsewhere."""
    for tag in _TAG.findall(page):
        name = _NAME.match(tag)
        if name is None or name[1] not in _TAGS:
            return False
        for attribute, value in _ATTRIBUTE.findall(tag):
            plain = re.sub(r"[\x00-\x20]", "", html.unescape(value))
            harmful = {
                "href": _RUNS.match(plain),
                "src": not (_OWN.fullmatch(unquote(plain)) or re.match(_WITHIN, plain)),
                "class": "mermaid" in plain.lower(),
            }
            if harmful[attribute]:
                return False
    return not _COMMAND.search(html.unescape(page))


def clean_html(text: str) -> str:
    """Return HTML without scripts, handlers, forms, frames and links that run something.

    Images may be of the page itself (data:) in a format that cannot hold a script.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        allowed = {"src": r"data:image/(png|jpeg|gif|webp);base64,", "href": r"https?:|mailto:|#"}
        return value if re.match(allowed.get(attribute, ""), value) else None

    clean = nh3.clean(
        text,
        tags=nh3.ALLOWED_TAGS | {"figure", "figcaption"},
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )
    # Afterwards: entities and comments no longer part a command.
    return harmless_formulas(clean)
