"""A loss of power: what the broker had not synced is gone. And the control that must go red."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.driver import orders
from faults.power_loss import MortalServer, survivors
from faults.rig import Rig, running_rig

pytestmark = pytest.mark.fault

MESSAGES = 300
SHIPPED = "always"  # tests/unit/test_server_config.py holds the embedded server to it
DEFAULT = "2m"


async def test_I1_what_was_acknowledged_survives_a_loss_of_power(tmp_path: Path) -> None:
    async with running_rig(tmp_path, server=MortalServer(tmp_path / "nats", sync=SHIPPED)) as rig:
        await lose_power_under_load(rig)
        verdict = await rig.verdict()
    assert verdict.green, verdict


async def test_with_the_default_fsync_of_the_broker_a_loss_of_power_loses_messages(
    tmp_path: Path,
) -> None:
    async with running_rig(tmp_path, server=MortalServer(tmp_path / "nats", sync=DEFAULT)) as rig:
        await lose_power_under_load(rig)
        verdict = await rig.verdict()
    assert verdict.lost


async def lose_power_under_load(rig: Rig) -> None:
    assert isinstance(rig.server, MortalServer)
    await rig.start(rig.gateway, rig.router)
    await rig.driver.send_all(orders("before"), MESSAGES)
    rig.server.lose_power()
    rig.server.start()
    await rig.start(rig.worker)
    await rig.driver.send_all(orders("after"), MESSAGES)
    await rig.at_rest(60)


def test_only_what_was_synced_survives() -> None:
    log = r"""
1 openat(AT_FDCWD</s>, "/\x73/a", O_RDWR|O_CREAT, 0600) = 3</\x73/a>
1 pwrite64(3</\x73/a>, "\x6f\x6e\x65", 3, 0) = 3
2 pwrite64(4</\x73/b>, "\x78", 1, 0) = 1
1 fsync(3</\x73/a> <unfinished ...>
2 openat(AT_FDCWD</s>, "/\x73/c.tmp", O_WRONLY|O_CREAT|O_TRUNC|O_SYNC, 0600) = 5</\x73/c.tmp>
2 write(5</\x73/c.tmp>, "\x6d\x65", 2) = 2
1 <... fsync resumed>) = 0
1 pwrite64(3</\x73/a>, "\x74\x77\x6f", 3, 3) = 3
2 renameat(AT_FDCWD</s>, "/\x73/c.tmp", AT_FDCWD</s>, "/\x73/c") = 0
2 write(5</\x73/c>, "\x74", 1) = 1
""".strip().splitlines()
    assert survivors(log, "/s/") == {"/s/a": b"one", "/s/c": b"me"}
