"""What the atlas has measured of an optimizer, in a few lines beside its strengths."""

from steepest.priors.atlas import load_atlas
from steepest.text import percent


def measured(name: str) -> list[str]:
    """Return what was measured, with the number of tasks; nothing where nothing was."""
    atlas = load_atlas()
    one = atlas.figures["optimizers"].get(name)
    if one is None:
        return []
    within, count = percent(one["within"]["0.1"]), len(atlas.figures["optimizers"])
    found = [
        f"tuned, it ends {percent(one['median'])} above the best of {count} optimizers in the "
        f"median of {one['tasks']} small tasks, and within 10 % of it on {within} of them",
        f"at its default it ends {percent(one['default_median'])} above the best in the median",
    ]
    if one["width"] is not None:
        found.append(
            f"learning rates that end within 10 % of its best span {one['width']:.1f} decades"
        )
    return found
