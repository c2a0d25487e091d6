"""What repeats a part of a message for each item of it is bounded before it runs (I8)."""

from __future__ import annotations

import pytest

from crossdock.contracts import Reject
from crossdock.mesh.expression import Expression

LARGE = {"order": "A", "customer": {"name": "Ada"}, "lines": [{"sku": "tea", "n": 1}] * 3000}
WHOLE = {"whole": LARGE}


@pytest.mark.parametrize(
    "text",
    [
        "lines.{'line': $, 'order': $$}",
        "lines.$$",
        "$count(lines.$$.lines)",
        "$count(lines.(%.lines))",
        "lines.{'all': %}",
        "lines.[$$.lines.sku]",
        "lines.(sku & $string($$))",
        "lines{sku: $$}",
        "$map(lines, function($line) { $$.lines })",
        "($all := $$; lines.{'of': $all})",
        "($all := lines[n > 0]; lines.{'of': $all})",
        "lines.{'of': $whole.lines}",
        "lines.(n > 0 ? $$ : n)",
        "lines.($all := $$; $all)",
        "lines.$merge([$, $$])",
        "$ ~> |lines|{'order': $$}|",
    ],
)
def test_I8_what_would_be_the_square_of_a_large_message_is_refused(text: str) -> None:
    with pytest.raises(Reject, match="repeats a part of the message"):
        Expression(text).evaluate(LARGE, WHOLE)
    small = {**LARGE, "lines": LARGE["lines"][:100]}
    Expression(text).evaluate(small, {"whole": small})


@pytest.mark.parametrize(
    "text",
    [
        "lines.{'line': $, 'order': $$.order}",
        "lines.(%.customer.name)",
        "lines.{'name': %.customer.name}",
        "lines.{'customer': $$.customer}",
        "lines[n > $count($$.lines) - 5000]",
        "$merge([$$, {'order': 'B'}])",
        "($c := customer.name; lines.{'name': $c})",
        "($all := $$; $all.lines.sku)",
        "lines.($all := $$; $all.order)",
        "$map(lines, function($line) { $line.sku & $$.order })",
        "$count($$.lines)",
        "lines.($lookup($$, 'order'))",
        "lines.{'of': $whole.order}",
        "$ ~> |lines|{'order': $$.order}|",
    ],
)
def test_what_repeats_no_more_than_a_field_takes_messages_of_any_size(text: str) -> None:
    Expression(text).evaluate(LARGE, WHOLE)
