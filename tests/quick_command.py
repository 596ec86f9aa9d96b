"""The command `steepest`, with XLA trying less: `python -m quick_command compare ...`.

For tests of what a study writes and says, and not of the last bits of its numbers: most of a small
study's seconds are spent on compiling its programs well.
"""

import compiling

from steepest.cli import main

if __name__ == "__main__":
    with compiling.quickly():
        main()
