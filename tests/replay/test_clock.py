"""The virtual clock's own promises; every replay stands on them."""

import asyncio
import datetime
import threading
import time

import pytest
from pipecat.frames.frames import VADUserStartedSpeakingFrame
from pipecat.utils.time import time_now_iso8601

from tests import clock
from tests.clock import LeakedTasksError, NetworkForbiddenError, StuckError

HOUR_SECS = 3600.0


def test_time_jumps_to_the_next_timer() -> None:
    """An hour of sleeping takes no time, and every clock agrees that it has passed."""

    async def main() -> list[float]:
        before = (time.time(), time.monotonic(), time.perf_counter(), time.monotonic_ns() / 1e9)
        await asyncio.sleep(HOUR_SECS)
        after = (time.time(), time.monotonic(), time.perf_counter(), time.monotonic_ns() / 1e9)
        return [b - a for a, b in zip(before, after, strict=True)]

    began = time.perf_counter()
    assert clock.run(main) == pytest.approx([HOUR_SECS] * 4)
    assert time.perf_counter() - began < 5


def test_clocks_are_real_again_afterwards() -> None:
    """After a run, nothing tells virtual time any more."""
    clocks = (time.time, time.monotonic, time.perf_counter, time.time_ns, time.monotonic_ns)

    async def main() -> None:
        await asyncio.sleep(HOUR_SECS)

    clock.run(main)
    assert clocks == (time.time, time.monotonic, time.perf_counter, time.time_ns, time.monotonic_ns)
    assert abs(VADUserStartedSpeakingFrame().timestamp - time.time()) < 5


def test_captured_clocks_tell_virtual_time() -> None:
    """Frames stamped by a function captured at import carry virtual time, and so do ISO stamps."""

    async def main() -> tuple[float, str]:
        await asyncio.sleep(HOUR_SECS)
        return VADUserStartedSpeakingFrame().timestamp, time_now_iso8601()

    stamp, iso = clock.run(main)
    assert stamp == pytest.approx(clock.START_EPOCH_SECS + HOUR_SECS)
    assert datetime.datetime.fromisoformat(iso).timestamp() == pytest.approx(stamp)


def test_time_stands_still_while_a_thread_works() -> None:
    """A timer of a millisecond does not fire before a job that is given first has its result."""

    async def main() -> list[str]:
        order: list[str] = []
        release = threading.Event()
        loop = asyncio.get_running_loop()
        loop.call_later(0.001, order.append, "timer")
        loop.call_soon(release.set)
        assert await asyncio.to_thread(release.wait, 10)
        order.append("job")
        await asyncio.sleep(0.002)
        return order

    assert clock.run(main) == ["job", "timer"]


def test_job_results_come_in_the_order_of_the_jobs() -> None:
    """However long each job takes, results are handed over in the order the jobs were given."""

    async def main() -> list[int]:
        order: list[int] = []
        first_may_end = threading.Event()

        def slow() -> int:
            first_may_end.wait(10)
            return 1

        def quick() -> int:
            first_may_end.set()
            return 2

        async def note(job: object) -> None:
            order.append(await asyncio.to_thread(job))  # type: ignore[arg-type]

        await asyncio.gather(note(slow), note(quick))
        return order

    assert clock.run(main) == [1, 2]


def test_exceptions_of_jobs_arrive() -> None:
    """A job's exception is raised where its result is awaited."""

    async def main() -> None:
        await asyncio.to_thread(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        clock.run(main)


def test_leaked_tasks_fail_the_run() -> None:
    """A task that outlives the run is named."""

    async def main() -> None:
        main.task = asyncio.create_task(asyncio.sleep(HOUR_SECS), name="left behind")  # type: ignore[attr-defined]

    with pytest.raises(LeakedTasksError, match="left behind"):
        clock.run(main)


def test_a_run_that_cannot_go_on_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing ready and nothing scheduled the run fails instead of hanging."""
    monkeypatch.setattr(clock, "STUCK_REAL_SECS", 0.05)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="nothing is scheduled"):
        clock.run(main)


@pytest.mark.parametrize("host", ["203.0.113.1", "example.com"])
def test_there_is_no_network(host: str) -> None:
    """Addresses no peer stands at are refused, by number and by name."""

    async def main() -> None:
        await asyncio.open_connection(host, 80)

    with pytest.raises(NetworkForbiddenError, match=host):
        clock.run(main)
