"""Says whose turn it is: in the order of arrival, and nobody twice before the others once.

Of one student's submissions for an assignment one is on its way at a time.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from grading.serving.arrivals import Arrival

_LONGEST_PAUSE = 300.0  # seconds; a fault of the machine may pass at any time
_TRIES = 3  # of one of several, before the next one has its turn

Owner = tuple[str, str]
"""A student and an assignment."""


@dataclass(frozen=True)
class Turn:
    """What is to be graded now, and what was handed in before it and is not looked at any more."""

    arrival: Arrival
    superseded: tuple[Arrival, ...] = ()


class Waiting:
    """The submissions that wait.

    Args:
        each: whether every one is graded, in order; else the newest of a student's, for the others.
        clock: seconds that only grow.
    """

    def __init__(self, each: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = each
        self._clock = clock
        self._waiting: dict[Owner, list[Arrival]] = {}
        self._busy: set[Owner] = set()
        self._not_before: dict[Owner, float] = {}
        self._tries: Counter[Arrival] = Counter()
        self._failures: Counter[Owner] = Counter()
        self._served: Counter[Owner] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def students(self, assignment: str) -> Collection[str]:
        """Return whose submissions wait or are on their way."""
        owners = self._waiting.keys() | self._busy
        return {student for student, of in owners if of == assignment}

    def add(self, arrival: Arrival) -> None:
        """Let a submission wait for its turn."""
        self._waiting.setdefault(_owner(arrival), []).append(arrival)

    def next(self) -> Turn | None:
        """Return what is to be graded now; None where nothing is."""
        now = self._clock()
        ready = [
            owner
            for owner in self._waiting
            if owner not in self._busy and self._not_before.get(owner, now) <= now
        ]
        if not ready:
            return None
        owner = min(ready, key=lambda each: (self._served[each], self._first(each)))
        arrivals = sorted(self._waiting.pop(owner), key=_order)
        if self._each:
            # What cannot be graded keeps no later one of the student's waiting.
            arrivals.sort(key=lambda arrival: self._tries[arrival] >= _TRIES)
        if self._each and len(arrivals) > 1:
            self._waiting[owner] = arrivals[1:]
            turn = Turn(arrivals[0])
        else:
            turn = Turn(arrivals[-1], tuple(arrivals[:-1]))
        self._busy.add(owner)
        return turn

    def done(self, arrival: Arrival) -> None:
        """Take note that a turn is over."""
        owner = _owner(arrival)
        self._busy.discard(owner)
        self._failures.pop(owner, None)
        self._tries.pop(arrival, None)
        self._not_before.pop(owner, None)
        self._served[owner] += 1
        if not self._waiting and not self._busy:
            self._served.clear()

    def again(self, turn: Turn, seconds: float | None = None) -> float:
        """Put back what could not be graded, and return in how many seconds it is tried again.

        Args:
            turn: what could not.
            seconds: in which it is tried again; by default in more with every failure.
        """
        owner = _owner(turn.arrival)
        self._busy.discard(owner)
        if seconds is None:
            self._failures[owner] += 1
            self._tries[turn.arrival] += 1
            seconds = min(_LONGEST_PAUSE, 2.0 ** self._failures[owner])
        self._not_before[owner] = self._clock() + seconds
        self._waiting.setdefault(owner, []).extend([turn.arrival, *turn.superseded])
        return seconds

    def _first(self, owner: Owner) -> float:
        return min(arrival.arrived for arrival in self._waiting[owner])


def _owner(arrival: Arrival) -> Owner:
    return arrival.student, arrival.assignment


def _order(arrival: Arrival) -> tuple[object, ...]:
    """Return by what a student's submissions are in order: as they say, else as they came."""
    handed_in = arrival.handed_in.timestamp() if arrival.handed_in else 0.0
    return handed_in, arrival.arrived


def names(arrivals: Sequence[Arrival]) -> list[str]:
    """Return the names of submissions in the exchange."""
    return [arrival.name for arrival in arrivals if arrival.name]
