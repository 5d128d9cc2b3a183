"""When the bank learns of a fraud: reports come days or weeks after their payment, and some never come."""

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.durations import DAY_US
from tallystick.simulation.payments import SECOND_US, PaymentKind, Payments

MEDIAN_DELAY_DAYS = 9.0
DELAY_SIGMA = 0.8  # 5 % come within 2.4 days, 93 % within 30 days, 99 % within 58 days
NEVER_REPORTED = 0.03


def is_reported(payments: Payments) -> NDArray[np.bool_]:
    """Return which payments are frauds that will be reported one day; no genuine payment ever is."""
    flagged: NDArray[np.bool_] = (payments.kind != PaymentKind.GENUINE) & (payments.silence >= NEVER_REPORTED)
    return flagged


def reported_at(payments: Payments) -> NDArray[np.int64]:
    """Return when each payment's report would come, in microseconds, whole seconds after its payment.

    The delay is log-normal with a median of nine days: ``exp(ln 9 + 0.8 z)`` days. Rounded up, so that no
    report comes at the very second of its payment.
    """
    delay_days = np.exp(np.log(MEDIAN_DELAY_DAYS) + DELAY_SIGMA * payments.delay)
    seconds = np.ceil(delay_days * (DAY_US // SECOND_US)).astype(np.int64)
    at: NDArray[np.int64] = payments.time + seconds * SECOND_US
    return at
