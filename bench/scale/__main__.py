"""`python -m bench.scale`: the tables of docs/scale.md."""

from __future__ import annotations

from typing import Final

from bench.scale.model import Costs, Machine, Prices, blocked, plan
from bench.scale.simulation import Scenario, simulate

_CONVERSATIONS: Final = (10, 1_000, 100_000)
_BLOCKED_SHARE: Final = 0.001
_SEEDS: Final = range(1, 6)
# The largest is simulated as a tenth: refusals depend on load and lines alone.
_SIMULATED: Final = (10, 1_000)


def main() -> None:
    """Print the plan for each size, and the simulation beside it."""
    costs, machine = Costs(), Machine()
    each = machine.sessions(costs)
    print(f"{machine.cores} CPUs, {machine.usable:.0%} of them used: {each} conversations\n")
    print("| at once | machines | memory of each | media | streams STT, TTS | model requests |")
    print("|---|---|---|---|---|---|")
    for conversations in _CONVERSATIONS:
        one = plan(conversations, _BLOCKED_SHARE, machine, costs)
        print(
            f"| {conversations:,} | {one.machines:,} | {one.memory_bytes / 1e6:.0f} MB"
            f" | {one.media_mbps:,.1f} Mbit/s | {one.stt_streams:,}, {one.tts_streams:,}"
            f" | {one.requests_per_min:,.0f} a minute |"
        )
    minute = Prices().per_min()
    shares = ", ".join(f"{name} {price:.4f}" for name, price in minute.items())
    print(
        f"\nProviders, US dollars a minute of a conversation: {sum(minute.values()):.4f} ({shares})"
    )
    for conversations in _CONVERSATIONS:
        print(
            f"- {conversations:,} at once: {conversations * 60 * sum(minute.values()):,.0f} an hour"
        )
    print("\n| at once | machines x lines | refused: formula | refused: simulated, 5 seeds |")
    print("|---|---|---|---|")
    for conversations in _SIMULATED:
        _check(conversations, plan(conversations, 0.01, machine, costs).machines, each)
    print("\n| at once | machines | lost an hour | cut | of these placed at once | refused |")
    print("|---|---|---|---|---|---|")
    for conversations in _SIMULATED:
        machines = plan(conversations, _BLOCKED_SHARE, machine, costs).machines
        for spare in (0, 1):
            _lose(conversations, machines + spare, each)


def _check(conversations: int, machines: int, lines: int) -> None:
    shares = [
        simulate(Scenario(machines, lines, conversations, secs=20_000), seed).refused_share
        for seed in _SEEDS
    ]
    formula = blocked(conversations, machines * lines)
    print(
        f"| {conversations:,} | {machines} x {lines} | {formula:.3%}"
        f" | {min(shares):.3%} to {max(shares):.3%} |"
    )


def _lose(conversations: int, machines: int, lines: int) -> None:
    scenario = Scenario(machines, lines, conversations, breaks_every_secs=600)
    outcomes = [simulate(scenario, seed) for seed in _SEEDS]
    cut, resumed = (sum(getattr(one, name) for one in outcomes) for name in ("cut", "resumed"))
    refused = sum(one.refused for one in outcomes) / sum(one.callers for one in outcomes)
    share = f"{resumed / cut:.1%}" if cut else "-"
    print(f"| {conversations:,} | {machines} | 6 | {cut / 5:.0f} | {share} | {refused:.3%} |")


if __name__ == "__main__":
    main()
