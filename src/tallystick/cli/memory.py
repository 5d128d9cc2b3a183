"""How much memory a verb may take: what was said, or what the machine leaves."""

from tallystick.features.engine_names import ENGINES
from tallystick.features.spill.budget import in_bytes
from tallystick.lifecycle import Project


def memory_allowed(project: Project, memory: str | None, engine: str, model: str | None) -> int | None:
    """Return how many bytes a computation by parts may take; None where it is computed as a whole.

    Parameters
    ----------
    project : whose records
    memory : what was said, such as 4GiB; if None, a share of what is free where the records would not fit
    engine : who computes
    model : whose features, where a project declares several
    """
    if memory is not None:
        return in_bytes(memory)
    return project.memory_to_take(model) if engine == ENGINES[0] else None
