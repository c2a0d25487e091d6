"""What differs between two versions of a schema, and whom it breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from crossdock.contracts import Contract
from crossdock.contracts.compatibility import (
    CODES,
    Difference,
    Effect,
    Mode,
    compare,
    counterexample,
    steps,
)

DOCS: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
DRAFT_7: Final = "http://json-schema.org/draft-07/schema#"


def kept(old: dict[str, Any], new: dict[str, Any]) -> tuple[bool, bool]:
    differences = compare(old, new)
    backward = all(each.backward.safe for each in differences)
    return backward, all(each.forward.safe for each in differences)


def only(old: dict[str, Any], new: dict[str, Any]) -> Difference:
    (difference,) = compare(old, new)
    return difference


def test_a_difference_says_where_what_whom_and_why() -> None:
    old = {"type": "object", "properties": {"total": {"type": "number", "minimum": 0}}}
    new = {"type": "object", "properties": {"total": {"type": "number", "minimum": 1}}}
    found = only(old, new)
    assert (found.code, found.pointer) == ("minimum-increased", "/properties/total/minimum")
    assert (found.old, found.new) == (0, 1)
    assert (found.backward, found.forward) == (Effect.BREAKS, Effect.KEEPS)
    assert found.why == (
        "The lower limit of the number rose from 0 to 1: "
        "old documents can be refused by new readers."
    )


def test_a_rule_that_old_documents_keep_anyway_breaks_nobody() -> None:
    old = {"type": "integer", "minimum": 5}
    new = {"type": "integer", "minimum": 5, "exclusiveMinimum": 4}
    assert compare(old, new) == []


def test_what_nothing_can_reach_breaks_nobody() -> None:
    old = {"properties": {"a": {"type": "string"}}, "required": ["b"], "maxProperties": 0}
    new = {"properties": {"a": {"type": "number"}}, "required": ["b"], "maxProperties": 0}
    assert kept(old, new) == (True, True)


def test_names_in_a_pointer_are_escaped() -> None:
    old = {"properties": {"a/b~c": {"maxLength": 2}}}
    new = {"properties": {"a/b~c": {"maxLength": 1}}}
    assert only(old, new).pointer == "/properties/a~1b~0c/maxLength"


def test_a_property_named_like_an_annotation_is_compared() -> None:
    old = {"properties": {"title": {"type": "string"}, "default": {"type": "string"}}}
    new = {"properties": {"title": {"type": "number"}, "default": {"type": "string"}}}
    assert kept(old, new) == (False, False)


def test_true_is_not_one() -> None:
    assert kept({"const": True}, {"const": 1}) == (False, False)
    assert compare({"const": 1}, {"const": 1.0}) == []


class TestReferences:
    def test_the_place_is_where_the_keyword_is_written(self) -> None:
        old = {"$ref": "#/$defs/place", "$defs": {"place": {"maxLength": 2}}}
        new = {"$ref": "#/$defs/place", "$defs": {"place": {"maxLength": 3}}}
        assert only(old, new).pointer == "/$defs/place/maxLength"

    def test_anchors_and_identifiers_are_followed(self) -> None:
        inside = {"$id": "project:/contracts/definitions/place.json", "$anchor": "town"}
        old = {
            "$id": "project:/contracts/sales/order.placed/1.0.0.schema.json",
            "properties": {
                "a": {"$ref": "../../definitions/place.json#town"},
                "b": {"$ref": "../../definitions/place.json"},
            },
            "$defs": {"x": {**inside, "type": "string"}},
        }
        new = {**old, "$defs": {"x": {**inside, "type": ["string", "null"]}}}
        found = [each for each in compare(old, new) if each.code == "type-extended"]
        assert [each.pointer for each in found] == ["/$defs/x/type"]
        assert kept(old, new) == (True, False)

    def test_what_stands_beside_a_reference_counts_since_2020_only(self) -> None:
        def schema(length: int) -> dict[str, Any]:
            return {
                "properties": {"a": {"$ref": "#/definitions/text", "maxLength": length}},
                "definitions": {"text": {"type": "string"}},
            }

        assert kept(schema(3), schema(2)) == (False, True)
        in_draft_7 = {"$schema": DRAFT_7}
        assert kept({**in_draft_7, **schema(3)}, {**in_draft_7, **schema(2)}) == (True, True)

    @pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
    def test_recursion_ends_and_is_proven(self, keyword: str) -> None:
        def tree(value: str) -> dict[str, Any]:
            next_one = {keyword: [{"type": "null"}, {"$ref": "#"}]}
            properties = {"value": {"type": value}, "next": next_one}
            return {"type": "object", "required": ["value"], "properties": properties}

        assert kept(tree("integer"), tree("number")) == (True, False)
        assert kept(tree("integer"), tree("integer")) == (True, True)
        old, new = contract(tree("number")), contract(tree("integer"))
        assert counterexample(old, new) is not None

    def test_what_a_recursive_branch_looks_at_is_not_forgotten(self) -> None:
        branch = {"properties": {"next": {"$ref": "#"}}, "required": ["next"]}
        old = {"type": "object", "oneOf": [branch, {"maxProperties": 0}]}
        old["unevaluatedProperties"] = False
        new = {"type": "object", "maxProperties": 0}
        assert not contract(old).problems({"next": {}})
        assert not kept(old, new)[0]

    def test_a_change_deep_in_a_recursion_is_seen(self) -> None:
        def tree(most: int) -> dict[str, Any]:
            return {"type": "array", "items": {"$ref": "#"}, "maxItems": most}

        assert kept(tree(3), tree(4)) == (True, False)

    def test_a_reference_that_contains_nothing_but_itself_ends(self) -> None:
        schema = {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}
        assert not all(kept(schema, {**schema, "required": ["a"]}))

    def test_a_dynamic_reference_with_one_place_to_go_is_followed(self) -> None:
        def schema(name: str) -> dict[str, Any]:
            anchored = {"$dynamicAnchor": "node", "type": name}
            return {"items": {"$dynamicRef": "#node"}, "$defs": {"node": anchored}}

        assert kept(schema("integer"), schema("number")) == (True, False)

    def test_a_dynamic_reference_to_a_plain_anchor_is_a_plain_reference(self) -> None:
        def schema(name: str) -> dict[str, Any]:
            inside = {"plain": {"$anchor": "node", "type": name}}
            elsewhere = {"$id": "other", "$dynamicAnchor": "node", "type": "null"}
            return {"items": {"$dynamicRef": "#node"}, "$defs": {**inside, "other": elsewhere}}

        assert kept(schema("integer"), schema("number")) == (True, False)

    def test_a_dynamic_reference_that_depends_on_its_user_is_undecided(self) -> None:
        anchors = {"$dynamicAnchor": "node"}
        schema = {
            "items": {"$dynamicRef": "#node"},
            "$defs": {
                "a": {**anchors, "$id": "http://example.com/a", "type": "string"},
                "b": {**anchors, "$id": "http://example.com/b", "type": "number"},
            },
        }
        assert kept(schema, {**schema, "title": "Another"}) == (True, True)
        assert kept(schema, {**schema, "items": {"$dynamicRef": "#node"}, "$defs": {}}) == (
            False,
            False,
        )


class TestDrafts:
    def test_a_format_that_draft_7_does_not_know_is_new_in_2020(self) -> None:
        old = {"$schema": DRAFT_7, "type": "string", "format": "uuid"}
        assert kept(old, {"type": "string", "format": "uuid"}) == (False, True)

    def test_content_that_only_draft_7_asserts_is_not_called_safe(self) -> None:
        old = {"$schema": DRAFT_7, "type": "string", "contentEncoding": "base64"}
        assert kept(old, {"type": "string", "contentEncoding": "base64"}) == (True, False)

    def test_the_same_in_both_drafts_breaks_nobody(self) -> None:
        old = {"$schema": DRAFT_7, "items": [{"type": "string"}], "additionalItems": False}
        found = only(old, {"prefixItems": [{"type": "string"}], "items": False})
        assert (found.code, found.backward, found.forward) == ("draft-changed", "keeps", "keeps")

    def test_a_shared_definition_of_another_draft_is_undecided(self) -> None:
        part = {"$id": "project:/p", "$schema": DRAFT_7, "type": "string", "format": "uuid"}
        old = {"properties": {"a": {"$ref": "project:/p"}}, "$defs": {"p": part}}
        new = {"properties": {"a": {"type": "string", "format": "uuid"}}}
        assert not contract(old).problems({"a": "none"})
        assert contract(new).problems({"a": "none"})
        assert not kept(old, new)[0]


class TestUndecided:
    def test_what_cannot_be_proven_counts_as_a_break(self) -> None:
        found = only({"pattern": "^a+$"}, {"pattern": "^a*$"})
        assert found.code == "pattern-changed"
        assert found.backward is Effect.UNDECIDED
        assert found.why.endswith("old and new documents can be refused by the other side.")
        assert Mode.BACKWARD.breaks(found)


class TestVersions:
    SMALL: Final = {"type": "integer", "maximum": 5}
    LARGE: Final = {"type": "integer", "maximum": 9}

    def versions(self, **schemas: dict[str, Any]) -> list[Contract]:
        return [
            Contract("a.b.c", name.strip("v").replace("_", "."), schema)
            for name, schema in schemas.items()
        ]

    def test_each_version_is_compared_with_the_one_before(self) -> None:
        given = self.versions(v1_1_0=self.LARGE, v1_0_0=self.SMALL, v1_2_0=self.SMALL)
        found = steps(given, Mode.BACKWARD)
        assert [(each.old.version, each.new.version, each.refused) for each in found] == [
            ("1.0.0", "1.1.0", False),
            ("1.1.0", "1.2.0", True),
        ]

    def test_transitive_modes_compare_with_all_before(self) -> None:
        given = self.versions(v1_0_0=self.LARGE, v1_1_0=self.SMALL, v1_2_0=self.SMALL)
        found = steps(given, Mode.BACKWARD_TRANSITIVE)
        assert [(each.old.version, each.new.version) for each in found if each.refused] == [
            ("1.0.0", "1.1.0"),
            ("1.0.0", "1.2.0"),
        ]

    @pytest.mark.parametrize(
        ("mode", "refused"),
        [("none", False), ("backward", False), ("forward", True), ("full", True)],
    )
    def test_a_mode_says_which_direction_counts(self, mode: str, refused: bool) -> None:  # noqa: FBT001 - a column of the table
        given = self.versions(v1_0_0=self.SMALL, v1_1_0=self.LARGE)
        assert [each.refused for each in steps(given, Mode(mode))] == [refused]

    @pytest.mark.parametrize(
        ("old", "new", "enforced"),
        [
            ("1.0.0", "1.9.0", True),
            ("1.0.0", "2.0.0", False),
            ("0.1.0", "0.1.1", True),
            ("0.1.0", "0.2.0", False),
            ("1.0.0", "1.1.0-rc.1", False),
        ],
    )
    def test_a_mode_is_enforced_where_a_caret_range_takes_both(
        self,
        old: str,
        new: str,
        enforced: bool,  # noqa: FBT001 - a column of the table
    ) -> None:
        given = [Contract("a.b.c", old, self.LARGE), Contract("a.b.c", new, self.SMALL)]
        (found,) = steps(given, Mode.BACKWARD)
        assert (found.enforced, bool(found.breaking)) == (enforced, True)

    def test_nothing_has_to_keep_what_a_pre_release_said(self) -> None:
        given = [
            Contract("a.b.c", "1.0.0", self.SMALL),
            Contract("a.b.c", "1.1.0-rc.1", self.LARGE),
            Contract("a.b.c", "1.1.0", self.SMALL),
        ]
        assert not any(each.refused for each in steps(given, Mode.BACKWARD))


class TestCounterexample:
    def test_it_is_accepted_by_one_and_refused_by_the_other_with_the_place(self) -> None:
        old = contract({"properties": {"total": {"type": "number", "minimum": 0}}})
        new = contract({"properties": {"total": {"type": "number", "minimum": 1}}})
        found = counterexample(old, new)
        assert found is not None
        assert not old.problems(found.document)
        assert [(each.pointer, each.keyword) for each in found.problems] == [("/total", "minimum")]
        assert counterexample(new, old) is None

    def test_given_documents_are_tried_first(self) -> None:
        old, new = contract({"type": "string"}), contract({"type": "string", "maxLength": 3})
        found = counterexample(old, new, ["abc", "a real example"])
        assert found is not None
        assert found.document == "a real example"

    def test_it_is_the_same_each_time(self) -> None:
        old, new = contract({"type": "object"}), contract({"type": "object", "maxProperties": 2})
        first, second = counterexample(old, new), counterexample(old, new)
        assert first is not None
        assert first == second

    def test_I6_what_was_given_is_in_no_repr(self) -> None:
        old, new = contract({}), contract({"type": "number"})
        found = counterexample(old, new, ["top secret"])
        assert "secret" not in repr(found)


def contract(schema: dict[str, Any]) -> Contract:
    return Contract("a.b.c", "1.0.0", schema)


def test_the_guide_lists_every_code_with_whom_it_breaks() -> None:
    section = DOCS.read_text().partition("## Differences")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    listed = {cells[0].strip(" `"): cells[1].strip() for cells in rows}
    assert listed == {each.name: each.usually for each in CODES.values()}
