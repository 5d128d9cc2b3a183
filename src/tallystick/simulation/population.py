"""Who pays and where: customers with their habits, terminals with their places."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.simulation.randomness import Purpose, generator

COUNTRY_KM = 200.0  # a square country
TOWN_SPREAD_KM = 6.0
CUSTOMERS_PER_TOWN = 50
MAX_REACH = 40  # terminals that a customer may walk into
CUSTOMERS_AT_ONCE = 500  # bounds the memory of the distances: 500 x 10,000 terminals are 40 MB


@dataclass(frozen=True, slots=True)
class Population:
    """All customers and terminals, as columns; a customer is its position in them.

    Parameters
    ----------
    rate : shape (n_customers,), payments per day
    level : shape (n_customers,), median of the amounts, EUR
    spread : shape (n_customers,), standard deviation of the logarithm of the amounts
    hour : shape (n_customers,), middle of the customer's day, hours after midnight UTC
    hour_spread : shape (n_customers,), standard deviation of the hours around it
    reach : shape (n_customers, n_reach), terminals near home, the nearest first
    n_terminals : all terminals of the network
    """

    rate: NDArray[np.float64]
    level: NDArray[np.float64]
    spread: NDArray[np.float64]
    hour: NDArray[np.float64]
    hour_spread: NDArray[np.float64]
    reach: NDArray[np.int64]
    n_terminals: int

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return len(self.rate)


def populate(customers: int, terminals: int, *, seed: int) -> Population:
    """Return a population: people and shops settled in towns, people with habits.

    The habits are calibrated on the published card payments: 1.9 payments per customer and day, which differ
    much between customers; amounts with a mean near 54 EUR; most payments in daytime.

    Parameters
    ----------
    customers, terminals : how many there are, 1 or more
    seed : of the whole simulation

    Examples
    --------
    >>> populate(3, 100, seed=1).reach.shape
    (3, 12)
    """
    habits = generator(seed, Purpose.HABITS)
    return Population(
        rate=habits.gamma(shape=2.5, scale=1.9 / 2.5, size=customers),
        level=np.exp(habits.normal(np.log(38.0), 0.5, size=customers)),
        spread=habits.uniform(0.4, 0.75, size=customers),
        hour=habits.normal(14.0, 1.5, size=customers),
        hour_spread=habits.uniform(2.0, 4.5, size=customers),
        reach=_reach(customers, terminals, seed),
        n_terminals=terminals,
    )


def _reach(customers: int, terminals: int, seed: int) -> NDArray[np.int64]:
    places = generator(seed, Purpose.PLACES)
    towns = places.uniform(0.0, COUNTRY_KM, size=(max(1, customers // CUSTOMERS_PER_TOWN), 2))
    homes = _around(towns, customers, places)
    shops = _around(towns, terminals, places)
    # An eighth of a small network at most: some terminals must remain unusual for everybody.
    n_reach = min(MAX_REACH, max(1, terminals // 8))
    blocks = range(0, customers, CUSTOMERS_AT_ONCE)
    return np.concatenate([_nearest(homes[at : at + CUSTOMERS_AT_ONCE], shops, n_reach) for at in blocks])


def _around(towns: NDArray[np.float64], n: int, places: np.random.Generator) -> NDArray[np.float64]:
    town = towns[places.integers(len(towns), size=n)]
    return town + places.normal(0.0, TOWN_SPREAD_KM, size=(n, 2))


def _nearest(homes: NDArray[np.float64], shops: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    away = np.square(homes[:, None, :] - shops[None, :, :]).sum(axis=2)
    near = np.argpartition(away, n - 1, axis=1)[:, :n]
    order = np.argsort(np.take_along_axis(away, near, axis=1), axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1)
