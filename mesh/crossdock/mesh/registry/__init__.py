"""The registry: revisions of a project in the broker, which services follow live."""
