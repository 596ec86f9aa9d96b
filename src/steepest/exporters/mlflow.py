"""A study as an experiment of MLflow: a run a trial, its parameters, curves by step and tags."""

from itertools import islice
from typing import Any

from steepest.errors import InputError, absent
from steepest.exporters import began, safe_name
from steepest.records import Outcome, StudyRecord, Trial

NAMES = "-_. :/"  # what MLflow allows in a name, beside letters and digits
LONGEST = 240  # letters of a name; MLflow takes 250
LONGEST_TAG = 5000  # characters of a tag that every store of MLflow takes
AT_ONCE = 900  # metrics in a request; MLflow takes 1,000


def write_mlflow(study: StudyRecord, uri: str, name: str | None = None) -> str:
    """Add an experiment to the tracking store at `uri` and return its name.

    It is called after the task, or `name`. Metrics are `training_loss`, `validation_loss` and
    `validation_METRIC` by training step, and at the end `value` (what decides; not where the trial
    was lost), `test_…` and `training_set_…`. A trial that diverged or failed is a FAILED run, with
    the error as the tag `reason`; one that was stopped early is FINISHED with its outcome as a
    tag. Values that are no finite numbers are left out, as stores differ in what they make of
    them.

    Raises:
        InputError: MLflow is absent, the store cannot be used, or has such an experiment.
    """
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise absent("--mlflow", error, "mlflow") from None
    title = name or study.task.name
    try:
        client = MlflowClient(tracking_uri=uri)
        if client.get_experiment_by_name(title) is not None:
            raise InputError(f"{uri} has an experiment {title!r} already; choose another --name")
        experiment = client.create_experiment(
            title, tags={"steepest": str(study.versions.get("steepest", ""))}
        )
        for trial in study.trials:
            _run(client, experiment, study, trial)
    except InputError:
        raise
    except (MlflowException, OSError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"MLflow cannot write to {uri!r}: {reason}; give a tracking URI such as "
            "sqlite:///mlflow.db or http://127.0.0.1:5000"
        ) from error
    return title


def _run(client: Any, experiment: str, study: StudyRecord, trial: Trial) -> None:
    from mlflow.entities import Metric, Param, RunTag

    start = int(began(study).timestamp() * 1000)
    end = start + round(trial.seconds * 1000)
    title = f"{trial.optimizer} {trial.stage.value} {trial.number}"
    run = client.create_run(experiment, start_time=start, run_name=title).info.run_id
    config, curves = trial.config, trial.curves
    params = {
        "optimizer": trial.optimizer,
        "rule": config.rule,
        "dialect": config.dialect,
        "schedule": config.schedule,
        "seed": config.seed,
        **config.hyperparameters,
    }
    tags = {
        "task": study.task.name,
        "optimizer": trial.optimizer,
        "stage": trial.stage.value,
        "outcome": trial.outcome.name.lower(),
        "number": trial.number,
    }
    tags |= {"reason": trial.reason[:LONGEST_TAG]} if trial.reason else {}
    metrics = []
    for i, step in enumerate(curves.step):
        values = {
            "training_loss": curves.training_loss[i],
            "validation_loss": curves.validation_loss[i],
            **{f"validation_{name}": one[i] for name, one in curves.metrics.items()},
        }
        time = start + round(trial.seconds * 1000 * (i + 1) / len(curves.step))
        metrics += [(key, value, time, step) for key, value in values.items()]
    last = curves.step[-1] if curves.step else 0
    totals = {"value": study.settings.value(trial), "epochs": float(trial.epochs)}
    totals |= {f"test_{name}": value for name, value in (trial.test or {}).items()}
    totals |= {f"training_set_{name}": value for name, value in (trial.training or {}).items()}
    metrics += [(key, value, end, last) for key, value in totals.items()]
    entities = (
        Metric(_key(key), value, time, step)
        for key, value, time, step in metrics
        if abs(value) < float("inf")
    )
    client.log_batch(
        run,
        params=[Param(_key(key), str(value)) for key, value in params.items()],
        tags=[RunTag(key, str(value)) for key, value in tags.items()],
    )
    while some := list(islice(entities, AT_ONCE)):
        client.log_batch(run, metrics=some)
    if trial.outcome is not Outcome.UNFINISHED:
        client.set_terminated(run, "FAILED" if trial.lost else "FINISHED", end_time=end)


def _key(name: str) -> str:
    """Return a name that MLflow takes; a store of files has it as a path, which stays below."""
    kept = safe_name(name, NAMES)[:LONGEST]
    return "/".join(part.strip(". ") or "_" for part in kept.split("/"))
