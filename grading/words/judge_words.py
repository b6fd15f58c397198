"""Why a test has no result, in words: what the judge says where a kernel reported nothing."""

import re
from typing import Any

from grading.words.remark_words import in_language

WORDS = {
    "en": {
        "this_test": "this test",
        "earlier_cell": "an earlier cell",
        "exercise": "The exercise's cell",
        "test": "The test",
        "died": "The Python process ended while {where} was running, so the test has no result.",
        "limit": "While {where} was running, {limit}, so the test has no result.",
        "cell time": "it took longer than one cell may",
        "notebook time": "the whole notebook had taken longer than it may",
        "processor time": "the processor time of a submission was used up",
        "memory": "it used more memory than a submission may",
        "processes": "it started more processes than a submission may",
        "output": "it wrote more output than a submission may",
        "several": "The test reported {count} observations where one belongs.",
        "timeout": "{what} took too long and was stopped.",
        "error": "{what} stopped with {error}",
        "not_run": "The test did not run.",
        "nothing": "The test ran but reported no observation.",
        "hidden_error": "The test failed, and its error was kept from being shown.",
        "no_score": "The test's result is {found}; it should be a number from 0 to {points:g}.",
    },
    "zh": {
        "this_test": "这项测试",
        "earlier_cell": "前面的一个单元格",
        "exercise": "练习的单元格",
        "test": "测试",
        "died": "运行{where}时 Python 进程中止了，因此测试没有结果。",
        "limit": "运行{where}时{limit}，因此测试没有结果。",
        "cell time": "超过了单个单元格允许的时间",
        "notebook time": "整本笔记超过了允许的时间",
        "processor time": "一份作业可用的处理器时间用完了",
        "memory": "占用的内存超过了一份作业的限额",
        "processes": "启动的进程超过了一份作业的限额",
        "output": "输出的内容超过了一份作业的限额",
        "several": "测试报告了 {count} 份观察结果，本应只有一份。",
        "timeout": "{what}运行时间太长，已被停止。",
        "error": "{what}因错误而停止：{error}",
        "not_run": "测试没有运行。",
        "nothing": "测试运行了，但没有报告观察结果。",
        "hidden_error": "测试没有通过，而它的错误信息被隐藏了。",
        "no_score": "测试的结果是 {found}，它应当是 0 到 {points:g} 之间的一个数。",
    },
}
"""By language and key; the keys of the limits are those of `grading.running.sandboxed_execute`."""


_LONGEST_ERROR = 2000  # characters; whoever raises an array tells all that is in it


def without_cell_number(text: str) -> str:
    """Return an error without the number that Jupyter names a cell by, which tells nobody a thing.

    It stands there as a file: `(2264449222.py, line 11)`. A long error is cut.
    """
    if len(text) > _LONGEST_ERROR:
        text = f"{text[:_LONGEST_ERROR]} …"
    return re.sub(r"\(\d+\.py, line (\d+)\)", r"(line \1)", text)


def why_cut_short(execution: dict[str, Any], index: int, ran: bool, language: str) -> str | None:
    """Say why the run did not get past the test cell at `index`; None where it did.

    Args:
        execution: how the run went (`grading.running.execute.EXECUTION`).
        index: the cell's place in the notebook.
        ran: whether the cell ran all the same.
        language: "en" or "zh".
    """
    if execution.get("unreadable"):
        return in_language(str(execution["unreadable"]), language)
    words = WORDS[language]
    died, limit_cell = execution.get("died"), execution.get("limit_cell")
    if died is not None and index >= died:
        where = words["this_test" if index == died else "earlier_cell"]
        return words["died"].format(where=where)
    # After a cell that took too long the kernel mostly goes on.
    if limit_cell is not None and (index == limit_cell or (index > limit_cell and not ran)):
        where = words["this_test" if index == limit_cell else "earlier_cell"]
        return words["limit"].format(where=where, limit=words[execution["limit"]])
    return None
