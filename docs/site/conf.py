"""What Sphinx makes of the documentation: `python docs/build.py` reads this."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "src"))

from steepest.version import __version__  # noqa: E402

project, author, release = "Steepest", "", __version__
copyright = "Steepest's authors, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Pages are read where they are, so that their links are right in the repository too.
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/*.rst", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/*.md"]
NAVIGATION = {
    "Tutorials": ("keras", "pytorch", "by-hand"),
    "How-tos": ("how-to", "install", "fine-tuning", "cluster", "reliability"),
    "Reference": ("python", "commands", "reference", "formats", "messages"),
    "Explanations": (
        "method",
        "adam-differs",
        "dialects",
        "atlas",
        "engines",
        "/benchmarks/README",
    ),
    "Development": ("/CONTRIBUTING", "architecture", "/CHANGELOG"),
}
TREE = "\n\n```{{toctree}}\n:hidden:\n:caption: {0}\n\n{1}\n```\n"

myst_heading_anchors = 4  # as GitHub names them
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
smartquotes = False  # "digits" is something to type
default_role = "py:obj"  # in docstrings, `this` is code, and a link where it is a public name
napoleon_numpy_docstring = False

html_theme = "furo"  # no fonts, scripts or counters from elsewhere
html_title = "Steepest"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"


SECTIONS = ("Args:", "Returns:", "Raises:", "Attributes:")
DIRECTORY = re.compile(r"\[([^\]]+)\]\(((?:\.\./)*[\w/]+)\)")


def setup(app):
    app.connect("source-read", prepared)
    app.connect("autodoc-process-docstring", with_code, priority=400)  # Napoleon has 500


def prepared(app, name, source):
    """Give the first page the tree of all others, which a reader of the file need not see; and
    leave the names of directories without links, as they have no page."""
    here = Path(app.env.doc2path(name)).parent
    source[0] = DIRECTORY.sub(
        lambda link: link[1] if (here / link[2]).is_dir() else link[0], source[0]
    )
    if name == root_doc:
        source[0] += "".join(
            TREE.format(caption, "\n".join(pages)) for caption, pages in NAVIGATION.items()
        )


def with_code(_app, _what, _name, _object, _options, lines):
    """Say of an indented block in a docstring, which is an example, that it is code."""
    found, section, code = [], False, False
    for line in lines:
        indented = line.startswith("    ")
        if line and not indented:
            section, code = line in SECTIONS, False
        elif indented and not section and not code:
            found += [".. code-block:: python", ""]
            code = True
        found.append(line)
    lines[:] = found
