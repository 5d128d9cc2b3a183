"""A state that follows the log: never ahead of it, behind it after a crash or while its Redis is away."""

from tallystick.definitions.progress import Progress
from tallystick.errors import StateLost, StateUnavailable
from tallystick.features.online.executor import Online, Transaction
from tallystick.journal.bodies import Fault
from tallystick.journal.catch_up import catch_up
from tallystick.journal.history import History
from tallystick.log.protocol import Log
from tallystick.serving.contracts import Contracts
from tallystick.serving.decider import fault_of


class FollowedState:
    """The state of one or more models, and whether it is where the log is.

    Parameters
    ----------
    online : the state
    log : what it follows
    contracts : of its sources, with the history that they read
    """

    def __init__(self, online: Online, log: Log, contracts: Contracts) -> None:
        self.online = online
        self.sources = {source.name: contracts.of(source) for source in online.plan.sources}
        self.away: Fault | None = None
        """Why it cannot be asked, if it cannot."""
        self._log, self._history = log, History.of(log, online.plan.sources)
        self._is_behind = True

    def follow(self, progress: Progress | None = None) -> None:
        """Bring it to where the log is."""
        catch_up(self.online, self._log, self._history, progress)
        self._is_behind = False

    def catch_up_if_behind(self) -> None:
        """Bring it to where the log is, if it is behind; where it is away, remember why."""
        self.away = None
        try:
            if self._is_behind:
                self.online.reread()
                self.follow()
        except (StateUnavailable, StateLost) as error:
            self.away = fault_of("state", error)

    def fall_behind(self) -> None:
        """Say that the log is about to have entries that the state does not have: whatever fails, it follows later."""
        self._is_behind = True

    def commit(self, transaction: Transaction, position: int) -> None:
        """Let the state follow a group that the log has, or stay behind: the answers are durable all the same.

        Parameters
        ----------
        transaction : with the group's records
        position : the group's last
        """
        if self.away is None:
            try:
                transaction.commit(position)
                self._is_behind = False
            except (StateUnavailable, StateLost) as error:
                self.away = fault_of("state", error)
