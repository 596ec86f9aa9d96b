"""Metrics that gather over a set, as those of torchmetrics: the same on both engines as there."""

from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch_made import Mlp, classes, dataset  # noqa: E402

from steepest.engines import make_engine  # noqa: E402
from steepest.engines.population import Population  # noqa: E402
from steepest.errors import TaskError  # noqa: E402
from steepest.records import Config  # noqa: E402
from steepest.rules import RULES  # noqa: E402
from steepest.rules.recipe import completed  # noqa: E402
from steepest.tasks.torch import task as tasks  # noqa: E402
from steepest.tasks.torch.task import torch_task  # noqa: E402

X, Y = classes(50)
VALIDATION = classes(37, seed=1)  # batches of 16, 16 and 5
CROSS = nn.CrossEntropyLoss()


class Metric(nn.Module):
    """What torchmetrics' class of this name has, as far as it is asked for."""

    higher_is_better = True

    def __init__(self, *, validate_args=True):
        super().__init__()
        self.validate_args = validate_args
        self.reset()

    @property
    def metric_state(self):
        return {"hits": self.hits, "found": self.found, "there": self.there}

    def reset(self):
        self.hits, self.found, self.there = (torch.zeros(3, dtype=torch.int64) for _ in range(3))

    def update(self, output, target):
        if self.validate_args and int(target.max()) > 2:
            raise ValueError("there are three classes")
        said = output.argmax(1)
        self.hits += torch.bincount(said * (said == target) + 3 * (said != target), minlength=4)[:3]
        self.found += torch.bincount(said, minlength=3)
        self.there = self.there + torch.bincount(target, minlength=3)

    def compute(self):
        """Return the mean of the classes' F1, which is not that of the batches."""
        return (2 * self.hits / (self.found + self.there).clamp(min=1)).mean()


class Keeps(Metric):
    """The same, from outputs that are kept until the end."""

    @property
    def metric_state(self):
        return {"kept": self.kept}

    def reset(self):
        self.kept = []

    def update(self, output, target):
        self.kept.append((output.argmax(1), target))

    def compute(self):
        said, target = (torch.cat(one) for one in zip(*self.kept, strict=True))
        return f1(said.tolist(), target.tolist())


class Hides(Metric):
    """One that counts beside what it names."""

    def reset(self):
        super().reset()
        self.calls = 0

    def update(self, output, target):
        super().update(output, target)
        self.calls += 1

    def compute(self):
        return super().compute() + self.calls


def f1(said, target):
    """Return the mean of the classes' F1 by counting."""
    hits = Counter(a for a, b in zip(said, target, strict=True) if a == b)
    found, there = Counter(said), Counter(target)
    return float(np.mean([2 * hits[n] / max(1, found[n] + there[n]) for n in range(3)]))


def task_of(metrics, **more):
    given = {"validation_data": dataset(VALIDATION), "batch_size": 16, "epochs": 2, **more}
    return torch_task(Mlp, dataset((X, Y)), loss=CROSS, metrics=metrics, **given)


def trained(task):
    """Return what Adam's epochs measured, the last measurement, and the weights by name."""
    values = RULES["Adam"].settings("torch")
    values |= {"learning_rate": 0.01}
    values |= completed("Adam", values, RULES["Adam"].dialect("torch").decay, "constant")
    population = Population.of([Config("Adam", "torch", values, "constant", 3)])
    program = make_engine(task).prepare({0: population.config(0)})[0]
    state, measured = program.advance(population, program.begin(population), 2)
    again = program.measure(population, state, "validation")[0]
    names = [one.path for one in task.facts.weights]
    return measured.values, again, {n: w[0] for n, w in zip(names, state.weights, strict=True)}


