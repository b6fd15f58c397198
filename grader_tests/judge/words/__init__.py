"""Every sentence of the judge, one file a language, named by the language's code."""

from pathlib import Path

from grader_kit.judging.words import Words

WORDS = Words(Path(__file__).parent)
LANGUAGES = WORDS.languages
"""The codes of the languages; another file makes another language."""
catalogue, say, explain, whole = WORDS.catalogue, WORDS.say, WORDS.explain, WORDS.whole
