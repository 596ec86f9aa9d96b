"""Findings of others that were run again, which stand beside the atlas' own sentences."""

FINDINGS = (
    {
        "said": "F1. Adaptive methods can generalize worse, unless ε is tuned (Wilson et al. 2017, "
        "Choi et al. 2019).",
        "verdict": "confirmed",
        "evidence": "Exactly, on a problem that was made for it: the test error is 0 for SGD, "
        "1 − p for Adam, and 0 again for Adam with ε = 100.",
    },
    {
        "said": "F2. Adam beats SGD on heavy-tailed classes (Kunstner et al. 2024).",
        "verdict": "confirmed",
        "evidence": "SGD is left with over 15 % of the first excess, Adam with under 1 %; gone "
        "where classes are equally frequent.",
    },
    {
        "said": "F3. Adam beats SGD on a transformer.",
        "verdict": "depends",
        "evidence": "It beats SGD with every seed; its lead over momentum depends on the initial "
        "weights.",
    },
    {
        "said": "F4. Adam is less sensitive to its learning rate than SGD (Wortsman et al. 2023).",
        "verdict": "confirmed",
        "evidence": "With every seed, on the transformer of F3; whether SGD with momentum is less "
        "sensitive than without depends on the initial weights.",
    },
)  # of others, found again by `python -m benchmarks.findings`
