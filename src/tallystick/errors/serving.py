"""A service that cannot start, or cannot take more.

ServingError
· NotApproved       no standing approval of this bundle
· ModelNotServed    another model was asked for, or none where several are served
· ModelServedTwice  two bundles of one model
· StateAhead       the state knows entries that the log lost
· HistoryMissing   the log's first segment is not where it was
· HistoryAltered   or it is not the one that was attached
· QueueFull        more waits than may wait
· ServiceStopped   it is going down
· TokenRefused     a token that cannot be made like this
· AddressUnusable  nothing can listen there
· StreamUnknown    the bundle reads no such stream
"""

from collections.abc import Iterable
from pathlib import Path

from tallystick.errors.base import TallystickError, did_you_mean


class ServingError(TallystickError):
    """The service cannot start, or cannot take a request now."""


class NotApproved(ServingError):
    """A bundle without a standing approval would decide."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        super().__init__(
            f"Bundle {bundle[:12]} has no standing approval, and only an approved bundle decides. "
            f"Have a validator other than its builder run 'tally approve {bundle[:12]}'."
        )


class ModelNotServed(ServingError):
    """A model was asked for that is not served, or none was named where several are."""

    def __init__(self, model: str | None, *, known: Iterable[str]) -> None:
        self.model, self.known = model, tuple(known)
        served = ", ".join(self.known)
        if model is None:
            super().__init__(f"Several models are served, and none was named. Name one of {served}.")
            return
        hint = did_you_mean(model, self.known)
        super().__init__(f"The model {model!r} is not served here. Served: {served}. {hint}".rstrip())


class ModelServedTwice(ServingError):
    """Two bundles of one model would decide."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"Two of the bundles are of the model {model!r}, and one decides at a time. Name one of them.")


class StateAhead(ServingError):
    """The state has seen entries that the log does not have.

    Parameters
    ----------
    state : the position the state is at
    log : the position of the log's head
    """

    def __init__(self, *, state: int, log: int) -> None:
        self.state, self.log = state, log
        super().__init__(
            f"The state stands at position {state} and the log ends at {log}: the log lost entries, or the state is "
            "another log's. Put the right log back; if it is right, move the state's folder away: it is made anew."
        )


class HistoryMissing(ServingError):
    """The files of the log's first segment are not where they were.

    Parameters
    ----------
    path : where it should lie
    digest : its digest
    """

    def __init__(self, path: Path, *, digest: str) -> None:
        self.path, self.digest = path, digest
        super().__init__(
            f"The log begins with history {digest[:12]}, and {path} does not hold it. "
            "Put the folder back; its files are part of the log."
        )


class HistoryAltered(ServingError):
    """The folder of the log's first segment holds other files than were attached.

    Parameters
    ----------
    path : its folder
    attached : the digest that the log names
    found : the digest of what lies there
    """

    def __init__(self, path: Path, *, attached: str, found: str) -> None:
        self.path, self.attached, self.found = path, attached, found
        super().__init__(
            f"The log begins with history {attached[:12]}, and {path} holds {found[:12]}. "
            "Put the files back that were attached; keep these as evidence."
        )


class QueueFull(ServingError):
    """More requests wait than may wait. Send it again after a moment.

    Parameters
    ----------
    waiting : how many requests wait
    most : how many may
    """

    def __init__(self, *, waiting: int, most: int) -> None:
        self.waiting, self.most = waiting, most
        super().__init__(f"{waiting} requests are waiting, and {most} may wait. Send it again in a second.")


class ServiceStopped(ServingError):
    """The service is going down and takes no more requests."""

    def __init__(self) -> None:
        super().__init__("The service is stopping and takes no more requests. Send it again when it is back.")


class TokenRefused(ServingError):
    """A token cannot be made, or taken back, like this.

    Parameters
    ----------
    name : what the token is called
    reason : why, without a full stop
    """

    def __init__(self, name: str, *, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"The token {name!r} is refused: {reason}.")


class AddressUnusable(ServingError):
    """The server cannot listen where it was told to.

    Parameters
    ----------
    host : the name or address to listen on
    port : the port
    reason : why, without a full stop
    """

    def __init__(self, host: str, port: int, *, reason: str) -> None:
        self.host, self.port, self.reason = host, port, reason
        super().__init__(
            f"Nothing can listen on {host}:{port}: {reason}. Stop what uses it, or choose another address or port."
        )


class StreamUnknown(ServingError):
    """Records of a stream that the serving bundle does not read.

    Parameters
    ----------
    stream : the name that was given
    known : the streams that the bundle reads
    """

    def __init__(self, stream: str, *, known: Iterable[str]) -> None:
        self.stream, self.known = stream, list(known)
        super().__init__(
            f"The bundle that serves reads no stream {stream!r}. It reads {', '.join(self.known)}. "
            f"{did_you_mean(stream, self.known) or 'Send it to one of these.'}"
        )
