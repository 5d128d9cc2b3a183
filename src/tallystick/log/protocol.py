"""The log's law: what every store of it keeps, and what whoever reads or writes it may rely on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from tallystick.log.entry import Draft, Entry, Head, Segment


class LogReader(Protocol):
    """A log that can be read and verified; safe to share between threads.

    **One sequence.** Entries have consecutive positions. The first is 1, or one more than the last position of the
    history that was attached; no position is skipped, used twice or given anew.

    **Chained.** An entry's hash is made from the hash before it and every byte of its own. The hash before the first
    entry is made from the digests of the attached history. So a head commits to all that stands before it.

    **Committed only.** A reader sees whole groups, from their commit on and for ever after. What it has seen once it
    sees in every later call, unchanged. Reading never waits for a writer's group to end, and never delays a writer.

    **Never guessing.** A call that cannot read what was written raises an error, and never answers with less.

    Every call may raise `LogUnavailable` where the store cannot be reached (no right, no space, closed), `LogHeld`
    where another process kept it busy for too long, and `LogDamaged` where what it reads there no log writes.

    Shipped tests of this law: `tallystick.testing.log_contract.LogContract`.
    """

    @property
    def name(self) -> str:
        """How a person knows this log, for sentences: the path of its file, or an address."""
        ...

    @property
    def folder(self) -> Path:
        """Where the relative paths of its segments start."""
        ...

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The history attached before the first entry, in order."""
        ...

    @property
    def origin(self) -> Head:
        """Where the entries begin: the end of the attached history, and the hash that commits to it."""
        ...

    @property
    def head(self) -> Head:
        """Where the log ends now: the last committed entry, or the origin where there is none."""
        ...

    def find(self, kind: str, namespace: str, name: str) -> Entry | None:
        """Return the entry of this name, or None.

        Parameters
        ----------
        kind, namespace : str
            What it is about, and where its id is meant.
        name : str
            Its id.
        """
        ...

    def find_many(self, kind: str, namespace: str, names: Collection[str]) -> Mapping[str, Entry]:
        """Return the entries with these ids, by id; those that are not there are left out.

        Parameters
        ----------
        kind, namespace : str
            Common to all of them.
        names : collection of str
            The ids, in any order, repeated or not. Asked for together they cost one look-up of the store.
        """
        ...

    def record(self, namespace: str, name: str) -> Entry | None:
        """Return a record, event or outcome, or None.

        Parameters
        ----------
        namespace : str
            Its stream.
        name : str
            Its id.
        """
        ...

    def records(self, namespace: str, names: Collection[str]) -> Mapping[str, Entry]:
        """Return records, events or outcomes, by id; those that are not there are left out.

        Parameters
        ----------
        namespace : str
            The stream of all of them.
        names : collection of str
            Their ids, as for `find_many`.
        """
        ...

    def entry(self, position: int) -> Entry | None:
        """Return the entry at a position, or None where there is none (or history lies there)."""
        ...

    def last(self, kind: str, namespace: str) -> Entry | None:
        """Return the entry of the highest position, or None: how far a topic was read, which bundle is active.

        Parameters
        ----------
        kind, namespace : str
            Whose latest entry.
        """
        ...

    def read(
        self,
        after: int = 0,
        until: int | None = None,
        kinds: Collection[str] | None = None,
        namespaces: Collection[str] | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in order of position.

        What is yielded is a part of the log as it stood when the first entry was taken; what is committed afterwards
        is for the next reading. The cost is that of the entries yielded, not of those passed over.

        Parameters
        ----------
        after : int
            The position after which to begin.
        until : int, optional
            The last position to read; default, the head.
        kinds : collection of str, optional
            Only entries of these kinds; none where it is empty.
        namespaces : collection of str, optional
            Only entries of these namespaces; none where it is empty.
        """
        ...

    def verify(self, trusted: Head | None = None) -> Head:
        """Recompute every hash from the first byte on, and return the head that was proven.

        Parameters
        ----------
        trusted : Head, optional
            A head kept elsewhere (in the ledger). With it, a tail that was cut, and a chain that was
            rewritten whole, are found too; without it they cannot be.

        Raises
        ------
        LogDamaged
            Naming the first bad position and what is wrong there: header, hash, gap, order, cut or file.
        """
        ...

    def close(self) -> None:
        """Let go of the store; afterwards every other call raises `LogUnavailable`. Closing again does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Log(LogReader, Protocol):
    """A log opened by its one writer.

    **Acknowledged means durable.** When `append` returns, or a `transaction` block is left without an error, the
    group survives whatever the store promises to survive: for a file the end of the process and of the machine.

    **Whole groups.** A group is written completely or not at all. A group that was refused, or whose block raised,
    leaves no trace, and the next one takes its positions.

    **Once.** Kind, namespace and id together name one entry for ever. A name that exists is refused with its group
    (`AlreadyLogged`); what stands there is never changed or deleted.

    **One writer.** While one holds the log, opening it for writing a second time raises `LogHeld`. Threads of the
    writer take turns, a group at a time; a group inside a group raises `GroupOpen`.

    **From a whole end.** A store that outlives its writer proves its last entries before it takes new ones: a chain
    is not continued from a damaged end.
    """

    def attach(self, segment: Segment) -> None:
        """Put history before the first entry; positions go on after it, and the chain commits to its digest.

        Raises
        ------
        SegmentRefused
            When entries exist already, or the segment leaves a hole after the last one, ends before it begins, or
            has no digest.
        """
        ...

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write a group in one transaction; durable when this returns. See `transaction` for what it raises."""
        ...

    def transaction(self, drafts: Sequence[Draft]) -> AbstractContextManager[list[Entry]]:
        """Write a group, hand its entries to the block, and commit when the block is left without an error.

        Whoever keeps a second store in step prepares it inside the block and commits it after: the log is
        then never behind. Nobody reads the group before the commit, nor does the writer itself.

        Parameters
        ----------
        drafts : sequence of Draft
            The group, in the order of its positions; an empty one is allowed, and changes nothing.

        Raises
        ------
        AlreadyLogged
            When an entry of that kind, namespace and id exists, or the group names it twice.
        EntryRefused
            When a draft has an unknown kind, or a number or text that no header holds.
        GroupOpen
            When this thread is inside the block of another group.
        """
        ...
