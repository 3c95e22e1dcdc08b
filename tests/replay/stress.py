"""Prove that replays are deterministic: run them again and again on a busy machine.

    python -m tests.replay.stress [runs] [pytest arguments]

Runs the replay suite (default: 10 times) beside one busy process per core, each run in a new
process with another hash seed, and fails at the first timeline that differs. Takes at most
RUN_TIMEOUT_SECS per run.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

RUNS = 10
RUN_TIMEOUT_SECS = 300.0
REPOSITORY = Path(__file__).parent.parent.parent


def spin(parent: int) -> None:
    """Keep a core busy until terminated, or until the parent process is gone."""
    while os.getppid() == parent:
        pass


def run_once(seed: int, arguments: list[str]) -> tuple[float, int, str]:
    """One run of the suite.

    Returns:
        Its real duration in seconds, exit status and last line.
    """
    command = [sys.executable, "-m", "pytest", "tests/replay", "-p", "no:cacheprovider"]
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - this interpreter and fixed arguments
        ["env", f"PYTHONHASHSEED={seed}", "OMP_NUM_THREADS=1", *command, *arguments],  # noqa: S607
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_SECS,
        check=False,
    )
    if done.returncode:
        sys.stdout.write(done.stdout)
    return time.monotonic() - began, done.returncode, done.stdout.strip().splitlines()[-1]


def main() -> int:
    """Run, and report one line per run."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    load = [
        multiprocessing.Process(target=spin, args=(os.getpid(),), daemon=True)
        for _ in range(multiprocessing.cpu_count())
    ]
    for process in load:
        process.start()
    failed = 0
    try:
        for index in range(1, runs + 1):
            secs, status, summary = run_once(index, sys.argv[2:])
            failed += status != 0
            sys.stdout.write(f"run {index}/{runs}: {secs:.0f} s, {summary}\n")
            sys.stdout.flush()
    finally:
        for process in load:
            process.terminate()
            process.join()
    sys.stdout.write(f"{runs - failed} of {runs} runs identical beside {len(load)} busy loops\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
