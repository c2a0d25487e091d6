"""Write the table of values in the chart's README from its schema and its defaults.

Run as ``python deploy/chart_docs.py``; a test fails while the README is not what this writes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parent.parent / "helm" / "crossdock"
README = CHART / "README.md"
BEGIN = "<!-- values: written by deploy/chart_docs.py -->\n"
END = "<!-- end of values -->\n"


def _rows(schema: dict[str, Any], values: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any YAML
    """Yield a table row for each value that has a description."""
    if "description" in schema:
        default = json.dumps(values).replace("|", "\\|")
        yield f"| `{path}` | `{default}` | {schema['description']} |\n"
        return
    for key, below in schema.get("properties", {}).items():
        if key in values:
            yield from _rows(below, values[key], f"{path}.{key}".lstrip("."))


def readme() -> str:
    """Return the README as it should be."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    head, _, rest = README.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    table = "| value | default | meaning |\n|---|---|---|\n" + "".join(_rows(schema, values))
    return f"{head}{BEGIN}{table}{END}{tail}"


if __name__ == "__main__":
    README.write_text(readme())
    sys.stdout.write(f"wrote {README}\n")
