"""A project that is read again keeps what has not changed."""

from __future__ import annotations

from pathlib import Path

from crossdock.router.loading import load_router
from project_folder import write_project


def test_a_route_that_did_not_change_is_the_same_and_one_that_did_is_not(tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    first = load_router(folder)
    again = load_router(folder, first)
    assert again.registry is first.registry
    assert again.routes["by-country"] is first.routes["by-country"]
    route = folder / "routes" / "by-country.yaml"
    route.write_text(route.read_text() + "expired: dead\n")
    changed = load_router(folder, again)
    assert changed.registry is first.registry
    assert changed.routes["by-country"] != first.routes["by-country"]


def test_a_changed_contract_changes_every_route(tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    first = load_router(folder)
    schema = next((folder / "contracts").rglob("*.schema.json"))
    schema.write_text(schema.read_text().replace("{", '{"title": "other",', 1))
    changed = load_router(folder, first)
    assert changed.registry is not first.registry
    assert changed.routes["by-country"] != first.routes["by-country"]
