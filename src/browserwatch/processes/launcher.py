"""Becomes another program that ends when its parent does. Run as a file, so it imports nothing of ours.

Linux sends a signal to a process whose parent died if the process asked for it (prctl(2), PR_SET_PDEATHSIG); the wish
survives exec. Between fork and exec is no safe place for it in a program with threads, hence this small one. Elsewhere
it only becomes the program.

Arguments: process id of the parent, the signal (its number), the program, its arguments.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, then exec."""
    parent, wanted, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, wanted)
        if os.getppid() != parent:
            # It died before the wish was made.
            sys.exit(1)
    os.execv(program, sys.argv[3:])  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
