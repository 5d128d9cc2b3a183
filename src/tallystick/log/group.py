"""Making a group: drafts become entries of the chain, and what no log can hold is refused in the same words."""

import struct
from collections.abc import Callable, Sequence

from tallystick.errors import AlreadyLogged, EntryRefused
from tallystick.log.chain import entry_hash
from tallystick.log.entry import KINDS, Draft, Entry, Head


def chained(end: Head, drafts: Sequence[Draft]) -> list[Entry]:
    """Return drafts as the entries that follow a head.

    Parameters
    ----------
    end : Head
        Where the chain ends so far.
    drafts : sequence of Draft
        The group, in the order of its positions.

    Examples
    --------
    >>> (entry,) = chained(Head(7, bytes(32)), [Draft("event", "payments", "p1", 0, b"{}")])
    >>> entry.position
    8
    """
    position, known = end.position, end.hash
    entries = []
    for draft in drafts:
        position += 1
        known = _hash_of(draft, position, known)
        entries.append(Entry(position, draft.kind, draft.namespace, draft.id, draft.at, draft.body, known))
    return entries


def name_taken(entries: Sequence[Entry], find: Callable[[str, str, str], Entry | None]) -> AlreadyLogged | None:
    """Return the error about the first entry whose name is taken, in the log or earlier in its group; or None.

    Parameters
    ----------
    entries : sequence of Entry
        A group that is about to be written.
    find : callable
        Looks for a committed entry by kind, namespace and id.
    """
    seen: set[tuple[str, str, str]] = set()
    for entry in entries:
        name = (entry.kind, entry.namespace, entry.id)
        there = find(*name)
        if there or name in seen:
            return AlreadyLogged(*name, position=there.position if there else None)
        seen.add(name)
    return None


def _hash_of(draft: Draft, position: int, previous: bytes) -> bytes:
    # Drafts are not validated when they are made, so a wrong type is found here, before anything is written.
    name = (draft.kind, draft.namespace, draft.id)
    if draft.kind not in KINDS:
        raise EntryRefused(*name, reason=f"the kinds are {', '.join(sorted(KINDS))}")
    if not isinstance(draft.body, bytes):
        raise EntryRefused(*name, reason=f"its body is {type(draft.body).__name__}, and must be bytes")
    try:
        return entry_hash(previous, position, name, draft.at, draft.body)
    except (struct.error, UnicodeEncodeError, AttributeError) as error:
        raise EntryRefused(*name, reason=f"no header holds its instant or one of its texts ({error})") from error
