"""What holds for every route and every message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contracts import Contract, Message, Registry
from crossdock.mesh.expression import Json
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.deciding import decide
from crossdock.router.route_file import RouteFile

ANYTHING = Contract("any.thing.happened", "1.0.0", {})
REGISTRY = Registry([ANYTHING])

# Each condition beside the same in Python.
CONDITIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "n > 0": lambda data: data["n"] > 0,
    "n % 2 = 0": lambda data: data["n"] % 2 == 0,
    "flag": lambda data: data["flag"],
    "$not(flag)": lambda data: not data["flag"],
    "word": lambda data: data["word"] != "",
    "$length(word) > 2": lambda data: len(data["word"]) > 2,
    "items": lambda data: any(each != 0 for each in data["items"]),
    "$count(items) = 1": lambda data: len(data["items"]) == 1,
    "missing": lambda _: False,
    "true": lambda _: True,
}

DATA = st.fixed_dictionaries(
    {
        "n": st.integers(-100, 100),
        "flag": st.booleans(),
        "word": st.text(st.characters(max_codepoint=0xD7FF), max_size=4),
        "items": st.lists(st.integers(0, 3), max_size=3),
    }
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def compiled(**fields: Json) -> CompiledRoute:
    given = {"route": "r", "accepts": "any.thing.happened", **fields}
    return compile_route(msgspec.convert(given, RouteFile), REGISTRY, Path(), mesh="m")


def message(data: bytes, key: str = "1") -> Message:
    return Message(
        id=key, source="/s", type=ANYTHING.name, dataschema=ANYTHING.dataschema, data=data
    )


HARD = compiled(
    where="$ != 'never'",
    send_all=[
        {"to": "sum", "map": '{"sum": $sum(n), "keys": $keys($)}'},
        {"to": "same", "when": "n > word or $exists(items)", "map": "$"},
        {"to": "rest", "else": True},
    ],
)
SIMPLE = compiled(
    send_all=[{"to": ["a", "b"], "map": '{"n": n * 2, "w": word & "!"}'}, {"to": "a"}]
)


@settings(deadline=None)  # a busy machine is no failure
@given(data=DATA, texts=st.lists(st.sampled_from(sorted(CONDITIONS)), min_size=1, max_size=5))
def test_the_first_or_every_branch_that_holds_is_taken(
    data: dict[str, Any], texts: list[str]
) -> None:
    branches = [{"to": f"d{at}", "when": text} for at, text in enumerate(texts)]
    branches.append({"to": "rest", "else": True})  # type: ignore[dict-item] # a YAML mapping
    holding = [f"d{at}" for at, text in enumerate(texts) if CONDITIONS[text](data)]
    parent = message(msgspec.json.encode(data))
    first = decide(compiled(send=branches), parent)
    everyone = decide(compiled(send_all=branches), parent)
    assert [each.destination for each in first.children] == (holding or ["rest"])[:1]
    assert [each.destination for each in everyone.children] == (holding or ["rest"])
    assert [each.held for each in everyone.conditions] == [CONDITIONS[text](data) for text in texts]


@settings(deadline=None)  # a busy machine is no failure
@given(data=DATA)
def test_i4_the_same_message_has_the_same_children_down_to_the_bytes(data: dict[str, Any]) -> None:
    raw = msgspec.json.encode(data)
    first, again = decide(SIMPLE, message(raw)), decide(SIMPLE, message(bytes(raw)))
    assert first == again
    assert len({each.message.id for each in first.children}) == 3
    other = decide(SIMPLE, message(raw, key="2"))
    assert not {c.message.id for c in first.children} & {c.message.id for c in other.children}


@settings(deadline=None)  # a busy machine is no failure
@given(value=DOCUMENTS)
def test_no_json_makes_a_decision_raise(value: Json) -> None:
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return  # a lone surrogate: no JSON
    decision = decide(HARD, message(raw))
    assert (decision.outcome == "routed") == bool(decision.children)
    assert decision.outcome == "routed" or decision.reason


@settings(deadline=None)  # a busy machine is no failure
@given(raw=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_make_a_decision_raise(raw: bytes) -> None:
    assert decide(HARD, message(raw)).outcome in {"routed", "filtered", "rejected"}
