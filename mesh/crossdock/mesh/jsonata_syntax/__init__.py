"""JSONata as a tree: what static checks read. The engine runs expressions, but shows no tree."""

from crossdock.mesh.jsonata_syntax.parser import parse
from crossdock.mesh.jsonata_syntax.tokens import NotUnderstoodError

__all__ = ["NotUnderstoodError", "parse"]
