"""Segment trees of largest values over a list that grows, compiled: the largest of any stretch in a few steps.

A tree of ``room`` leaves, a power of two, is an array of twice as many: leaf i is at room + i, and the children of node
i are at 2 * i and 2 * i + 1. Node 0 is not used. Smallest values are the largest of their negatives.
"""

import numpy as np
from numpy.typing import NDArray

from tallystick.features.batch.native import native

Ints = NDArray[np.int64]

SHORT = 8  # a stretch of so few entries is looked through one by one


@native
def update(tree: Ints, values: Ints, sign: int, place: int, last: int) -> None:
    """Let a tree know the entries from one place up to and with the last of the list.

    An entry at the end costs one step on average; one that moves others along costs as many steps as are moved, and
    one for each level.

    Parameters
    ----------
    tree : changed in place
    values : the entries; as many as the tree has leaves, or fewer
    sign : 1 for a tree of largest values, -1 for one of smallest
    place, last : the first entry that is new or was moved, and the last of all
    """
    # Leaves behind the last entry hold whatever was in the memory. A node above them is wrong until its last leaf
    # comes, and nobody reads it before: ``largest`` reads only nodes whose leaves are all within the asked stretch.
    room = len(tree) // 2
    for i in range(place, last + 1):
        tree[room + i] = sign * values[i]
    low, high = room + place, room + last
    if low == high:
        # At the end of the list a node is complete with its right child, and only then its parent can be.
        while high % 2 == 1 and high > 1:
            high //= 2
            tree[high] = max(tree[2 * high], tree[2 * high + 1])
        return
    while high > 1:
        low, high = low // 2, high // 2
        for node in range(low, high + 1):
            tree[node] = max(tree[2 * node], tree[2 * node + 1])


@native
def largest(tree: Ints, since: int, until: int) -> int:
    """Return the largest of the entries of a stretch, with its sign in a tree of smallest values.

    Parameters
    ----------
    tree : that knows them all
    since, until : the places of the first entry and of the one after the last; there is at least one
    """
    room = len(tree) // 2
    low, high, found = room + since, room + until, tree[room + since]
    if until - since <= SHORT:
        for i in range(low, high):
            found = max(found, tree[i])
        return int(found)
    # On each level at most the first and the last node stand alone; all between them are the children of whole nodes.
    while low < high:
        if low % 2 == 1:
            found = max(found, tree[low])
            low += 1
        if high % 2 == 1:
            high -= 1
            found = max(found, tree[high])
        low, high = low // 2, high // 2
    return int(found)
