"""One integer per format, one reader per number: which reader a body's own number names."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

T = TypeVar("T")


class _Numbered(msgspec.Struct):
    format: int


_decoder = msgspec.json.Decoder(_Numbered)


def reader(body: bytes, readers: Mapping[int, Callable[[bytes], T]]) -> Callable[[bytes], T]:
    """Return the reader of a body's format.

    Parameters
    ----------
    body : a JSON object with an integer ``format``
    readers : by the number of the format that each reads; a number is never given a new meaning

    Raises
    ------
    msgspec.ValidationError
        If it says no format, or one that has no reader.
    """
    found = _decoder.decode(body).format
    if found not in readers:
        known = ", ".join(map(str, sorted(readers)))
        sentence = f"its format is {found}, and known here is {known}"
        raise msgspec.ValidationError(sentence)
    return readers[found]
