"""Where randomness comes from: one independent generator for every purpose of every day."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a generator is used for. The numbers are part of what a seed means and never change."""

    PLACES = 0
    HABITS = 1
    PAYMENTS = 2
    TERMINAL_COMPROMISE = 3
    CARD_THEFT = 4
    CARD_TESTING = 5
    ACCOUNT_TAKEOVER = 6


def generator(seed: int, purpose: Purpose, day: int = 0) -> np.random.Generator:
    """Return the generator of one purpose on one day.

    Every (seed, purpose, day) has its own stream, so a longer simulation repeats the days of a shorter
    one, and switching one kind of fraud on leaves every other draw as it was.

    Parameters
    ----------
    seed : of the whole simulation, 0 or more
    purpose : what is drawn
    day : counted from the first day of the simulation; 0 where the purpose knows no days

    References
    ----------
    M. E. O'Neill (2014), *PCG: A family of simple fast space-efficient statistically good algorithms for
    random number generation*, Harvey Mudd College HMC-CS-2014-0905.

    Examples
    --------
    >>> generator(7, Purpose.PAYMENTS, 3).integers(100) == generator(7, Purpose.PAYMENTS, 3).integers(100)
    np.True_
    """
    seeds = np.random.SeedSequence(entropy=seed, spawn_key=(int(purpose), day))
    return np.random.Generator(np.random.PCG64(seeds))
