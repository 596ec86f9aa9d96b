"""A study in the browser: real HTTP on loopback, and nothing but reading."""

import http.client
import json
import os
import socket
import time
from dataclasses import replace

import made
import pytest

from steepest import storage
from steepest.errors import InputError
from steepest.serve import Watched, document, watching

pytestmark = pytest.mark.xdist_group("clock")
STUDY = made.study_of(SGD=(0.5, 0.6), Adam=(0.7, 0.8))


def ask(url, path="/", method="GET", host=None):
    port = int(url.rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def test_a_study_is_waited_for_grows_and_ends(tmp_path):
    file = tmp_path / "run" / "study.db"
    with watching(tmp_path / "run") as url:
        _, waiting = ask(url)
        assert "Waiting for the first trials" in waiting
        first = json.loads(ask(url, "/state")[1])
        begun = replace(STUDY, trials=STUDY.trials[:1], finished=False)
        storage.create(file, begun)
        second = json.loads(ask(url, "/state")[1])
        assert second["state"] != first["state"]
        assert second == {**second, "state": json.loads(ask(url, "/state")[1])["state"]}
        answer, running = ask(url)
        assert "Best so far: SGD(" in running
        assert second["state"] in running  # the script that looks for changes
        assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
        time.sleep(0.01)
        storage.record(file, STUDY, STUDY.trials)
        third = json.loads(ask(url, "/state")[1])
        assert third["state"] != second["state"]
        answer, done = ask(url)
        assert "Adam" in done
        assert 'fetch("/state"' not in done
        assert "connect-src" not in answer.headers["Content-Security-Policy"]
        assert "ended" in json.loads(ask(url, "/state")[1])["says"]
    assert storage.read(file) == STUDY


def test_the_page_is_made_once_for_each_state(tmp_path, monkeypatch):
    storage.create(tmp_path / "study.db", STUDY)
    made_for = []
    monkeypatch.setattr(
        "steepest.serve.document",
        lambda study, where: made_for.append(where) or "<body></body>",
    )
    watched = Watched(tmp_path / "study.db")
    assert watched.page() == watched.page()
    assert len(made_for) == 1


def test_only_this_machine_by_its_own_name(tmp_path):
    with watching(tmp_path) as url:
        for host in ("127.0.0.1:1", "localhost", "localhost:9000", "[::1]:80"):
            assert ask(url, host=host)[0].status == 200, host
        for host in ("example.com", "127.0.0.1.example.com", "[", "10.0.0.1:80"):
            assert ask(url, host=host)[0].status == 403, host
            assert ask(url, "/state", host=host)[0].status == 403, host


def test_it_reads_and_no_more(tmp_path):
    with watching(tmp_path) as url:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(url, method=method)[0].status == 501, method
        answer, text = ask(url, method="HEAD")
        assert (answer.status, text) == (200, "")
        for path in ("/study.db", "/../etc/passwd", "/state/"):
            assert ask(url, path)[0].status == 404, path
        assert ask(url)[0].headers["X-Frame-Options"] == "DENY"
    assert list(tmp_path.iterdir()) == []


def test_it_ends_with_its_context_and_says_what_port_it_cannot_have(tmp_path):
    with watching(tmp_path) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with (
            pytest.raises(InputError, match=f"port {port} cannot be used"),
            watching(tmp_path, port=port),
        ):
            pass
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", port)) != 0
    with pytest.raises(InputError, match="port 70000"), watching(tmp_path, port=70000):
        pass


def test_what_cannot_be_read_is_said_and_not_run(tmp_path):
    (tmp_path / "study.db").write_text("<script>alert(1)</script>")
    with watching(tmp_path) as url:
        answer, text = ask(url)
        assert answer.status == 200
        assert "cannot use the study file" in text


@pytest.mark.parametrize("finished", [False, True])
def test_hostile_names_are_shown(finished):
    hostile = "<script>alert(1)</script>"
    study = made.study_of(finished=finished, **{hostile: (0.5, 0.6), "</body>": (1, 2)})
    study = replace(study, task=replace(study.task, name=hostile))
    page = document(study, hostile)
    assert hostile not in page
    assert page.count("</body>") == 1


def test_a_search_without_a_verdict_says_who_is_ahead():
    trial = replace(STUDY.trials[0], stage=made.Stage.SEARCH)
    page = document(replace(STUDY, trials=(trial,), finished=False), "")
    assert "Best so far, on one seed and after 2 of 2 epochs: SGD(" in page


def test_a_browser_needs_a_screen(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if os.name == "posix":
        with watching(tmp_path, open_browser=True):
            assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    with watching(tmp_path, open_browser=True) as url:
        assert opened == [url]


def test_who_looks_gets_the_last_page(tmp_path, monkeypatch):
    monkeypatch.setattr("steepest.serve.LINGER", 0.3)
    with watching(tmp_path) as url:
        ask(url)
        storage.create(tmp_path / "study.db", STUDY)
        start = time.monotonic()
    assert time.monotonic() - start >= 0.3  # nobody came; longer than that it does not wait
    monkeypatch.setattr("steepest.serve.LINGER", 60)
    start = time.monotonic()
    with watching(tmp_path) as url:
        ask(url)
    assert time.monotonic() - start < 50  # who has seen the last page is not waited for
