"""`python -m local.locked NAME...`: what lock files name and this environment has."""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution

from local.paths import ROOT

_NAMED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def main(locks: list[str]) -> int:
    """Write the names, one a line; packages of other platforms are left out."""
    found: set[str] = set()
    for lock in locks:
        text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
        for name in _NAMED.findall(text):
            try:
                found.add(distribution(name).metadata["Name"])
            except PackageNotFoundError:
                continue
    sys.stdout.write("\n".join(sorted(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
