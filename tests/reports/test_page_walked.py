"""The page of studies whose search walked in the learning rate: pictures, words, methods."""

import math
from dataclasses import replace

import pytest
from read_pages import check, figures, read, words
from reports_pages import full, made
from walked import walked_study
from whole import whole_study

from steepest.measures.verdict import judge
from steepest.records import Outcome, Stage
from steepest.reports.figures.rates import rates_picture
from steepest.reports.figures.style import looks
from steepest.reports.figures.today import today_picture
from steepest.reports.hyperparameters_text import told
from steepest.reports.page.methods_text import bibtex, methods


def by_accuracy(study):
    changes = {"decides": "accuracy", "maximize": True, "practical_errors": 0.1}
    return replace(study, settings=replace(study.settings, **changes))


def of(picture, study, *arguments):
    return picture(study, judge(study), looks(list(study.optimizers)), *arguments)


@pytest.mark.parametrize(
    "study",
    [
        walked_study(),
        walked_study(seeds=2),
        walked_study(seeds=1, baseline=False),
        walked_study(epochs=1),
        walked_study(upto=5),
        walked_study(upto=14),
        walked_study(upto=36),
        by_accuracy(walked_study()),
    ],
)
def test_every_kind(study):
    reader = check(study)
    assert "best" in figures(reader)
    assert " tie" not in words(reader).partition("The code to paste")[2].lower()


def test_today_beside_what_is_recommended():
    study = walked_study()
    picture = of(today_picture, study)
    assert picture.caption.startswith("From what the model was compiled with to Adam (learning_rat")
    joined, *drawn = picture.figure["data"]
    assert joined["x"].count(None) == 5
    seeds = [t for t in drawn if "text" in t]
    today = [study.settings.value(t) for t in study.confirmed("baseline Adam(0.001)")]
    assert [seeds[0]["x"], seeds[1]["x"]] == [
        today,
        [study.settings.value(t) for t in study.confirmed("Adam")],
    ]
    assert sum(t["mode"] == "lines" for t in drawn) == 2  # an interval each


def test_without_a_baseline_it_begins_at_the_defaults():
    study = walked_study(baseline=False)
    picture = of(today_picture, study)
    assert "Adam with the framework's defaults" in picture.caption
    assert "on the same 3 fresh seeds" in picture.caption


def test_nothing_is_drawn_where_today_is_recommended_or_nothing_stands_beside_it():
    study = walked_study()
    own = {n: replace(one, baseline=n == "Adam") for n, one in study.optimizers.items()}
    assert of(today_picture, replace(study, optimizers=own)) is None
    kept = tuple(t for t in study.trials if t.stage is not Stage.DEFAULT)
    none = {n: replace(one, baseline=False) for n, one in study.optimizers.items()}
    assert of(today_picture, replace(study, trials=kept, optimizers=none)) is None


def test_a_seed_that_diverged_today_is_marked():
    study = walked_study()

    def lose(trial):
        if (trial.optimizer, trial.config.seed) != ("baseline Adam(0.001)", 2):
            return trial
        return replace(trial, outcome=Outcome.DIVERGED)

    study = replace(study, trials=tuple(map(lose, study.trials)))
    picture = of(today_picture, study)
    assert picture.caption.endswith("× diverged.")
    assert any(t.get("marker", {}).get("symbol") == "x" for t in picture.figure["data"])


def test_two_seeds_have_no_intervals():
    found = figures(read(made(walked_study(seeds=2))))
    for key in ("today", "verdict"):
        drawn = [t for t in found[key]["figure"]["data"] if t["mode"] == "lines"]
        assert len(drawn) == (key == "today")  # the lines that join seeds
    assert not any(t["error_x"]["visible"] for t in found["gaps"]["figure"]["data"])


@pytest.mark.parametrize("seeds", [2, 5])
def test_axes_hold_what_is_drawn(seeds):
    found = figures(read(made(by_accuracy(walked_study(seeds=seeds)))))
    for key in ("today", "verdict"):
        low, high = found[key]["figure"]["layout"]["xaxis"]["range"]
        drawn = [v for t in found[key]["figure"]["data"] for v in t["x"] if v is not None]
        assert low <= min(drawn)
        assert max(drawn) <= high < 1.02
    layout = found["rates"]["figure"]["layout"]
    low, high = layout["yaxis"]["range"]
    drawn = [v for t in found["rates"]["figure"]["data"] for v in t["y"]]
    assert low <= min(drawn) <= max(drawn) <= high < 1.02


