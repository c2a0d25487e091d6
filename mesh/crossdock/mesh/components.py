"""The components of one process: routes, sinks or sources, started, changed and stopped by name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from crossdock.mesh.component import State

_log = logging.getLogger("crossdock.components")
_AGAIN = 1.0

T = TypeVar("T")


class Runner(Protocol):
    """Something that runs until it is stopped."""

    @property
    def state(self) -> State:
        """How it is."""

    @property
    def reason(self) -> str:
        """Why it is paused or halted."""

    async def run(self) -> None:
        """Run until :meth:`stop`, then finish what was begun."""

    def stop(self) -> None:
        """Ask it to end. Safe twice."""


R = TypeVar("R", bound=Runner)


class _Running(Generic[T, R]):
    def __init__(self, value: T, runner: R) -> None:
        self.value = value
        self.runner = runner
        self.task = asyncio.create_task(self._run(), name=f"component {runner!r}")

    async def _run(self) -> None:
        while True:
            try:
                await self.runner.run()
            except Exception as error:  # noqa: BLE001 - a bug of one component stops no other
                reasons = [type(each).__name__ for each in getattr(error, "exceptions", [error])]
                _log.error("component failed; again", extra={"why": ", ".join(reasons)})
                await asyncio.sleep(_AGAIN)
            else:
                return

    async def stop(self) -> None:
        self.runner.stop()
        await asyncio.gather(self.task, return_exceptions=True)


class Components(Generic[T, R]):
    """What should run, by name; equal values are left running when the project changes."""

    def __init__(self, make: Callable[[T], R], forget: Callable[[T], None]) -> None:
        """Remember how to make a runner, and what to call for one that is gone."""
        self._make = make
        self._forget = forget
        self._running: dict[str, _Running[T, R]] = {}

    async def apply(self, wanted: Mapping[str, T]) -> None:
        """Stop what is gone or changed, then start what is new or changed."""
        changed = [name for name, each in self._running.items() if wanted.get(name) != each.value]
        gone = [self._running.pop(name) for name in changed]
        await asyncio.gather(*(each.stop() for each in gone))
        for each in gone:
            self._forget(each.value)
        for name, value in wanted.items():
            if name not in self._running:
                self._running[name] = _Running(value, self._make(value))

    def runners(self) -> list[R]:
        """Return what runs now."""
        return [each.runner for each in self._running.values()]

    def running(self) -> list[tuple[T, R]]:
        """Return what runs now, with what it was made of."""
        return [(each.value, each.runner) for each in self._running.values()]

    def states(self) -> dict[str, tuple[State, str]]:
        """Return for each component its state and, when it is not running, why."""
        return {
            name: (each.runner.state, each.runner.reason) for name, each in self._running.items()
        }

    def not_ready(self) -> str | None:
        """Say in one line which components are starting or halted; None when all are fine."""
        bad = [
            f"{name} is {state}" + (f": {reason}" if reason else "")
            for name, (state, reason) in self.states().items()
            if state in ("starting", "halted")
        ]
        return "; ".join(bad) or None

    async def stop(self) -> None:
        """Stop everything, each finishing what it has begun."""
        await self.apply({})
