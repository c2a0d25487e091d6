"""What can be wrong with the stops of routing slips once all routes are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossdock.contracts import Problem
from crossdock.mesh.project.document import Path_
from crossdock.mesh.project.loading import Loaded
from crossdock.router.route_file import Computed, RouteFile


def stop_problems(routes: Sequence[Loaded[RouteFile]]) -> Iterator[Problem]:
    """Find stops that are no route, or one that is no stop."""
    known = {each.value.route: each.value.slip for each in routes}
    for route in routes:
        for name, at in _stops(route.value):
            if name not in known:
                there = ", ".join(sorted(each for each, stop in known.items() if stop)) or "none"
                message = f"no route is named {name[:80]!r}; routes with `slip: true`: {there}"
            elif not known[name]:
                message = f"route {name!r} is no stop: give it `slip: true`"
            else:
                continue
            yield route.document.problem(message, at, "dangling-destination")


def _stops(route: RouteFile) -> Iterator[tuple[str, Path_]]:
    for key, branches in (("send", route.send), ("send_all", route.send_all)):
        for index, branch in enumerate(branches):
            if branch.reply_via is not None:
                yield branch.reply_via, (key, index, "reply_via")
            if isinstance(branch.to, Computed):
                at: Path_ = (key, index, "to", "routes")
                yield from ((name, (*at, place)) for place, name in enumerate(branch.to.routes))
