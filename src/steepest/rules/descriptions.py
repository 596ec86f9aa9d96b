"""What each hyperparameter does, in words, for `steepest explain` and the documentation."""

from steepest.rules.recipe import RECIPE

MEANINGS = {
    "learning_rate": "how far a step goes; the first thing to tune, and the one that matters most",
    "momentum": "how much of the last step is kept; 0.9 makes steps up to 10 times as long",
    "nesterov": "look ahead along the momentum before the gradient corrects it",
    "beta_1": "how much of the average gradient is kept at each step; the momentum of Adam's kin",
    "beta_2": "how much of the average squared gradient is kept; 0.999 looks back 1,000 steps",
    "epsilon": "a small number in the denominator; when large, steps follow the gradient's size",
    "amsgrad": "let the squares that steps are divided by never shrink",
    "rho": "how much of the average squared gradient is kept at each step",
    "centered": "divide by the gradient's standard deviation and not its root mean square",
    "momentum_decay": "how fast the momentum warms up; infinite: it does not",
    "initial_accumulator_value": "where the sum of squares starts; larger: shorter first steps",
    "learning_rate_power": "how steps shrink with the sum of squares; −0.5 is the root",
    "l1_regularization_strength": "a penalty on size that makes small weights exactly zero",
    "l2_regularization_strength": "a penalty on squares that keeps weights small",
    "l2_shrinkage_regularization_strength": "a penalty on squares that acts on the gradient alone",
    "beta": "a floor under the inverse learning rate",
    "beta_2_decay": "how the average of squares grows longer with the steps: 1 − t^decay",
    "epsilon_1": "keeps squares above zero",
    "epsilon_2": "the smallest size of weights that steps are relative to",
    "clip_threshold": "the largest root mean square that a step may have before the rate",
    "smallest_factored": "matrices with a side below this keep all their squares",
    "adam_beta_1": "β₁ of the AdamW that trains what is no hidden matrix",
    "adam_beta_2": "β₂ of the AdamW that trains what is no hidden matrix",
    "match_rms_adamw": "scale steps as long as AdamW's: 0.2·√max(in, out)",
    "beta_3": "how much of the slow average of gradients is kept; 0.9999 looks back 10,000 steps",
    "alpha": "how much the slow average of gradients counts beside the fast one",
    "slow_warmup": "the share of the training's steps in which α and β₃ rise; 0: they are there "
    "from the start",
    "d_coef": "a factor on the estimated learning rate",
    "d0": "where the estimate of the learning rate starts; smaller costs a few steps",
    "gamma": "how much of the gradient's change since the last step is added to it",
    "precondition_frequency": "the steps from one renewal of the bases to the next",
    "max_precond_dim": "the longest axis that gets a basis of its own",
    "eta_minus": "what a step is multiplied by where the gradient's sign turns",
    "eta_plus": "what a step is multiplied by where the gradient's sign stays",
    "min_step_size": "the shortest that a weight's step may become",
    "max_step_size": "the longest that a weight's step may become",
    "lambd": "how soon the learning rate falls, and how strongly weights are pulled to zero",
    "ns_steps": "rounds of the Newton–Schulz iteration",
    "routing": "role: hidden matrices alone by Newton–Schulz; keras, optax: as they would route",
    **{name: one.meaning for name, one in RECIPE.items()},
}

# The same name in another role.
OF_RULES = {
    ("Prodigy", "learning_rate"): "a factor on the learning rate that it estimates; leave it at 1",
    ("Rprop", "learning_rate"): "the length of the first step; the next ones find theirs",
    ("ASGD", "alpha"): "the power of the steps with which the learning rate falls",
    ("SOAP", "beta_2"): "how much of the averages of squares, and of g·gᵀ, is kept; 0.95 looks "
    "back 20 steps",
    ("Lion", "beta_1"): "how much of the momentum is in what the sign is taken of; the rest is the "
    "new gradient",
    ("Lion", "beta_2"): "how much of the momentum is kept at each step; 0.99 looks back 100 steps",
    ("Adamax", "beta_2"): "how slowly the largest gradient so far is forgotten",
    ("Adadelta", "rho"): "how much of the averages of squared gradients and squared steps is kept",
    ("Adadelta", "epsilon"): "added under both roots; the first steps are √ε long",
    **dict.fromkeys(
        (("ScheduleFreeAdamW", "beta_1"), ("ScheduleFreeSGD", "beta_1")),
        "where gradients are taken: at 0 at the newest weights, near 1 at their average",
    ),
}


def meaning(rule: str, name: str) -> str:
    """Return what a hyperparameter of a rule does, or nothing for one of a person's own rule."""
    return OF_RULES.get((rule, name), MEANINGS.get(name, ""))
