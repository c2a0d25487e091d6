"""Order by key (I7): one replica works at a time, and in it the messages of one key, one by one."""

from crossdock.mesh.ordering.consuming import OrderedConsuming
from crossdock.mesh.ordering.keys import KEY, Key, OrderKey, key_text

__all__ = ["KEY", "Key", "OrderKey", "OrderedConsuming", "key_text"]
