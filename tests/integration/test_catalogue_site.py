"""The static catalogue: whole, valid HTML that needs nothing from elsewhere, whatever is in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from project_folder import write, write_contract, write_project

_EXAMPLES = Path(__file__).parents[2] / "examples"
_EVIL = "</style></script><script>alert(1)</script><img src=//x onerror=alert(1)>\"'&{{7*7}}"


def _made(project: Path, site: Path) -> dict[str, Element]:
    """Write the site, and return each page by its path; a page that is not valid HTML fails."""
    result = CliRunner().invoke(app, ["contract", "docs", str(project), "-o", str(site)])
    assert result.exit_code == 0, result.output
    return {str(path.relative_to(site)): _parsed(path) for path in site.rglob("*.html")}


def _parsed(path: Path) -> Element:
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    page: Element = parser.parse(path.read_text())
    return page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Element]:
    return _made(_EXAMPLES / "operations", tmp_path_factory.mktemp("site"))


def _links(pages: dict[str, Element]) -> Iterator[tuple[str, str]]:
    for path, page in pages.items():
        for each in page.iter("a"):
            yield path, each.attrib["href"]


def test_there_is_a_page_for_each_contract_and_it_is_found(pages: dict[str, Element]) -> None:
    folder = _EXAMPLES / "operations" / "contracts"
    names = {
        f"{each.parent.parent.name}.{each.parent.name}" for each in folder.glob("*/*/*.schema.json")
    }
    assert {f"contracts/{name}.html" for name in names} | {"index.html"} == set(pages)
    cards = [each for each in pages["index.html"].iter("a") if "data-search" in each.attrib]
    assert {each.attrib["href"] for each in cards} == {f"contracts/{name}.html" for name in names}
    order = next(each for each in cards if "sales.order" in each.attrib["href"])
    for word in ("sales.order.placed", "customer.email", "lines[].sku", "orders-to-billing"):
        assert word in order.attrib["data-search"]


def test_every_link_leads_to_a_page_of_the_site(pages: dict[str, Element]) -> None:
    links = list(_links(pages))
    assert links
    for path, link in links:
        target, _, anchor = link.partition("#")
        found = str((Path("/") / Path(path).parent / target).resolve().relative_to("/"))
        page = pages[found if target else path]
        assert not anchor or page.find(f".//*[@id='{anchor}']") is not None


def test_nothing_is_loaded_and_only_what_is_ours_runs(pages: dict[str, Element]) -> None:
    for page in pages.values():
        loading = [each.tag for each in page.iter() if {"src", "srcset", "data"} & set(each.attrib)]
        assert loading == []
        assert list(page.iter("link")) == []
        policy = _policy(page)
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            (only,) = page.iter(tag)
            digest = base64.b64encode(sha256((only.text or "").encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not [name for each in page.iter() for name in each.attrib if name.startswith("on")]


def _policy(page: Element) -> str:
    found = page.find(".//meta[@http-equiv='Content-Security-Policy']")
    assert found is not None
    return found.attrib["content"]


def test_a_page_says_who_makes_and_who_takes_the_messages(pages: dict[str, Element]) -> None:
    text = " ".join(pages["contracts/billing.invoice.requested.html"].itertext())
    made, taken = text.split("Consumed by")
    assert "orders-to-billing" in made
    assert "sql-out delivers" in taken
    assert "mqtt-in publishes" in " ".join(pages["contracts/energy.meter.read.html"].itertext())


def test_versions_and_their_changes_are_shown(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    older = {"type": "object", "properties": {"a": {"type": "string"}, "gone": {}}}
    newer = {
        "type": "object",
        "required": ["b"],
        "properties": {"a": {"type": "string", "maxLength": 5}, "b": {"type": "integer"}},
    }
    write_contract(project, "shop.item.sold", older, "1.0.0")
    write_contract(project, "shop.item.sold", newer, "1.10.0")
    write_contract(project, "shop.item.sold", newer, "1.9.0")
    page = _made(project, tmp_path / "site")["contracts/shop.item.sold.html"]
    changes = [
        (each.attrib["class"], " ".join(" ".join(each.itertext()).split()))
        for each in page.iter("li")
        if "class" in each.attrib
    ]
    assert changes == [
        ("changed", "nothing that a field shows"),
        ("changed", "a no rule → ≤ 5 characters"),
        ("added", "b integer, required"),
        ("removed", "gone is gone"),
    ]
    text = " ".join(page.itertext())
    assert "1.10.0" in text
    assert "Breaks nobody" in text
    assert "new readers, old messages: breaks" in text


def test_what_contract_yaml_says_is_shown(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    write_contract(project, "shop.item.sold", {"properties": {"to": {"properties": {"mail": {}}}}})
    write(
        project,
        "contracts/shop/item.sold/contract.yaml",
        """
        title: A sale
        owner: team-shop
        deprecated: {reason: Too little, since: "2026-01-31", replaced_by: sales.order.placed}
        personal: [/to/mail]
        """,
    )
    pages = _made(project, tmp_path / "site")
    text = " ".join(" ".join(pages["contracts/shop.item.sold.html"].itertext()).split())
    for said in ("A sale", "owner: team-shop", "Too little", "use sales.order.placed"):
        assert said in text
    assert "to.mail anything personal data" in text
    card = next(
        each for each in pages["index.html"].iter("a") if "shop.item" in each.attrib["href"]
    )
    shown = " ".join(" ".join(card.itertext()).split())
    assert shown == "shop.item.sold A sale 1.0.0 team-shop deprecated personal data"


def test_what_people_write_is_text_and_nothing_else(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    schema = {
        "title": _EVIL,
        "description": _EVIL,
        "type": "object",
        "properties": {_EVIL: {"description": _EVIL, "enum": [_EVIL], "title": _EVIL}},
    }
    write_contract(project, "shop.item.sold", schema)
    write(
        project,
        "contracts/shop/item.sold/examples/evil.json",
        json.dumps({_EVIL: _EVIL}),
    )
    write(
        project,
        "workers/world.yaml",
        f"worker: world\nadapter: file-out\ndescription: {json.dumps(_EVIL)}\n"
        "settings: {path: x, format: jsonl}\n",
    )
    pages = _made(project, tmp_path / "site")
    page = pages["contracts/shop.item.sold.html"]
    assert [each for one in pages.values() for each in one.iter("img")] == []
    assert [len(list(one.iter("script"))) for one in pages.values()] == [1] * len(pages)
    assert _EVIL in " ".join(page.itertext())
    assert "49" not in " ".join(page.itertext())


def test_a_schema_that_holds_itself_and_forms_makes_a_page(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    schema = {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/node"}, "pair": {"prefixItems": [{}, False]}},
        "oneOf": [{"properties": {"x": True}}, {"properties": {"y": {"type": ["null", "array"]}}}],
        "$defs": {
            "node": {"properties": {"left": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}
        },
    }
    write_contract(project, "shop.item.sold", schema)
    page = _made(project, tmp_path / "site")["contracts/shop.item.sold.html"]
    fields = [each.text for each in page.findall(".//td[@class='field']/code")]
    assert fields == ["tree", "tree.left", "tree.name", "pair", "pair[0]", "pair[1]", "x", "y"]


def test_pages_of_contracts_that_are_gone_are_removed(tmp_path: Path) -> None:
    project, site = write_project(tmp_path / "project"), tmp_path / "site"
    assert "contracts/sales.order.placed.html" in _made(project, site)
    for path in (project / "contracts" / "billing").rglob("*.json"):
        path.unlink()
    assert set(_made(project, site)) == {"index.html", "contracts/sales.order.placed.html"}


def test_a_project_that_is_wrong_is_refused_with_its_places(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    write(project, "contracts/sales/order.placed/1.0.0.schema.json", '{"type": 1}')
    result = CliRunner().invoke(
        app, ["contract", "docs", str(project), "-o", str(tmp_path / "site")]
    )
    assert result.exit_code == 2
    assert re.search(r"contracts/sales/order.placed/1.0.0.schema.json:1", result.output)
    assert not (tmp_path / "site").exists()
