"""Python steps in their process: called, bounded in time and memory, and started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.contracts import Disconnected, Halt, Reject, Retry
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.mesh.project.settings import StepSettings
from crossdock.router.python_steps.loading import calling_steps, load_functions
from crossdock.router.python_steps.process import StepProcess
from eventually import eventually
from project_folder import write

MEMORY = 512 * 1024**2
SETTINGS = StepSettings(memory=Size(MEMORY), timeout=Duration(10))
STEPS = """
import asyncio, os, time
from pathlib import Path
from typing import Literal
import msgspec
from _rates import RATE
from crossdock.contracts import Disconnected, Reject, Retry
from crossdock.router.python_steps import step

class Choice(msgspec.Struct):
    kind: Literal["a", "b"]

class Order(msgspec.Struct):
    total: float
    country: str = "DE"

contracts = {"accepts": "sales.order.placed@1", "emits": "sales.order.priced@1"}

@step(**contracts)
def price(data):
    return data | {"price": data["total"] * RATE}

@step(**contracts)
async def typed(order: Order, attributes: dict[str, object]) -> Order:
    await asyncio.sleep(0)
    return Order(order.total, str(attributes["id"]))

@step(**contracts)
def chooses(choice: Choice) -> Choice:
    return choice

@step(**contracts)
def nothing(data):
    print("a step may print")

@step(**contracts)
def raises(data):
    raise {"reject": Reject("no such customer"), "retry": Retry("busy", after=7),
           "away": Disconnected("gone")}.get(data["kind"], ValueError(data.get("secret")))

@step(**contracts, timeout=0.3)
def hangs(data):
    while data["hang"]:
        time.sleep(0.01)
    return data

@step(**contracts, timeout=0.3)
async def waits(data):
    await asyncio.sleep(60)

@step(**contracts)
async def lingers(data):
    Path(data["file"]).write_text("began")
    try:
        await asyncio.sleep(60)
    finally:
        Path(data["file"]).write_text("ended")

@step(**contracts, timeout=2)
def dawdles(data):
    time.sleep(0.1)
    return data

@step(**contracts)
def ends(data):
    if data.get("end"):
        os._exit(3)
    time.sleep(data.get("for", 0))
    return data

@step(**contracts)
def eats(data):
    return {"size": len(bytearray(data["bytes"]))}

@step(**contracts, name="set-of")
def gives_a_set(data):
    return {"value": object()}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "steps/pricing.py", STEPS)
    write(tmp_path, "steps/_rates.py", "RATE = 2\n")
    return tmp_path


@pytest.fixture
async def steps(project: Path) -> AsyncIterator[StepProcess]:
    process = StepProcess(load_functions(project, SETTINGS))
    await process.start()
    yield process
    await process.stop()


async def reads(file: Path, text: str) -> None:
    await eventually(lambda: file.exists() and file.read_text() == text, seconds=60)


async def test_a_function_makes_data_of_data(steps: StepProcess) -> None:
    assert await steps.call("price", {"total": 4}, {}) == {"total": 4, "price": 8}
    assert await steps.call("nothing", {}, {}) is None


async def test_a_typed_function_gets_its_type_and_the_attributes(steps: StepProcess) -> None:
    made = await steps.call("typed", {"total": 4}, {"id": "o-1"})
    assert made == {"total": 4.0, "country": "o-1"}
    with pytest.raises(Reject, match="total"):
        await steps.call("typed", {"total": "secret"}, {"id": "o-1"})


async def test_what_a_step_raises_is_the_instruction_that_the_runtime_gets(
    steps: StepProcess,
) -> None:
    with pytest.raises(Reject, match="no such customer"):
        await steps.call("raises", {"kind": "reject"}, {})
    with pytest.raises(Disconnected):
        await steps.call("raises", {"kind": "away"}, {})
    with pytest.raises(Retry) as retried:
        await steps.call("raises", {"kind": "retry"}, {})
    assert retried.value.after == 7


async def test_I6_an_error_tells_its_kind_and_line_and_no_value(steps: StepProcess) -> None:
    with pytest.raises(Retry) as caught:
        await steps.call("raises", {"kind": "", "secret": "topsecret"}, {})
    assert "ValueError in pricing.py:" in str(caught.value)
    assert "topsecret" not in str(caught.value)


async def test_I6_data_that_does_not_fit_the_type_is_told_by_its_place_alone(
    steps: StepProcess,
) -> None:
    with pytest.raises(Reject) as caught:
        await steps.call("chooses", {"kind": "topsecret"}, {})
    assert "$.kind" in str(caught.value)
    assert "topsecret" not in str(caught.value)


async def test_a_number_that_cannot_be_sent_to_a_step_is_refused(steps: StepProcess) -> None:
    with pytest.raises(Reject, match="64 bits"):
        await steps.call("price", {"total": 2**70}, {})
    assert await steps.call("price", {"total": 1}, {}) == {"total": 1, "price": 2}


async def test_I8_a_step_that_hangs_is_ended_in_time_and_delays_no_other(
    steps: StepProcess,
) -> None:
    begin = time.monotonic()
    hanging = asyncio.create_task(steps.call("hangs", {"hang": True}, {}))
    assert await steps.call("price", {"total": 1}, {}) == {"total": 1, "price": 2}
    with pytest.raises(Retry, match=r"longer than 0\.3 s"):
        await hanging
    assert time.monotonic() - begin < 20
    assert await steps.call("price", {"total": 1}, {}) == {"total": 1, "price": 2}
    assert steps.restarts == 1


async def test_a_coroutine_that_takes_too_long_is_cancelled_without_a_restart(
    steps: StepProcess,
) -> None:
    with pytest.raises(Retry, match="longer than"):
        await steps.call("waits", {}, {})
    assert steps.restarts == 0


