"""Members that train in a PyTorch loop, one after another: put into the module, trained, taken out.

for each batch:  loss = step(batch); optimizer's step, as the code to paste has it
after an epoch:  evaluate the weights, or their average where the code evaluates it
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
import torch
from torch import Tensor

from steepest.engines.population import Population
from steepest.engines.protocol import Tell, silent
from steepest.engines.state import Advance, State
from steepest.engines.torch_loop.batches import Batches, Leaves
from steepest.engines.torch_loop.lent_module import LentModule
from steepest.engines.torch_loop.optimizers import Ready
from steepest.engines.torch_loop.randoms import seeded
from steepest.records import Config

UPDATES = 20  # that are timed together
Row = dict[str, float]  # what an epoch measured
SoFarOf = Callable[[State], tuple[Sequence[int], State, Advance]]


@dataclass(frozen=True)
class LoopProgram:
    """The training of one rule in a PyTorch loop."""

    lent: LentModule
    batches: Mapping[str, Batches]  # of the sets that can be measured
    training: Batches
    capacity: int = 1
    whole: bool = False
    places: int = 1
    compile_seconds: float = 0.0
    together: None = None

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        lent = self.lent
        drawn = {int(seed): lent.task.initialize(int(seed)) for seed in set(population.seeds)}
        members = []
        with lent.borrow():
            for member in range(len(population)):
                config = population.config(member)
                weights, variables = drawn[config.seed]
                lent.put(weights, variables)
                ready = lent.optimizers.make(config)
                _, memory, _ = lent.take(config, ready)
                ready.close()
                members.append((weights, memory, variables))
        weights, memory, variables = jax.tree.map(lambda *leaves: np.stack(leaves), *members)
        zeros = np.zeros(len(population), np.int32)
        return State(weights, memory, variables, zeros, zeros, np.ones(len(population), bool))

    def advance(
        self, population: Population, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured.

        Raises:
            TrialError: the module, its loss or the optimizer raised something.
        """
        started = time.perf_counter()
        first = int(state.epoch.min()) if len(state) else 0
        names = ("training_loss", "loss", *self.lent.facts.metrics)
        shape = (len(state), max(0, stop - first))
        values = {name: np.full(shape, np.nan, np.float32) for name in names}
        after = []
        with self.lent.borrow():
            for member in range(len(state)):
                one = state.take([member])
                rows: dict[int, Row] = {}

                def note(rows: dict[int, Row], member: int) -> None:
                    for epoch, row in rows.items():
                        for name in names:
                            values[name][member, epoch - first] = row[name]

                def so_far(
                    now: State,
                    rows: dict[int, Row] = rows,
                    member: int = member,
                    before: State = one,
                ) -> tuple[Sequence[int], State, Advance]:
                    note(rows, member)
                    own = {name: array[[member]] for name, array in values.items()}
                    seconds = time.perf_counter() - started
                    return [member], now, Advance(own, now.epoch - before.epoch, seconds)

                after.append(self._train(population.config(member), one, stop, rows, tell, so_far))
                note(rows, member)
        joined = State.join(after) if after else state
        seconds = time.perf_counter() - started
        return joined, Advance(values, joined.epoch - state.epoch, seconds)

    def _train(
        self,
        config: Config,
        state: State,
        stop: int,
        rows: dict[int, Row],
        tell: Tell,
        so_far: SoFarOf,
    ) -> State:
        """Train one member; return its new state, and put into `rows` what epochs measured."""
        lent = self.lent
        epoch, alive = int(state.epoch[0]), bool(state.alive[0])
        if epoch >= stop or not alive:
            return state
        ready = lent.load(config, state)

        def stands() -> State:
            weights, memory, own = lent.take(config, ready)
            before = state.variables[:-1]  # some types are others there, such as integers
            found = [a[None].astype(b.dtype) for a, b in zip(own, before, strict=True)]
            variables = [*found, state.variables[-1]]
            done = (epoch * lent.facts.steps_per_epoch, epoch)
            step, at = (np.array([count], np.int32) for count in done)
            return State(
                [a[None] for a in weights],
                [a[None] for a in memory],
                variables,
                step,
                at,
                np.array([alive]),
            )

        while epoch < stop and alive:
            with seeded(config.seed, epoch, lent.device):
                row = self._epoch(config, ready, epoch, tell)
            alive = bool(np.isfinite(row["training_loss"]) and np.isfinite(row["loss"]))
            rows[epoch] = row
            epoch += 1
            tell(1, lambda: so_far(stands()))
        after = stands()
        ready.close()
        return after

    def _epoch(self, config: Config, ready: Ready, epoch: int, tell: Tell) -> Row:
        """Train an epoch and evaluate; the weights that train are in the module afterwards."""
        step = self.lent.task.step
        step.train()
        losses: list[tuple[Tensor]] = []
        counts: list[int] = []
        for leaves, count in self.training.training(config.seed, epoch):
            tell(0)
            loss = step.loss_alone(*leaves)
            ready.step(loss)
            losses.append((loss.detach(),))
            counts.append(count)
        (training_loss,) = _means(losses, counts)
        measured = self._measure(ready, self.batches["validation"].every(), tell)
        return {"training_loss": training_loss, **measured}

    def _measure(
        self, ready: Ready, batches: Iterable[tuple[Leaves, int]], tell: Tell = silent
    ) -> Row:
        """Evaluate what the optimizer's code says is evaluated."""
        lent = self.lent
        step = lent.task.step
        weights = dict(zip(lent.task.weights, lent.weights(), strict=True))
        found: list[tuple[Tensor, ...]] = []
        counts: list[int] = []
        with ready.shown(weights), torch.no_grad():
            step.eval()
            step.begin(lent.device)
            for leaves, count in batches:
                tell(0)
                found.append(step.measured(*leaves))
                counts.append(count)
            gathered = step.told()
        means = dict(zip(("loss", *step.averaged), _means(found, counts), strict=True))
        return {**means, **gathered}

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        found: list[dict[str, float]] = []
        with self.lent.borrow():
            for member in range(len(state)):
                config, one = population.config(member), state.take([member])
                ready = self.lent.load(config, one)
                with seeded(config.seed, int(one.epoch[0]), self.lent.device):
                    found.append(self._measure(ready, self.batches[on].every()))
                ready.close()
        return found

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, of the first member, of one more repetition."""
        lent, config = self.lent, population.config(0)
        with lent.borrow(), seeded(config.seed, 0, lent.device):
            ready = lent.load(config, state.take([0]))
            step, weights = lent.task.step, lent.weights()
            step.train()
            leaves, _ = next(iter(self.training.training(config.seed, 0)))
            torch.autograd.backward(step.loss_alone(*leaves))
            known = _Known(weights)
            ready.step(known)
            _wait(lent.device)
            started = time.perf_counter()
            for _ in range(UPDATES):
                ready.step(known)
            _wait(lent.device)
            seconds = (time.perf_counter() - started) / UPDATES
            ready.close()
        return (seconds,)


class _Known:
    """Stands for a loss whose gradients are known, so that an update can be timed without them."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.known = [(weight, weight.grad) for weight in weights]

    def backward(self) -> None:
        for weight, grad in self.known:
            weight.grad = grad

    def __truediv__(self, count: int) -> "_Known":
        return self


def _wait(device: torch.device) -> None:
    """Wait for what was begun on an accelerator."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def _means(values: Sequence[tuple[Tensor, ...]], counts: Sequence[int]) -> list[float]:
    """Return the mean of each column, weighted by the examples of each batch.

    Values come from the device in one piece, as waiting for each would stop it.
    """
    columns = [torch.stack(column).cpu().double().numpy() for column in zip(*values, strict=True)]
    weights = np.array(counts, np.float64)
    return [float(column @ weights / weights.sum()) for column in columns]
