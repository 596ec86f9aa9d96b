"""One study in which all that a stranger can choose is hostile, for the tests of all tellers.

`innocent` is the same study with harmless texts of the same places, to be compared with.
"""

from dataclasses import replace

from whole import whole_study

from steepest.records import Outcome, Stage

MARK = "STRANGER"  # in every hostile text, so that a test sees that it came through
MARKUP = (
    f"</script><script>alert('{MARK}')</script>",
    f"<img src=x onerror=alert('{MARK}')>",
    f"'\"><svg onload=alert('{MARK}')>",
    f"</title></style></pre>{MARK}<iframe src=//evil.example>",
    f"<a href='javascript:alert(1)'>{MARK}</a>",
    f"{{{{7*7}}}}{{% raw %}}{MARK}%{{x}}",
    f"&lt;b&gt;{MARK}&#60;i>",
)
TERMINAL = (
    f"[red]{MARK}[/red][link=http://evil.example]x[/link][/]",
    f"\x1b[2J\x1b]8;;http://evil.example\x07{MARK}\x1b]8;;\x07",
    f"\x9b31m{MARK}\x9d0;title\x9c\x90",
    f"safe\rWinner: {MARK}\b\b\x7f",
    f"abc\u202e{MARK}\u2066\u200f\ufeff",
    f"a\nNote: {MARK}\u2028b\u0085c",
)
OTHER = (
    f'=HYPERLINK("http://evil.example";"{MARK}")',
    f"@SUM(1)|cmd {MARK}",
    f"+1+cmd|' /C calc'!{MARK}",
    f"../../../{MARK}/../..",
    f"..\\..\\{MARK}:\x00*?",
    f"| {MARK} | [x](http://evil.example) ![i](http://evil.example/i.png) http://evil.example |",
    f"`{MARK}` $x$ **b** <https://evil.example> www.evil.example",
    f"'; __import__('os').system('touch {MARK}') #",
    f'"""\nimport os; os.system(\'touch {MARK}\')\n"""',
)
TEXTS = (*MARKUP, *TERMINAL, *OTHER)
METRIC = " ".join(TEXTS[:4] + TERMINAL[:2])


def hostile(nasty=TEXTS):
    """Return the study with hostile texts: an optimizer for each, the metric, notes and facts."""
    return _with([f"{text} {i}" for i, text in enumerate(nasty)], " ".join(nasty)[:900])


def innocent():
    """Return the same study with words instead."""
    return _with([f"word {i}" for i in range(len(TEXTS))], "words")


def _with(texts, long):
    study = whole_study()
    about, trials, optimizers, times = study.optimizers["SGD"], [], {}, {}
    metric, hyper = f"m {texts[3]}{texts[0]}", f"h {texts[1]}{texts[-1]}"
    for i, text in enumerate(texts):
        optimizers[text] = replace(
            about,
            # A rule that is known has code; a name that is not is a text as well.
            rule=text if i % 3 == 0 else "SGD",
            notes=(f"note {text}",),
            fixed={**about.fixed, hyper: text},
            given=(hyper,),
            space={**about.space, text: {"kind": "Choice", "values": [text, long]}},
        )
        times[text] = (1e-5, 2e-5)
        for one in study.trials:
            if one.optimizer != "SGD" or one.stage is Stage.SWEEP:
                continue
            config = replace(one.config, rule=optimizers[text].rule)
            if i % 3 == 0:
                values = {**config.hyperparameters, hyper: text, text: long}
                config = replace(config, hyperparameters=values)
            trials.append(
                replace(
                    one,
                    number=len(trials),
                    optimizer=text,
                    config=config,
                    curves=replace(
                        one.curves,
                        metrics={metric: one.curves.metrics["accuracy"]},
                        validation_loss=tuple(v + i / 100 for v in one.curves.validation_loss),
                    ),
                    test=None if one.test is None else {"loss": 0.5, metric: 0.5, text: 1.0},
                    training=None if one.training is None else {"loss": 0.4, metric: 0.5},
                )
            )
    trials[1] = replace(trials[1], outcome=Outcome.FAILED, reason=long)
    weights = tuple(
        replace(one, path=f"{one.path}/{texts[i]}") for i, one in enumerate(study.task.weights)
    )
    return replace(
        study,
        task=replace(
            study.task,
            name=long,
            loss=texts[1],
            metrics=(metric,),
            notes=tuple(texts),
            directions={metric: "up"},
            weights=weights,
            fingerprint={texts[2]: texts[3]},
        ),
        optimizers=optimizers,
        versions={"steepest": long, **{text: text for text in texts}},
        hardware={text: text for text in texts},
        trials=tuple(trials),
        stopped=f"it was stopped {long}",
        started=texts[0],
        initial={"loss": 2.4, metric: 0.1},
        update_seconds=times,
        asked={"task": long},
        resumed=(long, *texts),
    )
