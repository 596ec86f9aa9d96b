"""An optimizer read back is the optimizer: its code builds it again, with the same settings."""

import contextlib

import keras
import pytest
from frameworks import task

from steepest import from_keras, from_torch
from steepest.codegen import code
from steepest.errors import InputError
from steepest.parse.baseline import read_baseline
from steepest.records import Config
from steepest.tasks.keras.task import run_code

O = keras.optimizers  # noqa: E741
S = O.schedules
IGNORED = {"name", "relative_step"}


def plain(config):
    """Return an optimizer's config without what says the same in two ways."""
    found = {k: v for k, v in config.items() if k not in IGNORED and v is not None}
    rate = found["learning_rate"]
    if isinstance(rate, dict):
        found["learning_rate"] = {
            k: v for k, v in rate["config"].items() if k != "name" and v not in (None, 0, 0.0)
        }
    found.pop("ema_momentum", None) if not found.get("use_ema") else None
    return found


@pytest.mark.parametrize(
    "made",
    [
        O.SGD(0.1),
        O.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        O.Adam(),
        O.Adam(3e-4, beta_1=0.8, epsilon=1e-3, amsgrad=True, clipnorm=1.0),
        O.AdamW(1e-3),
        O.RMSprop(momentum=0.5, centered=True, global_clipnorm=2.0),
        O.Nadam(clipvalue=0.5),
        O.Adamax(),
        O.Adagrad(initial_accumulator_value=0.5),
        O.Adadelta(1.0),
        O.Adafactor(),
        O.Ftrl(l1_regularization_strength=0.1),
        O.Lion(),
        O.Lamb(use_ema=True, ema_momentum=0.9),
        O.Muon(),
        O.ScheduleFreeAdamW(gradient_accumulation_steps=4),
        O.SGD(S.CosineDecay(0.1, 1000, alpha=0.1)),
        O.SGD(S.CosineDecay(0.0, 1000, warmup_target=0.1, warmup_steps=100)),
        O.Adam(S.PolynomialDecay(0.1, 500, end_learning_rate=0.01)),
        O.Adam(S.ExponentialDecay(0.1, 500, 0.5)),
        O.Adam(S.ExponentialDecay(0.1, 500, 0.5, staircase=True)),
    ],
    ids=lambda made: type(made).__name__,
)
def test_keras_comes_back(made):
    config = from_keras(made)
    assert config.dialect == "keras"
    again = run_code(code(config, task().facts, "keras"), None)
    assert type(again) is type(made)
    a, b = plain(made.get_config()), plain(again.get_config())
    assert set(a) == set(b)
    for key, value in a.items():
        if key != "exclude_layers":
            assert b[key] == (pytest.approx(value) if isinstance(value, float | dict) else value)


def test_pytorch_comes_back():
    torch = pytest.importorskip("torch")
    params = [torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))]
    plain = from_torch(torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1))
    assert plain.hyperparameters["decay"] == "coupled"
    assert plain.hyperparameters["decay_on"] == "all"
    assert plain.hyperparameters["momentum"] == 0.9
    groups = [{"params": params[:1], "weight_decay": 0.3}, {"params": params[1:]}]
    grouped = from_torch(torch.optim.AdamW(groups, lr=0.1, weight_decay=0.0, betas=(0.8, 0.9)))
    assert grouped.rule == "AdamW"
    assert grouped.hyperparameters["beta_1"] == 0.8
    assert grouped.hyperparameters["weight_decay"] == 0.3
    assert grouped.hyperparameters["decay_on"] == "kernels"
    for name in (
        "Adam",
        "NAdam",
        "Adamax",
        "Adagrad",
        "Adadelta",
        "RMSprop",
        "Adafactor",
        "Rprop",
        "ASGD",
    ):
        found = from_torch(getattr(torch.optim, name)(params))
        assert f"torch.optim.{name}(" in code(found, task().facts, "torch")
    muon = from_torch(torch.optim.Muon(params[:1], weight_decay=0.2))
    assert muon.hyperparameters["match_rms_adamw"] is False
    with pytest.raises(InputError, match="maximize"):
        from_torch(torch.optim.SGD(params, maximize=True))
    with pytest.raises(InputError, match="there is no optimizer 'LBFGS'"):
        from_torch(torch.optim.LBFGS(params))
    with pytest.raises(InputError, match="differ in lr"):
        from_torch(torch.optim.SGD([{"params": params[:1], "lr": 1.0}, {"params": params[1:]}]))


