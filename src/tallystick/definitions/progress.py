"""How far long work has come: what a stage tells whoever waits for it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how much is done, and how much there is."""

Step = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def named_step(step: Step | None, stage: str) -> Progress | None:
    """Return what a stage tells its progress to, under its name.

    Parameters
    ----------
    step : told of every stage; None where nobody waits for it
    stage : the name under which this one tells
    """
    return None if step is None else lambda done, total: step(stage, done, total)
