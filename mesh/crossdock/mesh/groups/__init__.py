"""Groups: messages that belong together, kept until they are complete (Aggregator)."""

from crossdock.mesh.groups.folding import Arrival, Place, Rule
from crossdock.mesh.groups.state import GROUP_TYPE, Completed, Group, Member, Reason
from crossdock.mesh.groups.storing import GroupStore

__all__ = [
    "GROUP_TYPE",
    "Arrival",
    "Completed",
    "Group",
    "GroupStore",
    "Member",
    "Place",
    "Reason",
    "Rule",
]
