"""Several tasks as one page: who is best on how many, ranks, profiles, and each task's numbers."""

from collections.abc import Iterator, Mapping, Sequence

from steepest.measures.compatibility import Compatibility
from steepest.reports.compatibility import meaning, notes, sentence, what
from steepest.reports.figures.compatibility import (
    normalized_picture,
    profile_picture,
    ranks_picture,
)
from steepest.reports.figures.style import looks
from steepest.reports.page.compatibility_tables import Cells, on_task, over_tasks
from steepest.reports.page.document import render
from steepest.reports.page.tables import Table, plain_table
from steepest.text import listed, many

DEFINITIONS = (
    (
        "Rank",
        "On a task, 1 + the number of optimizers that are established to be better + half the "
        "number of those that cannot be told from it. Diverged on a seed, or never confirmed: "
        "behind all others.",
    ),
    (
        "Normalized score",
        "(value − best) / (worst − best) of what decides, best and worst being the optimizers' "
        "means on that task: 0 for the best, 1 for the worst and for who diverged. It depends on "
        "who else takes part.",
    ),
    (
        "Means over tasks",
        "Each task counts as much, with Student's 95 % interval over tasks, as if they were drawn "
        "from all that there could be; none where all tasks agree. Tasks that somebody chose are "
        "no such sample.",
    ),
    (
        "Steps to target",
        "Training steps until what decides first is as good as the task's target, at an "
        "evaluation: the median over seeds, of which one that never got there is infinite.",
    ),
    (
        "Performance profile",
        "The share of tasks on which an optimizer takes at most τ times the steps of the fastest. "
        "Dolan and Moré 2002.",
    ),
    (
        "AlgoPerf score",
        "The mean height of the performance profile for τ from 1 to 4. Dahl et al. 2023, who count "
        "seconds to targets that were set beforehand; here it is steps, to a target that one of "
        "the optimizers sets.",
    ),
    (
        "Friedman's test",
        "How often ranks drawn at random within each task make the mean ranks differ as much. "
        "Friedman 1937; by permutation, from three optimizers and three tasks on.",
    ),
)


def study_set_page(
    found: Compatibility, optimizers: Sequence[str] = (), links: Mapping[str, str] | None = None
) -> str:
    """Return the page of several tasks as HTML, about 0.7 MB as a study's.

    Args:
        found: what the tasks have in common.
        optimizers: in the order that gives them their colours, such as the first study's; those in
            common are among them.
        links: for tasks that have a page of their own, its address as seen from this page.
    """
    every = looks([*optimizers, *(name for name in found.optimizers if name not in optimizers)])
    look = {name: every[name] for name in every if name in found.optimizers}
    pictures = {
        "ranks": ranks_picture(found, look),
        "normalized": normalized_picture(found, look),
        "profile": profile_picture(found, look),
    }
    tasks = [
        {
            "name": task,
            "what": f"{what(found, task)}.",
            "link": (links or {}).get(task),
            "table": _table(f"Each optimizer on {task}", on_task(found, task)),
        }
        for task in found.tasks
    ]
    return render(
        "study_set.html.j2",
        look,
        {key: one for key, one in pictures.items() if one is not None},
        winner=None,
        count=many(len(found.tasks), "task"),
        facts=f"{listed(list(found.optimizers))} on {listed(list(found.tasks))}",
        badge=_badge(found),
        headline=sentence(found),
        notes=notes(found),
        over=_table("Each optimizer over all tasks", over_tasks(found), meaning(found)),
        tasks=tasks,
        definitions=DEFINITIONS,
    )


def _badge(found: Compatibility) -> tuple[str, str]:
    """Return the kind of what was found, for the page's colours, and in words."""
    counted = [one for one in found.about.values() if one.judged and one.best]
    if not counted:
        return "none", "Nothing to compare yet"
    winners = {one.winner for one in counted}
    if len(winners) == 1 and None not in winners:
        return "winner", f"Best on {'every task' if len(counted) > 1 else 'it'}: {winners.pop()}"
    on_all = [n for n in found.optimizers if all(n in one.best for one in counted)]
    if on_all:
        return "equal", f"Best, or not told from it, on all: {listed(on_all)}"
    return "none", "It depends on the task"


def _table(label: str, lines: Iterator[Cells], note: str = "") -> Table:
    title = next(lines)
    table = plain_table(label, title[1:], list(lines))
    return Table(table.label, table.columns, table.rows, note)
