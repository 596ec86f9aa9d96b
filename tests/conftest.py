"""Keras on JAX for all tests, how they are spread over workers, and what is measured of them."""

import functools
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

# A shell's background job is started deaf to Ctrl-C, and hands that on to what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["KERAS_BACKEND"] = "jax"  # before anything imports Keras
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# PyTorch's threads wait for each other in a loop: with two workers, thirty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A study waits for the disk after each trial, which is most of its time where training is quick.
MEMORY, ROOM = Path("/dev/shm"), 2 * 2**30  # as Linux has it; bytes that have to be free there
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # where `tmp_path` is

import checked  # noqa: E402
import compiling  # noqa: E402
import jaxtyping  # noqa: E402
import numpy as np  # noqa: E402
import processes  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# A run fails for a change, and not for what was drawn; STEEPEST_FUZZ=10 draws anew, and more.
settings.register_profile("the same", derandomize=os.environ.get("STEEPEST_FUZZ", "1") == "1")
settings.load_profile("the same")

checked.install()  # before Steepest is imported; processes of their own go without

SLOW = 20.0  # CPU seconds that the tests of a file may take which are not marked slow
FEW = 10  # files that are listed
GARBAGE = 20_000  # objects that are made before it is looked for, instead of 700
NOISE = 1.5  # times as many before a run fails: they differ so much between machines and days
# Hundreds of cases each, of which those of one rule share programs and a framework's paths.
BY_RULE = ("test_oracles.py", "test_exported.py")
# One Ray on a machine finds another one that runs: never two of these at a time.
WITH_RAY = ("test_conformance.py", "test_ray.py", "test_studies.py", "test_ray_asked.py")
# Take minutes, the longest first: begun last, one would keep a worker when the others have ended.
LONGEST = (
    "workers/test_conformance.py",
    "reports/test_page_in_browser.py",
    "cli/test_torch.py",
    "engines/test_against_keras.py",
    "torch/test_equals_torch.py",
    "torch/test_verify.py",
    "engines/test_accelerator.py",
    "faults/test_deadlines.py",
    "engines/test_layers.py",
    "cli/test_cli.py",
)
_spent = defaultdict(float)  # CPU seconds of tests that are not marked slow
_files = defaultdict(lambda: [0, 0.0, 0.0])  # of each file: tests, CPU seconds, seconds
_last = 0.0


def pytest_addoption(parser):
    parser.addoption(
        "--hold-marks",
        action="store_true",
        help=f"fail where tests of a file that are not marked slow take over {SLOW:g} CPU seconds, "
        f"and {NOISE:g} times as many for noise.",
    )
    parser.addoption(
        "--slowest-files",
        type=int,
        metavar="N",
        help="print the N files that take most CPU seconds; by default 10, where more have run.",
    )


def pytest_configure(config):
    """Keep compiled programs between runs, for all workers; the product keeps them small."""
    processes.share()
    cache = getattr(config, "cache", None)
    if cache is None:  # -p no:cacheprovider
        config.programs = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        os.environ["STEEPEST_CACHE"] = config.programs.name
    else:
        os.environ["STEEPEST_CACHE"] = str(cache.mkdir("programs"))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    """Mark as fast what is not slow, and let what takes longest in one piece begin."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    for item in items:
        if not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.fast)
    items.sort(key=lambda item: _turn(item.path.as_posix(), item.path in slow))


def _turn(path, slow):
    """Return when a file begins: of those that have slow tests, one that is cut by rule is last."""
    longest = [i for i, file in enumerate(LONGEST) if path.endswith(file)]
    return (not slow, *(longest or [len(LONGEST) + path.endswith(BY_RULE)]))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for no garbage while all is imported: it stays, and is looked at again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish():
    global _last
    gc.collect()
    gc.freeze()  # what was imported stays: later collections pass it by
    gc.set_threshold(GARBAGE, 20, 10)
    _last = _cpu()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Return what gives a file to one worker as a whole, so that it makes its fixtures once."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid):
            if "@" in nodeid.rsplit("]")[-1]:  # of an xdist_group
                return nodeid.rsplit("@")[-1]
            file, _, test = nodeid.partition("::")
            if "workers/" in file and file.endswith(WITH_RAY):
                return "with Ray"
            if file.endswith(BY_RULE) and "[" in test:
                return f"{file} {test.partition('[')[2].partition('-')[0]}"
            return file

    config.option.loadscopereorder = False  # the order of collection: the slow ones first
    return ByFile(config, log)


def pytest_runtest_setup():
    checked.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Note the CPU seconds since the last report, of this process and those it waited for."""
    global _last
    report = yield
    now = _cpu()
    report.cpu, _last = now - _last, now
    return report


