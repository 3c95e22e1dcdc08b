import os
import sys

import pytest

from bench import usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_process_tree_has_cpu_time_and_memory() -> None:
    """This very process is found with its CPU time and at least a megabyte."""
    found = usage.of_tree(os.getpid())
    assert found is not None
    assert found.cpu_secs > 0
    assert found.pss_bytes > 1_000_000


def test_a_process_that_is_gone_costs_nothing() -> None:
    """No figure is invented for a process id that nobody has."""
    assert usage.of_tree(2**31 - 1) is None


def test_the_machine_is_busy_for_a_part_of_its_time() -> None:
    """Busy time is positive and never more than all time."""
    found = usage.machine_busy_secs()
    assert found is not None
    busy, total = found
    assert 0 < busy <= total
