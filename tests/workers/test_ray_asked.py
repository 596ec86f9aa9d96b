"""What is asked of Ray: how many actors, with how much memory; by a Ray that starts nothing."""

import importlib
from types import SimpleNamespace

import pytest

from steepest.workers import on_ray
from steepest.workers.team import AT_FIRST

GB = 10**9


class FakeRay:
    """The calls of Ray that a crew makes, noted."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self, *nodes):
        self.alive, self.asked, self.killed = nodes, [], []

    def is_initialized(self):
        return True

    def put(self, value):
        return value

    def nodes(self):
        return [{"Alive": True, "Resources": dict(one)} for one in self.alive] + [
            {"Alive": False, "Resources": {"CPU": 64.0, "memory": 900.0 * GB}}
        ]

    def remote(self, **options):
        def made(_):
            self.asked.append(options)
            answer = SimpleNamespace(remote=lambda message: object())
            return SimpleNamespace(remote=lambda *given: SimpleNamespace(answer=answer))

        return made

    def kill(self, actor):
        self.killed.append(actor)


@pytest.fixture
def crew_on(monkeypatch):
    monkeypatch.setattr(on_ray, "_peak_bytes", lambda: 3 * GB)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)

    def make(*nodes):
        ray = FakeRay(*nodes)
        monkeypatch.setattr(on_ray.importlib, "import_module", lambda name: ray)
        return on_ray.RayActors(b"work"), ray

    return make


@pytest.mark.parametrize(
    ("nodes", "size", "memory"),
    [
        ([{"CPU": 4.0, "memory": 10.0 * GB}], 3, 3 * GB),
        ([{"CPU": 2.0, "memory": 10.0 * GB}] * 2, 4, 3 * GB),
        ([{"CPU": 8.0, "GPU": 4.0, "memory": 90.0 * GB}], 4, 3 * GB),
        ([{"CPU": 8.0, "memory": 2.0 * GB}, {"CPU": 8.0, "memory": 1.0 * GB}], 1, 2 * GB),
        ([{"CPU": 2.0}], 2, None),
    ],
)
def test_actors_are_as_many_as_nodes_have_room_for(crew_on, nodes, size, memory):
    crew, ray = crew_on(*nodes)
    assert (crew.size, len(crew.workers), len(ray.asked)) == (size, size, size)
    for asked in ray.asked:
        assert asked.get("memory") == memory
        assert asked.get("num_gpus", 0) == ("GPU" in nodes[0])
        assert asked["max_restarts"] == asked["max_task_retries"] == 0
    crew.close()
    assert len(ray.killed) == size


def test_of_a_large_cluster_only_what_is_needed_is_started(crew_on):
    crew, ray = crew_on(*[{"CPU": 64.0, "GPU": 8.0, "memory": 500.0 * GB}] * 8)
    assert (crew.size, len(ray.asked), crew.share) == (64, AT_FIRST, 1)
    crew.need(20)
    crew.fill()
    assert len(ray.asked) == 20
