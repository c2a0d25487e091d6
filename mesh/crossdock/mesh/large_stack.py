"""Runs what may nest deep in a thread whose stack has room for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from crossdock.contracts import Retry

T = TypeVar("T")
_SIZE: Final = 512 * 1024**2  # reserved; only what is used takes memory
_starting = threading.Lock()


def in_large_stack(run: Callable[[], T]) -> T:
    """Return what a function returns, or raise what it raises; waits for it.

    What it raises has neither traceback nor context: they would keep alive what belongs to the
    thread.

    Raises:
        Retry: There is no memory for the stack now.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            results.append(run())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            error.__context__ = None
            errors.append(error.with_traceback(None))

    with _starting:  # the size is that of all threads that are started now
        before = threading.stack_size(_SIZE)
        thread = threading.Thread(target=work, name="large stack", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise Retry("there is no memory for a thread with a large stack") from None
        finally:
            threading.stack_size(before)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
