"""Running totals in Redis: a server of its own, one round trip for each look, one atomic step to write, one writer."""

import secrets
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise

from tallystick.errors import StateConflict, StateLost, StateUnavailable
from tallystick.features.state.redis_link import PATIENCE_S, RedisLink
from tallystick.features.state.step import StateStep, StepResult
from tallystick.features.state.store import Entry

LONGEST_KEY = 511
"""As in LMDB, so that both refuse the same records."""

AT_ONCE = 1_000
LOADING_S = 3_600


class RedisStore:
    """An ordered store in a Redis, under keys that begin with its name.

    The keys are one sorted set, ordered by their bytes, and the values one hash, so that a look before a key is a
    lookup in the one and a lookup in the other, whatever the number of entries. All of a state lies in one slot of a
    cluster.

    **One writer.** A transaction keeps what it puts to itself, and its ``commit`` is one atomic step, which is refused
    as ``StateConflict`` if anybody else wrote since this store's last: a second writer is noticed, and never served.
    **A commit of unknown fate.** After one that got no answer, ``get`` says what is there, and transactions go on from
    what it saw.
    **What is lost is noticed.** A state has a name from its birth, a version that only rises, and as many values as
    keys; where Redis was restarted without its data or with an older copy, or removed some to save memory, every later
    step is ``StateLost``.

    Parameters
    ----------
    url : such as ``redis://host:6379/0`` or ``unix:///run/redis.sock``
    name : of the state, such as a plan's state digest; several may lie in one Redis
    patience_s : how long Redis may take to answer

    Raises
    ------
    EngineMissing
        If redis is not installed.
    StateUnavailable
        If Redis does not answer or refuses, here or from any method.
    StateLost
        If the state is not all there, here or from any method.
    """

    def __init__(self, url: str, name: str, patience_s: float = PATIENCE_S) -> None:
        self._link = RedisLink(url, name, patience_s)
        self._order, self._values, self._meta = self._link.keys
        self._link.call("HSETNX", self._meta, "birth", secrets.token_hex(8))
        self._birth: bytes = self._link.call("HGET", self._meta, "birth")
        self._is_in_doubt = False
        try:
            self._version: int | None = self.step(StateStep()).version
        except StateLost:
            self._link.close()
            raise

    @classmethod
    def anew(cls, url: str, name: str) -> "RedisStore":
        """Delete what there is of a state, and open an empty one: whoever has the old one open sees it lost.

        Parameters
        ----------
        url : of the Redis
        name : of the state
        """
        link = RedisLink(url, name)
        link.call("DEL", *link.keys)
        link.close()
        return cls(url, name)

    @property
    def longest_key(self) -> int:
        """The most bytes a key may have."""
        return LONGEST_KEY

    @property
    def address(self) -> str:
        """Where it is, without names and passwords."""
        return self._link.address

    def begin(self) -> "RedisTransaction":
        """Begin to write."""
        return RedisTransaction(self, self._version)

    def get(self, key: bytes) -> bytes | None:
        """Return what was committed under a key, or None."""
        found = self.step(StateStep(gets=[key]))
        if self._version is None:
            self._version = found.version
        return found.values[0]

    def keep(self, step: StateStep) -> None:
        """Take the step that commits a transaction.

        Raises
        ------
        StateConflict
            If anybody else wrote meanwhile.
        StateUnavailable
            If Redis does not answer or refuses; whether the step was taken is not known.
        """
        try:
            self._version, self._is_in_doubt = self.step(step).version, False
        except StateUnavailable:
            self._version, self._is_in_doubt = None, True
            raise
        except StateConflict:
            if self._is_in_doubt:  # by ourselves, it seems: the one without an answer came late
                self._version = None
            raise

    def step(self, step: StateStep) -> StepResult:
        """Take one atomic step, if the state is all there.

        Raises
        ------
        StateLost
            If it is not, or its version is below the one that the step expects.
        StateConflict
            If its version is above the one that the step expects.
        StateUnavailable
            If Redis does not answer or refuses.
        """
        return StepResult.of(self._link.step([self._birth, *step.arguments()]))

    def load(self, entries: Iterable[Entry]) -> None:
        """Put rising entries into the empty store: written beside it, and in its place at once.

        Parameters
        ----------
        entries : in rising order of their keys

        Raises
        ------
        ValueError
            If a key is not above the one before it, or the store is not empty.
        StateLost
            If the state was lost meanwhile.
        """
        beside = [key + b":" + secrets.token_hex(8).encode() for key in (self._order, self._values)]
        try:
            self._write(entries, beside)
            answers = self._link.call(
                "EVAL", _TAKE_PLACE, 5, self._order, self._values, self._meta, *beside, self._birth
            )
        finally:
            self._link.call("DEL", *beside)
        if answers == b"lost":
            raise StateLost(self.address)
        if answers != b"taken":
            raise ValueError("This store is not empty.")
        self._version = self.step(StateStep()).version

    def entries(self) -> Iterator[Entry]:
        """Yield everything that was committed, in rising order of keys."""
        yield from stretch(self, None, b"")

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def _write(self, entries: Iterable[Entry], beside: Sequence[bytes]) -> None:
        order, values = beside
        last, left = None, iter(entries)
        while some := list(islice(left, AT_ONCE)):
            keys = [key for key, _ in some]
            if any(one >= other for one, other in pairwise(keys if last is None else [last, *keys])):
                raise ValueError("These entries do not rise, or the store is not empty.")
            last = keys[-1]
            self._link.call_all(
                [
                    ("ZADD", order, *[part for key in keys for part in (0, key)]),
                    ("HSET", values, *[part for entry in some for part in entry]),
                    *[("EXPIRE", key, LOADING_S) for key in beside],  # if we are killed, nobody else knows of them
                ]
            )


