"""Files in S3 and what speaks its protocol, through fsspec; who may read them is told by the environment alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tallystick.data.sources import files
from tallystick.data.sources.files import StoredFile
from tallystick.data.sources.piece import Piece, reader_library, sentence_of
from tallystick.definitions.streams import Source
from tallystick.errors import SourceAway, SourceMissing

_SETTINGS: dict[str, Any] = {
    # A bucket is looked at afresh on each reading, and a store that is away is told within seconds.
    "use_listings_cache": False,
    "skip_instance_cache": True,
    "config_kwargs": {"connect_timeout": 5, "retries": {"max_attempts": 2}},
}
_NETWORK = "Check AWS_ENDPOINT_URL, AWS_DEFAULT_REGION and the network, and try again."
_RIGHTS = (
    "Give this user the right to list and read it, or set other credentials (AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)."
)
_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."


def pieces(source: Source) -> list[Piece]:
    """Return the pieces of an object, or of the objects directly below a prefix.

    Raises
    ------
    SourceMissing
        If the bucket, the object or the prefix is not there.
    SourceAway
        If the store does not answer, or gives no right to read.
    ReaderMissing
        If s3fs is not installed.
    """
    s3fs, address = reader_library("s3fs", source, extra="s3"), source.source
    path = address.partition("://")[2].strip("/")
    with _translated_errors(source, address):
        store = s3fs.S3FileSystem(**_SETTINGS)
        try:
            found = store.info(path)
            held = store.ls(path, detail=True) if found["type"] == "directory" else [found]
        except FileNotFoundError as error:
            reason = "there is no such object or prefix" if sentence_of(error) == path else sentence_of(error)
            raise SourceMissing(source.name, path=address, reason=reason) from error
    inside = [_found(source, store, entry["name"]) for entry in held if entry["type"] == "file"]
    return (
        files.folder_pieces(source, address, inside)
        if found["type"] == "directory"
        else [files.file_piece(source, inside[0])]
    )


def _found(source: Source, store: Any, path: str) -> StoredFile:
    address = f"s3://{path}"

    @contextmanager
    def opened() -> Iterator[Any]:
        with _translated_errors(source, address), store.open(path, "rb") as file:
            yield file

    return StoredFile(address, opened)


@contextmanager
def _translated_errors(source: Source, address: str) -> Iterator[None]:
    """Tell in a sentence what keeps us from a store; errors of the data itself pass."""
    botocore = reader_library("botocore.exceptions", source, extra="s3")
    try:
        yield
    except (botocore.NoCredentialsError, botocore.PartialCredentialsError, botocore.ProfileNotFound) as error:
        raise SourceAway(source.name, path=address, reason=sentence_of(error), remedy=_CREDENTIALS) from error
    except PermissionError as error:
        raise SourceAway(source.name, path=address, reason=sentence_of(error), remedy=_RIGHTS) from error
    except (botocore.BotoCoreError, botocore.ClientError, ConnectionError, TimeoutError) as error:
        raise SourceAway(source.name, path=address, reason=sentence_of(error), remedy=_NETWORK) from error
