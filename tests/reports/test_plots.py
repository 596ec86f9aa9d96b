"""The page's pictures as Plotly figures: all of them, with the page's colours, and a legend."""

import contextlib
import sys

import plotly.graph_objects as go
import pytest
from made import study_of
from reports_pages import full

import steepest
from steepest.errors import InputError
from steepest.reports.figures.pictures import all_pictures
from steepest.reports.figures.style import looks
from steepest.reports.plots import Plots


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return steepest.Study(full(), tmp_path_factory.mktemp("study"))


def drawn(plot):
    """Return all figures that a study has, by the method's name."""
    found = {}
    for name in (n for n in dir(plot) if not n.startswith("_")):
        with contextlib.suppress(InputError):  # one that this study lacks
            found[name] = getattr(plot, name)()
    return found


def test_every_picture_of_the_page_is_a_figure(study):
    pictures = all_pictures(
        study.record, study.verdict, study.measures, looks(list(study.record.optimizers))
    )
    found, captions = drawn(study.plot), set()
    for one in found.values():
        for figure in one.values() if isinstance(one, dict) else [one]:
            assert isinstance(figure, go.Figure)
            assert "@" not in figure.to_json()
            captions.add(figure.layout.meta["caption"])
    other = study.plot.best_so_far("seconds") if "best" in pictures else None
    captions |= {other.layout.meta["caption"]} if other else set()
    assert captions == {one.caption for one in pictures.values()}


def test_each_optimizer_stands_in_the_legend_once(study):
    figure = study.plot.learning_curves()
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(named) == sorted(study.record.optimizers)


def test_learning_curves_on_other_axes(study):
    plain = study.plot.learning_curves()
    other = study.plot.learning_curves("training_loss", x="steps")
    trial = study.record.confirmed("SGD")[0]
    lines = [t for t in other.data if t.mode == "lines" and t.fill is None and t.showlegend]
    assert list(lines[0].x) == list(trial.curves.step)
    assert other.layout.yaxis.title.text != plain.layout.yaxis.title.text
    with pytest.raises(InputError, match="no x of 'epoch'; did you mean epochs"):
        study.plot.learning_curves(x="epoch")


def test_a_picture_that_a_study_lacks_says_what_it_needs(tmp_path):
    plot = steepest.Study(study_of(SGD=[1.0]), tmp_path).plot
    assert isinstance(plot, Plots)
    with pytest.raises(InputError, match="it needs enough trials of a search"):
        plot.search_effort()
    assert plot.hyperparameters() == {}


def test_without_plotly_it_is_said_what_brings_it(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(InputError, match=r'study.plot needs .* pip install "steepest\[plotly\]"'):
        study.plot.results()
