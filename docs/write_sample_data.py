"""Write the data of the built-in tasks from scikit-learn's, which has them as text.

    pip install ".[test]" && python docs/write_sample_data.py

The files are the same byte for byte each time; a test holds them against scikit-learn.
"""

from pathlib import Path

import numpy as np
from sklearn import datasets

PLACE = Path(__file__).parent.parent / "src/steepest/tasks/sample_data"


def main() -> None:
    x, y = datasets.load_digits(return_X_y=True)  # whole numbers up to 16
    np.savez_compressed(PLACE / "digits.npz", x=x.astype(np.uint8), y=y.astype(np.uint8))
    x, y = datasets.load_breast_cancer(return_X_y=True)
    np.savez_compressed(PLACE / "breast_cancer.npz", x=x, y=y.astype(np.uint8))
    x, y = datasets.load_diabetes(return_X_y=True)
    np.savez_compressed(PLACE / "diabetes.npz", x=x, y=y)


if __name__ == "__main__":
    main()
