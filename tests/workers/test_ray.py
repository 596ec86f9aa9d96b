"""Ray on a cluster of three nodes, all on this machine: nodes leave and join, actors are killed."""

import pytest
from crews import assert_same, config, make_work, trained_here

from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.search.runner import program_key
from steepest.workers.driver import train_out
from steepest.workers.local import Job
from steepest.workers.remote import RemoteEngine
from steepest.workers.slices import untrained

ray = pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = pytest.mark.slow

CONFIGS = [config(0.002 * (i + 1), seed=i % 3) for i in range(24)]
STOP = 4


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False)
    yield made, nodes
    ray.shutdown()
    made.shutdown()


def test_a_node_that_leaves_and_an_actor_that_is_killed_change_nothing(cluster, monkeypatch):
    from steepest.workers import driver, on_ray

    monkeypatch.setattr(driver, "SLICE_SECONDS", 0.02)  # many slices
    monkeypatch.setattr(driver, "SHARE", 1e9)
    monkeypatch.setattr(on_ray, "LOOK", 0.5)
    work, task = make_work()
    made, nodes = cluster
    expected, _ = trained_here(task, CONFIGS, STOP)[-1]
    crew = on_ray.RayActors(work)
    assert crew.size == 3
    engine = RemoteEngine(CompiledEngine(task), crew)
    key = program_key(CONFIGS[0])
    program = engine.prepare({key: CONFIGS[0]})[key]
    states, left = (
        {},
        [lambda: ray.kill(crew.workers[0].handle), lambda: made.remove_node(nodes[0])],
    )

    def begin(members):
        if all(member in states for member in members):
            return State.join([states[member] for member in members])
        return untrained(len(members))

    def end(members, state, measured):
        for i, member in enumerate(members):
            states[member] = state.take([i])
        if left and len(states) > 5 * (3 - len(left)):
            left.pop()()

    def fail(member, reason):
        raise AssertionError(reason)

    job = Job(program, Population.of(CONFIGS), begin, end, STOP, fail)
    try:
        train_out([job], engine, lambda *_: None)
        assert not left
        assert_same(State.join([states[i] for i in range(len(CONFIGS))]).tree(), expected.tree())
        made.add_node(num_cpus=2)  # who joins later is used
        while crew.size < 4:
            crew.collect(0.5)
    finally:
        crew.close()
