"""A world served over HTTP by its own process: ``python -m tallystick.testing.world_server FOLDER BUNDLE PORT``."""

import sys
from pathlib import Path

from tallystick.serving.server import Address, serve
from tallystick.serving.tokens import Tokens
from tallystick.testing.world import served


def main(folder: Path, bundle: str, port: int) -> None:
    """Serve until SIGTERM; tokens are those in the folder's ``tokens``.

    Parameters
    ----------
    folder : a world's
    bundle : the digest of an approved bundle in it
    port : of the loopback
    """
    with served(folder, bundle) as service:
        serve(service, Tokens(folder / "tokens"), Address(port=port))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
