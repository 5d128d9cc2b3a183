"""The law of the log, as tests: whoever writes a store of it inherits them."""

import threading
from collections.abc import Callable

import pytest

from tallystick.errors import AlreadyLogged, EntryRefused, GroupOpen, LogDamaged, LogUnavailable, SegmentRefused
from tallystick.log.chain import entry_hash, genesis
from tallystick.log.entry import KINDS, Draft, Entry, Head, Kind, Segment
from tallystick.log.protocol import Log, LogReader

HISTORY = Segment("a" * 64, 1, 50, "history")


def draft(name: str, *, kind: Kind = "event", namespace: str = "payments", body: bytes = b"{}") -> Draft:
    """Return a draft of which only what a test speaks of is its own.

    Parameters
    ----------
    name : its id
    kind : what it is about
    namespace : of its id
    body : what it says
    """
    return Draft(kind, namespace, name, 7, body)


def altered(entry: Entry, what: str) -> Entry:
    """Return an entry with one of its parts changed, as somebody would who hopes that nobody notices.

    Parameters
    ----------
    entry : as the log wrote it
    what : the field that is changed
    """
    other: dict[str, object] = {"namespace": "payment", "id": "q", "at": entry.at + 1, "body": b'{"amount":"1"}'}
    other |= {"kind": "outcome" if entry.kind == "event" else "event", "hash": bytes(32)}
    parts = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    return Entry(**{**parts, what: other[what]})


