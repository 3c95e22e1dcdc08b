"""The machine's CPU, from the kernel's own figures."""

from pathlib import Path

from server.machine import MachineMeter


def test_cpu_in_use_is_the_share_of_ticks_that_were_not_idle(tmp_path: Path) -> None:
    """Waiting for a disk counts as idle; guests are counted once, as user time."""
    stat = tmp_path / "stat"
    meter = MachineMeter(stat)
    assert meter.cpu_percent is None
    stat.write_text("cpu  100 0 50 800 50 0 0 0 9 0\ncpu0 1 2 3 4\n")
    meter.sample()
    assert meter.cpu_percent is None
    stat.write_text("cpu  160 0 65 815 60 0 0 0 99 0\ncpu0 1 2 3 4\n")
    meter.sample()
    assert meter.cpu_percent == 75


def test_a_machine_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    """Without /proc nothing is claimed, and nobody refused for it."""
    meter = MachineMeter(tmp_path / "missing")
    meter.sample()
    meter.sample()
    assert meter.cpu_percent is None
