"""Writes a contract as msgspec types, with datamodel-code-generator."""

from __future__ import annotations

import ast
import re
from typing import Final

import msgspec
from datamodel_code_generator import LiteralType, generate
from datamodel_code_generator.enums import DataModelType, InputFileType
from datamodel_code_generator.format import DatetimeClassType, Formatter, PythonVersion

from crossdock.cli.type_limits import limits_of
from crossdock.cli.type_preparing import CLOSED, MODULE, OPEN, prepared
from crossdock.contracts import Contract, Halt
from crossdock.mesh.catalogue.description import text_of
from crossdock.mesh.catalogue.embedding import is_dynamic

_HEAD: Final = "# generated"
# A moment and a time of day must say their offset, as the formats date-time and time ask.
_WITH_OFFSET: Final = {"datetime": "_Moment", "time": "_TimeOfDay"}
_REPLACED: Final = re.compile(
    rf"__future__|{MODULE}|^from datetime import (datetime|time)( as \w+)?$"
)
_BASES: Final = {
    OPEN: f'''class {OPEN}(msgspec.Struct, kw_only=True):
    """Members that the contract does not name are allowed, and left out."""''',
    CLOSED: f'''class {CLOSED}(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Members that the contract does not name are refused."""''',
}


def class_name(contract: str) -> str:
    """Return the name of a contract's type: ``SalesOrderPlaced``."""
    return "".join(each.capitalize() for each in re.split(r"[._-]", contract))


def typed_code(contract: Contract) -> str:
    """Return a module with the types of a contract's version.

    Raises:
        Halt: Types cannot follow the way in which its schema refers to its parts.
    """
    if is_dynamic(contract.schema):
        raise Halt(
            f"{contract.name} {contract.version}: its schema has a $dynamicRef, "
            "which types cannot follow: refer by #/$defs/…"
        )
    generated = generate(
        msgspec.json.encode(prepared(contract.schema)).decode(),
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.MsgspecStruct,
        output_datetime_class=DatetimeClassType.Datetime,
        target_python_version=PythonVersion.PY_311,
        class_name=class_name(contract.name),
        custom_file_header=_HEAD,
        enum_field_as_literal=LiteralType.All,
        formatters=[Formatter.BUILTIN],
        field_constraints=True,
        use_annotated=True,
        collapse_root_models=True,
        use_tuple_for_fixed_items=True,
    )
    return _completed(contract, _with_offsets(str(generated)))


def _completed(contract: Contract, code: str) -> str:
    """Put in what the generator knows only by name: our base classes, and what moments are."""
    lines = code.removeprefix(_HEAD).strip().splitlines()
    imports = [each for each in lines if each.startswith("from ")]
    first = lines.index(imports[-1]) + 1 if imports else 0
    kept = [each for each in imports if not _REPLACED.search(each)]
    moments = [
        f"{name}: _typing.TypeAlias = _typing.Annotated[_datetime.{kind}, msgspec.Meta(tz=True)]"
        for kind, name in _WITH_OFFSET.items()
        if name in code
    ]
    body = "\n".join(lines[first:]).strip()
    standard = ["import datetime as _datetime", "import typing as _typing"] if moments else []
    standard += [each for each in kept if "msgspec" not in each]
    parts = [
        f"{_docstring(contract)}\nfrom __future__ import annotations",
        "\n".join(standard),
        "\n".join(["import msgspec", *(each for each in kept if "msgspec" in each)]),
        *(f"\n{text}" for name, text in _BASES.items() if name in body),
        "\n".join(["", *moments] if moments else []),
        f"\n{body}",
    ]
    return "\n\n".join(each for each in parts if each) + "\n"


def _docstring(contract: Contract) -> str:
    said = [
        f"{contract.name} {contract.version}: {text_of(contract.schema.get('title'))}".rstrip(": "),
        "",
        "Made by `crossdock contract types`: change the contract, not this file. Read data with",
        f"``msgspec.json.decode(data, type={class_name(contract.name)})``.",
    ]
    if limits := limits_of(contract.schema):
        said += [
            "",
            "The contract says more than types can; these places are not checked whole:",
            "",
        ]
        said += [f"* {each}" for each in limits]
    text = "\n".join(said).replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{text}\n"""\n'


def _with_offsets(code: str) -> str:
    """Replace the types of moments by ours, wherever the generator wrote them."""
    names = _imported(code)
    lines = code.encode().splitlines(keepends=True)
    found = [
        (each.lineno - 1, each.col_offset, each.id)
        for each in ast.walk(ast.parse(code))
        if isinstance(each, ast.Name) and each.id in names and isinstance(each.ctx, ast.Load)
    ]
    for line, column, name in sorted(found, reverse=True):
        text, end = lines[line], column + len(name.encode())
        lines[line] = text[:column] + names[name].encode() + text[end:]
    return b"".join(lines).decode()


def _imported(code: str) -> dict[str, str]:
    """Return what the generator calls the types of moments, and what we do."""
    return {
        each.asname or each.name: _WITH_OFFSET[each.name]
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "datetime"
        for each in node.names
        if each.name in _WITH_OFFSET
    }
