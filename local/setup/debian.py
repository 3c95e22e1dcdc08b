"""Debian's packages, where this is Debian and we may install them."""

import os
import shutil
from collections.abc import Mapping

from local.setup.commands import SetupError, run
from local.setup.console import say


def install(step: str, wanted: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Install packages as root on Debian; elsewhere only say that their tests are skipped.

    Args:
        step: As messages call it.
        wanted: What people call it, and its package.
        environment: Of apt-get.
    """
    names = " and ".join(wanted)
    apt = shutil.which("apt-get", path=environment.get("PATH"))
    if os.geteuid() != 0 or not apt:
        say(step, f"no {names} found: its tests will be skipped")
        return
    say(step, f"installing {names} with apt-get")
    variables = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(step, [apt, "update"], environment=variables)
        packages = [apt, "install", "-y", "--no-install-recommends", *wanted.values()]
        run(step, packages, environment=variables)
    except SetupError as error:
        say(step, f"{error}\n\nNo {names}: its tests will be skipped")
        return
    say(step, f"{names} installed")