def _cpu():
    return processes.spent() + sum(os.times()[:4])  # user and system, of this and its children


def pytest_runtest_logreport(report):
    file, cpu = report.nodeid.partition("::")[0], getattr(report, "cpu", 0.0)
    if "slow" not in report.keywords:
        _spent[file] += cpu
    sums = _files[file]
    sums[0] += report.when == "call"
    sums[1] += cpu
    sums[2] += report.duration


def _unmarked(limit=SLOW):
    return {file: seconds for file, seconds in _spent.items() if seconds > limit}


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    over = session.config.getoption("--hold-marks") and _unmarked(NOISE * SLOW)
    if over and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    count = config.getoption("--slowest-files")
    if count is None and len(_files) > FEW:
        count = FEW
    if count:
        whole = sum(cpu for _, cpu, _ in _files.values())
        terminalreporter.section(f"of {len(_files)} files, by CPU seconds of {whole:.0f}")
        terminalreporter.write_line("    CPU  seconds  tests")
        most = sorted(_files.items(), key=lambda one: -one[1][1])[:count]
        for file, (tests, cpu, seconds) in most:
            terminalreporter.write_line(f"{cpu:7.1f}  {seconds:7.1f}  {tests:5}  {file}")
    for file, seconds in _unmarked().items():
        terminalreporter.write_line(
            f"{file}: {seconds:.0f} CPU seconds of tests that are not marked slow; mark the longest"
        )


@pytest.fixture(scope="module")
def compiled_quickly():
    """Let XLA try less: for arithmetic that is held against another's, in programs run once."""
    with compiling.quickly():
        yield


@pytest.fixture(scope="session", autouse=True)
def draws_and_fit_compile_quickly():
    """Let XLA try less where weights are drawn, and for Keras' own `fit`, which is an oracle."""
    with compiling.named_quickly():
        yield


@pytest.fixture(scope="session", autouse=True)
def workers_are_forked():
    """Let a study's workers in other processes start at once."""
    with processes.workers_are_forked():
        yield


@pytest.fixture
def unchecked():
    """Leave annotations be: where arrays are of two numbers, they take six times as long."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def logs_are_heard():
    """Let a command with -v, run in this process, leave the logs to the next test as they were."""
    ours = logging.getLogger("steepest")
    before = ours.propagate, ours.level, [*ours.handlers]
    yield
    ours.propagate, ours.level, ours.handlers = before


@pytest.fixture(scope="session")
def task():
    """A small task that tests share and do not change."""
    from small import make_task

    return make_task()


@pytest.fixture(scope="session", autouse=True)
def budgets_are_trainings():
    """Let no real study spend half a minute of training because it may: it has its trainings.

    What seconds buy is tested where trainings are a formula (`tests/search/conftest.py`).
    """
    import dataclasses

    from steepest import plan

    before = plan.BUDGETS
    plan.BUDGETS = {n: dataclasses.replace(one, seconds=None) for n, one in before.items()}
    yield
    plan.BUDGETS = before


@pytest.fixture(scope="session", autouse=True)
def strict_steps():
    """Let no step of a rule widen types or shapes unsaid, wherever it is traced.

    Models, and so gradients and losses, are Keras' and the person's, as a transformation of one's
    own is: they have JAX' defaults.
    """
    from steepest.rules import step

    before = {name: getattr(step, name) for name in ("begin", "step", "shown")}
    for name, function in before.items():
        setattr(step, name, _strictly(function))
    yield
    for name, function in before.items():
        setattr(step, name, function)


def _strictly(function):
    @functools.wraps(function)
    def strict(plan, *args, **kwargs):
        jax = sys.modules.get("jax")
        arrays = [x for some in args[:2] if isinstance(some, list) for x in some]
        numpy = arrays and all(isinstance(x, np.ndarray) for x in arrays)  # has no such modes
        if jax is None or numpy or plan.rule.transformation is not None:
            return function(plan, *args, **kwargs)
        with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
            return function(plan, *args, **kwargs)

    return strict
