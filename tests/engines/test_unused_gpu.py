"""What is said of a GPU that JAX does not use, with a stand-in for the driver's query."""

import jax
import pytest

from steepest.engines.unused_gpu import tell_unused_gpu


@pytest.fixture
def said(caplog):
    """Return what is said, in sentences."""

    def told():
        tell_unused_gpu()
        return caplog.messages

    return told


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Return what lets `nvidia-smi` be found, with what it prints and its exit code."""

    def put(printed, code=0):
        script = tmp_path / "nvidia-smi"
        script.write_text(f"#!/bin/sh\nprintf '{printed}'\nexit {code}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return put


def test_it_is_named_with_the_command_that_helps(driver, said):
    driver("NVIDIA H100 80GB HBM3, 580.65.06\\nNVIDIA A100, 580.65.06\\n")
    assert said() == [
        f"this machine has a GPU, NVIDIA H100 80GB HBM3, but JAX {jax.__version__} trains on the "
        'CPU; to use the GPU, run: pip install "jax[cuda13]"'
    ]


def test_an_older_driver_runs_the_packages_before(driver, said):
    driver("Tesla T4, 535.129.03\\n")
    assert said()[0].endswith('"jax[cuda12]"')


@pytest.mark.parametrize(
    ("name", "value"), [("JAX_PLATFORMS", "cpu"), ("CUDA_VISIBLE_DEVICES", "-1")]
)
def test_who_keeps_off_it_is_not_told(driver, said, monkeypatch, name, value):
    driver("NVIDIA H100, 580.65.06\\n")
    monkeypatch.setenv(name, value)
    assert said() == []


def test_where_jax_uses_it_nothing_is_said(driver, said, monkeypatch):
    driver("NVIDIA H100, 580.65.06\\n")
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert said() == []


@pytest.mark.parametrize(("printed", "code"), [("", 0), ("No devices were found\\n", 6)])
def test_a_driver_without_a_gpu_says_nothing(driver, said, printed, code):
    driver(printed, code)
    assert said() == []


def test_a_machine_without_a_driver_says_nothing(said, monkeypatch, tmp_path):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said() == []
