"""Ctrl-C and SIGTERM, once and twice: all is kept, and the study goes on to be the same."""

import signal
import time

import pytest
from faults.running import (
    FAKE,
    FAKE_STUDY,
    REAL,
    check_end,
    check_finished,
    check_sound,
    has_trials,
    run,
    start,
    study_of,
    wait_until,
)
from faults.same import differences

pytestmark = pytest.mark.slow
COMPARE = (*FAKE, "compare", "fake", *FAKE_STUDY, "--out")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SCRIPT = """
import sys
import keras
import numpy as np
import steepest

random = np.random.default_rng(0)
x = random.normal(size=(100, 6)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, "sigmoid")])
model.compile(loss="binary_crossentropy")
try:
    found = steepest.compare(
        model, x, y, validation_split=0.2, epochs=int(sys.argv[2]), optimizers="SGD",
        full_trainings=6, seeds=2, out=sys.argv[1],
    )
except KeyboardInterrupt as stopped:
    print(type(stopped).__name__)
    sys.exit(77)
"""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("number", CODES)
def test_a_signal_stops_and_nothing_is_lost(number, times, fake_whole, tmp_path):
    out = tmp_path / "study"
    process = start(*COMPARE, out, FAULTS_SLEEP=0.02)
    assert wait_until(has_trials(out, 1 if times == 2 else 6), process)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.005)
    _, said = process.communicate(timeout=120)
    assert process.returncode == CODES[number], said
    assert "Traceback" not in said
    check_sound(out)
    if times == 1:
        assert f"steepest resume {out} fake" in said
        assert (out / "states").is_dir()  # what was in training is kept as it stood
    check_end(run(*FAKE, "resume", out, "fake"))
    check_finished(out)
    assert not differences(fake_whole, study_of(out))


def test_a_verdict_so_far_is_told(tmp_path):
    out = tmp_path / "study"
    swept = (*COMPARE, out, "--sweep", "3")
    process = start(*swept, FAULTS_SLEEP=0.005)
    assert wait_until(has_trials(out, 24), process)  # the sweep is on
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "SGD" in told
    assert "learning_rate=" in told  # of the best, to paste
    assert "steepest resume" in said


def test_a_signal_while_the_search_chooses(fake_whole, tmp_path):
    out, marker = tmp_path / "study", tmp_path / "choosing"
    process = start(*COMPARE, out, FAULTS_CHOOSING=marker)
    assert wait_until(marker.exists, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    check_end(run(*COMPARE, out))  # the same again goes on as well
    assert not differences(fake_whole, study_of(out))


def test_a_script_is_told_by_an_exception_and_goes_on(tmp_path):
    script, epochs = tmp_path / "script.py", 1500
    script.write_text(SCRIPT)
    command = (REAL[0], script)
    out = tmp_path / "study"
    process = start(*command, out, epochs)
    assert wait_until(has_trials(out), process)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=120)
    assert process.returncode == 77, said
    assert told.split()[-1] == "Stopped"
    check_end(run(*command, out, epochs))
    check_end(run(*command, tmp_path / "whole", epochs))
    assert not differences(study_of(tmp_path / "whole"), study_of(out))
