"""The study says what it trained on, and how exactly."""

import threading
from types import SimpleNamespace

import jax
import pytest

from steepest.engines import hardware
from steepest.engines.hardware import device_name


def card(capability="9.0", platform="gpu"):
    return SimpleNamespace(
        device_kind="NVIDIA H200", platform=platform, compute_capability=capability
    )


@pytest.mark.parametrize(
    ("devices", "precision", "override", "named"),
    [
        ([card()], None, None, "1 × NVIDIA H200, float32 products in TF32"),
        ([card(), card()], "tensorfloat32", None, "2 × NVIDIA H200, float32 products in TF32"),
        ([card()], "highest", None, "1 × NVIDIA H200"),
        ([card()], "float32", None, "1 × NVIDIA H200"),
        ([card()], None, "0", "1 × NVIDIA H200"),
        ([card("7.5")], None, None, "1 × NVIDIA H200"),
        ([card("gfx942")], None, None, "1 × NVIDIA H200"),
        ([card(platform="tpu")], None, None, "1 × NVIDIA H200"),
    ],
)
def test_tf32_is_named_where_it_is_used(devices, precision, override, named, monkeypatch):
    if override:
        monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", override)
    with jax.default_matmul_precision(precision):
        assert device_name(devices) == named


def test_a_cpu_computes_as_it_says():
    (cpu, *_) = jax.devices("cpu")
    assert device_name([cpu]) == f"1 × {cpu.device_kind}"


@pytest.mark.parametrize("installed", [False, True])
def test_a_gpu_is_woken_where_jax_has_a_way_to_it(installed, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    woken = []

    def device_put(value):
        woken.append(threading.current_thread() is threading.main_thread())
        raise RuntimeError("no driver")

    monkeypatch.setattr(jax, "device_put", device_put)
    monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda _: "it" if installed else None)
    hardware.wake_gpu()
    for thread in threading.enumerate():
        if thread.name == "wake":
            thread.join()
    assert woken == [False] * installed
    assert ("no driver" in caplog.text) == installed  # whoever needs the GPU raises it
