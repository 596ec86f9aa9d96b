"""The screen: everything on it, and no control characters where there is no terminal."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import STUDY, study_of
from whole import whole_study, with_baseline

from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.reports import board, terminal
from steepest.reports.board import defaults_text
from steepest.reports.measure_tables import sensitivity_table
from steepest.reports.summary import summary
from steepest.reports.terminal import in_few_lines, text
from steepest.statistics import estimate


def test_the_story_is_told():
    study = study_of(SGD=1.0 + np.array([0.01, -0.02, 0.0]), Adam=[0.5, 0.51, 0.52])
    told = text(study, judge(study))
    assert "\x1b" not in told
    for part in ("SGD", "Adam", "Use Adam(", "winner", "keras.optimizers.SGD(", "6 full"):
        assert part in told
    assert max(map(len, told.splitlines())) <= 100


def test_a_study_without_confirmed_runs_is_told():
    told = text(STUDY, judge(STUDY))
    assert "none finished" in told
    assert "no verdict" in told


def test_names_are_shown_as_they_are():
    study = study_of(**{"SGD[bold]": [0.5, 0.6], "[/red]": [0.7, 0.9]})
    told = text(study, judge(study))
    assert "SGD[bold]" in told
    assert "[/red]" in told


def test_the_table_fits_with_many_metrics_and_a_long_name():
    study = study_of(
        **{"SGD(nesterov=True, momentum=0.9)": [1.0, 1.1, 1.2], "Adam": [0.5, 0.6, 0.55]}
    )
    many = ("mae", *(f"a_metric_of_some_length_{i}" for i in range(4)))
    trials = tuple(
        replace(t, curves=replace(t.curves, metrics=dict.fromkeys(many, (0.98765, 0.98765))))
        for t in study.trials
    )
    study = replace(study, task=replace(study.task, metrics=many), trials=trials)
    told = text(study, judge(study))
    assert max(map(len, told.splitlines())) <= 100
    table = told.split("\n\n")[1].splitlines()
    assert [line[:3] for line in table[:3]] == ["opt", "Ada", "SGD"]  # no row wraps
    assert table[3].startswith("No room for a_metric_of_some_length_0, ")
    for part in ("validation loss", "mae", "seeds", "state"):
        assert part in table[0]


def test_both_losses_are_shown_and_which_decided_is_said():
    study = study_of(SGD=[2.3, 2.4, 2.5], Adam=[2.1, 2.2, 2.15])
    told = text(study, judge(study), more=True)
    assert "at best epoch" in told
    assert "2.40 ± " in told
    assert "Validation loss decides;" in told
    study = replace(study, settings=replace(study.settings, decides="mae", maximize=True))
    told = text(study, judge(study))
    assert told.index("validation mae  ") < told.index("validation loss  ")
    assert "Validation mae decides;" in told


def test_where_a_metric_decides_worse_defaults_are_said_to_be_worse():
    """An accuracy of 0.90 at defaults, and of 0.94 with the best, is 0.04 worse, not higher."""
    study = whole_study()
    settings = replace(study.settings, decides="accuracy", maximize=True)
    study = replace(study, settings=settings)
    verdict = judge(study)
    measures = measure(study, verdict)
    one = measures.sensitivity["Adam"]
    worse = replace(one.default, best=estimate([0.94, 0.94]), worse=estimate([0.03, 0.05]))
    measures = replace(measures, sensitivity={"Adam": replace(one, default=worse)})
    found = summary(study, verdict, measures)
    cells = dict(
        zip(found.titles, next(row for row in found.rows if row[0] == "Adam"), strict=True)
    )
    assert cells["at defaults"] == "0.04 ± 0.13 worse"
    (note,) = (note for note in found.notes if note.startswith("at defaults"))
    assert "how much worse validation accuracy is with the framework's defaults" in note
    assert "how much worse" in sensitivity_table(measures.sensitivity).note


def test_three_optimizers_and_a_baseline_fit_one_screen(tmp_path):
    """24 lines of 100 columns, with the advice, code, cost and where the report is."""
    (tmp_path / "report.html").write_text("")
    for study in (whole_study(), with_baseline(whole_study())):
        verdict = judge(study)
        told = text(study, verdict, measure(study, verdict), tmp_path).splitlines()
        assert len(told) <= 24
        assert max(map(len, told)) <= 100
        assert told[0].startswith("Use Adam(learning_rate=0.001)")
        assert any(line.startswith("optimizer = keras.optimizers.Adam(") for line in told)
        assert any("report.html" in line for line in told)
        more = text(study, verdict, measure(study, verdict), tmp_path, more=True)
        for part in ("good rates", "best hyperparameters found", "chance", "Trials: "):
            assert part in more
            assert part not in "\n".join(told)


def test_a_long_name_of_a_baseline_drops_no_metric():
    study = with_baseline(whole_study(), epsilon=1e-3, beta_1=0.85)
    head, *rows = text(study, judge(study)).split("\n\n")[1].splitlines()
    for title in ("against yours", "accuracy", "test", "seeds", "state"):
        assert title in head
    assert any("yours: Adam(0.01, " in row for row in rows)
    assert "epsilon=0.001" in "".join(rows)


def test_code_is_in_few_lines_and_runs_as_before():
    source = (
        "import keras\n\n# Two (or\noptimizer = keras.optimizers.SGD(\n    learning_rate=0.1,\n"
        "    nesterov=False,\n)\n\ndef f(step):\n    return min(\n        step,\n    )\n"
    )
    assert in_few_lines(source).splitlines() == [
        "import keras",
        "# Two (or",
        "optimizer = keras.optimizers.SGD(learning_rate=0.1, nesterov=False)",
        "def f(step):",
        "    return min(step)",
    ]
    long = "f(\n" + "".join(f"    argument_{i}=0.123456789,\n" for i in range(9)) + ")"
    assert max(map(len, in_few_lines(long).splitlines())) <= 100
    assert ast.dump(ast.parse(in_few_lines(long))) == ast.dump(ast.parse(long))
    comment = f"import keras\n# {'The best epoch was 10 of 12, ' * 5}and that is all."
    assert all(line[:2] == "# " for line in in_few_lines(comment).splitlines()[1:])


@pytest.mark.parametrize("width", [100, 60])
def test_code_in_a_narrow_terminal_is_code(width):
    study = whole_study()
    told = text(study, judge(study), width=width)
    source = told[told.index("import keras") : told.index("\n\nCost")]
    assert "Adam" in ast.unparse(ast.parse(source))


def test_nothing_is_pasted_and_nobody_wins_where_nothing_was_learnt(monkeypatch):
    study = whole_study()
    assert "winner" in text(study, judge(study))
    for module in (terminal, board):
        monkeypatch.setattr(module, "is_nothing", lambda *_: True)
    told = text(study, judge(study))
    assert "winner" not in told
    assert "import keras" not in told


def test_defaults_are_said_to_be_worse_where_there_is_no_baseline():
    told = text(whole_study(), judge(whole_study()))
    assert "at defaults" in told
    assert "57 % worse" in told


def test_defaults_that_lose_more_than_all_are_so_many_times_as_much():
    study = whole_study()
    default = measure(study, judge(study)).sensitivity["Adam"].default
    best = replace(default, best=estimate([0.1, 0.1]), worse=estimate([0.7, 0.9]))
    assert defaults_text(study, best) == "9 ± 13 times"
    assert defaults_text(study, replace(best, worse=estimate([0.05, 0.11]))) == "80 ± 381 % worse"
    one = replace(best, worse=estimate([0.05]))
    assert defaults_text(study, replace(one, epochs=study.task.epochs)) == "50 % worse (1 seed)"


def test_a_command_to_type_is_not_broken():
    noise = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
    study = study_of(SGD=1.0 + noise, Adam=1.02 + noise[::-1])
    study = replace(study, asked={"tasks": ["digits"], "seeds": 5})
    told = text(study, judge(study), where=Path("runs/digits-20260101-120000"))
    assert "\n    steepest resume runs/digits-20260101-120000 --seeds 60\n" in told
