"""A decision told again: conditions, steps and branches."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Contract, Message
from crossdock.contracts.masking import MASK, is_personal, masked
from crossdock.contracts.reference import dataschema
from crossdock.router.compiled import CompiledRoute
from crossdock.router.explaining import Explanation, Recorded, Told, contracts_of, explain
from crossdock.router.loading import load_router
from project_folder import write_project
from routed_orders import order

NOW = Recorded(time=datetime(2026, 1, 31, tzinfo=UTC))
STEPS = """
    route: by-country
    accepts: sales.order.placed@^1
    steps:
      - where: total > 1
      - map: "{'land': country, 'all': [1, 2, 3]}"
      - split: all
    send:
      - when: "$ > 1"
        to: eu
        as: sales.order.placed@1
        map: "{'order': 'x', 'country': 'DE', 'total': $}"
      - else: true
        to: world
        as: sales.order.placed@1
        map: "{'order': 'x', 'country': 'DE', 'total': 0}"
"""


def route(folder: Path, text: str | None = None) -> CompiledRoute:
    write_project(folder) if text is None else write_project(folder, route=text)
    return load_router(folder).routes["by-country"].compiled


def places(found: Explanation) -> dict[str, Told]:
    return {each.place: each for each in found.told}


def test_each_step_says_what_it_made_and_each_branch_for_how_many_parts(tmp_path: Path) -> None:
    found = places(explain(route(tmp_path, STEPS), order(1), NOW))
    assert list(found) == ["steps/0", "steps/1", "steps/2", "send/0", "send/1"]
    assert found["steps/0"].held
    assert found["steps/0"].values[0].value == "10"
    assert found["steps/2"].why == "split: 1 in, 3 on, 3 parts"
    assert found["send/0"].why == "its condition holds for 2 of 3 parts"
    assert found["send/1"].taken


def test_what_lies_in_something_personal_is_hidden_and_not_told_to_be_missing_I6(
    tmp_path: Path,
) -> None:
    compiled = route(tmp_path, STEPS.replace("total > 1", "country.name != country.code"))
    contract = compiled.accepted[dataschema("sales.order.placed", "1.0.0")]
    loose = msgspec.structs.replace(
        compiled, accepted={contract.dataschema: Contract(contract.name, "1.0.0", {})}
    )
    message = msgspec.structs.replace(order(1), data=b'{"country": {"name": "Ada"}}')
    told = places(explain(loose, message, NOW, personal=("/country",)))["steps/0"]
    assert [(each.path, each.value) for each in told.values] == [
        ("country.name", f'"{MASK}"'),
        ("country.code", None),
    ]


def test_what_a_step_made_is_hidden_where_another_contract_of_the_route_calls_it_personal_I6(
    tmp_path: Path,
) -> None:
    compiled = route(tmp_path, STEPS)
    names = {"sales.order.placed", "billing.invoice.requested"}
    assert contracts_of(compiled) == {"sales.order.placed"}
    text = STEPS.replace("all'", "amount'").replace("[1, 2, 3]", "3").replace("- split: all", "")
    made = (
        text.replace("{'land': country,", "{'order': country,")
        .replace('3}"', '3}"\n        as: billing.invoice.requested@1')
        .replace("$ > 1", "order = 'DE'")
        .replace("$}", "1}")
    )
    compiled = route(tmp_path, made)
    assert contracts_of(compiled) == names
    shown = places(explain(compiled, order(1), NOW))["send/0"].values
    hidden = places(explain(compiled, order(1), NOW, others=True))["send/0"].values
    assert [each.value for each in (*shown, *hidden)] == ['"DE"', f'"{MASK}"']


def test_what_was_not_reached_says_so(tmp_path: Path) -> None:
    found = explain(route(tmp_path, STEPS), order(1, total=1), NOW)
    told = places(found)
    assert found.outcome == "filtered"
    assert (told["steps/0"].held, told["steps/0"].why) == (False, "where: 1 in, 0 on")
    assert told["steps/1"].why == "map: not reached"
    assert (told["send/0"].held, told["send/0"].why) == (None, "not reached")


@pytest.mark.parametrize("text", [None, STEPS])
def test_a_watched_route_decides_the_same(tmp_path: Path, text: str | None) -> None:
    compiled = route(tmp_path, text)
    first = explain(compiled, order(1), NOW)
    assert first.children
    assert first == explain(compiled, order(1), NOW)


def test_where_a_step_put_what_is_personal_is_not_known_so_nothing_is_shown_I6(
    tmp_path: Path,
) -> None:
    text = STEPS.replace("- split: all", "- where: land = 'DE'").replace("$ > 1", "land = 'DE'")
    compiled = route(tmp_path, text)
    open_ = places(explain(compiled, order(1), NOW))
    hidden = places(explain(compiled, order(1), NOW, personal=("/country",)))
    assert open_["steps/2"].values[0].value == '"DE"'
    assert hidden["steps/0"].values[0].value == "10"  # the message as it came in
    assert hidden["steps/2"].values[0].value == f'"{MASK}"'
    assert hidden["send/0"].values[0].value == f'"{MASK}"'


def test_a_refused_message_has_its_problems_and_no_branch_is_taken(tmp_path: Path) -> None:
    message = Message(
        id="m",
        source="/test",
        type="sales.order.placed",
        dataschema=dataschema("sales.order.placed", "1.0.0"),
        data=msgspec.json.encode({"order": "o"}),
    )
    found = explain(route(tmp_path), message, NOW)
    assert found.outcome == "rejected"
    assert found.problems
    assert not any(each.taken for each in found.told)


def test_masking_reaches_every_item_and_leaves_the_original() -> None:
    data = {"a": {"b": 1, "c": 2}, "l": [{"n": 1, "m": 2}, {"n": 3}], "s": "x"}
    shown = masked(data, ["/a/b", "/l/*/n", "/gone/x", "/s/y"])
    assert shown == {"a": {"b": MASK, "c": 2}, "l": [{"n": MASK, "m": 2}, {"n": MASK}], "s": "x"}
    assert data["a"] == {"b": 1, "c": 2}
    assert masked(data, ["/l/1"])["l"][1] == MASK
    assert masked(data, ["/a/*"])["a"] == {"b": MASK, "c": MASK}
    assert is_personal("/l/0/n", ["/l/*/n"])
    assert is_personal("/l", ["/l/*/n"])  # it holds something personal
    assert not is_personal("/s", ["/l/*/n"])
