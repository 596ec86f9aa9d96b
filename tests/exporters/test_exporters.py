"""Studies handed over to other programs are read back by those programs' own libraries."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import made
import pytest

from steepest.errors import InputError
from steepest.exporters.mlflow import write_mlflow
from steepest.exporters.optuna import write_optuna
from steepest.exporters.tensorboard import write_tensorboard
from steepest.records import Curves, Outcome, Stage

SPACE = {
    "learning_rate": {"kind": "Float", "low": 0.2, "high": 1.0, "log": True, "complement": False},
    "momentum": {"kind": "Float", "low": 0.5, "high": 0.99, "log": True, "complement": True},
    "nesterov": {"kind": "Choice", "values": [True, "on"]},
}


def searched(trial, outcome, epochs, **values):
    """Return a trial of the search that ended after so many epochs."""
    curves = trial.curves
    cut = Curves(
        curves.epoch[:epochs],
        curves.step[:epochs],
        curves.training_loss[:epochs],
        curves.validation_loss[:epochs],
        {name: one[:epochs] for name, one in curves.metrics.items()},
    )
    config = replace(trial.config, hyperparameters={**trial.config.hyperparameters, **values})
    return replace(trial, stage=Stage.SEARCH, outcome=outcome, curves=cut, config=config, test=None)


@pytest.fixture
def study():
    base = made.study_of(space=SPACE, SGD=(0.5, 0.6, 0.4), **{"../<b>": (0.7, math.inf, 0.9)})
    first = base.trials[0]
    more = [
        searched(first, Outcome.FINISHED, 2, learning_rate=0.4),
        searched(first, Outcome.HALVED, 1, learning_rate=0.5),
        searched(first, Outcome.SHORT, 1, momentum=0.0),
        searched(first, Outcome.DIVERGED, 1, learning_rate=3.0),
        searched(first, Outcome.UNFINISHED, 0, epsilon=math.inf),
        replace(searched(first, Outcome.FINISHED, 2, learning_rate=0.01), stage=Stage.SWEEP),
        searched(first, Outcome.EXPLODED, 1, learning_rate=0.6),
        searched(first, Outcome.CONSTANT, 1, learning_rate=0.21),
        replace(searched(first, Outcome.FAILED, 0), reason="ValueError: *no*\nsuch shape"),
    ]
    numbered = [replace(trial, number=6 + i) for i, trial in enumerate(more)]
    return replace(base, trials=(*base.trials, *numbered))


@pytest.mark.slow
def test_optuna_reads_it_back(study, tmp_path):
    optuna = pytest.importorskip("optuna", reason="the export to Optuna is with Optuna alone")
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    names = write_optuna(study, url)
    assert names == [
        "toy: SGD",
        "toy: SGD (fresh seeds)",
        "toy: ../<b> (fresh seeds)",
    ]
    found = optuna.load_study(study_name="toy: SGD", storage=url)
    assert found.direction.name == "MINIMIZE"
    states = [trial.state.name for trial in found.trials]
    assert states == ["COMPLETE", "PRUNED", "PRUNED", "FAIL", "RUNNING", "PRUNED", "PRUNED", "FAIL"]
    assert found.best_trial.value == 0.5
    assert found.best_trial.intermediate_values == {1: 2.0, 2: 0.5}
    assert found.best_trial.params["learning_rate"] == 0.4
    assert found.best_trial.user_attrs["stage"] == "search"
    assert found.best_trial.duration.total_seconds() == 0.5
    assert found.trials[1].value == 2.0
    assert found.trials[3].user_attrs["outcome"] == Outcome.DIVERGED.value
    assert "reason" not in found.trials[3].user_attrs
    assert found.trials[7].user_attrs["outcome"] == Outcome.FAILED.value
    assert found.trials[7].user_attrs["reason"] == "ValueError: *no*\nsuch shape"
    assert found.trials[7].value is None
    ranges = found.best_trial.distributions
    assert (ranges["learning_rate"].low, ranges["learning_rate"].high) == (0.01, 3.0)  # grown
    assert ranges["learning_rate"].log
    assert (ranges["momentum"].low, ranges["momentum"].log) == (0.0, False)
    assert set(ranges["nesterov"].choices) == {True, "on", False}
    fresh = optuna.load_study(study_name=names[1], storage=url)
    assert [trial.value for trial in fresh.trials] == [0.5, 0.6, 0.4, 0.5]
    lost = optuna.load_study(study_name=names[2], storage=url)
    assert [trial.state.name for trial in lost.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    with pytest.raises(InputError, match="already; choose another storage, or --name"):
        write_optuna(study, url)
    assert write_optuna(study, url, "again")[0] == "again: SGD"
    for wrong in ("nowhere://x", "not a url", f"sqlite:///{tmp_path}/no/where.db"):
        with pytest.raises(InputError, match="Optuna cannot write to"):
            write_optuna(study, wrong)


def test_optuna_knows_what_is_maximized(study, tmp_path):
    optuna = pytest.importorskip("optuna", reason="the export to Optuna is with Optuna alone")
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    settings = replace(study.settings, decides="mae", maximize=True)
    write_optuna(replace(study, settings=settings), url)
    found = optuna.load_study(study_name="toy: SGD", storage=url)
    assert found.direction.name == "MAXIMIZE"
    assert found.user_attrs["value"] == "validation mae"


def test_tensorboard_reads_it_back(study, tmp_path):
    pytest.importorskip("tensorboard", reason="the export is with TensorBoard alone")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    write_tensorboard(study, tmp_path / "logs")
    places = {path.parent for path in (tmp_path / "logs").rglob("events*")}
    assert len(places) == 1 + len(study.trials)
    assert tmp_path / "logs" / "_.._b_" not in places
    assert all(tmp_path / "logs" in (place, *place.parents) for place in places)

    def content(run, tag):
        plugin = run.summary_metadata[tag].plugin_data
        assert plugin.plugin_name == "hparams"
        return plugin_data_pb2.HParamsPluginData.FromString(plugin.content)

    run = EventAccumulator(str(tmp_path / "logs/SGD/confirm-0000")).Reload()
    assert [(e.step, e.value) for e in run.Scalars("loss/validation")] == [(13, 2.0), (26, 0.5)]
    assert run.Scalars("value")[0].value == 0.5
    assert run.Scalars("mae/test")[0].value == pytest.approx(0.2)
    start = content(run, metadata.SESSION_START_INFO_TAG).session_start_info
    assert start.hparams["learning_rate"].number_value == 0.1
    assert start.hparams["nesterov"].bool_value is False
    assert start.hparams["optimizer"].string_value == "SGD"
    other = EventAccumulator(str(tmp_path / "logs/SGD/confirm-0001")).Reload()
    same = content(other, metadata.SESSION_START_INFO_TAG).session_start_info
    assert same.group_name == start.group_name
    failed = EventAccumulator(str(tmp_path / "logs/SGD/search-0014")).Reload()
    end = content(failed, metadata.SESSION_END_INFO_TAG).session_end_info
    assert end.status == api_pb2.STATUS_FAILURE
    text = failed.Tensors("reason")[0].tensor_proto.string_val[0].decode()
    assert text == "    ValueError: *no*\n    such shape"
    assert "value" not in failed.Tags()["scalars"]
    root = EventAccumulator(str(tmp_path / "logs")).Reload()
    experiment = content(root, metadata.EXPERIMENT_TAG).experiment
    assert {"optimizer", "stage", "learning_rate"} <= {i.name for i in experiment.hparam_infos}
    assert "dialect" not in {i.name for i in experiment.hparam_infos}
    assert "value" in {info.name.tag for info in experiment.metric_infos}
    with pytest.raises(InputError, match="give a new or an empty directory"):
        write_tensorboard(study, tmp_path / "logs")


@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_it_back(study, tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="the export to MLflow is with MLflow alone")
    pytest.importorskip("sqlalchemy", reason="MLflow's database store needs it")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert write_mlflow(study, uri) == "toy"
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("toy")
    runs = {
        int(run.data.tags["number"]): run
        for run in client.search_runs([experiment.experiment_id], max_results=100)
    }
    assert len(runs) == len(study.trials)
    assert runs[0].data.params["learning_rate"] == "0.1"
    assert runs[0].data.metrics["value"] == 0.5
    assert runs[0].data.tags["stage"] == "confirm"
    assert runs[0].info.status == "FINISHED"
    history = client.get_metric_history(runs[0].info.run_id, "validation_loss")
    assert [(one.step, one.value) for one in history] == [(13, 2.0), (26, 0.5)]
    assert runs[4].info.status == "FAILED"
    assert "value" not in runs[4].data.metrics
    assert runs[10].info.status == "RUNNING"
    assert [runs[i].info.status for i in (12, 13, 14)] == ["FINISHED", "FINISHED", "FAILED"]
    assert runs[14].data.tags["outcome"] == "failed"
    assert runs[14].data.tags["reason"] == "ValueError: *no*\nsuch shape"
    assert "reason" not in runs[4].data.tags
    with pytest.raises(InputError, match="experiment 'toy' already"):
        write_mlflow(study, uri)
    with pytest.raises(InputError, match="MLflow cannot write to"):
        write_mlflow(study, "nowhere://x")


@pytest.mark.parametrize(
    ("package", "write"),
    [
        ("tensorboard.compat.proto", lambda study: write_tensorboard(study, Path("no"))),
        ("mlflow.tracking", lambda study: write_mlflow(study, "no")),
        ("optuna", lambda study: write_optuna(study, "sqlite://")),
    ],
)
def test_what_is_absent_is_named(package, write, monkeypatch):
    extra = package.split(".")[0]
    monkeypatch.setitem(sys.modules, package, None)
    if extra != package and extra not in sys.modules:
        monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(InputError, match=rf'pip install "steepest\[{extra}\]"'):
        write(made.STUDY)
