"""The ``crossdock`` command: the only place that knows every service."""