@pytest.mark.parametrize(
    ("text", "rule", "dialect", "some"),
    [
        ("keras.optimizers.Adam(1e-3)", "Adam", "keras", {"learning_rate": 1e-3}),
        ("tf.keras.optimizers.SGD(momentum=0.9)", "SGD", "keras", {"momentum": 0.9}),
        ("Adam", "Adam", "keras", {"epsilon": 1e-7}),
        ("Adam(use_ema=True)", "Adam", "keras", {"ema": 0.99}),
        ("keras.optimizers.Muon(exclude_embeddings=False)", "Muon", "keras", {"routing": "optax"}),
        ("optim.Adam(model.parameters(), lr=0.5)", "Adam", "torch", {"learning_rate": 0.5}),
        ("Lion(1e-4, weight_decay=0.1)", "Lion", "keras", {"weight_decay": 0.1}),
        (
            "torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.8, 0.99))",
            "AdamW",
            "torch",
            {"beta_1": 0.8, "beta_2": 0.99, "weight_decay": 0.01, "decay_on": "all"},
        ),
        ("torch.optim.NAdam(p, 1e-2)", "Nadam", "torch", {"momentum_decay": 0.004}),
        ("optax.adam(1e-3, b1=0.8)", "Adam", "optax", {"beta_1": 0.8, "amsgrad": False}),
        ("optax.amsgrad(1e-3)", "Adam", "optax", {"amsgrad": True}),
        ("optax.adafactor(1e-2, decay_rate=0.7)", "Adafactor", "optax", {"beta_2_decay": -0.7}),
        ("optax.contrib.muon(1e-2)", "Muon", "optax", {"routing": "optax"}),
    ],
)
def test_a_call_is_read(text, rule, dialect, some):
    config = read_baseline(text)
    assert isinstance(config, Config)
    assert (config.rule, config.dialect) == (rule, dialect)
    for key, value in some.items():
        assert config.hyperparameters[key] == value


