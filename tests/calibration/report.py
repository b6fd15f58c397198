"""Writes docs/calibration.md and its pictures from what was measured."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from grader_tests.judge.verdicts import FALSE_ALARM_RATE, LEVEL
from tests.calibration import charts
from tests.calibration.false_alarms import Rate, coincidence_rate, rates
from tests.calibration.power import deviation_power

COMMAND = "python -m tests.calibration"
SECTIONS = ("False alarms", "Power", "The corpus", "Many attempts", "Processor time")


def write(measured: Mapping[str, Any], folder: Path) -> None:
    """Write what was measured into the report in a folder, its pictures into one beneath it.

    The sections of parts that were not measured now stay as they stand there, with their date.
    """
    pictures = folder / "calibration"
    pictures.mkdir(parents=True, exist_ok=True)
    sections: dict[str, str] = {}
    if part := measured.get("false_alarms"):
        charts.false_alarms(part["p_values"], pictures / "false_alarms.svg")
        sections["False alarms"] = _false_alarms(part)
    if part := measured.get("power"):
        charts.power(part, pictures / "power.svg")
        sections["Power"] = _power(part)
    if part := measured.get("corpus"):
        counts = confusion_counts(part["outcomes"])
        charts.confusion(counts, pictures / "mistakes.svg")
        sections["The corpus"] = _corpus(part, counts)
        sections["Many attempts"] = many_attempts(part["outcomes"])
    if part := measured.get("time"):
        sections["Processor time"] = _time(part)
    report = folder / "calibration.md"
    before = sections_of(report.read_text(encoding="utf-8")) if report.is_file() else {}
    parts = [sections.get(title) or before.get(title, "") for title in SECTIONS]
    report.write_text("\n".join([_introduction(), *filter(None, parts)]), encoding="utf-8")


def sections_of(text: str) -> dict[str, str]:
    """Return a report's sections, heading included, by their titles."""
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {each.split("\n", 1)[0].removeprefix("## "): each.strip() + "\n" for each in sections}


