"""A study as a log directory of TensorBoard: a run a trial, curves by step, and HParams.

Events are written with TensorBoard's own records, without TensorFlow.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steepest.errors import InputError, absent
from steepest.exporters import began, safe_name
from steepest.records import Outcome, StudyRecord, Trial

LONGEST = 200  # letters of a directory's name
NAMES = "-_.()=,+ "  # characters that may be in a directory's name, beside letters and digits


def write_tensorboard(study: StudyRecord, directory: Path) -> None:
    """Write the study below a new or empty `directory`: OPTIMIZER/STAGE-NUMBER, a run a trial.

    The HParams tab has a row for each configuration and stage, in which metrics are means over
    seeds; `value` is what decides, and is absent where a trial diverged. The time of all events is
    the study's start plus the trial's own clock, evenly over its evaluations.

    Raises:
        InputError: TensorBoard is absent, or there is something in the directory.
    """
    try:
        from tensorboard.compat.proto import event_pb2  # noqa: F401
    except ImportError as error:
        raise absent("--tensorboard", error, "tensorboard") from None
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is there already; give a new or an empty directory")
    start = began(study).timestamp()
    _write(directory, [(start, 0, _experiment(study, start))])
    for trial in study.trials:
        run = f"{trial.stage.value}-{trial.number:04d}"
        folder = safe_name(trial.optimizer, NAMES)[:LONGEST].strip(". ") or "_"
        _write(directory / folder / run, _events(study, trial, start))


def _events(study: StudyRecord, trial: Trial, start: float) -> list[tuple[float, int, Any]]:
    """Return time, step and summary of all that is known of a trial."""
    curves, found = trial.curves, [(start, 0, _session(trial, start))]
    for i, step in enumerate(curves.step):
        time = start + trial.seconds * (i + 1) / len(curves.step)
        values = {
            "loss/training": curves.training_loss[i],
            "loss/validation": curves.validation_loss[i],
            **{f"{name}/validation": one[i] for name, one in curves.metrics.items()},
        }
        found += [(time, step, _scalar(tag, value)) for tag, value in values.items()]
    end, last = start + trial.seconds, curves.step[-1] if curves.step else 0
    values = {"value": study.settings.value(trial), **_totals(trial)}
    found += [(end, last, _scalar(k, v)) for k, v in values.items() if not math.isnan(v)]
    if trial.reason:
        found.append((end, last, _words("reason", trial.reason)))
    return [*found, (end, last, _session_end(trial, end))]


def _totals(trial: Trial) -> dict[str, float]:
    return {
        "epochs": float(trial.epochs),
        "seconds": trial.seconds,
        **{f"{name}/test": value for name, value in (trial.test or {}).items()},
        **{f"{name}/training_set": value for name, value in (trial.training or {}).items()},
    }


def _experiment(study: StudyRecord, start: float) -> Any:
    """Return the columns of the HParams tab."""
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    values: dict[str, list[Any]] = {}
    for trial in study.trials:
        for key, value in _hyperparameters(trial).items():
            values.setdefault(key, []).append(value)
    infos = []
    for key, found in values.items():
        if len(set(found)) == 1 and key not in ("optimizer", "stage"):
            continue  # five columns are shown at first: what never differs takes none
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in found)
        flags = all(isinstance(v, bool) for v in found)
        kind = "FLOAT64" if numbers else "BOOL" if flags else "STRING"
        info = api_pb2.HParamInfo(name=key, type=getattr(api_pb2, f"DATA_TYPE_{kind}"))
        if not numbers:
            info.domain_discrete.extend(sorted({v if flags else str(v) for v in found}))
        infos.append(info)
    tags = ["value", "loss/validation", "loss/training"]
    tags += [f"{name}/validation" for name in study.task.metrics]
    tags += sorted({tag for trial in study.trials for tag in _totals(trial)})
    metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in dict.fromkeys(tags)]
    decides = f"validation {study.settings.decides}"
    experiment = api_pb2.Experiment(
        description=f"{study.task.name}; value is the {decides} that decides",
        time_created_secs=start,
        hparam_infos=infos,
        metric_infos=metrics,
    )
    data = plugin_data_pb2.HParamsPluginData(experiment=experiment)
    return _hparams(metadata.EXPERIMENT_TAG, data)


def _session(trial: Trial, start: float) -> Any:
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    values = _hyperparameters(trial)
    # Seeds of one configuration are a group, whose metrics TensorBoard shows as means.
    group = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    info = plugin_data_pb2.SessionStartInfo(group_name=group, start_time_secs=start)
    for key, value in values.items():
        if isinstance(value, bool):
            info.hparams[key].bool_value = value
        elif isinstance(value, str):
            info.hparams[key].string_value = value
        else:
            info.hparams[key].number_value = value
    data = plugin_data_pb2.HParamsPluginData(session_start_info=info)
    return _hparams(metadata.SESSION_START_INFO_TAG, data)


def _session_end(trial: Trial, end: float) -> Any:
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    status = "SUCCESS"
    if trial.outcome is Outcome.UNFINISHED:
        status = "RUNNING"
    elif trial.lost:
        status = "FAILURE"
    info = plugin_data_pb2.SessionEndInfo(
        status=getattr(api_pb2, f"STATUS_{status}"),
        end_time_secs=end,
    )
    data = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    return _hparams(metadata.SESSION_END_INFO_TAG, data)


def _hyperparameters(trial: Trial) -> Mapping[str, Any]:
    # The outcome is one, so that a mean over seeds leaves no diverged one out unseen.
    return {
        "optimizer": trial.optimizer,
        "stage": trial.stage.value,
        "outcome": trial.outcome.name.lower(),
        "schedule": trial.config.schedule,
        **trial.config.hyperparameters,
    }


def _hparams(tag: str, data: Any) -> Any:
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.plugins.hparams import metadata

    one = summary_pb2.Summary()
    one.value.add(
        tag=tag, metadata=metadata.create_summary_metadata(data), tensor=metadata.NULL_TENSOR
    )
    return one


def _scalar(tag: str, value: float) -> Any:
    from tensorboard.compat.proto import summary_pb2

    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)])


def _words(tag: str, text: str) -> Any:
    """Return a text, for the Text tab, which shows Markdown: so it is set as code."""
    from tensorboard.plugins.text.summary_v2 import text_pb

    lines = text.splitlines() or [""]
    return text_pb(tag, "\n".join(f"    {one}" for one in lines))


def _write(directory: Path, events: list[tuple[float, int, Any]]) -> None:
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter

    directory.mkdir(parents=True, exist_ok=True)
    first = events[0][0]
    with (directory / f"events.out.tfevents.{int(first):010d}.steepest").open("xb") as file:
        writer = RecordWriter(file)
        version = event_pb2.Event(wall_time=first, file_version="brain.Event:2")
        writer.write(version.SerializeToString())
        for time, step, summary in events:
            event = event_pb2.Event(wall_time=time, step=step, summary=summary)
            writer.write(event.SerializeToString())
