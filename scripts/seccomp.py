"""Write deploy/seccomp/chromium.json: `python scripts/seccomp.py`. Needs Go, which fetches Docker's profile as a module.

Docker's default profile, and on top of it the few system calls with which Chromium shuts its renderers in: without them its
sandbox can't start in a container. Run it after changing MODULE, then set DIGEST to that of the new default.json.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

MODULE: Final = "github.com/moby/profiles/seccomp@v0.3.0"
DIGEST: Final = "6416b47770785a41ac59073cdc77d9fe98517df2799dc83ef207e622de3053f6"
FILE: Final = Path(__file__).parent.parent / "deploy" / "seccomp" / "chromium.json"

# CLONE_NEWNS, NEWCGROUP, NEWUTS and NEWIPC stay forbidden; what is left are NEWUSER, NEWPID and NEWNET.
OTHER_NAMESPACES: Final = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000
NOT_OTHERS: Final = {"index": 0, "value": OTHER_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
ADDED: Final[list[dict[str, Any]]] = [
    {
        "names": ["clone", "unshare"],
        "action": "SCMP_ACT_ALLOW",
        "args": [NOT_OTHERS],
        "comment": "Chromium's sandbox: user, process and network namespaces of its own",
        # The flags are elsewhere there, and Debian has no Chromium for it.
        "excludes": {"arches": ["s390", "s390x"]},
    },
    {
        "names": ["chroot"],
        "action": "SCMP_ACT_ALLOW",
        "comment": "Chromium's sandbox: no files. The kernel lets those do it that may in their user namespace",
    },
]


def extended(default: str) -> str:
    """Docker's profile with what Chromium needs."""
    profile = json.loads(default)
    profile["syscalls"] += ADDED
    return json.dumps(profile, indent="\t")


def original(text: str) -> str:
    """The profile that an extended one was made from.

    Raises:
        ValueError: it does not end with what is added.
    """
    profile = json.loads(text)
    if profile["syscalls"][-len(ADDED) :] != ADDED:
        raise ValueError(f"{FILE.name} does not end with the rules of scripts/seccomp.py; run it")
    del profile["syscalls"][-len(ADDED) :]
    return json.dumps(profile, indent="\t")


def digest(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> int:
    """Fetch, check and write it."""
    command = ["go", "mod", "download", "-json", MODULE]
    fetched = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own command
    default = Path(json.loads(fetched.stdout)["Dir"], "default.json").read_text()
    if digest(default) != DIGEST:
        sys.stderr.write(f"default.json of {MODULE} has the digest {digest(default)}, not {DIGEST}\n")
        return 1
    FILE.write_text(extended(default))
    return 0


if __name__ == "__main__":
    sys.exit(main())
