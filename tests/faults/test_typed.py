"""What a person can type or pass: every command and option, and every argument, may be anything."""

import sys
from dataclasses import dataclass

import pytest
from anything import ANYTHING, COUNTS, NUMBERS, TEXTS, check_message, examples, told, tried
from hypothesis import example, given
from hypothesis import strategies as st
from planned import planned

import steepest
from steepest import cli
from steepest.amounts import make_memory, make_seconds
from steepest.options import NAMES as ASKED
from steepest.options import Options
from steepest.parse.baseline import from_keras, from_torch, read_baseline
from steepest.plan import check_plan, make_plan
from steepest.records import TaskFacts
from steepest.rules import RULES
from steepest.rules.recipe import RECIPE

FACTS = TaskFacts("t", "mse", ("accuracy",), 1, 1, 1, 0, 1, 1)

# The small languages: optimizers, recipes and baselines, put together from their own words.
NAMES = st.sampled_from(
    [*RULES, *RECIPE, "lr", "beta_1", "momentum", "nesterov", "amsgrad", "epsilon", "eps", "betas"]
)
ATOMS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**6), 10**6).map(repr),
    st.sampled_from(
        [
            "1e999", "9" * 5000, "-1", "True", "None", "'cosine'", "'x'", "b'x'", "(1, 2)",
            "[]", "{}", "{1: 2}",
            "x", "a.b", "lambda: 1", "1+1", "1j", "...", "f'{1}'", "*a", "**a", "not 1",
            "[1 for a in b]",
            "Float(1e-4,1e-1,log=True)", "Float(1,0)", "Float()", "Float('a','b')",
            "Float(0,1,log=True)",
            "Float(1e-5,1e-3,log=1)", "Choice((1,2))", "Choice(())", "Choice(1)", "Choice([[1]])",
            "Choice(('cosine','linear'))", "Float(nan,1)", "Choice(Float(1,2))", "(" * 300,
            "-" * 5000 + "1",
            "CosineDecay(1e-3, 100)", "CosineDecay(1e-3, 0)", "CosineDecay('a', 'b')",
            "CosineDecay()",
            "ExponentialDecay(1, 2, 3)", "PolynomialDecay(0, 0, 0)", "linear_schedule(0, 0, 0)",
            "warmup_cosine_decay_schedule(0, 0, 0, 0)",
            "CosineDecay(1e-3, 10, warmup_target='a', warmup_steps=[])",
        ]
    ),
)  # fmt: skip
PAIRS = st.lists(st.one_of(st.tuples(NAMES, ATOMS).map("=".join), ATOMS), max_size=4).map(",".join)
MODULES = st.sampled_from(["", "", "keras.optimizers.", "torch.optim.", "optax.", "os."])
CALLED = st.builds(lambda m, n, p: f"{m}{n}({p})", MODULES, NAMES, PAIRS)
LISTED = st.lists(st.one_of(NAMES, CALLED), max_size=4).map(",".join)
LANGUAGE = st.one_of(PAIRS, CALLED, LISTED, TEXTS)

OPTIONS = {
    "compare": [
        *(f"--{name.replace('_', '-')}" for name in ASKED), "--out", "--watch", "--json", "--hlep",
        "--", "-h",
    ],
    "report": ["--html", "--json", "--csv", "--markdown", "--target", "--reference", "--hlep"],
    "code": ["--optimizer", "--framework", "--exact", "-x"],
    "explain": ["--all", "--json", "--html"],
    "export": ["--csv", "--parquet", "--curves", "--optuna", "--tensorboard", "--mlflow", "--name"],
    "watch": ["--port", "--open", "--no-open"],
    "tasks": ["--json", "--x"],
}  # fmt: skip
PLAIN = TEXTS.filter(lambda text: "\x00" not in text)  # the system lets no NUL through
LINES = st.sampled_from(sorted(OPTIONS)).flatmap(
    lambda command: st.tuples(
        st.just([command]),
        st.lists(PLAIN, max_size=2),
        st.lists(
            st.tuples(
                st.sampled_from(OPTIONS[command]), st.one_of(LANGUAGE, NUMBERS.map(_written))
            ),
            max_size=3,
        ).map(lambda pairs: [part for pair in pairs for part in pair]),
    ).map(
        lambda parts: [
            one.replace("\x00", "").replace("\ud800", "\udcff") for part in parts for one in part
        ]
    )
)


def _written(number):
    try:
        return str(number)
    except ValueError:  # thousands of digits
        return "9" * 5000


class Trained(Exception):  # noqa: N818 (it is no error)
    """A study would have been trained."""


