"""Optimizers explained on one page that opens without a network."""

from collections.abc import Sequence
from typing import Any

from steepest.codegen.spelling import NAMES
from steepest.errors import absent
from steepest.reports.explain.facts import compared
from steepest.reports.explain.paths import matrices_only
from steepest.rules import Rule, has_formula
from steepest.text import setting

ASIDE = 4  # optimizers that fit side by side on a page; more are a list
SIDES = ("what it does", "memory", "strengths", "weaknesses", "when to use it", "tune first")
LISTED = ("memory", "when to use it", "tune first")


def page(rules: Sequence[Rule]) -> str:
    """Return a page about these optimizers, with pictures of their paths, as HTML.

    Raises:
        InputError: Jinja2 or matplotlib is absent.
    """
    try:
        import jinja2
        import markupsafe

        drawn = _pictures(rules)
    except ImportError as error:
        raise absent("a page", error, "html") from None
    told = compared(rules)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("steepest", "reports/templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["setting"] = setting

    def coded(words: str) -> Any:
        """Return text, escaped, in which `this` is code."""
        parts = str(markupsafe.escape(words)).split("`")
        text = "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))
        return markupsafe.Markup(text)

    environment.filters["coded"] = coded
    topics = SIDES if len(rules) <= ASIDE else LISTED
    return environment.get_template("explain.html.j2").render(
        optimizers=told["optimizers"],
        rows={topic: told["rows"][topic] for topic in topics},
        aside=len(rules) <= ASIDE,
        frameworks=NAMES,
        pictures=[
            [{**vars(one), "svg": markupsafe.Markup(one.svg)} for one in many] for many in drawn
        ],
        vectors=[matrices_only(rule) for rule in rules],
    )


def _pictures(rules: Sequence[Rule]) -> list[list[Any]]:
    from steepest.reports.explain.path_pictures import pictures, references

    beside = references() if any(map(has_formula, rules)) else {}
    return [
        pictures(rule, beside, f"p{i}") if has_formula(rule) else []
        for i, rule in enumerate(rules, 1)
    ]
