"""Every route of the server: verb, path, and the scope its token needs."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from tallystick.serving.tokens import Scope

Name = Literal["decide", "event", "outcome", "decision", "health", "ready"]


@dataclass(frozen=True, slots=True)
class Route:
    """A route; ``{}`` in its path stands for one segment. Without a scope, any known token will do."""

    name: Name
    verb: str
    path: tuple[str, ...]
    scope: Scope | None
    is_open: bool = False

    def fits(self, path: tuple[str, ...]) -> bool:
        """Say whether a path is this route's, whatever the verb."""
        pairs = zip(self.path, path, strict=False)
        return len(path) == len(self.path) and all(own in ("{}", requested) and requested for own, requested in pairs)


ROUTES = (
    Route("decide", "POST", ("decisions",), "decide"),
    Route("decision", "GET", ("decisions", "{}"), "read"),
    Route("event", "POST", ("events", "{}"), "record"),
    Route("outcome", "POST", ("outcomes", "{}"), "record"),
    Route("health", "GET", ("healthz",), None, is_open=True),
    Route("ready", "GET", ("readyz",), None),
)


@dataclass(frozen=True, slots=True)
class Requested:
    """What a request asks for: a route with its segment, or none; and the verbs that its path allows."""

    route: Route | None
    segment: str
    allowed: tuple[str, ...]


def resolve(verb: str, raw_path: bytes) -> Requested:
    """Find the route of a request. Segments are split before they are unquoted, so a quoted '/' stays in its name.

    >>> resolve("GET", b"/decisions/a%2Fb").segment
    'a/b'
    >>> resolve("PUT", b"/decisions").allowed
    ('POST',)
    """
    path = tuple(unquote(part) for part in raw_path.decode("ascii", "replace").split("/")[1:])
    fitting = [route for route in ROUTES if route.fits(path)]
    route = next((route for route in fitting if route.verb == verb), None)
    segment = path[1] if route is not None and "{}" in route.path else ""
    return Requested(route, segment, tuple(route.verb for route in fitting))
