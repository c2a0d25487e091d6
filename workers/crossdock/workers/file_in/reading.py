"""Reading one claimed file: its records in order, and when all of them are safe."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.workers.file_in.claim import Claim, Progress
from crossdock.workers.file_in.lines import LineReader
from crossdock.workers.file_in.records import Record, json_record, jsonl_records
from crossdock.workers.file_in.rows import BadHeader, csv_records, read_header
from crossdock.workers.file_in.settings import CsvSettings, FileInSettings
from crossdock.workers.file_in.values import RowValues


class Reading:
    """A claimed file that is being read."""

    def __init__(self, claim: Claim, settings: FileInSettings) -> None:
        """Start behind what was acknowledged before."""
        self.claim = claim
        self.failed = False
        self.count = 0
        self._settings = settings
        self._given = claim.progress.offset
        self._exhausted = False
        self._lines: LineReader | None = None
        self._records = self._start()

    def next(self) -> Record | None:
        """Return the next record, None at the end of the file as it is now."""
        record = next(self._records, None)
        if record is None:
            self._exhausted = True
            return None
        self._given = record.end
        self.count += 1
        return record

    def advance(self, offset: int, line: int) -> None:
        """Remember that everything before an offset is safe; its end is remembered by the move."""
        if offset <= self.claim.progress.offset:
            return  # told twice
        progress = Progress(offset, line)
        if self._exhausted and offset == self._given:
            self.claim.progress = progress
        else:
            self.claim.advance(progress)

    def is_safe(self) -> bool:
        """Tell whether the file is read to its end and all of it is acknowledged."""
        return self._exhausted and self.claim.progress.offset >= self._given

    def goes_on(self) -> bool:
        """Tell whether the file grew after it was read to its end; then its next record is new."""
        if self.failed or self._lines is None or self.claim.size() <= self._lines.position:
            return False
        self._records, self._exhausted = self._start(), False
        return True

    def _start(self) -> Iterator[Record]:
        settings = self._settings
        if settings.format == "json":
            return self._whole(json_record(self.claim.data, settings.max_file))
        # From the start, for the header; then from where everything before is safe.
        self._lines = LineReader(self.claim.data, settings.max_line)
        if settings.format == "jsonl":
            return jsonl_records(self._from_progress())
        csv = settings.csv or CsvSettings()
        try:
            columns = csv.columns or read_header(self._lines, csv)
        except BadHeader as error:
            return self._whole(error.record)
        return csv_records(self._from_progress(), csv, RowValues(columns, csv))

    def _whole(self, record: Record) -> Iterator[Record]:
        """Read a file that is one record: whether it failed is known again after a restart."""
        self.failed = record.whole_file
        return iter([record] if record.end > self._given else [])

    def _from_progress(self) -> LineReader:
        progress = self.claim.progress
        if progress.offset or self._lines is None:
            self._lines = LineReader(
                self.claim.data,
                self._settings.max_line,
                offset=progress.offset,
                number=progress.line,
            )
        return self._lines
