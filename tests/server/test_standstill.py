"""A process that stands still, told from one that is late."""

from pathlib import Path

from server.standstill import Standstill

PID = 7


def looks(proc: Path, *stats: tuple[str, int]) -> list[bool]:
    """Return what is said at one look after the other, each with a state and its used ticks."""
    stat = proc / str(PID) / "task" / str(PID) / "stat"
    stat.parent.mkdir(parents=True)
    standstill = Standstill(PID, proc)
    found: list[bool] = []
    for state, ticks in stats:
        fields = " ".join(["1"] * 10)
        stat.write_text(f"7 (a (b) c) {state} {fields} {ticks} 3 0 0 20 0\n")
        found.append(standstill.looks_still())
    return found


def test_one_that_sleeps_and_uses_no_cpu_stands(tmp_path: Path) -> None:
    """The first look knows nothing; from the second on a sleeping thread without CPU stands."""
    assert looks(tmp_path, ("S", 5), ("S", 5), ("T", 5)) == [False, True, True]


def test_one_that_computes_or_waits_for_a_cpu_or_a_disk_does_not_stand(tmp_path: Path) -> None:
    """CPU used, a place in the run queue and a disk that is slow are no standstill."""
    assert looks(tmp_path, ("S", 5), ("S", 6), ("R", 6), ("D", 6)) == [False] * 4


def test_where_the_kernel_shows_nothing_nothing_is_said(tmp_path: Path) -> None:
    """Without /proc no process is killed for standing still."""
    standstill = Standstill(PID, tmp_path)
    assert [standstill.looks_still() for _ in range(3)] == [False] * 3
