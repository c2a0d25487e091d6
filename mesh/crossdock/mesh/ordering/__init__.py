"""Order by key (I7): one replica works at a time, and in it the messages of one key, one by one."""

from crossdock.mesh.ordering.batches import stop_at_first
from crossdock.mesh.ordering.choosing import consuming_of, show_order
from crossdock.mesh.ordering.consuming import OrderedConsuming
from crossdock.mesh.ordering.keys import KEY, OrderKey

__all__ = ["KEY", "OrderKey", "OrderedConsuming", "consuming_of", "show_order", "stop_at_first"]
