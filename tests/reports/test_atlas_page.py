"""The page of the atlas: its profiles, its order, and a person's own study beside it."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from priors_made import small_atlas

from steepest.measures.among import Among
from steepest.priors.atlas import load_atlas
from steepest.priors.likeness import Shape
from steepest.reports import atlas_tables
from steepest.reports.page.atlas_page import atlas_page
from steepest.reports.page.atlas_profile import profile, profiles, stroke

EXCESS = {"Adam": [0.0, 0.02, None, 0.5, 3.0], "SGD": [0.1, 0.1, 0.1, 0.1, 0.1]}


def test_a_profile_is_the_share_of_tasks_within_an_excess():
    """Tasks a and a-wide are one series, and count half each; one was not trained on."""
    atlas = replace(small_atlas(), figures={"excess": EXCESS})
    wanted = [(0.0, 0.5 / 3), (0.02, 1.5 / 3), (0.5, 2.5 / 3), (3.0, 1.0)]
    assert np.array(profile(atlas, "Adam")) == pytest.approx(np.array(wanted))
    assert profile(atlas, "SGD")[-1] == pytest.approx((0.1, 1.0))


def test_the_picture_has_a_line_an_optimizer_and_no_other_colour_twice():
    atlas = replace(small_atlas(), figures={"excess": EXCESS})
    text = profiles(atlas, ["Adam", "SGD"])
    assert re.findall(r"<title>(\w+)</title>", text) == ["Adam", "SGD"]
    assert text.count('class="line"') == 2
    assert len({stroke(i) for i in range(24)}) == 24


def test_profiles_are_the_shares_of_the_table():
    atlas = load_atlas()
    for name in atlas_tables.names(atlas):
        corners = profile(atlas, name)
        for level, share in atlas.figures["optimizers"][name]["within"].items():
            below = [b for a, b in corners if a <= float(level)]
            assert (below[-1] if below else 0.0) == pytest.approx(share, abs=1e-3)


def test_rows_are_by_family():
    atlas = load_atlas()
    families = [row[1] for row in atlas_tables.heat_table(atlas).rows]
    changes = sum(a != b for a, b in pairwise(families))
    assert changes == len(set(families)) - 1
    assert sorted(atlas_tables.by_family(atlas)) == list(range(len(atlas.tasks)))


def test_a_study_is_the_first_row_and_like_tasks_are_marked():
    atlas = load_atlas()
    like = (0, 3)
    own = Among("mine <b>", Shape("dense network", "regression", 9, 9), like, {"SGD": 0.2}, (), {})
    text = atlas_page(atlas, own)
    assert "mine &lt;b&gt;" in text
    rows = re.findall(r'<tr(?: class="(\w+)")?><th scope="row">([^<]*)</th><td>', text)
    assert rows[0] == ("yours", "mine &lt;b&gt;")
    marked = [what for kind, what in rows if kind == "like"]
    assert marked == [atlas.tasks[at].what.replace("'", "&#39;") for at in like]
    plain = atlas_page(atlas)
    assert 'class="yours"' not in plain
    assert 'class="like"' not in plain


def test_the_shares_of_the_first_are_counted_again():
    """Ranks with ties, from the excesses that ship, by loops."""
    atlas = load_atlas()
    excess = {
        n: [np.nan if v is None else v for v in e] for n, e in atlas.figures["excess"].items()
    }
    known = [i for i in range(len(atlas.tasks)) if not any(np.isnan(e[i]) for e in excess.values())]
    assert atlas.figures["ranks"]["tasks"] == len(known)
    for name, own in excess.items():
        places = [
            1 + sum((1 + other[i]) * 1.03 < 1 + own[i] for other in excess.values()) for i in known
        ]
        assert atlas.figures["ranks"][name]["first"] == pytest.approx(places.count(1), abs=1)
        if all(atlas.tasks[i].series == atlas.tasks[i].name for i in known):
            assert atlas.figures["ranks"][name]["mean"] == pytest.approx(np.mean(places), abs=0.15)
