"""Markup that cannot be forgotten to be escaped: whatever is no `Markup` already becomes text when it is put in."""

from html import escape

from tallystick.reporting.characters import visible

VOID = frozenset({"meta", "br", "rect", "path"})


class Markup(str):
    """Text that is markup, made by `element` only."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element with its children in it.

    Parameters
    ----------
    name : the tag
    children : `Markup` stands as it is, every other text is escaped
    attributes : escaped; ``class_`` is ``class``, an underscore is a hyphen, and one that is None is left out

    Examples
    --------
    >>> element("p", "a < b ", element("b", "c"), class_="note")
    '<p class="note">a &lt; b <b>c</b></p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Return markup and texts behind each other."""
    return Markup("".join(child if isinstance(child, Markup) else _escaped(child) for child in children))


def _escaped(text: str) -> str:
    return escape(visible(text))
