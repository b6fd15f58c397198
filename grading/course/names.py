"""Shows names and messages that others have written on a terminal, without doing what they say."""


def shown(text: str) -> str:
    """Return a text with signs that steer a terminal, or that no text has, as escapes."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
