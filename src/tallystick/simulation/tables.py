"""From drawn columns to the tables that a project reads: texts for ids, decimals for money, UTC instants."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.simulation.payments import PaymentKind, Payments
from tallystick.simulation.reports import is_reported, reported_at

MONEY = pa.decimal128(12, 2)  # cents are exact in it
INSTANT = pa.timestamp("us")


def payments_table(payments: Payments) -> pa.Table:
    """Return payment_id, paid_at, customer_id, terminal_id and amount, in the order given."""
    return pa.table(
        {
            "payment_id": _payment_ids(len(payments.time)),
            "paid_at": pa.array(payments.time, INSTANT),
            "customer_id": _texts("C", payments.customer, width=5),
            "terminal_id": _texts("T", payments.terminal, width=5),
            "amount": _money(payments.cents),
        }
    )


def chargebacks_table(payments: Payments) -> pa.Table:
    """Return report_id, reported_at and payment_id of all reports, in order of time."""
    rows = np.flatnonzero(is_reported(payments))
    at = reported_at(payments.taken(rows))
    order = np.lexsort((rows, at))
    rows, at = rows[order], at[order]
    # Numbered by their payment: numbers in order of arrival would change when the simulation goes on.
    return pa.table(
        {
            "report_id": _texts("R", rows + 1, width=7),
            "reported_at": pa.array(at, INSTANT),
            "payment_id": _payment_ids(len(payments.time)).take(pa.array(rows)),
        }
    )


def truth_table(payments: Payments) -> pa.Table:
    """Return payment_id, kind and is_fraud, in the order given."""
    names = pa.array([kind.name.lower() for kind in PaymentKind])
    return pa.table(
        {
            "payment_id": _payment_ids(len(payments.time)),
            "kind": names.take(pa.array(payments.kind)),
            "is_fraud": pa.array(payments.kind != PaymentKind.GENUINE),
        }
    )


def _payment_ids(n: int) -> pa.Array:
    return _texts("P", np.arange(n) + 1, width=7)


def _texts(letter: str, numbers: NDArray[np.int64], *, width: int) -> pa.Array:
    padded = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(letter, padded, "")


def _money(cents: NDArray[np.int64]) -> pa.Array:
    # A decimal128 is its unscaled integer in two little-endian words; cents fill the low one.
    words = np.zeros((len(cents), 2), dtype="<i8")
    words[:, 0] = cents
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words)])