@pytest.fixture
def nothing_trains(monkeypatch, tmp_path):
    """Load a small fact in the place of a task, and stop where training would begin."""
    import steepest.serve as watching
    import steepest.study as study
    import steepest.study.compare as call
    import steepest.tasks.load as load

    @dataclass(frozen=True)
    class Loaded:
        facts: TaskFacts = FACTS
        wanted: tuple[()] = ()

    def stop(*_, **__):
        raise Trained

    monkeypatch.setattr(load, "load_task", lambda *_: Loaded())
    monkeypatch.setattr(load, "forget", lambda: None)
    monkeypatch.setattr(study, "run_study", stop)
    monkeypatch.setattr(call, "run_study", stop)
    monkeypatch.setattr(watching, "watching", stop)
    monkeypatch.setattr(cli, "stop", stop)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_line(kind, line, place, capsys):
    """Run a command line; exit code 2 must come with one sentence, and leave nothing."""
    before = sorted(place.rglob("*"))
    code = 0
    COUNTS[kind]["tried"] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["steepest", *line])
        try:
            cli.main()
        except Trained:
            COUNTS[kind]["taken"] += 1
            capsys.readouterr()
            told(kind)
            return None
        except SystemExit as stopped:
            code = stopped.code or 0
    captured = capsys.readouterr()
    COUNTS[kind]["refused" if code else "taken"] += 1
    told(kind)
    assert code in (0, 2), line
    if code and not captured.err.startswith("Usage:"):
        message = captured.err.removesuffix("\n")
        assert message.startswith("steepest: "), (line, message)
        check_message(message)
        assert captured.out == ""
        assert sorted(place.rglob("*")) == before
    return code


@example(["compare", "digits", "--out", "a" * 5000])
@example(["compare", "digits", "--epochs", "9" * 5000])
@example(["compare", "digits", "--memory", "9" * 400 + "GB"])
@example(["export", "x\ny", "--csv", "a\nb"])
@example(["report", "x\ny"])
@example(["\udcff\n" * 300])
@given(LINES)
@examples(80)
def test_any_command_line_works_or_is_one_sentence(nothing_trains, capsys, line):
    run_line("command lines", line, nothing_trains, capsys)


@given(st.sampled_from(["--optimizers", "--recipe", "--baseline"]), LANGUAGE)
@examples(200)
def test_any_text_in_the_small_languages(nothing_trains, capsys, option, text):
    line = ["compare", "digits", option, text.replace("\x00", "").replace("\ud800", "\udcff")]
    run_line("optimizers, recipes and baselines as text", line, nothing_trains, capsys)


@given(
    st.one_of(
        ANYTHING,
        LANGUAGE,
        st.lists(ANYTHING, max_size=3),
        st.dictionaries(st.one_of(NAMES, TEXTS), st.dictionaries(NAMES, ANYTHING, max_size=3)),
        st.dictionaries(NAMES, ANYTHING, max_size=2),
    )
)
@examples(200)
def test_any_optimizers_from_python(wanted):
    tried("arguments of compare: optimizers", lambda: planned(wanted, 3))


ARGUMENTS = [name for name in ASKED if name != "optimizers"]


@given(
    st.dictionaries(
        st.sampled_from(ARGUMENTS), st.one_of(ANYTHING, LANGUAGE), min_size=1, max_size=3
    )
)
@examples(300)
def test_any_arguments_from_python(given):
    asked = {"epochs": 3, **given}
    tried("arguments of compare: settings", lambda: check_plan(Options(optimizers="SGD", **asked)))


@given(ANYTHING, ANYTHING)
@examples(150)
def test_any_metric_direction_memory_and_time(one, two):
    kind = "metric, direction, memory and time"
    tried(kind, lambda: make_plan(Options(metric=one, direction=two), FACTS))
    tried(kind, lambda: make_memory(one))
    tried(kind, lambda: make_seconds(two))


@given(st.one_of(ANYTHING, st.lists(ANYTHING, max_size=2)))
@examples(150)
def test_any_baseline_object(given):
    for read in (from_keras, from_torch):
        tried("objects as optimizers", lambda read=read: read(given))


@given(LANGUAGE)
@examples(200)
def test_any_baseline_text(text):
    tried("optimizers, recipes and baselines as text", lambda: read_baseline(text))


@given(st.sampled_from(["out", "name", "progress", "model", "x"]), ANYTHING)
@examples(60)
def test_compare_from_python(nothing_trains, argument, value):
    given = {"model": None, "x": None, argument: value}
    with pytest.MonkeyPatch.context():
        assert tried("arguments of compare: no model", lambda: steepest.compare(**given)) is None
    assert not list(nothing_trains.iterdir())


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
@examples(100)
def test_any_rule_of_ones_own(name, make, space, defaults):
    tried("rules of one's own", lambda: steepest.rule(name, make, space, defaults))
    rate = {"learning_rate": steepest.Float(0.1, 1.0)}
    tried("rules of one's own", lambda: steepest.rule("Mine", make, rate, defaults))
    tried("rules of one's own", lambda: steepest.rule("Mine", lambda **_: make, rate, {}))
