"""Every route of the server: verb, path, and the scope its token needs."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from tallystick.serving.tokens import Scope

Name = Literal["decide", "event", "outcome", "decision", "health", "ready"]


@dataclass(frozen=True, slots=True)
class Route:
    """A route; ``{}`` in its path stands for one segment. Without a scope, any known token will do.

    Parameters
    ----------
    name : what it does; two routes of one name do the same
    verb : GET or POST
    path : its segments
    scope : what a token must be for
    is_open : whether it answers without a token
    """

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
    Route("decide", "POST", ("models", "{}", "decisions"), "decide"),
    Route("decision", "GET", ("models", "{}", "decisions", "{}"), "read"),
    # Where one model is served it need not be named.
    Route("decide", "POST", ("decisions",), "decide"),
    Route("decision", "GET", ("decisions", "{}"), "read"),
    Route("event", "POST", ("events", "{}"), "record"),
    Route("outcome", "POST", ("outcomes", "{}"), "record"),
    Route("health", "GET", ("healthz",), None, is_open=True),
    Route("ready", "GET", ("readyz",), None),
)


@dataclass(frozen=True, slots=True)
class Requested:
    """What a request asks for.

    Parameters
    ----------
    route : the one it fits, or None
    segments : what stands where the route's path has ``{}``
    allowed : the verbs that its path allows
    """

    route: Route | None
    segments: tuple[str, ...]
    allowed: tuple[str, ...]


def resolve(verb: str, raw_path: bytes) -> Requested:
    """Find the route of a request. Segments are split before they are unquoted, so a quoted '/' stays in its name.

    Parameters
    ----------
    verb : as it was sent
    raw_path : as it was sent, without the query

    Examples
    --------
    >>> resolve("GET", b"/models/card-fraud/decisions/a%2Fb").segments
    ('card-fraud', 'a/b')
    >>> resolve("PUT", b"/decisions").allowed
    ('POST',)
    """
    path = tuple(unquote(part) for part in raw_path.decode("ascii", "replace").split("/")[1:])
    fitting = [route for route in ROUTES if route.fits(path)]
    route = next((route for route in fitting if route.verb == verb), None)
    own = () if route is None else route.path
    segments = tuple(given for wanted, given in zip(own, path, strict=False) if wanted == "{}")
    return Requested(route, segments, tuple(route.verb for route in fitting))
