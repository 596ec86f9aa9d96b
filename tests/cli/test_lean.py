"""Commands that tell need nothing that trains, nor any extra; what needs an extra says so."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STUDY = "study.db"
TRAINS = ("h5py", "jax", "jaxlib", "keras", "ray", "tensorflow", "torch")
EXTRAS = ("matplotlib", "mlflow", "optuna", "pandas", "plotly", "pyarrow", "tensorboard")
OTHERS = ("IPython", "lightning", "optax", "sklearn", "transformers")
FILE = Path(__file__).parents[1] / "formats" / "study-format-7.db"
START = """
import sys
sys.modules.update(dict.fromkeys({absent!r}))  # importing one of them fails
from steepest.cli import main
sys.argv = ["steepest", *{arguments!r}]
main()
"""


def steepest(place, *arguments, absent=TRAINS + EXTRAS + OTHERS):
    shutil.copy(FILE, place / STUDY)
    code = START.format(absent=absent, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", STUDY),
        ("report", STUDY, "-v"),
        ("report", STUDY, "--json"),
        ("report", STUDY, "--markdown"),
        ("report", STUDY, "--html"),
        ("code", STUDY),
        ("diff", STUDY, STUDY),
        ("export", STUDY, "--csv", "trials.csv"),
        ("explain", "adam"),
        ("tasks",),
    ],
    ids=" ".join,
)
def test_what_tells_needs_nothing_else(arguments, tmp_path):
    done = steepest(tmp_path, *arguments)
    assert (done.returncode, "not installed" in done.stderr) == (0, False), done.stderr
    assert done.stdout or len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("optuna", ("export", STUDY, "--optuna", "sqlite:///a.db")),
        ("parquet", ("export", STUDY, "--parquet", "a.parquet")),
        ("tensorboard", ("export", STUDY, "--tensorboard", "logs")),
        ("mlflow", ("export", STUDY, "--mlflow", "sqlite:///a.db")),
        ("html", ("explain", "--all", "--html", "page.html")),
    ],
)
def test_what_needs_an_extra_says_which(extra, arguments, tmp_path):
    done = steepest(tmp_path, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert f'not installed; pip install "steepest[{extra}]" brings it' in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [STUDY]
