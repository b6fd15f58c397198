"""The base of the errors that helpers raise."""


class HelperError(Exception):
    """Something that whoever called a helper can put right; the message says how."""
