"""A person who does what the page of contracts says gets what it says."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

from up_process import Up

PAGE: Final = Path(__file__).parents[2] / "docs" / "contracts.md"
WALK: Final = "## From nothing to a contract that is used"
UP: Final = "crossdock up .\n"
_BLOCK: Final = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Return the commands and the outputs of the walk, in order."""
    walk = PAGE.read_text().partition(WALK)[2].partition("\n## ")[0]
    return [(each[1], each[2]) for each in _BLOCK.finditer(walk)]


async def run(command: str, folder: Path) -> str:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", command),
        cwd=folder,
        env={**os.environ, "PATH": programs, "TERM": "dumb", "COLUMNS": "200"},
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, f"{command}\n{output.decode()}"
    return output.decode()


async def test_every_command_of_the_walk_works_and_shows_what_the_page_says(tmp_path: Path) -> None:
    folder, output = tmp_path, ""
    up = Up(tmp_path / "shop")
    try:
        for kind, text in blocks():
            if kind == "text":
                missing = set(text.splitlines()) - set(output.splitlines())
                assert not missing, output
            elif text == UP:
                await up.start()
                await up.ready()
            else:
                output = await run(text, folder)
                folder = tmp_path / "shop"
    finally:
        if up.process is not None:
            up.process.terminate()
            await up.finished()


def test_the_walk_has_commands_for_every_step() -> None:
    assert len([text for kind, text in blocks() if kind == "sh"]) >= 7
