"""Progress on a terminal moves; elsewhere it is plain lines."""

import io

from rich.console import Console

from steepest.budget import Budget
from steepest.reports.progress import live, silent


def test_elsewhere_a_line_a_phase():
    out = io.StringIO()
    with live(Console(file=out)) as watch:
        watch("search", Budget(10))
        watch("", Budget(5))
        watch("confirm", Budget(2))
    assert out.getvalue() == "search ...\nconfirm ...\n"
    silent("x", Budget(1))


def test_on_a_terminal_a_bar():
    out = io.StringIO()
    with live(Console(file=out, force_terminal=True, width=100)) as watch:
        watch("search", Budget(left=50, spent=50))
    assert "search" in out.getvalue()
    assert "50 %" in out.getvalue()
