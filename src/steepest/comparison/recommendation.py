"""An optimizer as it was confirmed: its hyperparameters, its code, and how to build it."""

from dataclasses import dataclass, field
from typing import Any

from steepest.errors import InputError
from steepest.export import code
from steepest.records import Config, Study
from steepest.spaces import Value


@dataclass(frozen=True)
class Recommendation:
    """An optimizer as it was confirmed: its hyperparameters, and how to build it."""

    name: str
    config: Config
    study: Study = field(repr=False)

    @property
    def hyperparameters(self) -> dict[str, Value]:
        """The values that were measured, by their names here, which are Keras'."""
        return dict(self.config.hyperparameters)

    def optimizer(self, model: Any = None) -> Any:
        """Return a new Keras optimizer that does what was measured.

        One of `keras.optimizers`, unless only a class written for it is exact; weight decay leaves
        biases and normalization alone as it did here, by the names of the model's variables.

        Args:
            model: the model that it is for. Muon takes from it what is no hidden matrix, and weight
                decay what is no kernel where names do not tell; other optimizers need none.

        Raises:
            InputError: no model where one is needed; or a rule of your own, which you build with
                the function that you gave.
        """
        from steepest.tasks.keras import run_code

        source = self.code("keras")
        if model is None and "model." in source:
            raise InputError(
                f"{self.config.rule} has to know which of a model's weights are what; give the "
                "model, as in optimizer(model)"
            )
        return run_code(source, model)

    def code(self, framework: str = "keras") -> str:
        """Return complete source that builds the same in "keras", "torch" or "optax".

        Raises:
            InputError: an unknown framework, or a rule of your own.
        """
        return code(self.config, self.study.task, framework)
