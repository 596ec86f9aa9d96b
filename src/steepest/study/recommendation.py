"""An optimizer as it was confirmed: its hyperparameters, its code, and how to build it."""

import importlib
import importlib.util
import logging
from dataclasses import dataclass, field
from typing import Any

from steepest.codegen import code, torch_factor, torch_source
from steepest.codegen.callbacks import study_code
from steepest.codegen.plateau import beside
from steepest.errors import InputError
from steepest.records import Config, StudyRecord
from steepest.rules.custom_schedules import OWN_SCHEDULES, identifier, is_own
from steepest.rules.plateau import PLATEAU
from steepest.spaces import Value
from steepest.tasks.any_task import MISSING, is_of_torch

log = logging.getLogger(__name__)

# Ingredients of a recipe that no optimizer of PyTorch can have in itself.
_AROUND = {"accumulation": "gradients over several batches", "ema": "averaged weights"}


@dataclass(frozen=True)
class Recommendation:
    """An optimizer as it was confirmed: its hyperparameters, and how to build it."""

    name: str
    config: Config
    record: StudyRecord = field(repr=False)

    @property
    def hyperparameters(self) -> dict[str, Value]:
        """The values that were measured, by their names here, which are Keras'."""
        return dict(self.config.hyperparameters)

    def optimizer(self, model: Any = None) -> Any:
        """Return a new optimizer that does what was measured, of the framework of the study.

        For a Keras model it is one of `keras.optimizers`, for a PyTorch module one of
        `torch.optim`, with its parameter groups; unless only a class written for it is exact.
        Weight decay leaves biases and normalization alone as it did here, by the names of the
        model's weights. PyTorch's clips gradients and decays weights in its `step()`, where its
        class does not do it as measured; its learning rate stays until `scheduler` is asked for.
        Accumulated gradients and averaged weights are in `code()` alone, and a warning says so.

        Args:
            model: the model that it is for. PyTorch's needs the module, or one of the same
                parameters; where a study of a Keras model is given a PyTorch module, the optimizer
                is PyTorch's. Keras' Muon takes from it what is no hidden matrix, and weight decay
                what is no kernel where names do not tell; other optimizers of Keras need none.

        Raises:
            InputError: no model where one is needed, or one of other parameters; or a rule of your
                own, which you build with the function that you gave.
        """
        if self.record.task.framework == "torch" or is_of_torch(model):
            return self._torch_optimizer(model)
        from steepest.engines.keras_fit.optimizers import own_names
        from steepest.tasks.keras.task import run_code

        source, schedule = code(self.config, self.record.task, "keras"), self.config.schedule
        self._check_schedule()
        if model is None and "model." in source:
            raise InputError(
                f"{self.config.rule} has to know which of a model's weights are what; give the "
                "model, as in optimizer(model)"
            )
        return run_code(source, model, own_names(schedule, self.record.task.steps))

    def scheduler(self, optimizer: Any) -> Any:
        """Return a new learning-rate scheduler of PyTorch for an optimizer, or None where the rate
        stays.

        Step it after each batch: the schedule ends with the study's number of steps. A plateau is
        a ReduceLROnPlateau, to be stepped after each epoch with the validation loss. Keras'
        optimizers have their schedule in themselves, but for a plateau: of that it is the callback,
        for `fit`.

        Raises:
            InputError: the optimizer is not PyTorch's and the schedule no plateau, or the schedule
                is your own and this process was not given it.
        """
        of_torch = hasattr(optimizer, "param_groups")
        if self.config.schedule == PLATEAU:
            return self._plateau(optimizer, of_torch)
        if not of_torch:
            raise InputError(
                "a scheduler is for an optimizer of PyTorch; Keras' have their schedule in "
                "themselves"
            )
        source = torch_factor(self.config, self.record.task)
        if source is None:
            return None
        self._check_schedule()
        from steepest.tasks.torch.recommended import make_scheduler

        return make_scheduler(source, optimizer, self._own_names())

    def code(self, framework: str | None = None, exact: bool = True) -> str:
        """Return complete source that builds the same in "keras", "torch" or "optax".

        By default in the framework of the study's model. PyTorch's source has all of the recipe: a
        function `step` that clips, accumulates and schedules, and the averaged weights. Callbacks
        of the study follow, and where its best epoch decided, which one that was.

        Where the framework's own class is another algorithm, the source has a class that is exact.
        With `exact=False` it has the framework's own if that differs by little: by at most 1 % of
        the way that weights go in 100 steps with made gradients; the source says by how much.

        Raises:
            InputError: an unknown framework, or a rule of your own.
        """
        framework = self.record.task.framework if framework is None else framework
        return study_code(self.record, self.config, framework, exact)

    def _torch_optimizer(self, model: Any) -> Any:
        if importlib.util.find_spec("torch") is None:
            raise InputError(f"the study is of a PyTorch module, but {MISSING}")
        from steepest.tasks.torch.recommended import make_optimizer

        source = torch_source(self.config, self.record.task)
        self._check_schedule()
        around = [what for name, what in _AROUND.items() if name in self.config.hyperparameters]
        if around:
            log.warning(
                "%s was measured with %s, which no optimizer of PyTorch has in itself; the "
                "function step in code('torch') does it",
                self.name,
                " and ".join(around),
            )
        return make_optimizer(source, model, self.record.task, self._own_names())

    def _plateau(self, optimizer: Any, of_torch: bool) -> Any:
        framework = "torch" if of_torch else "keras"
        names: dict[str, Any] = {"optimizer": optimizer}
        names[framework] = importlib.import_module(framework)
        exec("\n".join(beside(self.config, self.record.task, framework)), names)
        return names["plateau"]

    def _own_names(self) -> dict[str, Any]:
        """Return what a person's own schedule is called in the code, with its rate by step."""
        own = OWN_SCHEDULES.get(self.config.schedule)
        return {} if own is None else {identifier(own.name): own.value}

    def _check_schedule(self) -> None:
        schedule = self.config.schedule
        if is_own(schedule) and schedule not in OWN_SCHEDULES:
            raise InputError(
                f"{self.name} has a schedule of your own, which this process was not given; build "
                "it from code() with your schedule in its place"
            )
