"""``python -m crossdock.cli``: the command without its script."""

from crossdock.cli.main import app

app(prog_name="crossdock")
