"""The whole play: start, send, wait, compare, repair, compare again."""

from __future__ import annotations

import asyncio
import time

from rich.console import Console
from rich.markup import escape

from crossdock.cli.connection import broker_url
from crossdock.contracts import Subjects
from crossdock.mesh.bus import Bus
from play.checking import Verdict, check
from play.employees import FILE, export
from play.meters import Meters
from play.processes import crm, mesh
from play.progress import Sending
from play.repairing import repair_one, show
from play.scene import Scene, Script
from play.settling import Traffic, settle
from play.shop import Answers, Shop
from play.stage import Stage, add_client


async def act(stage: Stage, script: Script, console: Console) -> bool:
    """Play it all; return whether everything balances.

    Args:
        stage: Where.
        script: What is sent.
        console: Where to tell it.
    """
    key = await add_client(stage, "shop")
    async with (
        crm(stage.crm_port, stage.env) as crm_url,
        mesh(stage.project, stage.env) as running,
    ):
        console.print(
            f"[bold green]ready[/] {running.http} after {running.seconds:.1f} s: "
            "broker, gateway, router and workers run"
        )
        url = broker_url(stage.project, None)
        bus = await Bus.connect(url, Subjects("operations"), name="demo")
        try:
            return await _play(Scene(stage, script, running, bus, crm_url, console), key)
        finally:
            await bus.close()


async def _play(scene: Scene, key: str) -> bool:
    began = time.monotonic()
    answers, traffic, at_rest = await _send(scene, key)
    seconds = time.monotonic() - began
    scene.console.print(
        f"{scene.script.size:,} messages sent and carried in {seconds:.0f} s; "
        f"{answers.repeats:,} orders were sent twice\n"
    )
    verdict = await check(scene, answers, traffic, at_rest=at_rest)
    for table in verdict.tables():
        scene.console.print(table, "")
    _tell(
        scene.console,
        verdict,
        f"Everything balances: {verdict.found:,} effects found where they belong, none missing, "
        "none twice.",
    )
    if not verdict.balanced:
        return False
    _tell_refusal(scene.console, answers)
    return await _look_at_dead_letters(scene, answers)


async def _look_at_dead_letters(scene: Scene, answers: Answers) -> bool:
    """Show what could not go on, repair one, and check everything again."""
    await show(scene, "hr-export")
    repaired = await repair_one(scene)
    if repaired is None:
        return True
    traffic, at_rest = await settle(scene.bus, scene.script.must_come_in())
    verdict = await check(scene, answers, traffic, at_rest=at_rest, repaired=repaired)
    _tell(
        scene.console,
        verdict,
        "The CRM has the contact now, its dead letter is gone, and everything balances still.",
    )
    return verdict.balanced


async def _send(scene: Scene, key: str) -> tuple[Answers, Traffic, bool]:
    """Send everything at once, and wait until the mesh is at rest."""
    script, stage = scene.script, scene.stage
    with Sending(scene.console) as sending:
        orders = sending.bar("orders by HTTP on 32 connections", len(script.orders))
        readings = sending.bar("meter readings by MQTT", len(script.readings))
        arrived = sending.level("delivered", script.deliveries)
        await asyncio.to_thread(export, script.employees, stage.data / "hr")
        scene.console.print(f"put into data/hr: {FILE} with {len(script.employees):,} lines")
        meters = Meters(stage.mqtt_port, stage.env["METERS_PASSWORD"], readings)
        async with asyncio.TaskGroup() as group:
            shop = group.create_task(Shop(scene.mesh.http, key, orders).send(script.orders))
            group.create_task(meters.publish(script.readings))
            settling = group.create_task(settle(scene.bus, script.must_come_in(), arrived))
    traffic, at_rest = settling.result()
    return shop.result(), traffic, at_rest


def _tell_refusal(console: Console, answers: Answers) -> None:
    """Show what the web shop got for an invalid order: it can correct it at once."""
    number = min(answers.refused, default=None)
    if number is None:
        return
    console.print(f"Order {number} was answered 400, with each problem:")
    for each in answers.refused[number]:
        console.print(f"  {each['pointer']}: {each['message']}", markup=False)
    console.print()


def _tell(console: Console, verdict: Verdict, good: str) -> None:
    for problem in verdict.problems():
        console.print(f"[bold red]wrong:[/] {escape(problem)}")
    if verdict.balanced:
        console.print(f"[bold green]{good}[/]\n")
