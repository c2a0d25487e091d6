"""A process as it was: kept once, so that instances that began with it end with it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from crossdock.contracts import Contract, Registry
from crossdock.mesh.project.loading import load_named
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.compiling import compile_process
from crossdock.router.processes.process_file import FOLDER, ProcessFile
from crossdock.router.revision import Revision, digest, files_of, write_files


def process_revision(file: ProcessFile, folder: Path, accepted: dict[str, Contract]) -> Revision:
    """Return the revision of a process.

    Args:
        file: The process as written.
        folder: Where it and its ``.jsonata`` files are.
        accepted: The contracts that it takes, by ``dataschema``.
    """
    files = files_of(file, f"{file.process}.yaml", folder)
    contracts = {name: digest(each) for name, each in accepted.items()}
    return Revision(files=files, contracts=contracts)


def rebuild_process(revision: Revision, registry: Registry, *, mesh: str) -> CompiledProcess:
    """Compile a process as it was, with the contracts as they are.

    Raises:
        Halt: It cannot be compiled any more: a contract is gone, for example.
    """
    with tempfile.TemporaryDirectory(prefix="crossdock-process-") as name:
        folder = (Path(name) / FOLDER).resolve()
        write_files(revision.files, folder)
        (file,) = load_named(Path(name), FOLDER, ProcessFile, "process")
        return compile_process(file, registry, folder, mesh=mesh, revision=revision.name)
