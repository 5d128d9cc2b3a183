"""A connection to Redis: one script, its arguments and answers, and what went wrong in a sentence."""

import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from tallystick.errors import EngineMissing, StateConflict, StateLost, StateUnavailable

PATIENCE_S = 1.0
"""How long a step may take: longer than Redis ever needs, shorter than a caller waits."""


class RedisLink:
    """One state in a Redis, asked step by step.

    A step is not sent twice by itself: where no answer comes, it may have been taken.

    Parameters
    ----------
    url : such as ``redis://host:6379/0``, ``rediss://...`` or ``unix:///run/redis.sock``
    name : of the state: all its keys begin with it
    patience_s : how long Redis may take to answer

    Raises
    ------
    EngineMissing
        If redis is not installed.
    StateUnavailable
        If the address is none, or Redis does not answer or refuses; from every method.
    """

    def __init__(self, url: str, name: str, patience_s: float = PATIENCE_S) -> None:
        self.address, self._patience_s = without_password(url), patience_s
        self.keys = tuple(f"{{tally:{name}}}:{part}".encode() for part in ("order", "values", "meta"))
        redis = redis_library()
        self._wrong: type[Exception] = redis.RedisError
        once = importlib.import_module("redis.retry").Retry(importlib.import_module("redis.backoff").NoBackoff(), 0)
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=patience_s, socket_connect_timeout=patience_s, retry=once, protocol=2
            )
        except ValueError as error:
            raise StateUnavailable(self.address, reason=str(error)) from error
        self._step: Any = self._client.register_script(step_script())

    def step(self, arguments: Sequence[bytes | int]) -> list[Any]:
        """Take one step, and return what the script returned.

        Raises
        ------
        StateLost
            If the state is not all there, or an older copy of it.
        StateConflict
            If its version is above the one that the step expects.
        StateUnavailable
            If Redis does not answer or refuses.
        """
        answer: list[Any] = self._translated(self._step, self.keys, arguments)
        if answer[0] == b"lost":
            raise StateLost(self.address)
        if answer[0] == b"taken":
            raise StateConflict(self.address)
        return answer

    def call(self, *command: Any) -> Any:
        """Send one command, and return its answer."""
        return self._translated(self._client.execute_command, *command)

    def call_all(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send several commands together, and return their answers; others may come in between."""

        def sent() -> list[Any]:
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = pipeline.execute()
            return answers

        found: list[Any] = self._translated(sent)
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _translated(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except self._wrong as error:
            raise StateUnavailable(self.address, reason=_reason(error, self._patience_s)) from error


def redis_library() -> ModuleType:
    """Return the module redis, of the ``redis`` extra.

    Raises
    ------
    EngineMissing
        If it is not installed.
    """
    try:
        return importlib.import_module("redis")
    except ImportError as error:
        raise EngineMissing("redis", extra="redis") from error


def without_password(url: str) -> str:
    """Return an address without its name and password, for logs and sentences.

    >>> without_password("redis://user:secret@cache.bank:6379/0"), without_password("unix:///run/redis.sock?db=1&password=secret")
    ('redis://cache.bank:6379/0', 'unix:///run/redis.sock')
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


@cache
def step_script() -> str:
    """Return the script of a step."""
    return (Path(__file__).parent / "step.lua").read_text(encoding="utf-8")


def _reason(error: Exception, patience_s: float) -> str:
    if type(error).__name__ == "TimeoutError":
        return f"no answer within {patience_s:g} s"
    return " ".join(str(error).split())[:300] or type(error).__name__
