"""Build the documentation site into build/site; a broken link or reference is an error.

    pip install ".[docs]" && python docs/build.py

The site opens from the disk (build/site/index.html) and asks nothing of the network.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIRST = "docs/index.html"
FORWARD = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Steepest</title>
<meta http-equiv="refresh" content="0; url={FIRST}"></head>
<body><a href="{FIRST}">Steepest</a></body></html>
"""
# What Sphinx and its theme leave out for those who read by ear or move by keyboard.
MENDED = (
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    (r'<aside class="toc-drawer([^>]*)>', r'<aside class="toc-drawer\1 aria-label="This page">'),
    (r'<th class="head"><p></p></th>', "<td></td>"),
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper ', '<div tabindex="0" class="table-wrapper '),
    (r'<dl>\n(?=<dd><em class="sig-param)((?:.*\n)*?)</dl>', r"\1"),
    (r'<dd>(<em class="sig-param".*)</dd>', r'<span class="argument">\1</span>'),
)


def build(place: Path) -> None:
    """Write the site.

    Raises:
        subprocess.CalledProcessError: Sphinx has a warning or an error, which it printed.
    """
    shutil.rmtree(place, ignore_errors=True)
    strict = ("--fail-on-warning", "--keep-going", "--quiet", "--fresh-env")
    kept = ("--doctree-dir", str(place.with_name("doctrees")))
    command = (sys.executable, "-m", "sphinx", *strict, *kept, "-c", str(ROOT / "docs/site"))
    subprocess.run((*command, str(ROOT), str(place)), check=True)
    for path in place.rglob("*.html"):
        text = path.read_text()
        for old, new in MENDED:
            text = re.sub(old, new, text)
        path.write_text(text)
    (place / "index.html").write_text(FORWARD)


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/site").resolve()
    try:
        build(place)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    print(f"the site is in {place / 'index.html'}")
