"""Results of examples as JUnit XML, which every CI server reads.

The form is that of the schema which Jenkins publishes: ``testsuites`` with one ``testsuite`` a
route and one ``testcase`` an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

from crossdock.router.testing import Tested

# What XML 1.0 cannot hold in any form.
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF], "?")


def write_junit(results: Sequence[Tested], file: Path, *, folder: str = "routes") -> None:
    """Write results.

    Args:
        results: In the order of the routes.
        file: Where to.
        folder: Folder of what was tested, in the project.

    Raises:
        OSError: It cannot be written.
    """
    root = ET.Element("testsuites", _counts(results))
    for route, found in groupby(results, key=lambda each: each.route):
        cases = list(found)
        suite = ET.SubElement(
            root, "testsuite", {"name": f"{folder}/{route}.yaml", **_counts(cases)}
        )
        for each in cases:
            _add_case(suite, each, folder)
    ET.indent(root)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _counts(results: Sequence[Tested]) -> dict[str, str]:
    failed = sum(1 for each in results if each.problems)
    return {"tests": str(len(results)), "failures": str(failed), "errors": "0"}


def _add_case(suite: ET.Element, result: Tested, folder: str) -> None:
    name = _clean(f"{result.example + 1}: {result.given}")
    names = {"classname": f"{folder}.{result.route}", "name": name}
    case = ET.SubElement(suite, "testcase", names)
    if result.problems:
        first = _clean(result.problems[0].message)
        failure = ET.SubElement(case, "failure", {"message": first, "type": "difference"})
        failure.text = _clean("\n".join(str(each) for each in result.problems))


def _clean(text: str) -> str:
    return text.translate(_FORBIDDEN)