async def test_a_coroutine_whose_caller_gives_up_is_cancelled_in_its_process(
    steps: StepProcess, tmp_path: Path
) -> None:
    file = tmp_path / "state"
    call = asyncio.create_task(steps.call("lingers", {"file": str(file)}, {}))
    await reads(file, "began")
    call.cancel()
    await reads(file, "ended")
    assert steps.restarts == 0


async def test_I8_threads_whose_callers_gave_up_are_not_lost_to_the_others(
    steps: StepProcess,
) -> None:
    leaving = [asyncio.create_task(steps.call("hangs", {"hang": True}, {})) for _ in range(20)]
    await steps.call("typed", {"total": 4}, {"id": "o-1"})  # by then as many as may have begun
    for each in leaving:
        each.cancel()
    await asyncio.wait(leaving)
    async with asyncio.timeout(60):
        assert await steps.call("price", {"total": 1}, {}) == {"total": 1, "price": 2}


async def test_the_time_of_a_call_begins_when_a_thread_is_free_for_it(steps: StepProcess) -> None:
    calls = [steps.call("dawdles", {"n": number}, {}) for number in range(256)]
    assert [each["n"] for each in await asyncio.gather(*calls)] == list(range(256))
    assert steps.restarts == 0


async def test_the_one_that_ends_the_process_has_failed_and_its_neighbours_have_not(
    steps: StepProcess,
) -> None:
    neighbours = [
        asyncio.create_task(steps.call("ends", {"n": number, "for": 0.2}, {}))
        for number in range(4)
    ]
    with pytest.raises(Retry, match="ended its process"):
        await steps.call("ends", {"end": True}, {})
    assert [each["n"] for each in await asyncio.gather(*neighbours)] == [0, 1, 2, 3]


async def test_callers_that_give_up_while_the_process_starts_hold_up_nobody(project: Path) -> None:
    process = StepProcess(load_functions(project, SETTINGS))
    for pause in (0.0, 0.001, 0.01):
        leaving = [asyncio.create_task(process.call("price", {"total": 1}, {})) for _ in range(3)]
        await asyncio.sleep(pause)
        for each in leaving:
            each.cancel()
        async with asyncio.timeout(30):
            await asyncio.wait(leaving)
            assert await process.call("price", {"total": 1}, {}) == {"total": 1, "price": 2}
            await process.stop()


async def test_a_process_that_is_about_to_be_gone_fails_no_call(steps: StepProcess) -> None:
    assert steps._child is not None
    pipe = steps._child._process.stdin
    assert pipe is not None
    pipe.close()
    assert await steps.call("price", {"total": 1}, {}) == {"total": 1, "price": 2}
    assert steps.restarts == 1


async def test_I8_memory_beyond_the_bound_fails_the_call_and_not_the_process(
    steps: StepProcess,
) -> None:
    with pytest.raises(Retry, match="MemoryError"):
        await steps.call("eats", {"bytes": 2 * MEMORY}, {})
    assert await steps.call("eats", {"bytes": 1024}, {}) == {"size": 1024}
    assert steps.restarts == 0


async def test_what_json_cannot_express_is_a_failure(steps: StepProcess) -> None:
    with pytest.raises(Retry, match="TypeError"):
        await steps.call("set-of", {}, {})


def test_every_file_that_cannot_be_used_is_told_with_its_line(project: Path) -> None:
    write(project, "steps/broken.py", "x = 1\nimport no_such_module\n")
    write(project, "steps/syntax.py", "\n\ndef f(:\n")
    write(
        project,
        "steps/twice.py",
        "from crossdock.router.python_steps import step\n"
        "@step(accepts='a.b.c', emits='a.b.c')\ndef price(data):\n    return data\n",
    )
    with pytest.raises(Halt) as caught:
        load_functions(project, SETTINGS)
    assert [each.place for each in caught.value.problems] == [
        "steps/broken.py:2",
        "steps/syntax.py:3",
        "steps/twice.py:2",
    ]


def test_a_program_without_an_event_loop_calls_steps_too(project: Path) -> None:
    with calling_steps(project, SETTINGS) as (steps, _):
        assert steps is not None
        assert steps.call("price", {"total": 2}, {}) == {"total": 2, "price": 4}
        failed = steps.call("raises", {"kind": "reject"}, {})
        assert isinstance(failed, Reject)
        assert failed.reason == "step raises: no such customer"
        assert steps.steps["price"].place == "steps/pricing.py:19"


def test_I8_a_program_without_an_event_loop_is_not_held_up_either(project: Path) -> None:
    with calling_steps(project, SETTINGS) as (steps, _):
        assert steps is not None
        for step, data, why in [
            ("hangs", {"hang": True}, r"longer than 0\.3 s"),
            ("waits", {}, r"longer than 0\.3 s"),
            ("ends", {"end": True}, "the process .* ended"),
            ("price", {"total": 2**70}, "64 bits"),
        ]:
            with pytest.raises(Reject, match=why):
                steps.call(step, data, {})
            assert steps.call("price", {"total": 2}, {}) == {"total": 2, "price": 4}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def f(): pass", "a step takes data"),
        ("def f(a, b, c): pass", "a step takes data"),
        ("def f(*a): pass", "a step takes data"),
    ],
)
def test_a_function_that_cannot_be_a_step_is_refused_with_its_place(
    tmp_path: Path, text: str, why: str
) -> None:
    head = "from crossdock.router.python_steps import step\n@step(accepts='a.b.c', emits='a.b.c')\n"
    write(tmp_path, "steps/a.py", head + text + "\n")
    with pytest.raises(Halt) as caught:
        load_functions(tmp_path, SETTINGS)
    (problem,) = caught.value.problems
    assert why in problem.message
    assert problem.place == "steps/a.py:2"