def test_schedules_are_read():
    config = read_baseline("keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 9))")
    assert config.schedule == "cosine"
    assert config.hyperparameters["decay_steps"] == 9
    config = read_baseline("optax.sgd(optax.warmup_cosine_decay_schedule(0.0, 0.1, 5, 50))")
    assert config.hyperparameters["warmup"] == 0.1
    config = read_baseline("optax.sgd(optax.linear_schedule(0.1, 0.0, 50), momentum=0.9)")
    assert (config.schedule, config.hyperparameters["final"]) == ("linear", 0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Adam(1e-3, 0.9)", "name the arguments"),
        ("foo.bar.Adam(1e-3)", "no framework"),
        ("Adam(ema_overwrite_frequency=10)", "ema_overwrite_frequency"),
        ("optax.adam(1e-3, mu_dtype=jnp.bfloat16)", "mu_dtype"),
        ("optax.sgd(optax.exponential_decay(1e-3, 100, 0.9, 50, True))", "transition_begin"),
        ("optax.sgd(optax.cosine_decay_schedule(1e-3, 100, exponent=2.0))", "exponent"),
        ("Adam(CosineDecay(1e-3, 100, foo=1))", "it takes"),
        ("Adam(CosineDecay(1e-3, 'x'))", "decay_steps is x, but must be a number"),
        ("Adam(CosineDecay(1e-3, 1" + "0" * 400 + "))", "decay_steps is .* below"),
        ("torch.optim.Adam(p, lr=1e-3, betas=(0.9, 0.99, 0.9))", "two numbers"),
        ("optax.adafactor(1e-3, decay_rate='x')", "must be a number"),
        ("Adam(learning_rate=0x" + "f" * 5000 + ")", "Adam|cannot read"),
        ("Adam(learning_rate=" + "-" * 500 + "1)", "cannot read|must be"),
        ("Adam(lr=1e-3)", r"does not know; did you mean learning_rate\?$"),
        ("torch.optim.Adam(p, learning_rate=1e-3)", r"did you mean lr\?$"),
        ("Adam(betas=(0.9, 0.99))", "did you mean beta_1 and beta_2"),
        ("Adam(clipnrom=1)", "did you mean clipnorm"),
        ("Adam(learning_rate='x')", "must be a number"),
        ("Adam(1e-3, learning_rate=1)", "given twice"),
        ("Adam(-1.0)", "at least 0"),
        ("Adam(1e999)", "at least 0"),
        ("Adam,SGD", "must be one"),
        ("Adma(1e-3)", "did you mean Adam"),
        ("open('x')", "no optimizer"),
        ("Adam(open('/etc/passwd'))", "cannot read the learning rate"),
        ("Adam(CosineDecay(1e-3))", "decay_steps"),
        ("Adam(CosineDecay(1e-3, 0))", "at least"),
        ("optax.sgd(optax.linear_schedule(0.0, 0.0, 50))", "cannot read"),
        ("keras.optimizers.Muon(exclude_layers=['head'])", "exclude_layers"),
        ("keras.optimizers.Muon(adam_weight_decay=0.5)", "two weight decays"),
        ("torch.optim.SGD(p, maximize=True)", "maximize"),
        ("torch.optim.LBFGS(p)", "no optimizer"),
    ],
)
def test_what_cannot_be_read_is_said(text, said):
    with pytest.raises(InputError, match=f".*{said}"):
        read_baseline(text)


def test_what_is_excluded_is_understood_or_refused():
    meant = O.AdamW(1e-3)
    meant.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    assert from_keras(meant).hyperparameters["decay_on"] == "kernels"
    other = O.AdamW(1e-3)
    other.exclude_from_weight_decay(var_names=["head"])
    with pytest.raises(InputError, match="cannot tell"):
        from_keras(other)


def test_a_number_that_is_none_is_refused():
    with pytest.raises(InputError, match="at least 0"):
        from_keras(O.Adam(float("nan")))


def test_a_scheduler_does_not_hide_the_rate():
    torch = pytest.importorskip("torch")
    made = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.5)
    torch.optim.lr_scheduler.LambdaLR(made, lambda step: step / 10)
    assert from_torch(made).hyperparameters["learning_rate"] == 0.5


def test_objects_that_are_none_are_refused():
    for thing in (3, None, "Adam"):
        with pytest.raises(InputError):
            from_keras(thing)
        with pytest.raises(InputError):
            from_torch(thing)


def test_the_scaling_of_float16_is_no_optimizer():
    """Under mixed_float16 `compile` puts it around the optimizer that a person gave."""
    inner = O.SGD(0.25, momentum=0.5)
    assert from_keras(O.LossScaleOptimizer(inner)) == from_keras(inner)
    text = "keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25, momentum=0.5))"
    assert read_baseline(text) == read_baseline("keras.optimizers.SGD(0.25, momentum=0.5)")
    named = "LossScaleOptimizer(inner_optimizer=SGD(0.25))"
    assert read_baseline(named) == read_baseline("SGD(0.25)")
    with _mixed():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(inner, loss="mse")
    assert type(model.optimizer) is O.LossScaleOptimizer
    assert from_keras(model.optimizer) == from_keras(inner)


@contextlib.contextmanager
def _mixed():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def test_the_known_optimizers_are_listed_once():
    with pytest.raises(InputError) as said:
        read_baseline("Qqqq(1e-3)")
    assert str(said.value).count("ScheduleFreeAdamW") == 1
