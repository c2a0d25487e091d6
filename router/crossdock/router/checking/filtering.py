"""Takes types through a content filter: what ``keep`` and ``drop`` leave of them."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.router.checking.making import items, union
from crossdock.router.checking.paths import field
from crossdock.router.checking.types import ANYTHING, List, Object, Type, Unknown
from crossdock.router.steps.field_paths import Tree


def missing(data: Type, tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of a filter that lead to nothing."""
    there = items(data)
    for name, below in tree.items() if there.kinds else ():
        found = field(there, name)
        if not found.present.kinds:
            yield (*path, name)
        elif below:
            yield from missing(found, below, (*path, name))


def kept(data: Type, tree: Tree) -> Type:
    """Return the type of what ``keep`` leaves."""
    kinds = []
    for kind in data.kinds:
        if isinstance(kind, Object):
            fields = {
                name: kept(kind.field(name), below) if below else kind.field(name)
                for name, below in tree.items()
            }
            kinds.append(Type((Object(fields),)))
        elif isinstance(kind, List):
            kinds.append(Type((List(kept(kind.item, tree)),)))
        else:  # what is no object has no such field: it is left out, or becomes null
            kinds.append(ANYTHING)
    return union(*kinds)


def dropped(data: Type, tree: Tree) -> Type:
    """Return the type of what ``drop`` leaves."""
    kinds = []
    for kind in data.kinds:
        if isinstance(kind, Object):
            fields = {
                name: dropped(found, tree[name]) if name in tree else found
                for name, found in kind.fields.items()
                if tree.get(name) != {}
            }
            kinds.append(Type((Object(fields, kind.rest),)))
        elif isinstance(kind, List):
            kinds.append(Type((List(dropped(kind.item, tree), kind.least),)))
        else:
            kinds.append(ANYTHING if isinstance(kind, Unknown) else Type((kind,)))
    return union(*kinds)
