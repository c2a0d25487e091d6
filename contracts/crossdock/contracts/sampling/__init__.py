"""Makes data that fits a contract: for a first example, for trying a route, for documents."""

from crossdock.contracts.sampling.sampling import samples

__all__ = ["samples"]
