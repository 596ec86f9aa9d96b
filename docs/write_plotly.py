"""Write the library that draws the report's pictures, from npm, into the package.

    python docs/write_plotly.py 4.1.1

It is Plotly's bundle "basic" (scatter, bar and pie), a third of the whole library. Needs npm; look
at a page in a browser afterwards, and set PLOTLY in tests/reports/test_library.py.
"""

import gzip
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PLACE = Path(__file__).parent.parent / "src/steepest/reports/templates"


def main(version: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = f"plotly.js-basic-dist-min@{version}"
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True)
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            script = archive.extractfile("package/plotly-basic.min.js").read()
            licence = archive.extractfile("package/LICENSE").read()
    (PLACE / "plotly.js.gz").write_bytes(gzip.compress(script, compresslevel=9, mtime=0))
    (PLACE / "plotly.LICENSE").write_bytes(licence)


if __name__ == "__main__":
    main(sys.argv[1])
