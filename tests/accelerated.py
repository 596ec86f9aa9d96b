"""The engine as it is on an accelerator, on a CPU: its rewrites, its width, where states wait."""

from dataclasses import replace

from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.parts import make_parts
from steepest.engines.compiled.resting import Shelf


def engine_of(task, lockstep=True, **options):
    """Return the engine as it is on an accelerator."""
    engine = CompiledEngine(task, lockstep=lockstep, **options)
    parts, shelf = make_parts(task, on_cpu=False), Shelf(engine.memory // 4)
    own = {"on_cpu": False, "workers": 1, "parts": parts, "shelf": shelf, "drawn": {}}
    engine.shared = replace(engine.shared, **own)
    return engine
