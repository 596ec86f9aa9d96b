"""How many models are lowered to JAX and proved against PyTorch, and why the others are not.

    python -m benchmarks.lowered
    python -m benchmarks.lowered --only U-Net resnet18 --limit 120 --json found.json
    python -m benchmarks.lowered --from found.json

52 models without weights: timm's, torchvision's and transformers' by small configurations, and
networks as PyTorch's tutorials have them. Each is exported in training and in evaluation, and its
loss, gradients and buffers are compared with PyTorch's own in float64 on one batch
(`steepest.tasks.torch.lowering`). What is not lowered or not proved trains in a PyTorch loop; the
table says why. Exits with 1 if fewer than four fifths are lowered and proved.
"""

import argparse
import json
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

# The scripts beside this package are started in their own directory, and so find one another.
sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from lowered.case import Case, Found, tried

ENOUGH = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lowered")
    add = parser.add_argument
    add("--only", nargs="+", choices=[case.name for case in cases()], metavar="NAME")
    add("--limit", type=int, default=240, help="seconds for one model")
    add("--json", type=Path, help="where to keep what was found")
    add("--from", dest="kept", type=Path, help="show what was found before")
    args = parser.parse_args()
    if args.kept:
        found = [Found(**one) for one in json.loads(args.kept.read_text())]
    else:
        found = run(args.only, args.limit, args.json)
    print(table(found))
    proved = sum(not one.why for one in found)
    print(f"\n{proved} of {len(found)} lowered and proved ({proved / len(found):.0%}).")
    return 0 if proved >= ENOUGH * len(found) else 1


def cases() -> list[Case]:
    """Return all models."""
    from lowered.more_tutorials import MORE_TUTORIALS
    from lowered.newer_tutorials import NEWER_TUTORIALS
    from lowered.tutorials import TUTORIALS
    from lowered.zoo_images import IMAGES
    from lowered.zoo_transformers import TRANSFORMERS

    tutorials = [*TUTORIALS, *MORE_TUTORIALS, *NEWER_TUTORIALS]
    return [*tutorials, *IMAGES, *TRANSFORMERS]


def run(only: list[str] | None, limit: int, kept: Path | None) -> list[Found]:
    """Try the models one after another, and write each one down at once."""
    warnings.filterwarnings("ignore")
    found = []
    for case in cases():
        if only and case.name not in only:
            continue
        found.append(tried(case, limit))
        one = found[-1]
        print(f"{one.seconds:5.1f} s  {one.name}: {one.why or 'lowered and proved'}", flush=True)
        if kept:
            kept.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    return found


def table(found: list[Found]) -> str:
    """Return a table in Markdown."""
    lines = ["| model | from | parameters | operations | seconds | |", "| --- " * 6 + "|"]
    for one in found:
        said = one.why.replace("|", "\\|") if one.why else "lowered and proved"
        said = f"loop: {said}" if one.why else said
        lines.append(
            f"| {one.name} | {one.source} | {one.parameters:,} | {one.operations} | "
            f"{one.seconds:.0f} | {said} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