class LogContract:
    """Subclass me, provide the fixtures, and inherit the tests.

    Fixtures
    --------
    log : Log
        A new, empty log, opened by its writer.
    other : Log
        A second one, which has nothing to do with the first.
    reader : LogReader
        A reader of ``log``; a store that has no other way to read may return the log itself.
    alter : callable
        Puts an entry into the store of ``log``, in the place of the one at its position, past every guard.
    """

    def test_reads_back_what_was_appended(self, log: Log) -> None:
        """An entry is found by its name and by its position, byte for byte as it was appended."""
        body = bytes(range(256))

        (entry,) = log.append([draft("p1", body=body)])

        assert log.find("event", "payments", "p1") == entry
        assert log.record("payments", "p1") == entry
        assert log.entry(1) == entry
        assert (entry.body, entry.at, entry.position) == (body, 7, 1)
        assert log.find("event", "payments", "p2") is None
        assert log.find("decision", "payments", "p1") is None
        assert log.find("event", "payment", "p1") is None
        assert [log.entry(position) for position in (-1, 0, 2)] == [None, None, None]

    def test_every_kind_is_written(self, log: Log) -> None:
        """One id may have an entry of each kind, in each namespace."""
        entries = log.append([draft("p1", kind=kind, namespace=of) for kind in sorted(KINDS) for of in ("a", "b")])  # type: ignore[arg-type]

        assert [log.find(e.kind, e.namespace, "p1") for e in entries] == entries
        assert log.verify() == log.head == Head(16, entries[-1].hash)

    def test_finds_many_as_one_by_one(self, log: Log) -> None:
        """Ids looked up together, repeated or in any order, are answered as one by one; what is missing is left out."""
        names = [f"p{i}" for i in range(1_200)]
        log.append([draft(name) for name in names])
        log.append([draft("p7", kind="decision"), draft("p7", namespace="reports")])

        found = log.find_many("event", "payments", [*reversed(names), "p7", "none"])

        assert found == {name: log.find("event", "payments", name) for name in names}
        assert log.find_many("event", "payments", []) == {}
        assert log.find_many("decision", "payments", {"p7", "p8"}) == {"p7": log.entry(1_201)}

    def test_records_are_events_and_outcomes(self, log: Log) -> None:
        """A record is found under its stream and id, whichever of both kinds it has, and no other kind is one."""
        event, outcome, _ = log.append([draft("p1"), draft("p2", kind="outcome"), draft("p3", kind="decision")])

        assert log.records("payments", ["p3", "p2", "p1"]) == {"p1": event, "p2": outcome}
        assert [log.record("payments", name) for name in ("p1", "p2", "p3")] == [event, outcome, None]

    def test_the_last_of_a_kind(self, log: Log) -> None:
        """The latest entry of a kind and namespace is found, whatever came after it in others."""
        log.append([draft(f"p{i}", kind="activation", namespace="ab"[i % 2]) for i in range(5)])
        log.append([draft(f"p{i}") for i in range(5)])

        assert [entry and entry.id for entry in (log.last("activation", of) for of in "abc")] == ["p4", "p3", None]
        assert log.last("intake", "a") is None

    def test_reads_in_order_what_is_wanted(self, log: Log) -> None:
        """Reading yields positions in order, between two bounds, of the kinds and namespaces that are wanted."""
        kinds: list[Kind] = ["decision", "event", "outcome"]
        log.append([draft(f"p{i}", kind=kinds[i % 3], namespace="ab"[i % 2]) for i in range(1, 7)])

        assert [e.position for e in log.read()] == [1, 2, 3, 4, 5, 6]
        assert [e.position for e in log.read(after=2, until=5)] == [3, 4, 5]
        assert [e.position for e in log.read(kinds=("decision",))] == [3, 6]
        assert [e.position for e in log.read(kinds=("outcome", "event", "event"), after=1)] == [2, 4, 5]
        assert [e.position for e in log.read(namespaces=("a",))] == [2, 4, 6]
        assert [e.position for e in log.read(namespaces=("b", "a", "a"), kinds=("event",))] == [1, 4]
        assert list(log.read(kinds=("decision",), namespaces=("c",))) == []
        assert list(log.read(kinds=())) == list(log.read(namespaces=())) == list(log.read(after=6)) == []

    @pytest.mark.parametrize("kinds", [None, ("event",), ("event", "decision")])
    def test_a_reading_is_of_one_moment(self, log: Log, kinds: tuple[str, ...] | None) -> None:
        """What is appended after the first entry was taken is for the next reading, however long the reading lasts."""
        log.append([draft(f"p{i}", kind="decision" if i % 2 else "event") for i in range(5_000)])
        reading = log.read(kinds=kinds)
        next(reading)

        log.append([draft("new")])

        rest = list(reading)
        assert len(rest) == (2_499 if kinds == ("event",) else 4_999)
        assert "new" not in {entry.id for entry in rest}

    def test_positions_and_hashes_are_those_of_the_chain(self, log: Log) -> None:
        """However entries are grouped, the head is what hashing them one by one gives."""
        drafts = [draft(f"p{i}", body=b"%d" % i * i) for i in range(9)]
        expected = genesis([])
        for position, d in enumerate(drafts, start=1):
            expected = entry_hash(expected, position, (d.kind, d.namespace, d.id), d.at, d.body)

        for group in (drafts[:1], [], drafts[1:6], drafts[6:]):
            log.append(group)

        assert log.head == log.verify() == Head(9, expected)

    def test_commits_when_the_block_is_left(self, log: Log, reader: LogReader) -> None:
        """Inside a transaction's block the entries have positions, and nobody reads them before the block is left."""
        before = log.head

        with log.transaction([draft("p1")]) as (entry,):
            assert entry.position == 1
            for each in (reader, log):
                assert each.find("event", "payments", "p1") is None
                assert each.head == before
                assert list(each.read()) == []

        for each in (reader, log):
            assert each.find("event", "payments", "p1") == entry
            assert each.head == Head(1, entry.hash)

    def test_an_error_in_the_block_writes_nothing(self, log: Log) -> None:
        """A group whose block raises leaves no trace, and the next group takes its positions and names."""
        with pytest.raises(RuntimeError), log.transaction([draft("p1")]):
            raise RuntimeError

        (entry,) = log.append([draft("p1", body=b"other")])

        assert entry.position == 1
        assert list(log.read()) == [entry]
        assert log.verify() == log.head

    def test_an_empty_group_changes_nothing(self, log: Log) -> None:
        """Appending no drafts is allowed and moves no head."""
        before = log.head

        assert log.append([]) == []
        assert log.head == before

    def test_refuses_a_name_twice(self, log: Log) -> None:
        """A second entry of one kind, namespace and id is refused with the place of the first, and its group too."""
        log.append([draft("p1")])

        with pytest.raises(AlreadyLogged) as caught:
            log.append([draft("p2"), draft("p1")])

        assert (caught.value.name, caught.value.position) == ("p1", 1)
        assert log.head.position == 1
        assert log.append([draft("p1", kind="decision"), draft("p1", namespace="reports")])[1].position == 3

    def test_refuses_a_name_twice_in_one_group(self, log: Log) -> None:
        """A group that names one entry twice is refused whole."""
        with pytest.raises(AlreadyLogged, match="twice in this group"):
            log.append([draft("p1"), draft("p1")])

        assert log.head.position == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            Draft("rumour", "payments", "p1", 0, b""),  # type: ignore[arg-type]
            Draft("event", "payments", "\ud800", 0, b""),
            Draft("event", "payments", "p" * 70_000, 0, b""),
            Draft("event", "payments", 1, 0, b""),  # type: ignore[arg-type]
            Draft("event", "payments", "p1", 2**63, b""),
            Draft("event", "payments", "p1", 0, "text"),  # type: ignore[arg-type]
        ],
        ids=["kind", "surrogate", "length", "number", "instant", "body"],
    )
    def test_refuses_drafts_that_no_header_holds(self, log: Log, wrong: Draft) -> None:
        """A draft that cannot be hashed without doubt is refused, and the group with it."""
        with pytest.raises(EntryRefused):
            log.append([draft("p0"), wrong])

        assert log.head.position == 0

    def test_a_group_inside_a_group_is_refused(self, log: Log) -> None:
        """A group begun inside another one's block is a sentence, and the outer one is not written either."""
        with pytest.raises(GroupOpen), log.transaction([draft("p1")]):
            log.append([draft("p2")])

        assert log.append([draft("p3")])[0].position == 1

    def test_positions_go_on_after_history(self, log: Log) -> None:
        """History occupies the first positions, and the chain commits to its digest."""
        empty = log.head
        segments = HISTORY, Segment("b" * 64, 51, 250, "history")
        for segment in segments:
            log.attach(segment)

        (entry,) = log.append([draft("p1")])

        assert entry.position == 251
        assert log.origin == Head(250, genesis(segments))
        assert log.origin.hash != empty.hash
        assert log.segments == segments
        assert log.entry(250) is None
        assert list(log.read(after=100)) == list(log.read(until=251)) == [log.entry(251)] == [entry]
        assert log.verify() == log.head

    @pytest.mark.parametrize(
        ("segment", "words"),
        [
            (Segment("a" * 64, 2, 9, ""), "the next one is 1"),
            (Segment("a" * 64, 1, 0, ""), "before it begins"),
            (Segment("A" * 64, 1, 9, ""), "no SHA-256"),
        ],
    )
    def test_refuses_history_with_holes(self, log: Log, segment: Segment, words: str) -> None:
        """A segment that leaves a hole, ends before it begins or has no digest is refused."""
        with pytest.raises(SegmentRefused, match=words):
            log.attach(segment)

        assert log.segments == ()

    def test_refuses_history_after_the_first_entry(self, log: Log) -> None:
        """History is attached before anything is logged, or never."""
        log.append([draft("p1")])

        with pytest.raises(SegmentRefused, match="has entries"):
            log.attach(HISTORY)

    def test_threads_write_one_chain(self, log: Log) -> None:
        """Groups from several threads never mix, and make one chain."""
        threads = [
            threading.Thread(
                target=lambda t=t: [log.append([draft(f"{t}-{i}-{j}") for j in range(3)]) for i in range(10)]
            )
            for t in range(4)
        ]

        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        names = [entry.id.rsplit("-", 1)[0] for entry in log.read()]
        assert len(names) == 120
        assert all(names[i] == names[i + 1] == names[i + 2] for i in range(0, 120, 3))
        assert log.verify() == log.head

    @pytest.mark.parametrize("what", ["kind", "namespace", "id", "at", "body", "hash"])
    def test_a_changed_entry_is_named(self, log: Log, alter: Callable[[Entry], None], what: str) -> None:
        """Whatever is changed in a stored entry, verifying finds it, and names its position."""
        log.attach(HISTORY)
        entries = log.append([draft(f"p{i}") for i in range(10)])

        alter(altered(entries[4], what))

        with pytest.raises(LogDamaged) as caught:
            log.verify()
        assert (caught.value.position, caught.value.problem) == (55, "hash")

    def test_a_head_kept_elsewhere_is_met(self, log: Log) -> None:
        """Every head noted earlier, the one before the first entry included, proves the log that went on after it."""
        log.attach(HISTORY)
        noted = [log.origin]
        for i in range(3):
            log.append([draft(f"p{i}"), draft(f"q{i}")])
            noted.append(log.head)

        assert {log.verify(head) for head in noted} == {log.head}

    def test_a_head_kept_elsewhere_shows_a_cut(self, log: Log, other: Log) -> None:
        """A log that ends before a head that was noted is found to be cut there."""
        for each, n in ((log, 3), (other, 5)):
            each.append([draft(f"p{i}") for i in range(n)])

        with pytest.raises(LogDamaged) as caught:
            log.verify(other.head)

        assert (caught.value.position, caught.value.problem) == (4, "cut")

    def test_a_head_kept_elsewhere_shows_another_chain(self, log: Log, other: Log) -> None:
        """A whole chain that is another one is found wherever the noted head stands: in the entries or before them."""
        log.attach(HISTORY)
        other.attach(Segment("b" * 64, 1, 50, "history"))
        for each in (log, other):
            each.append([draft(f"p{i}") for i in range(5)])

        for head in (other.origin, other.head):
            with pytest.raises(LogDamaged) as caught:
                log.verify(head)
            assert (caught.value.position, caught.value.problem) == (head.position, "hash")

    def test_a_closed_log_says_so(self, log: Log) -> None:
        """Using a log after closing it is a sentence, not damage; closing it again is nothing."""
        log.append([draft("p1")])
        log.close()
        log.close()

        with pytest.raises(LogUnavailable, match="it was closed"):
            log.append([draft("p2")])
        with pytest.raises(LogUnavailable, match="it was closed"):
            log.find("event", "payments", "p1")
        with pytest.raises(LogUnavailable, match="it was closed"):
            list(log.read())
