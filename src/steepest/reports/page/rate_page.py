"""The page of `steepest lr`: the advice, the picture, the rates, the code."""

from steepest.codegen.spelling import NAMES
from steepest.measures.rate_choice import RateChoice
from steepest.records.rate_runs import RateRuns
from steepest.reports.figures.rate_runs import rate_runs_picture
from steepest.reports.figures.style import looks
from steepest.reports.page.document import render
from steepest.reports.page.tables import plain_table
from steepest.reports.rate_text import advice, rests_on, source, table
from steepest.text import setting


def rate_page(runs: RateRuns, choice: RateChoice) -> str:
    """Return the page as HTML, about 0.7 MB, most of which is the library that draws."""
    look = looks([runs.optimizer])
    first, *more = advice(runs, choice)
    title, *rows = table(runs, choice)
    good = choice.learns
    return render(
        "learning_rate.html.j2",
        look,
        {"rates": rate_runs_picture(runs, choice, look[runs.optimizer])},
        winner=None,
        task=runs.task.name,
        optimizer=runs.optimizer,
        badge=("winner", f"Take {setting(choice.best.rate)}") if good else ("none", "Not learnt"),
        headline=first,
        advice=more,
        rests=rests_on(runs),
        rates=plain_table("Learning rates", title[1:], rows),
        code=source(runs, choice),
        framework=NAMES[runs.task.framework],
    )
