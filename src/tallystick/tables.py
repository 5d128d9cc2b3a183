"""The one look of every table that a person sees: no boxes, a bold title, numbers to the right."""

from rich.table import Table


def table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table with aligned columns.

    Parameters
    ----------
    title : stands above it; none if empty
    columns : their heads
    right : those of them that hold numbers

    Examples
    --------
    >>> made = table("Sources", "source", "rows", right=("rows",))
    >>> [(column.header, column.justify) for column in made.columns]
    [('source', 'left'), ('rows', 'right')]
    """
    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made
