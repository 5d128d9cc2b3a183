"""From a model back to its data: the columns, streams and files that every part of it comes from."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tallystick.definitions.expressions import AnyExpr, Expr
from tallystick.definitions.inputs import input_columns
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policies import AboveCost
from tallystick.definitions.streams import Source
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Table


class Origin(msgspec.Struct, frozen=True):
    """Where one part of a model comes from.

    Parameters
    ----------
    part : a feature's name, "label", "policy.decline" or "policy.refer"
    columns : every column it looks at, as "stream.column", each once
    streams : the streams and tables of those columns
    sources : the files or addresses where their history lies
    """

    part: str
    columns: tuple[str, ...]
    streams: tuple[str, ...]
    sources: tuple[str, ...]


class Lineage(Displayed, msgspec.Struct, frozen=True):
    """Where everything in a model comes from.

    Parameters
    ----------
    model : its name
    origins : one for each feature, in the order declared, then for the label and the policy
    """

    model: str
    origins: tuple[Origin, ...]

    def __getitem__(self, part: str) -> Origin:
        """Return where a feature, "label", "policy.decline" or "policy.refer" comes from."""
        return {origin.part: origin for origin in self.origins}[part]

    def using(self, column: str) -> tuple[str, ...]:
        """Return the parts of the model that look at a column, such as "payments.amount"."""
        return tuple(origin.part for origin in self.origins if column in origin.columns)

    def to_plain(self) -> dict[str, Any]:
        """Return it as dicts, lists and texts: what JSON can hold."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def report(self) -> Report:
        """Return a row for each part of the model: its columns and where they lie."""
        rows = [(each.part, ", ".join(each.columns), ", ".join(each.sources)) for each in self.origins]
        columns = (Column("part"), Column("columns"), Column("sources"))
        return Report(f"Where {self.model} comes from", (Section("", (Table.of(columns, rows),)),))


def lineage(model: ModelDefinition, sources: Mapping[str, Source]) -> Lineage:
    """Return where every feature, the label and the policy of a model come from.

    Parameters
    ----------
    model : a model as a value
    sources : every stream and table of its project, by name
    """
    spine = model.features.spine
    exprs: dict[str, AnyExpr] = dict(model.features.features) | {"label": model.label.flagged}
    origins = [_origin(part, input_columns(expr, spine, sources), sources) for part, expr in exprs.items()]
    for part, rule in (("policy.decline", model.policy.decline), ("policy.refer", model.policy.refer)):
        missed = rule.missed if isinstance(rule, AboveCost) else None
        looked_at = input_columns(missed, spine, sources) if isinstance(missed, Expr) else ()
        # A threshold without columns is listed all the same: that it looks at nothing is an answer too.
        origins += [] if rule is None else [_origin(part, looked_at, sources)]
    return Lineage(model.name, tuple(origins))


def _origin(part: str, looked_at: tuple[tuple[str, str], ...], sources: Mapping[str, Source]) -> Origin:
    streams = tuple(dict.fromkeys(stream for stream, _ in looked_at))
    places = tuple(dict.fromkeys(sources[stream].source for stream in streams if sources[stream].source))
    return Origin(part, tuple(".".join(column) for column in looked_at), streams, places)
