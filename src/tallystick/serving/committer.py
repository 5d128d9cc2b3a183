"""One thread that writes: whatever waits is committed together, so that many share one sync of the disk."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from tallystick.errors import QueueFull, ServiceStopped
from tallystick.serving.requests import Answer, Task

Handle = Callable[[Sequence[Task]], list[Answer]]


@dataclass(frozen=True, slots=True)
class _Job:
    tasks: Sequence[Task]
    answers: Future[list[Answer]]


class Committer:
    """Collects tasks from many callers and hands them, a group at a time, to one function in one thread.

    **Bounded.** More than ``most_waiting`` tasks never wait: the next caller is refused at once.
    **Together.** A group is all that waits, up to ``most_together`` tasks; a caller's tasks stay together.
    **Clean stop.** ``decline`` refuses new tasks, and returns when the last one waiting was answered.
    **Taken is done.** Who gives up while waiting is left out; once a group is begun nobody can take a task back.

    Examples
    --------
    >>> from tallystick.serving.requests import Refused, Request
    >>> committer = Committer(lambda tasks: [Refused("invalid", task.target) for task in tasks])
    >>> committer.start()
    >>> committer.submit([Task("payments", Request(b"{}"), is_decision=True)]).result()[0].message
    'payments'
    >>> committer.stop()
    """

    def __init__(self, handle: Handle, *, most_waiting: int = 2_000, most_together: int = 256) -> None:
        self._handle = handle
        self._most_waiting, self._most_together = most_waiting, most_together
        self._jobs: deque[_Job] = deque()
        self._n_waiting = 0
        self._is_stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Begin to take tasks."""
        self._thread.start()

    def submit(self, tasks: Sequence[Task]) -> Future[list[Answer]]:
        """Queue the tasks of one caller; the future holds their answers, in their order, once they are durable.

        Raises
        ------
        QueueFull
            If more would wait than may wait.
        ServiceStopped
            If the service is going down.
        """
        job = _Job(tasks, Future())
        with self._changed:
            if self._is_stopping:
                raise ServiceStopped
            if self._n_waiting + len(tasks) > self._most_waiting:
                raise QueueFull(waiting=self._n_waiting, most=self._most_waiting)
            self._jobs.append(job)
            self._n_waiting += len(tasks)
            self._changed.notify()
        return job.answers

    def stop(self) -> None:
        """Refuse new tasks, answer those that wait, and return."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while jobs := self._next_group():
            # An answer set for somebody who gave up would be an error, and end the thread that writes.
            if kept := [job for job in jobs if job.answers.set_running_or_notify_cancel()]:
                self._answer(kept)

    def _answer(self, jobs: Sequence[_Job]) -> None:
        try:
            answers = iter(self._handle([task for job in jobs for task in job.tasks]))
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            for job in jobs:
                job.answers.set_exception(error)
            return
        for job in jobs:
            job.answers.set_result([next(answers) for _ in job.tasks])

    def _next_group(self) -> list[_Job]:
        """Wait for work and take it; nothing is left and nothing will come where it is empty."""
        with self._changed:
            while not self._jobs and not self._is_stopping:
                self._changed.wait()
            jobs: list[_Job] = []
            n_tasks = 0
            while self._jobs and (not jobs or n_tasks + len(self._jobs[0].tasks) <= self._most_together):
                jobs.append(self._jobs.popleft())
                n_tasks += len(jobs[-1].tasks)
            self._n_waiting -= n_tasks
            return jobs
