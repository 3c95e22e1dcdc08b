"""The model of many conversations, and the simulation that it is checked by."""

import pytest

from bench.scale.model import Costs, Machine, blocked, lines_for, plan
from bench.scale.simulation import Scenario, simulate


def test_erlangs_table() -> None:
    """Values of the published tables: 10 lines and 5 erlangs refuse 1.84 %."""
    assert blocked(5, 10) == pytest.approx(0.0184, abs=0.0001)
    assert blocked(1, 1) == 0.5
    assert lines_for(5, 0.02) == 10


def test_the_simulation_agrees_with_the_formula() -> None:
    """Callers placed by load on several machines are refused as often as on one large one."""
    outcome = simulate(Scenario(machines=3, lines=4, offered=9, secs=40_000), seed=1)
    assert outcome.refused_share == pytest.approx(blocked(9, 12), rel=0.15)


def test_callers_are_spread() -> None:
    """By load: no machine holds more than its lines, and all are used."""
    outcome = simulate(Scenario(machines=4, lines=10, offered=30), seed=2)
    assert outcome.most <= 10
    assert outcome.callers > 400


def test_who_is_cut_finds_a_line_where_there_is_room() -> None:
    """With room elsewhere everybody of a lost machine is placed at once."""
    scenario = Scenario(machines=10, lines=10, offered=10, breaks_every_secs=300)
    outcome = simulate(scenario, seed=3)
    assert outcome.cut > 0
    assert outcome.resumed == outcome.cut


def test_the_same_seed_is_the_same_day() -> None:
    """Two runs of one seed do not differ."""
    scenario = Scenario(machines=2, lines=5, offered=8, breaks_every_secs=500)
    assert simulate(scenario, seed=4) == simulate(scenario, seed=4)


def test_a_plan_has_a_line_for_everybody() -> None:
    """Machines are whole ones, and hold at least the lines that the load wants."""
    costs, machine = Costs(), Machine()
    found = plan(1000, 0.001, machine, costs)
    assert found.machines * machine.sessions(costs) >= lines_for(1000, 0.001)
    assert found.stt_streams == lines_for(1000, 0.001)