def test_marks_of_the_rates():
    picture = of(rates_picture, walked_study())
    written = [t["text"][0] for t in picture.figure["data"] if t["mode"] == "markers+text"]
    assert sorted(filter(None, written)) == ["best", "default", "yours"]
    dotted = [t for t in picture.figure["data"] if t.get("line", {}).get("dash") == "dot"]
    assert {t["legendgroup"] for t in dotted} >= {"o0", "o1"}
    assert "after 10 epochs" in picture.caption


def test_the_edge_of_divergence_is_marked():
    picture = of(rates_picture, whole_study())
    edges = [t for t in picture.figure["data"] if t.get("line", {}).get("dash") == "dash"]
    edges = [t for t in edges if len(t["x"]) == 2 and t["x"][0] == t["x"][1]]
    assert sorted(t["x"][0] for t in edges) == pytest.approx([0.0316228, 0.316228, 3.16228])
    assert "first rate that diverged: " in picture.caption
    assert "SGD at 3.2" in picture.caption


@pytest.mark.parametrize(("searched", "there"), [(19, False), (40, True)])
def test_parallel_coordinates_from_twenty_trials_on(searched, there):
    found = figures(read(made(full(searched=searched))))
    assert ("parallel-0" in found) is there
    if there:
        places = [v for t in found["parallel-0"]["figure"]["data"] for v in t["y"]]
        assert (min(places), max(places)) == (0, 1)


def test_the_best_so_far_only_falls():
    for key in ("best", "best-seconds"):
        for trace in figures(read(made(walked_study())))[key]["figure"]["data"]:
            assert trace["y"] == sorted(trace["y"], reverse=True)
            assert trace["x"] == sorted(trace["x"])


def test_all_that_is_no_default_is_told():
    study = full()
    config = study.trials[0].config
    odd = replace(config, hyperparameters={**config.hyperparameters, "clip_norm": 1.0})
    text = told(study, odd, "SGD")
    assert text.startswith("learning_rate ")
    assert "clip_norm 1" in text
    assert "nesterov" not in text  # a default
    changed = replace(odd, hyperparameters={**odd.hyperparameters, "nesterov": True})
    assert "nesterov True" in told(study, changed, "SGD")
    assert "schedule cosine" in told(study, replace(odd, schedule="cosine"), "SGD")
    trials = (replace(study.trials[0], config=changed), *study.trials[1:])
    assert "nesterov True" in words(check(replace(study, trials=trials)))


def test_methods_follow_the_record():
    text = methods(walked_study())
    for part in (
        "SGD, Adam, RMSprop and baseline Adam(0.001) on the task walked",
        "SGD, Adam and RMSprop were tuned on equal terms",
        "a list of starting configurations was trained for 10 epochs",
        "factors of 10^0.4 and 10^0.2",
        "7 trainings of 10 epochs and 4 in full for each optimizer",
        "baseline Adam(0.001) took part without tuning",
        "on 5 fresh seeds",
        "default hyperparameters were trained in full on 3 seeds of these",
    ):
        assert part in text, part
    old = methods(full())
    assert "10^0.4" not in old
    assert "12 configurations of each optimizer were trained from one seed" in old
    assert "after 3 of 9 epochs" in old


def test_the_reference_is_bibtex():
    text = bibtex(walked_study())
    assert text.startswith("@software{steepest,\n")
    assert text.count("{") == text.count("}")
    assert "version = {0.5}" in text
    study = replace(walked_study(), versions={"steepest": "}, evil = {"}, started="now")
    assert "evil" not in bibtex(study)
    assert "year" not in bibtex(study)


def test_a_study_that_knows_no_finite_result_has_no_picture():
    study = walked_study(("SGD",), baseline=False)
    lost = tuple(replace(t, outcome=Outcome.DIVERGED) for t in study.trials)
    study = replace(study, trials=lost)
    assert of(today_picture, study) is None
    assert math.isnan(study.settings.value(lost[0]))
