"""What of a model's definition is another one than before, part by part, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tallystick.definitions.digest import digest_of
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policy_words import limit_words, policy_words
from tallystick.definitions.stored import stored_form
from tallystick.reporting.report import Report, Section
from tallystick.reporting.text import Text, warn


class Change(msgspec.Struct, frozen=True):
    """One part of a definition that is another one than before.

    Parameters
    ----------
    part : features, label, split, candidates, search, policy or limits
    before, after : the part in words; empty where it has none
    """

    part: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """Return it as a sentence.

        >>> str(Change("limits", "AUC at least 0.75", "none")), str(Change("split"))
        ('limits: AUC at least 0.75 before, none now', 'split: another one than before')
        """
        if not self.before:
            return f"{self.part}: another one than before"
        return f"{self.part}: {self.before} before, {self.after} now"


def part_digests(model: ModelDefinition) -> dict[str, str]:
    """Return the digest of what each part of a definition means; a part at its default has none."""
    form: dict[str, Any] = stored_form(model)
    parts = {part: digest_of(value) for part, value in form.items() if part != "name"}
    return parts | {"features": model.features.digest}


def in_words(model: ModelDefinition) -> dict[str, str]:
    """Return the parts of a definition that have words: its policy and its limits."""
    return {
        "policy": "; ".join(policy_words(model.policy, model.features.spine)),
        "limits": "; ".join(limit_words(model.limits)) or "none",
    }


def changes(before: ModelDefinition, after: ModelDefinition) -> tuple[Change, ...]:
    """Return what of a definition is another one than before; nothing where both mean the same.

    Parameters
    ----------
    before, after : two definitions of one model
    """
    then, now = in_words(before), in_words(after)
    return compared(part_digests(before), part_digests(after), then, now)


def compared(
    before: Mapping[str, str], after: Mapping[str, str], then: Mapping[str, str], now: Mapping[str, str]
) -> tuple[Change, ...]:
    """Return the parts whose digests differ, with their words where they have some.

    Parameters
    ----------
    before, after : digests by part
    then, now : words by part
    """
    return tuple(
        Change(part, then.get(part, ""), now.get(part, ""))
        for part in dict.fromkeys((*after, *before))
        if before.get(part) != after.get(part)
    )


def note(changed: Sequence[Change]) -> Report:
    """Return the note that the project's file says something else by now than what was judged."""
    parts = ", ".join(change.part for change in changed)
    sentence = f" {parts} of the project changed since; the candidate is packed as it was judged:"
    return Report("", (Section("", (Text.of(warn("Note:"), sentence), *(Text.of(str(each)) for each in changed))),))
