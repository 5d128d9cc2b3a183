"""What is wrong with a feature table.

· TableUnreadable      no feature table lies there
· TableFormatUnknown   another version wrote it
· TableDamaged         its rows are not those that were written
· TableColumnsMissing  it lacks columns
· TableOfOtherPlan     its features mean something else
· TableOfOtherData     it was made from other records
"""

from collections.abc import Sequence
from pathlib import Path

from tallystick.errors.features import FeatureError


class TableUnreadable(FeatureError):
    """There is no feature table where one is asked for, or nothing of it can be read."""

    def __init__(self, path: Path, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} is no feature table: {reason.rstrip('.')}. Name a file or folder that `tally features` wrote, or "
            "write it again."
        )


class TableFormatUnknown(FeatureError):
    """A feature table that another version of Tallystick wrote."""

    def __init__(self, path: Path, *, found: object, known: Sequence[int]) -> None:
        self.path, self.found, self.known = path, found, tuple(known)
        super().__init__(
            f"The feature table {path} has format {found}, and this version reads {', '.join(map(str, self.known))}. "
            "Write it again with `tally features`, or read it with the version that wrote it."
        )


class TableDamaged(FeatureError):
    """A feature table whose rows or columns are not those that were written."""

    def __init__(self, path: Path, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"The feature table {path} is not as it was written: {reason.rstrip('.')}. Nothing of it is used. "
            "Write it again with `tally features`; whoever wants other values declares other features."
        )


class TableColumnsMissing(FeatureError):
    """A feature table without some of the columns that it says it has."""

    def __init__(self, path: Path, *, lacking: Sequence[str], found: Sequence[str]) -> None:
        self.path, self.lacking, self.found = path, tuple(lacking), tuple(found)
        super().__init__(
            f"The feature table {path} lacks the columns {', '.join(self.lacking)}. Found: {', '.join(self.found)}. "
            "Write it again with `tally features`."
        )


class TableOfOtherPlan(FeatureError):
    """A feature table of features that mean something else."""

    def __init__(self, found: str, *, wanted: str, differing: Sequence[str]) -> None:
        self.found, self.wanted, self.differing = found, wanted, tuple(differing)
        reason = (
            f"These differ: {', '.join(self.differing)}"
            if self.differing
            else "A stream, table or time zone that they look at differs"
        )
        super().__init__(
            f"The feature table was made by the plan {found[:12]}, and the model's features are the plan "
            f"{wanted[:12]}. {reason}. Write the table anew with `tally features`, or take back the definitions that "
            "it was made by."
        )


class TableOfOtherData(FeatureError):
    """A feature table of other records than those that are there now."""

    def __init__(self, found: str, *, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(
            f"The feature table was made from the data {found[:12]}, and the project's data is {wanted[:12]} now: "
            "records came, went or changed since. Write the table anew with `tally features`."
        )
