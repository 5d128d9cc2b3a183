"""The state behind a service of one model, as tests look at it."""

from tallystick.features.online.executor import Online
from tallystick.serving.service import Service


def state_of(service: Service) -> Online:
    """Return the one state of a service with one model."""
    (state,) = service._states.values()
    return state.online
