"""What is said about a submission that had to be repaired, or could not be read.

The log and the instructor read it in English, a student in the language of the assignment. Remarks
travel as plain English sentences, through files and processes; `in_language` recognizes each by the
template that it was made from.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from grading.course.names import shown

_LONGEST = 300  # characters of a value; what a student named or broke may have any length
_LISTED = 5

_TEMPLATES: dict[str, tuple[str, str]] = {
    "heading": ("Remarks on this submission", "关于这份提交的说明"),
    # Reading the file
    "no_notebook": (
        "There is no notebook {name}.ipynb in the submission.",
        "提交的文件里没有名为 {name}.ipynb 的笔记。",
    ),
    "several_notebooks": (
        "There is no notebook {name}.ipynb in the submission, and which of {names} is meant is not "
        "clear.",
        "提交的文件里没有名为 {name}.ipynb 的笔记，也无法判断 {names} 中哪一个才是。",
    ),
    "other_name": (
        "The notebook was handed in as {name}.",
        "笔记是以 {name} 这个文件名提交的。",
    ),
    "large_files": (
        "Left out because of their size: {names}. Files beside the notebook may have {most} MiB "
        "together.",
        "因为太大而被略去：{names}。笔记之外的文件总共不得超过 {most} MiB。",
    ),
    "many_files": (
        "There are too many files or folders beside the notebook; the first {most} were taken, "
        "those nearest to it.",
        "笔记之外的文件或文件夹太多；只取用了离笔记最近的 {most} 个文件。",
    ),
    "course_files": (
        "Left out, because the course's own files are used: {names}.",
        "使用的是课程自带的文件，因此略去：{names}。",
    ),
    "module_files": (
        "Left out, because they would take the place of installed modules: {names}.",
        "会取代已安装的模块，因此略去：{names}。",
    ),
    "timestamp": (
        "When it was handed in is not known: timestamp.txt holds no time that can be read.",
        "无法得知提交的时间：timestamp.txt 里没有可以读取的时间。",
    ),
    "link": ("{name} is a link, not a file.", "{name} 是一个链接，不是文件。"),
    "too_large": (
        "{name} has {size} bytes; {most} are read. Clear its outputs and save it.",
        "{name} 有 {size} 字节；最多读取 {most} 字节。请清除输出后再保存。",
    ),
    "no_cells": ("{name} has no list of cells.", "{name} 里没有单元格列表。"),
    "too_many_cells": (
        "{name} has {count} cells; {most} are read.",
        "{name} 有 {count} 个单元格；最多读取 {most} 个。",
    ),
    "strange_cells": (
        "Cells that no notebook can have were left out.",
        "有些单元格不可能出现在笔记里，已被略去。",
    ),
    "empty_file": ("{name} is empty.", "{name} 是空的。"),
    "encoding": ("The file was saved as {encoding}.", "文件是以 {encoding} 编码保存的。"),
    "damaged": (
        "{name} is damaged: it is not the JSON that a notebook consists of. It may have been cut "
        "off while it was saved.",
        "{name} 已损坏：它不是笔记应有的 JSON，可能在保存时被截断了。",
    ),
    "other_json": ("{name} is JSON, but not a notebook.", "{name} 是 JSON，但不是笔记。"),
    "not_converted": (
        "{name} has the old format {version}, and could not be converted: {error}",
        "{name} 是旧格式 {version}，无法转换：{error}",
    ),
    "converted": (
        "The notebook had the old format {version} and was converted.",
        "笔记是旧格式 {version}，已经转换。",
    ),
    "other_format": (
        "The notebook says it has format {version}; it was read as format 4.",
        "笔记自称格式为 {version}；已按格式 4 读取。",
    ),
    # Putting it back into the release's form
    "order": (
        "Cells stood in another order than in the release; they were put back.",
        "单元格的顺序与发布的笔记不同，已恢复原来的顺序。",
    ),
    "missing": ("{cell} was missing and was put back.", "{cell}不见了，已放回。"),
    "repeated": ("{cell} occurred {count} times.", "{cell}出现了 {count} 次。"),
    "changed": ("{cell} had been changed and was put back.", "{cell}被改动过，已恢复。"),
    "all_count": (
        "{cell} occurred {count} times; all of them count.",
        "{cell}出现了 {count} 次；全部有效。",
    ),
    "cell": ("The cell {name}", "单元格 {name} "),
    "given_cell": ("A given cell", "一个给定的单元格"),
}


def remark(key: str, **values: object) -> str:
    """Return a remark in English; of names in it, what no text can hold is escaped.

    Raises:
        KeyError: there is no such remark, or a value is missing.
    """
    told = {name: _told(value) for name, value in values.items()}
    return shown(_TEMPLATES[key][0].format(**told))


def listed(names: Sequence[Path]) -> str:
    """Return names of files for a remark, the first few of them."""
    told = ", ".join(_told(name)[: _LONGEST // (_LISTED + 1)] for name in names[:_LISTED])
    more = len(names) - _LISTED
    return f"{told}, … (+{more})" if more > 0 else told


def _told(value: object) -> str:
    """Return a value as any file can hold it: no halves of characters, and not too long."""
    text = re.sub(r"[\x00-\x1f]", "", str(value).encode("utf-8", "replace").decode())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def in_language(sentence: str, language: str) -> str:
    """Return a remark in a language; what is none of the remarks stays as it is."""
    if language == "en":
        return sentence
    for english, chinese in _TEMPLATES.values():
        match = _pattern(english).fullmatch(sentence)
        if match:
            values = match.groupdict()
            if "cell" in values:
                values["cell"] = in_language(values["cell"], language)
            return chinese.format(**values)
    return sentence


def _pattern(template: str) -> re.Pattern[str]:
    """Return what matches every sentence that a template makes, and captures its values."""
    escaped = re.escape(template)
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", escaped), re.DOTALL)
