"""The executable of one rule, or of several at once: compiled for so many members."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jax.stages import Compiled

from steepest.engines.compiled.by_place import ByPlace
from steepest.engines.compiled.device_task import DeviceTask
from steepest.engines.compiled.joint import Joint
from steepest.engines.compiled.lockstep import make_lockstep
from steepest.engines.compiled.resident import Resident, numbers_of
from steepest.engines.compiled.training import compiled, make_single
from steepest.engines.compiled.updates import OneOf, OneUpdate, Updates, shared_arguments
from steepest.engines.compiled.width import SEQUENTIAL, Width, fits, is_out_of_memory, narrower
from steepest.engines.population import Population
from steepest.engines.state import State, begin
from steepest.records import Config
from steepest.rules import step as steps

log = logging.getLogger(__name__)

ORDER_BYTES = 2**26  # the shuffled orders that a call is given, at most; then it takes several


Run = Compiled | OneOf


@dataclass(frozen=True)
class Executable:
    """The training of one rule's members as XLA compiled it."""

    run: Run
    plan: steps.Plan
    width: Width
    rows: int  # orders of examples that a call is given on each device
    seconds: float  # that compiling took
    by_place: ByPlace | None = None  # where members train side by side
    rule: int = 0  # its place there


def compile_training(
    shared: DeviceTask, configs: Sequence[Config], width: Width
) -> list[Executable]:
    """Compile the training of each config's rule, at `width` or as much of it as fits into memory.

    Several rules are one program: one after another on a CPU, or side by side, where each has as
    many places as `width` says. Members of a model with an operation that cannot be mapped over
    them, or that does not compile mapped, train one after another.
    """
    started = time.perf_counter()
    begun = [begin(shared.task, Population.of([config]), shared.draw) for config in configs]
    plans = [steps.plan_of(config, shared.facts) for config in configs]
    state_bytes = max(one.nbytes for one in begun)
    while True:
        # An order for each member's seed in an epoch, or more epochs of fewer seeds.
        rows = ORDER_BYTES // (4 * shared.facts.training_examples * len(shared.devices))
        places = width.at_once * (len(configs) if width.lockstep else 1)
        rows = max(places, min(shared.facts.epochs, rows))
        try:
            runs, by_place = _compile(shared, configs, plans, begun, width, rows)
        except Exception as error:
            less = narrower(width) if is_out_of_memory(error) else None
            if less is not None:
                width = less
                continue
            alone = len(configs) == 1 or may_share(shared)
            if not width.lockstep or not alone:  # so it is not for being mapped
                raise
            log.warning("members train one after another: %s", " ".join(str(error).split())[:300])
            width = Width(min(width.capacity, SEQUENTIAL), lockstep=False)
            continue
        less = narrower(width)
        workers, memory = shared.workers, shared.room
        if fits(runs[0], width, state_bytes, workers=workers, memory=memory) or less is None:
            seconds = (time.perf_counter() - started) / len(configs)
            return [
                Executable(run, plan, width, rows, seconds, by_place, i)
                for i, (run, plan) in enumerate(zip(runs, plans, strict=True))
            ]
        width = less


def _compile(
    shared: DeviceTask,
    configs: Sequence[Config],
    plans: Sequence[steps.Plan],
    begun: Sequence[State],
    width: Width,
    rows: int,
) -> tuple[Sequence[Run], ByPlace | None]:
    count = len(shared.devices) * width.at_once
    here = []
    for config, one in zip(configs, begun, strict=True):
        full = Population.of([config] * count), one.take([0] * count)
        here.append(Resident(shared, width.at_once, rows, *full))
    updates = by_place = None
    if width.lockstep:
        blanks = [(one.numbers, one.standing) for one in here]
        blanks = jax.tree.map(jnp.zeros_like, blanks) if len(plans) > 1 else []
        by_place = ByPlace(plans, width.at_once, blanks)
        run = make_lockstep(shared.task, shared.parts, by_place)
        given = Joint(shared, rows, by_place, dict(enumerate(here))).arguments(0, 1, 1)
    elif may_share(shared):
        numbers = [numbers_of(shared, Population.of([config])) for config in configs]
        updates = Updates(plans, begun, numbers)
        run = make_single(shared.task, shared.parts, updates)
        given = shared_arguments(updates, 0, here[0].arguments(0, 1, 1))
    else:
        run = make_single(shared.task, shared.parts, OneUpdate(plans[0]))
        given = here[0].arguments(0, 1, 1)
    more: dict[str, Any] = {}
    if shared.each is not None:
        spec: Any = PartitionSpec
        each, alike = spec("members"), spec()
        run = jax.shard_map(
            run,
            mesh=shared.each.mesh,
            in_specs=(alike,) * 5 + (each,) * 6,
            out_specs=each,
            check_vma=False,
        )
        more = {"in_shardings": (shared.alike,) * 5 + (shared.each,) * 6}
        more["out_shardings"] = shared.each
    # Where members stood is written over: their state is there once, and is not copied.
    traced = jax.jit(run, donate_argnums=10, **more).lower(*given)
    made = compiled(traced, shared.options)
    if updates is not None:
        return [OneOf(made, updates, i) for i in range(len(plans))], None
    return [made] * len(plans), by_place


def may_share(shared: DeviceTask) -> bool:
    """Return whether several rules are one program where members train one after another.

    On an accelerator each turn of a loop of open length asks the host.
    """
    return shared.on_cpu and shared.each is None


def gradient_bytes(shared: DeviceTask, one: State) -> int:
    """Return about what a member takes on an accelerator while it trains, beside its state.

    All that the loss and its gradient give on the way, as if nothing of it were fused: what is
    compiled takes less, and where it takes more it is made narrower.
    """
    batch = jax.tree.map(lambda a: a[: shared.facts.batch_size], shared.training)
    given = jax.tree.map(lambda a: a[0], (one.weights, one.variables))
    traced = jax.make_jaxpr(shared.parts.gradient)(*given, batch)
    return _bytes_of(traced.jaxpr)


def _bytes_of(jaxpr: Any) -> int:
    """Return the bytes of all results in a traced program."""
    total = 0
    for equation in jaxpr.eqns:
        inner = [
            getattr(value, "jaxpr", value)
            for value in equation.params.values()
            if hasattr(getattr(value, "jaxpr", value), "eqns")
        ]
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += times * sum(map(_bytes_of, inner))
        if not inner:
            total += sum(v.aval.size * v.aval.dtype.itemsize for v in equation.outvars)
    return total
