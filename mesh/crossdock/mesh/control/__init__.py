"""The Control Bus: what operators decide on components while they run (ADR 11)."""

from crossdock.mesh.control.acts import (
    KINDS,
    RUNNING,
    Act,
    Flow,
    FlowState,
    Kind,
    Name,
    Rate,
    Switch,
)
from crossdock.mesh.control.following import Controls
from crossdock.mesh.control.permit import Permit
from crossdock.mesh.control.reporting import Report, Seen, answering, ask
from crossdock.mesh.control.store import ControlStore

__all__ = [
    "KINDS",
    "RUNNING",
    "Act",
    "ControlStore",
    "Controls",
    "Flow",
    "FlowState",
    "Kind",
    "Name",
    "Permit",
    "Rate",
    "Report",
    "Seen",
    "Switch",
    "answering",
    "ask",
]
