"""What all pages share: the templates' environment, data that markup cannot break, the drawing."""

import base64
import gzip
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steepest.reports.figures.style import Look, Picture, digits
from steepest.reports.page_legend import drawing

if TYPE_CHECKING:
    from jinja2 import Environment

PER_CENT = re.compile(r"(?<=\d) %")


def render(
    template: str,
    looks: dict[str, Look],
    pictures: dict[str, Picture],
    data: dict[str, Any] | None = None,
    **values: Any,
) -> str:
    """Return a page as HTML, about 2 MB, most of which is the library that draws.

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
    found = _environment().get_template(template)
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


def _environment() -> "Environment":
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
    environment.filters["digits"] = digits
    environment.filters["literal"] = markupsafe.escape  # text of which no letter is exchanged
    environment.filters["safe_json"] = markupsafe.Markup  # of `script` and base64 alone
    return environment


@lru_cache(maxsize=1)
def _library() -> str:
    """Return plotly.js, compressed, in base64: the page inflates it."""
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode(), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode()
