"""What all pages share: templates, data escaped for a script element, Plotly's library."""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from steepest.reports.figures.style import COLOURS, Look, Picture
from steepest.reports.numbers import number

if TYPE_CHECKING:
    from jinja2 import Environment

PER_CENT = re.compile(r"(?<=\d) %")
# In a box of 24 by 12, with the marker in the middle.
SHAPES = {
    "circle": "M12 1.8a4.2 4.2 0 1 0 .01 0z",
    "square": "M8 2h8v8H8z",
    "diamond": "M12 .8 17.2 6 12 11.2 6.8 6z",
    "triangle-up": "M12 1 17 10.4H7z",
    "triangle-down": "M12 11 7 1.6h10z",
    "pentagon": "M12 1l5 3.6-1.9 6H8.9L7 4.6z",
    "star": "M12 .4l1.5 3.7 4 .3-3 2.6.9 3.9L12 8.8l-3.4 2.1.9-3.9-3-2.6 4-.3z",
    "hexagon": "M12 1l4.4 2.5v5L12 11 7.6 8.5v-5z",
    "bowtie": "M6.8 1.5v9L12 7l5.2 3.5v-9L12 5z",
    "triangle-left": "M7.4 6l9-5v10z",
    "triangle-right": "M16.6 6l-9-5v10z",
    "hourglass": "M7.4 1h9.2L13 6l3.6 5H7.4L11 6z",
    "star-diamond": "M12 .4l2 3.6L17.6 6 14 8l-2 3.6L10 8 6.4 6 10 4z",
    "hexagram": "M12 .6l1.6 2.7h3.2L15.2 6l1.6 2.7h-3.2L12 11.4l-1.6-2.7H7.2L8.8 6 7.2 3.3h3.2z",
    "cross": "M10.4 1.4h3.2v3h3v3.2h-3v3h-3.2v-3h-3V4.4h3z",
}
STROKES = {
    "solid": "none",
    "dash": "5 3",
    "dot": "1.5 2",
    "dashdot": "5 2 1.5 2",
    "longdash": "8 3",
    "longdashdot": "8 2 1.5 2",
}


def render(
    template: str,
    looks: dict[str, Look],
    pictures: dict[str, Picture],
    data: dict[str, Any] | None = None,
    **values: Any,
) -> str:
    """Return a page as HTML, about 0.7 MB, most of which is the library that draws.

    Args:
        template: its file.
        looks: how each optimizer looks; a chip each.
        pictures: by the name that the template has for them.
        data: what the page's script needs beside them.
        values: what the template needs.

    Raises:
        ValueError: a number that goes to the script is not finite.
    """
    numbers = {
        "looks": [vars(one) for one in looks.values()],
        "figures": {
            key: {"figure": p.figure, "variants": p.variants} for key, p in pictures.items()
        },
        **(data or {}),
    }
    found = environment().get_template(template)
    return found.render(
        looks=looks, pictures=pictures, data=script(numbers), plotly=_library(), **values
    )


def script(value: Any) -> str:
    """Return JSON that may stand in a script element: nothing in it can end or begin markup.

    Raises:
        ValueError: a number in it is not finite.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # all ASCII
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


@lru_cache(maxsize=1)  # a template takes longer to compile than a page to fill in
def environment() -> "Environment":
    import jinja2
    import markupsafe

    def whole(value: Any) -> Any:
        """Keep a number and its per cent sign on one line; what is markup already stays as it is,
        code above all."""
        if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
            return PER_CENT.sub("\N{NO-BREAK SPACE}%", value)
        return value

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("steepest", "reports/templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=whole,
    )

    def ours(name: str) -> markupsafe.Markup:
        """Return a file of ours as it is; study data never comes this way."""
        assert environment.loader is not None
        return markupsafe.Markup(environment.loader.get_source(environment, name)[0])

    environment.globals["ours"] = ours
    environment.globals["drawing"] = drawing
    environment.filters["digits"] = number
    environment.filters["literal"] = markupsafe.escape  # text of which no letter is exchanged
    environment.filters["safe_json"] = markupsafe.Markup  # of `script` and base64 alone
    return environment


@lru_cache(maxsize=1)
def _library() -> str:
    """Return plotly.js, compressed, in base64: the page inflates it.

    The part of it that draws what the page has, which `docs/write_plotly.py` puts beside the
    templates; Plotly's Python package is not needed.
    """
    packed = files("steepest.reports") / "templates" / "plotly.js.gz"
    return base64.b64encode(packed.read_bytes()).decode()


@lru_cache(maxsize=1)
def colours() -> Mapping[str, str]:
    """Return the page's colours, those of the light theme, by the names of its style sheet."""
    style = str(environment().globals["ours"]("report.css"))  # type: ignore[operator]
    return dict(re.findall(r"--(\w+): (#\w{6});", style.partition("}")[0]))


def drawing(look: Look) -> dict[str, str]:
    """Return an optimizer's mark as a small drawing: its colour's class, its shape, its dashes."""
    return {
        "class": f"c{look.index % COLOURS}",
        "shape": SHAPES[look.marker],
        "dashes": STROKES.get(look.dash, look.dash.replace("px", "").replace(",", " ")),
    }
