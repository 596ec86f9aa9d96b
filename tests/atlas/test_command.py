"""`steepest atlas`, alone and with a study: files of all formats, and of hostile names."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from whole import whole_study

from steepest import storage
from steepest.cli import cli
from steepest.priors.atlas import load_atlas

FORMATS = sorted((Path(__file__).parents[1] / "formats").glob("*.db"))


def run(*arguments):
    done = CliRunner().invoke(cli, ["atlas", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "study.db"
    storage.create(file, whole_study())
    return file


def test_alone_it_shows_the_atlas(tmp_path):
    told = run()
    assert f"{len(load_atlas().tasks)} tasks" in " ".join(told.split())
    assert "Your task among these" not in told
    page = tmp_path / "atlas.html"
    run("--html", page)
    assert "Your task among these" not in page.read_text()
    assert "yours" not in json.loads(run("--json"))


def test_with_a_study_it_says_the_same_in_all_forms(study, tmp_path):
    """Given as a file or as its directory; nothing is written beside what was asked for."""
    before = sorted(tmp_path.iterdir())
    told = run(study)
    assert told == run(study.parent)
    assert told.startswith("Your task among these")
    assert sorted(tmp_path.iterdir()) == before
    page = tmp_path / "atlas.html"
    assert run(study, "--html", page) == told
    assert "Your task among these" in page.read_text()
    yours = json.loads(run(study, "--json"))["yours"]
    assert " ".join(yours["sentences"]) in " ".join(told.split())


@pytest.mark.parametrize("file", FORMATS, ids=lambda file: file.stem)
def test_studies_of_older_versions_are_laid_beside_it(file):
    assert run(file).startswith("Your task among these")


def test_what_is_no_study_is_refused(tmp_path):
    done = CliRunner().invoke(cli, ["atlas", str(tmp_path / "none.db")])
    assert done.exit_code != 0
