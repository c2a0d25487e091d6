"""``file-in``: receives the lines, rows or whole contents of files that arrive in a folder."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.file_in.settings import CsvSettings, FileInSettings
from crossdock.workers.file_in.source import FileSource

__all__ = ["CsvSettings", "FileInSettings", "FileSource", "adapter"]

adapter = Adapter(
    name="file-in",
    summary="Receives JSON, JSON lines or CSV from files in a folder; many replicas may share it.",
    direction="source",
    settings=FileInSettings,
    make=FileSource,
    places=FileInSettings.places,
)
