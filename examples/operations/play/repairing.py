"""Shows a dead letter, and repairs one and sends it again: with the commands that a person uses."""

from __future__ import annotations

import msgspec

from play.ledger import contact
from play.scene import Scene

_WRONG = "@typo.example"
_RIGHT = "@example.org"


async def show(scene: Scene, where: str) -> None:
    """Show what died where, and the first dead letter of one component."""
    await _run(scene, "dead", "list")
    number = await _first(scene, where)
    if number is not None:
        await _run(scene, "dead", "show", str(number))


async def repair_one(scene: Scene) -> tuple[str, str] | None:
    """Repair the mail address of a contact that the CRM refused, and send it again.

    Returns:
        The contact as it was and as it is now; None when the CRM refused none.
    """
    number = await _first(scene, "crm")
    if number is None:
        return None
    shown = await scene.mesh.command("dead", "show", str(number), "--data", "--json")
    letter = msgspec.json.decode(shown)
    before = msgspec.json.decode(letter["data"])
    after = before | {"email": before["email"].replace(_WRONG, _RIGHT)}
    file = scene.stage.data / "repaired.json"
    file.write_bytes(msgspec.json.encode(after))
    scene.console.print(
        f"Dead letter {number}: the CRM refused a contact, because its mail address is wrong "
        f"({letter['reason']}). Repaired:"
    )
    await _run(scene, "dead", "redrive", str(number), "--data", str(file), "--yes")
    return _named(before), _named(after)


async def _run(scene: Scene, *words: str) -> None:
    """Run a command, and show it with what it prints."""
    shown = " ".join(words).replace(f"{scene.stage.project}/", "")
    scene.console.print(f"[bold]$ crossdock {shown}[/]")
    scene.console.print(await scene.mesh.command(*words), markup=False)


async def _first(scene: Scene, where: str) -> int | None:
    printed = await scene.mesh.command("dead", "list", "--where", where, "--json")
    numbers = [msgspec.json.decode(line)["first"] for line in printed.splitlines()]
    return min(numbers, default=None)


def _named(body: dict[str, object]) -> str:
    return contact(str(body["order"]), str(body["email"]), int(str(body["items"])))
