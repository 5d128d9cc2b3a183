"""Events one by one: what was last, first, largest, smallest, and how many different values there are."""

from collections.abc import Sequence

from tallystick.data.records import Record
from tallystick.features.groups import DISTINCT, MAX, MIN, Group
from tallystick.features.online.tiles import Tiles, between
from tallystick.features.state import keys
from tallystick.features.state.store import Entry, StoreTransaction

Value = int | str | None


class TrackState:
    """Keeps one track of a group's entities.

    An event costs one entry, and up to four tiles for each of extremes and different values, if they are asked for.
    The last event of a window costs one lookup, the first one step; extremes and different values what ``Tiles`` says.

    Parameters
    ----------
    group_place, place : of the group in the plan, and of the track in the group
    group : the group
    own_id : what the group's stream calls its ids
    """

    def __init__(self, group_place: int, place: int, group: Group, own_id: str) -> None:
        self.track = group.tracks[place]
        self.begins = keys.list_of(keys.TRACK, group_place, place)
        self._is_id = self.track.is_text and self.track.of == own_id
        functions = {slot.function for slot in group.slots if slot.track == place}
        self.extremes = Tiles(keys.EXTREME, group_place, place, self.begins) if functions & {MIN, MAX} else None
        self.values = Tiles(keys.DISTINCT, group_place, place, self.begins) if DISTINCT in functions else None

    def entering(
        self, store: StoreTransaction, named: bytes, end: bytes, record: Record, met: Sequence[float]
    ) -> list[Entry]:
        """Return what to put for one more record, nothing if it is none of the track's events.

        Parameters
        ----------
        store : where its tiles are
        named : its entity, with its length
        end : its moment, as keys end
        record : the record
        met : the group's conditions
        """
        track = self.track
        # Unlike in running totals, an event that does not count is no entry: what is last must be one that counts.
        if track.where >= 0 and met[track.where] != 1.0:
            return []
        packed = self._packed(record)
        if packed == keys.MISSING and not track.keeps_missing:
            return []
        entries = [(self.begins + named + end, packed)]
        for tiles in (self.extremes, self.values):
            if tiles is not None:
                entries += tiles.entering(store, named, record.time or 0, packed)
        return entries

    def last(self, found: Entry | None, named: bytes, older: int) -> bytes | None:
        """Return the packed value of the event that was found, None where it is not in the window.

        Parameters
        ----------
        found : the entry before the window's newer end
        named : the entity, with its length
        older : the window's older end
        """
        # The lookup is for the last entry before the newer end, of whatever: another entity's, or one before the
        # window.
        if found is None or not found[0].startswith(self.begins + named) or keys.time_of(found[0]) <= older:
            return None
        return found[1]

    def first(self, store: StoreTransaction, named: bytes, older: int, newer: int) -> bytes | None:
        """Return the packed value of the first event after an instant, up to and with another.

        Parameters
        ----------
        store : where the track is
        named : the entity, with its length
        older, newer : the instants; an event at the older one is not in the window, one at the newer is
        """
        begins = self.begins + named
        # Read onwards rather than looked up, since a store only looks back; one step, whatever lies in the window.
        found = next(between(store, begins + keys.end_of(older), begins + keys.end_of(newer)), None)
        return None if found is None else found[1]

    def unpacked(self, packed: bytes | None) -> Value:
        """Return an event's value."""
        if packed is None or packed == keys.MISSING:
            return None
        return packed.decode() if self.track.is_text else keys.unpack_whole(packed)

    def _packed(self, record: Record) -> bytes:
        of = self.track.of
        if of is None:
            return b""
        if self.track.is_text:
            text = record.id if self._is_id else record.keys.get(of)
            return keys.MISSING if text is None else text.encode()
        value = record.values.get(of)
        return keys.MISSING if value is None else keys.pack_whole(value)
