"""What features mean and come from, on the screen: one table of meanings, one of origins."""

from rich.console import RenderableType

from tallystick.cli.screen import Screen
from tallystick.definitions.describe import Description
from tallystick.definitions.lineage import Lineage
from tallystick.tables import table


def tell_features(screen: Screen, description: Description, lineage: Lineage) -> None:
    """Show what each feature means and costs, and where everything in its model comes from."""
    screen.emit(description.to_plain() | {"lineage": lineage.to_plain()})
    screen.say(_meanings(description), "", _origins(lineage))


def _meanings(description: Description) -> RenderableType:
    made = table(f"{description.name}, one row per record of {description.spine}", "feature", "meaning", "unit", "cost")
    for feature in description.features:
        made.add_row(feature.name, feature.meaning, feature.unit, str(feature.cost))
    return made


def _origins(lineage: Lineage) -> RenderableType:
    made = table(f"Where {lineage.model} comes from", "part", "columns", "sources")
    for origin in lineage.origins:
        made.add_row(origin.part, ", ".join(origin.columns), ", ".join(origin.sources))
    return made