def expected(weights, metrics):
    """Return what metrics say of the module with these weights over the whole validation set."""
    module = Mlp()
    module.load_state_dict({n: torch.from_numpy(np.array(w)) for n, w in weights.items()})
    with torch.no_grad():
        output = module.eval()(VALIDATION[0])
    for one in metrics.values():
        one.reset()
        one.update(output, VALIDATION[1])
    return {name: float(one.compute()) for name, one in metrics.items()}


def check(metrics, kind):
    task = task_of(metrics)
    assert type(task).__name__ == kind, task.facts.notes
    curves, again, weights = trained(task)
    for name, value in expected(weights, metrics).items():
        assert curves[name][0, -1] == pytest.approx(value, abs=1e-6)
        assert again[name] == pytest.approx(value, abs=1e-6)
    return task


@pytest.mark.slow
def test_a_metric_that_counts_in_arrays_is_compiled(compiled_quickly):
    def sure(output, target):
        return (output.softmax(1).amax(1) * (target >= 0)).mean()

    metric = Metric()
    metric.update(*(classes(9)[1].clamp(max=1)[:, None].expand(9, 3), classes(9)[1]))
    seen = metric.hits.clone()
    task = task_of({"f1": metric, "sure": sure})
    curves, _, weights = trained(task)
    assert torch.equal(metric.hits, seen)  # the person's own is only read
    assert curves["f1"][0, -1] == pytest.approx(expected(weights, {"f": metric})["f"], abs=1e-6)
    assert task.facts.metrics == ("f1", "sure")
    assert task.facts.directions["f1"] == "up"
    assert task.trivial().values["f1"] == pytest.approx(
        max(f1([n] * 37, VALIDATION[1].tolist()) for n in range(3)), abs=1e-6
    )


def test_one_that_keeps_outputs_or_more_is_asked_in_the_loop():
    task = check({"f1": Keeps()}, "LoopTask")
    assert "the metric f1 keeps what all batches gave until the end" in task.why
    why = task_of({"counted": Hides()}).why
    assert "the metric counted keeps more than the arrays that it names" in why


def test_the_loop_says_the_same_of_one_that_counts(monkeypatch):
    monkeypatch.setattr(tasks, "proved_graphs", lambda *_: "it is not lowered")
    check({"f1": Metric()}, "LoopTask")


def test_what_is_refused(monkeypatch):
    monkeypatch.setattr(tasks, "proved_graphs", lambda *_: "it is not lowered")

    def refused(metric):
        with pytest.raises(TaskError) as error:
            task_of({"f1": metric})
        return str(error.value)

    assert "metrics['f1'] is the class Metric; make one: Metric(...)" in refused(Metric)

    class Each(Metric):
        def compute(self):
            return self.hits

    assert "f1: a metric has shape (3,), but must be one number" in refused(Each())

    class Other(Metric):
        def update(self, output, target, weights):
            """Want more than there is."""

    assert "the metric f1 cannot take the module's output" in refused(Other())


def test_another_metric_is_another_task(monkeypatch):
    monkeypatch.setattr(tasks, "proved_graphs", lambda *_: "it is not lowered")
    one, same, other = (
        task_of({"f1": Metric(validate_args=given)}).facts.fingerprint["compile"]
        for given in (True, True, False)
    )
    assert one == same != other


@pytest.mark.slow
def test_torchmetrics_itself(compiled_quickly):
    metrics = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    three = {"task": "multiclass", "num_classes": 3}
    counted = metrics.MetricCollection(
        [metrics.Accuracy(**three), metrics.F1Score(**three, average="macro")], prefix="val_"
    )
    task = task_of(counted)
    assert task.facts.metrics == ("val_MulticlassAccuracy", "val_MulticlassF1Score")
    check(dict(counted.items()) | {"kappa": metrics.CohenKappa(**three)}, "Task")
    task = check({"auroc": metrics.AUROC(**three)}, "LoopTask")
    assert "the metric auroc keeps what all batches gave" in task.why
    task = task_of({"auroc": metrics.AUROC(**three, thresholds=9)})
    assert "the metric auroc decides on the values of tensors" in task.why
