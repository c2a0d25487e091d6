"""Python steps: what a route file cannot say, written as plain functions in ``steps/*.py``.

They run in a process of their own, so that one that blocks, loops or eats memory stops no route.
"""

from crossdock.router.python_steps.decorator import step

__all__ = ["step"]
