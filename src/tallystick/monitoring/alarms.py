"""An alarm with a guarantee: it bets that bad decisions have become more frequent, and rings when it has won enough."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p
from typing import Self

from tallystick.errors import SettingOutOfRange

# Nobody knows how far the rate will rise. Capital spread over a few factors wins what the best of them alone would have
# won, but for a constant.
RISES = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0)


@dataclass(frozen=True, slots=True)
class RiskAlarm:
    r"""A betting e-process on the rate of bad decisions.

    It starts with a capital of 1 and bets against the claim *at every decision, the chance of a bad one is at most*
    ``reference_rate + tolerance``, given all that came before. While the claim holds no strategy
    makes money in the long run, so the probability that the capital ever reaches ``1 / false_alarms`` is at most
    ``false_alarms``: not for each look, but for all looks together, however often and as long as one looks.

    With the boundary :math:`m`, a bet on a rise by the factor :math:`f` multiplies its stake, for each decision, by

    .. math:: f^{x / c} \big/ \left(1 + m (f - 1) / c\right)

    where :math:`x` is 1 for a bad decision and 0 for a good one, and :math:`c` is ``clump``. The capital is spread
    evenly over a few factors. Not all of it is staked at once: after :math:`n` decisions a reserve of
    :math:`\ln 2 / \ln(2 + n m / c)` is still aside, so a rise that comes after years of quiet is
    found nearly as soon as an early one.

    Parameters
    ----------
    reference_rate : share of bad decisions that is expected, strictly between 0 and 1
    tolerance : rise of that share too small to care about, absolute, >= 0; the sum stays below 1
    false_alarms : bound on the probability of ever raising a false alarm, strictly between 0 and 1
    clump : most bad decisions that one event brings at once, >= 1. Frauds come in clumps (one compromised
        terminal, many payments); with 1, a clump counts as if each of its frauds were evidence of its own
    rises : factors bet on, each above 1
    n, n_bad : decisions seen, and the bad ones among them
    log_stakes : natural logarithm of the capital staked on each rise
    log_peak : natural logarithm of the highest capital so far
    alarmed_at : how many decisions had been seen when the alarm was first raised, or ``None``

    Raises
    ------
    SettingOutOfRange
        If a parameter lies outside its range.

    References
    ----------
    J. Ville (1939), *Étude critique de la notion de collectif*: :math:`P(\sup_n E_n \ge 1/\alpha) \le \alpha`.
    G. Shafer (2021), "Testing by betting", *J. R. Statist. Soc. A* 184, 407-431.
    A. Podkopaev, A. Ramdas (2022), "Tracking the risk of a deployed model and detecting harmful
    distribution shifts", ICLR.
    I. Waudby-Smith, A. Ramdas (2024), "Estimating means of bounded random variables by betting",
    *J. R. Statist. Soc. B* 86, 1-27.

    Examples
    --------
    One decision in a hundred is bad, as expected; then three are.

    >>> alarm = RiskAlarm(reference_rate=0.01, tolerance=0.002)
    >>> quiet = alarm.after_many(2_000, 21).after_many(2_000, 18)
    >>> quiet.is_alarmed, quiet.e_value < 1
    (False, True)
    >>> risen = quiet.after_many(2_000, 60)
    >>> risen.is_alarmed, risen.e_value > risen.bound, risen.alarmed_at
    (True, True, 6000)
    """

    reference_rate: float
    tolerance: float = 0.0
    false_alarms: float = 0.01
    clump: float = 1.0
    rises: tuple[float, ...] = RISES
    n: int = 0
    n_bad: int = 0
    log_stakes: tuple[float, ...] = ()
    log_peak: float = 0.0
    alarmed_at: int | None = None

    def __post_init__(self) -> None:
        _require(0 < self.reference_rate < 1, "reference_rate", self.reference_rate, "strictly between 0 and 1")
        _require(self.tolerance >= 0, "tolerance", self.tolerance, "0 or more")
        _require(self.boundary < 1, "reference_rate + tolerance", self.boundary, "below 1")
        _require(0 < self.false_alarms < 1, "false_alarms", self.false_alarms, "strictly between 0 and 1")
        _require(1 <= self.clump < inf, "clump", self.clump, "1 or more")
        rises_up = bool(self.rises) and all(1 < rise < inf for rise in self.rises)
        _require(rises_up, "rises", self.rises, "one or more factors above 1")

    @property
    def boundary(self) -> float:
        """The highest share of bad decisions that is still quiet."""
        return self.reference_rate + self.tolerance

    @property
    def bound(self) -> float:
        """The capital at which the alarm is raised: 1 / false_alarms."""
        return 1 / self.false_alarms

    @property
    def log_e_value(self) -> float:
        """Natural logarithm of the capital now."""
        return _log_sum((log(self._reserve(self.n)), *self.log_stakes))

    @property
    def e_value(self) -> float:
        """The capital now: evidence against the claim that the rate is quiet; infinite beyond 1e304."""
        return exp(self.log_e_value) if self.log_e_value < 700 else inf

    @property
    def is_alarmed(self) -> bool:
        """Whether the capital has ever reached the bound."""
        return self.alarmed_at is not None

    def after(self, bad: bool) -> Self:
        """Return the alarm as it stands once it has seen one more decision."""
        return self.after_many(1, int(bad))

    def after_many(self, n: int, n_bad: int) -> Self:
        """Return the alarm as it stands once it has seen some more decisions, ``n_bad`` of ``n`` bad.

        The capital is only looked at when the batch is over; that can miss an alarm, never raise a false one. How
        many decisions a batch has may depend on anything but their own outcomes.

        Parameters
        ----------
        n : how many decisions
        n_bad : how many of them were bad

        Raises
        ------
        SettingOutOfRange
            If the counts are no counts.
        """
        _require(0 <= n_bad <= n, "n_bad", n_bad, f"between 0 and the {n} decisions of its batch")
        grown = replace(self, n=self.n + n, n_bad=self.n_bad + n_bad, log_stakes=self._staked(n, n_bad))
        # The bound is held against all capital, the reserve included: only the whole is what cannot grow by chance.
        rings = grown.log_e_value >= log(self.bound)
        return replace(
            grown,
            log_peak=max(self.log_peak, grown.log_e_value),
            # Once raised it stays: capital that is lost later takes nothing back of what it proved.
            alarmed_at=grown.n if rings and not self.is_alarmed else self.alarmed_at,
        )

    def after_batches(self, batches: Iterable[tuple[int, int]]) -> Self:
        """Return the alarm as it stands once it has seen batches of (n, n_bad), the earliest first."""
        seen = self
        for n, n_bad in batches:
            seen = seen.after_many(n, n_bad)
        return seen

    def _staked(self, n: int, n_bad: int) -> tuple[float, ...]:
        # What leaves the reserve is staked before the batch is looked at, by its size alone: a bet that knew what it
        # bets on would prove nothing.
        fresh = self._reserve(self.n) - self._reserve(self.n + n)
        log_fresh = log(fresh / len(self.rises)) if fresh > 0 else -inf
        before = self.log_stakes or (-inf,) * len(self.rises)
        return tuple(
            _log_sum((stake, log_fresh)) + self._log_won(rise, n, n_bad)
            for stake, rise in zip(before, self.rises, strict=True)
        )

    def _log_won(self, rise: float, n: int, n_bad: int) -> float:
        # At best a fair bet: f**(x / c) is at most 1 + x (f - 1) / c where c >= 1, and what that is expected to be at
        # the boundary is the divisor. The c bad decisions of one clump multiply a stake by f once.
        return n_bad * log(rise) / self.clump - n * log1p(self.boundary * (rise - 1) / self.clump)

    def _reserve(self, n: int) -> float:
        # Slower than any power of n, whatever the size of the batches: there is always something left to bet.
        return log(2) / log(2 + n * self.boundary / self.clump)


def _log_sum(logs: tuple[float, ...]) -> float:
    # By logarithms, since after years a stake may be too small or too large for a double; log 0 is a stake never made.
    highest = max(logs)
    return highest if highest == -inf else highest + log(sum(exp(value - highest) for value in logs))


def _require(holds: bool, setting: str, value: object, allowed: str) -> None:
    if not holds:
        raise SettingOutOfRange(setting, value, allowed=allowed)
