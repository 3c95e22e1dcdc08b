"""`python3 -m local.setup GOAL`: set up what `make run`, `make test` or `make check` needs."""

import sys

MINIMUM = (3, 11)

if sys.version_info < MINIMUM:  # before any import that an older Python could not read
    sys.exit(
        "This project needs Python 3.11 or newer; this is %s. "  # noqa: UP031 - for old Pythons
        "Name another one: make run PYTHON=python3.12" % sys.version.split()[0]
    )

from local.setup.steps import main  # noqa: E402 - after the check above

sys.exit(main(sys.argv[1:]))
