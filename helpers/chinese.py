"""placeholder"""

CHINESE: dict[str, str] = {}
