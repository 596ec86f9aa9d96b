"""The page: its figures are Plotly's, its text is all there without JavaScript, data stays data."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from made import study_of
from planned import planned
from read_pages import check, figures, read, words
from reports_pages import HOSTILE, full, hostile, made
from whole import whole_study

import steepest
from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.options import Options
from steepest.records import ContestantRecord, Outcome
from steepest.reports.command import command
from steepest.reports.figures.curves import curve_of
from steepest.reports.page.page import page
from steepest.reports.terminal import text as terminal

FILES = sorted((Path(__file__).parents[1] / "formats").glob("study-format-*.db"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_study_files_of_all_formats(path):
    check(steepest.read(path).record)


def test_all_measures_are_there_without_javascript():
    study = full()
    reader = check(study)
    found = figures(reader)
    for key in ("verdict", "curves", "gaps", "paths", "rates", "expected", "cost", "tried-0"):
        assert key in found
    said = words(reader)
    for title in ("Convergence speed", "Generalization", "Cost", "Every trial", "To the target"):
        assert title in said
    for framework in ("keras.optimizers.SGD", "torch.optim.SGD", "optax.sgd"):
        assert framework in said
    assert "steepest compare toy" in said


@pytest.mark.parametrize(
    "study",
    [
        study_of(SGD=[1.0, 1.1, 1.2]),
        study_of(SGD=[1.0], Adam=[2.0]),
        study_of(SGD=[float("inf"), float("inf")], Adam=[float("inf"), 1.0]),
        study_of(False, SGD=[1.0, 1.1], Adam=[2.0, 2.1]),
        replace(study_of(SGD=[1.0]), trials=()),
        replace(study_of(SGD=[1.0]), trials=(), finished=False),
        full(dead=("Adam",)),
        full(tuple(f"SGD {i}" for i in range(15)), searched=3, seeds=2),
        replace(full(), settings=replace(full().settings, decides="mae", maximize=True)),
        replace(full(), settings=replace(full().settings, at="best")),
        replace(full(), task=replace(full().task, metrics=())),
        replace(
            full(),
            trials=tuple(replace(t, outcome=Outcome.UNFINISHED) for t in full().trials[:20]),
            finished=False,
            stopped="stopped by a person",
        ),
        replace(study_of(SGD=[0.0, 0.0], Adam=[-1.0, -2.0])),
    ],
)
def test_every_kind_of_study(study):
    check(study)
    verdict = judge(study)
    read(page(study, verdict, None))


def test_names_are_shown_and_not_run():
    reader = check(hostile())
    said = " ".join(reader.text)
    for name in HOSTILE:
        assert name in said
    assert "img" not in reader.tags
    assert "b" not in reader.tags
    assert "49" not in words(reader).split("Every trial")[0].split("standing")[0]
    # What Plotly takes for markup is escaped for it.
    assert "<script" not in json.dumps(figures(reader)).replace("</span>", "").lower()
    assert len(re.findall("<script", made(hostile()))) == 3


def test_curves_end_where_a_seed_diverged():
    study = full(dead=("SGD",))
    curve = curve_of(study.confirmed("SGD"), "validation_loss", range(9))
    assert len(curve.mean) == 8
    values = [t.curves.validation_loss[0] for t in study.confirmed("SGD")]
    assert (curve.low[0], curve.high[0]) == (min(values), max(values))
    assert curve.mean[0] == pytest.approx(sum(values) / 3)
    assert "× is where a seed of SGD diverged" in words(check(study))


def test_the_picture_has_every_confirmed_seed():
    study = full()
    found = figures(check(study))["verdict"]["figure"]["data"]
    drawn = [x for trace in found if "text" in trace for x in trace["x"]]
    assert sorted(drawn) == sorted(
        study.settings.value(t) for n in study.optimizers for t in study.confirmed(n)
    )


def test_the_page_says_what_the_terminal_says():
    study = steepest.read(FILES[-1]).record
    said = words(check(study))
    table = terminal(study, judge(study)).split("\n\n")[1]
    for line in table.splitlines()[1:]:
        assert line.removeprefix("yours: ").split("(")[0].split()[0] in said


@pytest.mark.parametrize("kept", [True, False], ids=["options", "settings"])
@pytest.mark.parametrize(
    ("optimizers", "asked"),
    [
        ("SGD,Adam", {}),
        ("Adam(amsgrad=True),SGD(momentum=0.9)", {"budget": "quick", "seed": 3}),
        ("SGD(learning_rate=Float(1e-4,1.0,log=True))", {"trials": 12, "seeds": 4}),
        ("SGD,RMSprop", {"full_trainings": 20, "schedule": "cosine", "dialect": "torch"}),
        ("Adam", {"at": "best", "practical": 0.05}),
        ("SGD,Adam", {"sweep": 3}),
    ],
)
def test_the_command_asks_the_same(optimizers, asked, kept):
    """From the options that a file has; and as far as settings tell them, where it has none."""
    options = Options(optimizers=optimizers, epochs=20, **asked)
    found, settings = planned(optimizers, 20, **asked)
    study = replace(
        study_of(SGD=[1.0]),
        task=replace(study_of(SGD=[1.0]).task, name="digits", epochs=20),
        settings=settings,
        asked={"tasks": ["digits"], **options.stored()} if kept else {},
        optimizers={
            one.name: ContestantRecord(
                one.rule,
                schedule=one.schedule,
                fixed=one.fixed,
                space={k: {"kind": type(s).__name__, **vars(s)} for k, s in one.space.items()},
                given=one.given,
            )
            for one in found
        },
    )
    import shlex

    line = shlex.split(command(study))
    assert line[:3] == ["steepest", "compare", "digits"]
    options = {k[2:].replace("-", "_"): v for k, v in zip(line[3::2], line[4::2], strict=True)}
    numbers = {
        k: int(options.pop(k))
        for k in ("epochs", "seed", "seeds", "trials", "sweep")
        if k in options
    }
    again, same = planned(options.pop("optimizers"), numbers.pop("epochs"), **numbers, **options)
    if not kept:  # no file without options has a budget in seconds
        same = replace(same, buys=settings.buys, searched=settings.searched)
    assert same == settings
    assert again == found


def test_the_page_is_quick_and_one_file():
    study = full()
    text = page(study, judge(study), measure(study, judge(study)))
    assert len(text) < 3_000_000
    assert "default-src 'none'" in text


def test_captions_name_no_winner_of_a_measure():
    """An order of means may be chance, so captions say that they are means, or how to tell."""
    text = " ".join(made(whole_study()).split())
    for claim in ("target first", "the widest band", "Smallest for", "expected to do best"):
        assert claim not in text
    assert "The mean gap runs from Adam&#39;s 0.150" in text
    assert "In the mean of a single trial:" in text
    assert "The lowest median time to the target is" in text
    assert "the intervals of the speed-ups say" in text
