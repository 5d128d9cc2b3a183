"""The committer groups what waits, never lets more wait than may, and answers everything before it stops."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from tallystick.errors import QueueFull, ServiceStopped
from tallystick.serving.committer import Committer
from tallystick.serving.requests import Answer, Refused, Request, Task


def task(name: str) -> Task:
    """Return a task that can be told from others."""
    return Task(name, Request(b"{}"), is_decision=True)


class Slow:
    """Answers by name, and waits before each group until it may go on."""

    def __init__(self) -> None:
        self.may_go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.groups: list[list[str]] = []

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        """Answer a group."""
        self.begun.release()
        self.may_go.acquire()
        self.groups.append([each.target for each in tasks])
        return [Refused("invalid", each.target) for each in tasks]


def named(answers: Future[list[Answer]]) -> list[str]:
    """Return the names in some answers."""
    return [answer.message for answer in answers.result(timeout=5) if isinstance(answer, Refused)]


def test_what_waits_is_taken_together() -> None:
    """While one group is written the next ones gather, and each caller gets its own answers in its order."""
    slow = Slow()
    committer = Committer(slow)
    committer.start()
    first = committer.submit([task("a")])
    slow.begun.acquire()

    later = [committer.submit([task("b"), task("c")]), committer.submit([task("d")])]
    slow.may_go.release(2)

    assert [named(first), named(later[0]), named(later[1])] == [["a"], ["b", "c"], ["d"]]
    assert slow.groups == [["a"], ["b", "c", "d"]]
    committer.stop()


def test_groups_are_bounded_and_callers_stay_together() -> None:
    """A group takes no more than its size, unless one caller alone brings more."""
    slow = Slow()
    committer = Committer(slow, most_together=2)
    committer.start()
    committer.submit([task("a")])
    slow.begun.acquire()

    waiting = [committer.submit([task(name) for name in names]) for names in ("bcd", "e", "fg")]
    slow.may_go.release(4)

    assert [named(each) for each in waiting] == [["b", "c", "d"], ["e"], ["f", "g"]]
    assert slow.groups == [["a"], ["b", "c", "d"], ["e"], ["f", "g"]]
    committer.stop()


def test_more_than_may_wait_is_refused() -> None:
    """A full queue refuses at once instead of growing."""
    slow = Slow()
    committer = Committer(slow, most_waiting=2)
    committer.start()
    committer.submit([task("a")])
    slow.begun.acquire()
    committer.submit([task("b"), task("c")])

    with pytest.raises(QueueFull):
        committer.submit([task("d")])

    slow.may_go.release(2)
    committer.stop()


def test_stopping_answers_what_waits() -> None:
    """A clean stop refuses new tasks and answers all that were taken."""
    slow = Slow()
    committer = Committer(slow)
    committer.start()
    taken = [committer.submit([task("a")]), committer.submit([task("b")])]
    slow.may_go.release(2)

    committer.stop()

    assert [named(each) for each in taken] == [["a"], ["b"]]
    with pytest.raises(ServiceStopped):
        committer.submit([task("c")])


def test_an_unexpected_error_reaches_the_callers_and_the_thread_goes_on() -> None:
    """A group that breaks answers its callers with the error; the next group is served."""

    def breaks_once(tasks: Sequence[Task]) -> list[Answer]:
        if tasks[0].target == "bad":
            raise RuntimeError("broken")
        return [Refused("invalid", each.target) for each in tasks]

    committer = Committer(breaks_once)
    committer.start()

    with pytest.raises(RuntimeError, match="broken"):
        committer.submit([task("bad")]).result(timeout=5)

    assert named(committer.submit([task("good")])) == ["good"]
    committer.stop()


def test_a_caller_who_gives_up_takes_nobody_along() -> None:
    """Who gives up before the group is begun is left out; afterwards it is too late; the thread goes on either way."""
    slow = Slow()
    committer = Committer(slow)
    committer.start()
    begun = committer.submit([task("begun")])
    slow.begun.acquire()
    waiting = [committer.submit([task(name)]) for name in "ab"]

    given_up = (begun.cancel(), waiting[0].cancel())
    slow.may_go.release(3)

    assert given_up == (False, True)
    assert named(waiting[1]) == ["b"]
    alone = committer.submit([task("alone")])
    assert named(alone) == ["alone"]
    assert slow.groups == [["begun"], ["b"], ["alone"]]
    committer.stop()
