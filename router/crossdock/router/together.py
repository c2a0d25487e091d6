"""What cannot be in one route together: it has one second half, and one order."""

from __future__ import annotations

from crossdock.router.compile_scope import CompileScope
from crossdock.router.route_file import RouteFile


def refuse_together(route: RouteFile, scope: CompileScope) -> None:
    """Tell the scope of what belongs into two routes."""
    if route.aggregate is not None and route.resequence is not None:
        scope.wrong("/resequence", "not with `aggregate`: write two routes")
    if route.delay is not None and (route.aggregate or route.resequence):
        scope.wrong("/delay", "not with `aggregate` or `resequence`: write two routes")
    if route.order is not None and (route.aggregate or route.resequence):
        key = "aggregate" if route.aggregate is not None else "resequence"
        scope.wrong("/order", f"not with `{key}`, which orders anew: write two routes")
    if route.order is not None and route.delay is not None:
        scope.wrong("/order", "not with `delay`: what waits goes on by its time")
