"""Answers for real what a route asks while it decides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from crossdock.contracts import CrossdockError
from crossdock.mesh.bus import Bus
from crossdock.mesh.claims import Claims
from crossdock.router.asking import ask_mesh
from crossdock.router.calls.clients import Clients
from crossdock.router.effects import Answer, Ask, Call, Claim, Effect, Invoke
from crossdock.router.python_steps.process import StepProcess


class Answers:
    """Everything that one route may ask."""

    def __init__(
        self, bus: Bus, clients: Clients, claims: Claims, functions: StepProcess | None
    ) -> None:
        """Ask nobody yet.

        Args:
            bus: For questions over the mesh.
            clients: Other systems.
            claims: Keys that messages of the route have claimed.
            functions: The project's Python steps; others use them, too. None when it has none.
        """
        self._bus = bus
        self._functions = functions
        self._clients = clients
        self._claims = claims

    async def __call__(self, effects: Sequence[Effect]) -> list[Answer]:
        """Answer questions, all at once as far as those who are asked allow."""
        return await asyncio.gather(*(self._answer(each) for each in effects))

    def once(self, effect: Effect) -> bytes | None:
        """Return what tells a question that must not be asked twice; None when it may be.

        Reads are asked again, so that a repaired system gives its new answer. A Python step whose
        files have changed is called again, too.
        """
        if isinstance(effect, Call) and self._clients.writes(effect.client):
            asked: list[object] = ["call", effect.client, effect.request]
        elif isinstance(effect, Ask):
            asked = ["ask", effect.client, effect.message.id]
        elif isinstance(effect, Invoke) and self._functions is not None:
            asked = ["python", effect.function, self._functions.version, effect.data]
        else:
            return None
        return msgspec.json.encode(asked, order="sorted")

    async def close(self) -> None:
        """Release everything. Safe twice."""
        await self._claims.close()
        await self._clients.close()

    async def _answer(self, effect: Effect) -> Answer:
        if isinstance(effect, Call):
            return await self._clients.answer(effect)
        if isinstance(effect, Ask):
            return await ask_mesh(self._bus, effect)
        if isinstance(effect, Invoke):
            return await self._invoke(effect)
        return await self._claim(effect)

    async def _invoke(self, invoke: Invoke) -> Answer:
        assert self._functions is not None  # noqa: S101 - a route with a Python step has found it
        try:
            return await self._functions.call(invoke.function, invoke.data, invoke.attributes)
        except CrossdockError as error:
            return error

    async def _claim(self, claim: Claim) -> Answer:
        try:
            return await self._claims.claim(claim.key, claim.holder, claim.window)
        except CrossdockError as error:
            return error
