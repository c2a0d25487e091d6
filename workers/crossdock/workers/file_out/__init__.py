"""``file-out``: appends messages to a JSON lines or CSV file, or makes one JSON file of each."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.file_out.settings import FileOutSettings
from crossdock.workers.file_out.sink import FileSink

__all__ = ["FileOutSettings", "FileSink", "adapter"]

adapter = Adapter(
    name="file-out",
    summary="Appends to a JSON lines or CSV file, or makes one JSON file a message; each once.",
    direction="sink",
    settings=FileOutSettings,
    make=FileSink,
    in_order=True,
    places=FileOutSettings.places,
)
