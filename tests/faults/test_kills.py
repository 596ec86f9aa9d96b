"""`kill -9` at any moment, then `steepest resume`: the study is what it would have been."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from faults.running import (
    FEW,
    LOOP_TASK,
    REAL,
    TASK,
    check_end,
    check_finished,
    kill_and_resume,
    run,
    study_of,
)
from faults.same import differences

pytestmark = pytest.mark.slow

SEED = 20
KILLS = (1, 2)  # of one study each: three in all


@pytest.fixture(scope="module", params=["compiled", "torch loop"])
def place(tmp_path_factory, request):
    """A directory with a task."""
    if request.param == "torch loop":
        pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("kills")
    loop = LOOP_TASK.replace("epochs, batch_size = 30", "epochs, batch_size = 12")
    (path / "task.py").write_text(TASK if request.param == "compiled" else loop)
    return path


def torch_in(place):
    return {"torch": "import torch" in (place / "task.py").read_text()}


@pytest.fixture(scope="module")
def whole(place):
    out = place / "whole"
    command = (*REAL, "compare", place / "task.py", *FEW, "--sweep", "1", "--out", out)
    check_end(run(*command, **torch_in(place)))
    check_finished(out)
    return study_of(out)


def one(place, whole, number, kills):
    """Kill a study so many times, let it end, and return what differs."""
    chance = random.Random(SEED + number)
    out, task = place / f"killed-{number}", place / "task.py"
    first = (*REAL, "compare", task, *FEW, "--sweep", "1", "--out", out)
    resume = (*REAL, "resume", out, task) if number % 2 else first
    most = int(0.9 * len(whole.trials))
    moments = sorted((chance.randint(0, most), chance.uniform(0, 0.2)) for _ in range(kills))
    story = kill_and_resume(first, resume, out, moments, **torch_in(place))
    check_end(story.last)
    check_finished(out)
    assert story.phases.count("it had ended") < kills, "it was too fast to be killed"
    return differences(whole, study_of(out))


def test_a_killed_study_goes_on_as_if_nothing_had_been(place, whole):
    with ThreadPoolExecutor(len(KILLS)) as threads:
        found = list(threads.map(lambda i: one(place, whole, i, KILLS[i]), range(len(KILLS))))
    assert found == [[] for _ in KILLS]


def test_a_finished_study_is_told_again_without_training(place, whole):
    before = (place / "whole" / "study.db").read_bytes()
    done = run(*REAL, "resume", place / "whole", place / "task.py", **torch_in(place))
    check_end(done)
    assert "Adam" in done.stdout
    assert (place / "whole" / "study.db").read_bytes() == before
