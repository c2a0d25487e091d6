"""What billing needs of an order, with what YAML cannot say: cents, and rounding half to even."""

from decimal import Decimal

import msgspec

from crossdock.router.python_steps import step


class Line(msgspec.Struct):
    """A line of an order."""

    sku: str
    qty: int
    price: Decimal


class Order(msgspec.Struct):
    """An order, as far as billing looks at it."""

    order: str
    lines: list[Line]


class Invoice(msgspec.Struct):
    """What billing needs."""

    order: str
    amount: float


@step(accepts="sales.order.placed@^1", emits="billing.invoice.requested@1")
def invoice(order: Order) -> Invoice:
    """Add up in decimal numbers, as money wants it."""
    total = sum((line.qty * line.price for line in order.lines), Decimal(0))
    return Invoice(order=order.order, amount=float(total.quantize(Decimal("0.01"))))
