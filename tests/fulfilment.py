"""A mesh with one process for tests: an order reserves stock, is paid, or is taken back."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec

from crossdock.contracts import Contract, Message, Registry
from crossdock.contracts.reference import dataschema
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import parse
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.compiling import compile_process
from crossdock.router.processes.process_file import ProcessFile
from project_folder import write, write_contract

PROCESS = """
    process: fulfilment
    key: order
    starts: {on: sales.order.placed@^1, when: amount > 0, keep: "{'amount': amount}", go: reserving}
    states:
      reserving:
        enter:
          - send: stock
            as: stock.reserve.requested@1
            map: "{'order': $key, 'amount': amount}"
            undo:
              send: stock
              as: stock.release.requested@1
              map: "{'order': $key, 'amount': amount}"
              done: stock.goods.released@^1
              within: 2s
        on:
          - {message: stock.goods.reserved@^1, go: paying}
          - {message: stock.goods.refused@^1, refused: true, go: failed}
        timeout: {after: 30m, go: failed}
      paying:
        enter:
          - send: bank
            as: bank.payment.requested@1
            map: "{'order': $key, 'amount': amount}"
            undo:
              send: bank
              as: bank.refund.requested@1
              map: "{'order': $key, 'amount': amount}"
        on:
          - {message: bank.payment.made@^1, when: amount = $data.amount, go: done}
          - {message: bank.payment.refused@^1, refused: true, go: failed}
        timeout: {after: 30m, go: failed}
      done: {end: true}
      failed: {compensate: true, end: true}
"""
CONTRACTS = (
    "sales.order.placed",
    "stock.reserve.requested",
    "stock.release.requested",
    "stock.goods.reserved",
    "stock.goods.refused",
    "stock.goods.released",
    "bank.payment.requested",
    "bank.refund.requested",
    "bank.payment.made",
    "bank.payment.refused",
)
_SCHEMA: dict[str, object] = {
    "type": "object",
    "required": ["order", "amount"],
    "additionalProperties": False,
    "properties": {"order": {"type": "string"}, "amount": {"type": "number"}},
}


def write_fulfilment(folder: Path, *, process: str = PROCESS) -> Path:
    write(folder, "mesh.yaml", "mesh: t\n")
    for each in CONTRACTS:
        write_contract(folder, each, _SCHEMA)
    write(folder, "processes/fulfilment.yaml", process)
    return folder


def compiled_fulfilment(text: str = PROCESS, revision: str = "r1") -> CompiledProcess:
    """The process, with contracts that are as those of :func:`write_fulfilment`."""
    registry = Registry([Contract(each, "1.0.0", _SCHEMA) for each in CONTRACTS])
    file = convert(parse(dedent(text).encode(), "processes/fulfilment.yaml"), ProcessFile)
    return compile_process(file, registry, Path(), mesh="t", revision=revision)


def told(contract: str, order: str, amount: float = 5, *, id_: str = "") -> Message:
    """A message of one of the contracts."""
    data: dict[str, Any] = {"order": order, "amount": amount}
    return Message(
        id=id_ or f"{contract.rpartition('.')[2]}-{order}",
        source="/test",
        type=contract,
        dataschema=dataschema(contract, "1.0.0"),
        data=msgspec.json.encode(data),
    )
