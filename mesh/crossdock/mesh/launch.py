"""Run a program so that it dies with the process that started it.

Started as a script, ``python -I -S launch.py PARENT PROGRAM [ARGUMENT ...]``: it asks the kernel
for SIGKILL when the parent ends, however the parent ends, and becomes the program. A function run
between fork and exec would do the same, but is not safe in a process that has threads. Where the
kernel cannot do it (it is Linux's ``PR_SET_PDEATHSIG``), the program is only ended by its parent.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PARENT_GONE = 1
_USAGE = 3


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - elsewhere than on Linux it is not needed

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        raise SystemExit(_PARENT_GONE)


def main() -> None:
    """Become the program that the command line names."""
    if len(sys.argv) < _USAGE:
        raise SystemExit("usage: launch.py PARENT PROGRAM [ARGUMENT ...]")
    _die_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