def confusion_counts(outcomes: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return how often a mistake was named where another, or the same, was expected."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for expected, found, count in outcome["mistakes"]:
            counts[expected, found] += count
    return counts


def _introduction() -> str:
    return f"""# Calibration of the hidden tests

How often the judge fails a correct function, how surely it fails a wrong one, and how well it names
the mistake. Written by `make calibration` (`{COMMAND}`); nothing in it is entered by hand.

The judge's one stated rate is {FALSE_ALARM_RATE:.0e} false alarms per graded submission, shared
out to the criteria that look at random weights, {LEVEL:.0e} each, and within a criterion to its
tests. The derivation of each bound stands beside it in `grader_tests/`.
"""


def _false_alarms(part: Mapping[str, Any]) -> str:
    found = rates(part["p_values"])
    gradings = found[0].gradings
    chance = coincidence_rate(part["coincidences"], part["pairs"])
    lines = [
        "## False alarms",
        "",
        f"{gradings:,} correct gradings were simulated ({part['date']}). At the judge's own level "
        "none can be expected, and none was counted at it "
        f"({_alarms(part['p_values'])} of {gradings:,}). So the same p-values are compared with "
        "levels at which there is something to count. The interval is that of Clopper and Pearson "
        "at 99.9 %; a measured rate agrees where it meets the predicted one. Some p-values are "
        "exact, and their predicted rate is the level, or just below it; the others are upper "
        "bounds that hold for every sample size, and their rate may be anything up to the level.",
        "",
        "| test | level | predicted rate | measured rate | interval | agrees |",
        "| --- | --- | --- | --- | --- | --- |",
        *map(_rate_row, [*found, chance]),
        "",
        "Two criteria have no rate to measure. The bias is exact: a correct one is 0, and passes. "
        "The comparison's bound lies far beyond what a run reaches that learned. Layers count as "
        "left out only where more weights kept their value than the coincidences of the last row "
        "explain.",
        "",
        "![Measured rate of false alarms against the level](calibration/false_alarms.svg)",
        "",
    ]
    return "\n".join(lines)


def _alarms(p_values: Mapping[str, list[float]]) -> int:
    criteria = [values for test, values in p_values.items() if test in charts.CRITERIA]
    return int((np.array(criteria) < LEVEL).any(axis=0).sum())


def _rate_row(rate: Rate) -> str:
    low, high = rate.interval
    span = f"{rate.low:.3g} to {rate.high:.3g}" if rate.low < rate.high else f"{rate.high:.3g}"
    if rate.low == 0:
        span = f"up to {rate.high:.3g}"
    measured = rate.rejected / rate.gradings
    answer = "yes" if rate.agrees else "**no**"
    return (
        f"| {rate.test} | {rate.level:.3g} | {span} | {measured:.3g} | {low:.2g} to {high:.2g} "
        f"| {answer} |"
    )


def _power(part: Mapping[str, Any]) -> str:
    lines = [
        "## Power",
        "",
        "The probability to fail, by how wrong the weights are: the share of 100 simulated "
        f"gradings at each place ({part['date']}), and for the deviation also computed from its "
        "distribution.",
        "",
        "![Probability to fail](calibration/power.svg)",
        "",
        "| deviation, as a ratio to the right one | fails, computed | passes, computed | fails, of "
        "100 |",
        "| --- | --- | --- | --- |",
    ]
    for ratio, share in part["deviation"]:
        fails, passes = deviation_power(ratio)
        lines.append(f"| {ratio} | {fails:.6f} | {passes:.1e} | {100 * share:.0f} |")
    lines += ["", "| mean, as a part of the right deviation | fails, of 100 |", "| --- | --- |"]
    lines += [f"| {shift} | {100 * share:.0f} |" for shift, share in part["mean"]]
    lines += [
        "",
        "| share of uniform weights among normal ones | fails, of 100 |",
        "| --- | --- |",
    ]
    lines += [f"| {place} | {100 * share:.0f} |" for place, share in part["shape"]]
    return "\n".join([*lines, ""])


_ATTEMPTS = (1, 5, 20, 100, 1000)


def many_attempts(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return the part on what a student gains who is graded again and again."""
    wrong = [item for item in outcomes if item["kind"] == "wrong"]
    gradings = sum(item["seeds"] for item in wrong)
    passed = sum(item["passed"] for item in wrong)
    # Clopper and Pearson's upper bound; of no success, the rule of three but exact.
    upper = stats.beta.ppf(0.999, passed + 1, gradings - passed)
    lines = [
        "## Many attempts",
        "",
        "Each submission that changes the work is judged on networks and weights of its own, and "
        "one that does not is judged as before: no attempt prepares for the next. What happens in "
        "one of n has at most n times the probability that it has in one (Boole's inequality).",
        "",
        f"- Right work fails a given submission with {FALSE_ALARM_RATE:.0e} at most, however many "
        "came before. That one of n right submissions fails has at most n times that; and where "
        "the best attempt counts, all n would have to.",
        "- Wrong work passes one of n attempts with at most n times what it passes one with. "
        "For a wrong deviation that is computed: the table has the distance from the right one "
        f"from which on n attempts together pass with less than {_PASSES:.0e}. Nearer than that "
        "lies what no test of this size tells from right.",
        f"- Of the corpus's wrong ways {passed} of {gradings:,} gradings passed every criterion, "
        f"so a way drawn from it passes an attempt with less than {upper:.1g} (Clopper and "
        "Pearson, 99.9 %).",
        "",
        "| attempts | deviation, away from the right one by at least | passes one of them with "
        "less than |",
        "| --- | --- | --- |",
    ]
    for attempts in _ATTEMPTS:
        distance = told_apart(attempts)
        bound = attempts * max(deviation_power(1 + side * distance)[1] for side in (-1, 1))
        lines.append(f"| {attempts:,} | {100 * distance:.2f} % | {bound:.1e} |")
    return "\n".join([*lines, ""])


_PASSES = 1e-9


def told_apart(attempts: int) -> float:
    """Return from which relative distance on a wrong deviation passes none of some attempts.

    With probability 1e-9 at most, by the number of attempts times that of one; by bisection, since
    a deviation farther away passes less.
    """
    near, far = 0.0, 0.2
    for _ in range(40):
        middle = (near + far) / 2
        passes = max(deviation_power(1 + side * middle)[1] for side in (-1, 1))
        near, far = (near, middle) if attempts * passes <= _PASSES else (middle, far)
    return far


def _corpus(part: Mapping[str, Any], counts: Counter[tuple[str, str]]) -> str:
    outcomes = part["outcomes"]
    right = [item for item in outcomes if item["kind"] == "right"]
    wrong = [item for item in outcomes if item["kind"] == "wrong"]
    seeds = outcomes[0]["seeds"]
    failed = sum(item["seeds"] - item["passed"] for item in right)
    passed = sum(item["passed"] for item in wrong)
    scored = sum(item["scored"] for item in outcomes)
    gradings = sum(item["seeds"] for item in outcomes)
    named, trials = (sum(item[key] for item in wrong) for key in ("named", "seeds"))
    others = sorted((pair for pair in counts if pair[0] != pair[1]), key=lambda pair: -counts[pair])
    lines = [
        "## The corpus",
        "",
        f"{len(right)} right and {len(wrong)} wrong ways to write the function (`tests/corpus/`), "
        f"each graded under {seeds} seeds {_where(part)} ({part['date']}).",
        "",
        "| what | measured |",
        "| --- | --- |",
        f"| right ones that failed a criterion | {failed} of {sum(i['seeds'] for i in right):,} |",
        f"| wrong ones that passed every criterion | {passed} of {trials:,} |",
        f"| every criterion scored as expected | {scored:,} of {gradings:,} |",
        f"| wrong ones with the mistake named rightly at every criterion they fail | {named:,} of "
        f"{trials:,} ({named / trials:.2%}) |",
        "",
        "Which mistake is named where which is expected; each grading counts once for every "
        "criterion that it fails. Where a way has several right names, the one that was found is "
        "the one expected.",
        "",
        "![Matrix of mistakes](calibration/mistakes.svg)",
        "",
    ]
    if others:
        lines += ["| expected | named | gradings |", "| --- | --- | --- |"]
        lines += [f"| {a} | {b or 'none'} | {counts[a, b]} |" for a, b in others]
    else:
        lines.append("No other mistake was named than the one expected.")
    return "\n".join([*lines, ""])


def _where(part: Mapping[str, Any]) -> str:
    inside = "in the sandbox, where submissions run"
    return inside if part["sandbox"] else "beside the sandbox"


def _time(part: Mapping[str, Any]) -> str:
    lines = [
        "## Processor time",
        "",
        f"Probe and judge of one function, all five criteria, {part['gradings']} gradings each "
        f"({part['date']}): median, and the largest in parentheses.",
        "",
        "| way | without pictures | with a picture for each criterion that has one |",
        "| --- | --- | --- |",
    ]
    for name, seconds in part["ways"].items():
        cells = [f"{half:.2f} s ({most:.2f} s)" for half, most in seconds.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
