"""Named clients that routes may call: files in ``calls/`` of the project."""