class RedisTransaction:
    """What is put stays here until the commit; what is looked up is looked up here and there.

    Parameters
    ----------
    store : whose keys they are
    version : the state's version that the transaction began with, None where it is not held to one
    """

    def __init__(self, store: RedisStore, version: int | None) -> None:
        self._store, self._version = store, version
        self._puts: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key, or None."""
        if key in self._puts:
            return self._puts[key]
        return self._look(StateStep(self._version, gets=[key])).values[0]

    def put(self, key: bytes, value: bytes) -> None:
        """Write a value under a key, in place of what was there.

        Parameters
        ----------
        key : at most ``longest_key`` bytes
        value : any bytes
        """
        if key not in self._puts:
            insort(self._keys, key)
        self._puts[key] = value

    def put_all(self, entries: Mapping[bytes, bytes]) -> None:
        """Put several entries."""
        for key, value in entries.items():
            self.put(key, value)

    def before_all(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """Return for each key the entry with the greatest key below it, or None, in one round trip."""
        if not keys:
            return []
        found = self._look(StateStep(self._version, before=keys)).before
        return [self._nearer(key, entry) for key, entry in zip(keys, found, strict=True)]

    def around(self, key: bytes) -> tuple[Entry | None, bytes | None]:
        """Return the entry before this key, and the first key at or after it; None where there is none."""
        found = self._look(StateStep(self._version, before=[key], onwards=key, most=1))
        place = bisect_left(self._keys, key)
        after = [*(next_key for next_key, _ in found.onwards), *self._keys[place : place + 1]]
        return self._nearer(key, found.before[0]), min(after, default=None)

    def onwards(self, key: bytes) -> Iterator[Entry]:
        """Yield the entries from this key on, in rising order."""
        place = bisect_left(self._keys, key)
        for entry in stretch(self._store, self._version, key):
            while place < len(self._keys) and self._keys[place] < entry[0]:
                yield self._keys[place], self._puts[self._keys[place]]
                place += 1
            if place < len(self._keys) and self._keys[place] == entry[0]:
                continue  # it is among ours, with what we put
            yield entry
        for ours in self._keys[place:]:
            yield ours, self._puts[ours]

    def commit(self) -> None:
        """Keep everything that was put, at once.

        Raises
        ------
        StateConflict
            If anybody else wrote since this store's last commit; then nothing is kept.
        StateUnavailable
            If Redis does not answer or refuses.
        """
        if self._puts:
            self._store.keep(StateStep(self._version, puts=self._puts))
        self.abort()

    def abort(self) -> None:
        """Forget everything that was put."""
        self._puts, self._keys = {}, []

    def _look(self, step: StateStep) -> StepResult:
        found = self._store.step(step)
        # A transaction that began without knowing the version knows it from its first look, and holds on to it: what
        # it computes of two looks would be wrong if anybody wrote in between.
        self._version = found.version
        return found

    def _nearer(self, key: bytes, there: Entry | None) -> Entry | None:
        """Return the greater of the entry that is there and our own before a key."""
        place = bisect_left(self._keys, key)
        if not place or (there is not None and there[0] > self._keys[place - 1]):
            return there
        ours = self._keys[place - 1]
        return ours, self._puts[ours]


def stretch(store: RedisStore, version: int | None, key: bytes) -> Iterator[Entry]:
    """Yield the entries from a key on, some at once.

    Parameters
    ----------
    store : where they are
    version : that the state must have all the time; None for any
    key : the first key; it need not be there
    """
    while True:
        found = store.step(StateStep(version, onwards=key, most=AT_ONCE)).onwards
        yield from found
        if len(found) < AT_ONCE:
            return
        key = found[-1][0] + b"\0"


_TAKE_PLACE = """
if redis.call('HGET', KEYS[3], 'birth') ~= ARGV[1] then return 'lost' end
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 'full' end
if redis.call('EXISTS', KEYS[4], KEYS[5]) > 0 then
  redis.call('RENAME', KEYS[4], KEYS[1])
  redis.call('RENAME', KEYS[5], KEYS[2])
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
end
redis.call('HINCRBY', KEYS[3], 'version', 1)
return 'taken'
"""
