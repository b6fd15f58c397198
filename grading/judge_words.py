"""Why a test has no result, in words: what the judge says where a kernel reported nothing."""

import re

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
    },
}
"""By language and key; the keys of the limits are those of `grading.sandboxed_execute`."""


_LONGEST_ERROR = 2000  # characters; whoever raises an array tells all that is in it


def without_cell_number(text: str) -> str:
    """Return an error without the number that Jupyter names a cell by, which tells nobody a thing.

    It stands there as a file: `(2264449222.py, line 11)`. A long error is cut.
    """
    if len(text) > _LONGEST_ERROR:
        text = f"{text[:_LONGEST_ERROR]} …"
    return re.sub(r"\(\d+\.py, line (\d+)\)", r"(line \1)", text)
