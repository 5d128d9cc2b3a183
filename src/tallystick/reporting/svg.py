"""Figures as inline SVG: scaled to the page, described in words, coloured by the page's own style."""

from collections.abc import Iterator

from tallystick.reporting.figure import Figure, Series
from tallystick.reporting.markup import Markup, element
from tallystick.reporting.ticks import MOST_TICKS, ceiling, evenly, ticks
from tallystick.reporting.written import written

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 14, 40
MOST_NAMES = 12
_TIMES = frozenset({"day", "instant"})


def drawing(figure: Figure) -> Markup:
    """Return a figure as an SVG element; its title and its description are what a screen reader says."""
    top, places = ceiling(figure.top), _places(figure)
    frame = _Frame(_begin(figure, places), places[-1], top)
    return element(
        "svg",
        element("title", figure.title),
        element("desc", figure.description),
        *_bands(figure, frame),
        *_levels(figure, frame),
        *_names(figure, frame),
        *(shape for series in figure.series for shape in _series(figure, series, frame)),
        *_marks(figure, frame),
        role="img",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
    )


class _Frame:
    """Where values lie on the drawing."""

    def __init__(self, first: float, last: float, top: float) -> None:
        self.first, self.last, self.top = first, last if last > first else first + 1.0, top

    def x(self, place: float) -> float:
        share = (place - self.first) / (self.last - self.first)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * max(0.0, min(1.0, share)), 1)

    def y(self, value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - max(0.0, min(1.0, value / self.top))), 1)


def _begin(figure: Figure, places: list[float]) -> float:
    """Return where the axis begins: at zero, where that is near."""
    is_near = figure.x.kind not in _TIMES and 0 <= places[0] <= places[-1] / 2
    return 0.0 if is_near else places[0]


def _places(figure: Figure) -> list[float]:
    """Return the edges along the axis: bars are as wide as what lies between two of them."""
    if figure.is_named or not figure.at:
        return [float(place) for place in range(len(figure.at) + 1)]
    places = [float(place) for place in figure.at]
    n = max((len(series.y) for series in figure.series), default=0)
    has_bars = any(series.shape in {"bar", "step"} for series in figure.series)
    if has_bars and n == len(places):
        places.append(places[-1] + (places[-1] - places[-2] if n > 1 else 1.0))
    return places


def _bands(figure: Figure, frame: _Frame) -> Iterator[Markup]:
    for band in figure.bands:
        begin, end = frame.x(band.begin), frame.x(band.end)
        yield element("rect", class_="band", x=begin, y=TOP, width=round(end - begin, 1), height=HEIGHT - TOP - BOTTOM)
        yield element("text", band.label, x=round((begin + end) / 2, 1), y=TOP + 12, text_anchor="middle")


def _levels(figure: Figure, frame: _Frame) -> Iterator[Markup]:
    for level, name in ticks(figure.y, 0.0, frame.top):
        y = frame.y(level)
        yield element("path", class_="grid" if level else "axis", d=f"M{LEFT} {y}H{WIDTH - RIGHT}")
        yield element("text", name, x=LEFT - 8, y=y + 4, text_anchor="end")
    yield element("text", figure.x.head, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 4, text_anchor="middle")


def _names(figure: Figure, frame: _Frame) -> Iterator[Markup]:
    """Yield what stands below the axis: round numbers, or some of the names or days, evenly chosen."""
    for at, name in _below(figure, frame):
        x = frame.x(at)
        anchor = "middle" if LEFT + 30 < x < WIDTH - RIGHT - 30 else "start" if x <= LEFT + 30 else "end"
        yield element("text", name, x=x, y=HEIGHT - BOTTOM + 16, text_anchor=anchor)


def _below(figure: Figure, frame: _Frame) -> list[tuple[float, str]]:
    if figure.is_named:
        places = evenly(len(figure.at), MOST_NAMES)
        return [(place + 0.5, written(figure.at[place], figure.x)) for place in places]
    if figure.x.kind not in _TIMES:
        return ticks(figure.x, frame.first, frame.last)
    places = evenly(len(figure.at), MOST_TICKS)
    return [(float(figure.at[place]), written(figure.at[place], figure.x)) for place in places]


def _marks(figure: Figure, frame: _Frame) -> Iterator[Markup]:
    for mark in figure.marks:
        y = frame.y(mark.y)
        label = f"{mark.label} {written(mark.y, figure.y)}"
        yield element("path", class_=f"mark t-{mark.tone}", d=f"M{LEFT} {y}H{WIDTH - RIGHT}")
        yield element("text", label, x=LEFT + 6, y=y - 5 if y > TOP + 12 else y + 13)


def _series(figure: Figure, series: Series, frame: _Frame) -> Iterator[Markup]:
    match series.shape:
        case "bar":
            yield from _bars(figure, series, frame)
        case "points":
            yield from _points(figure, series, frame)
        case _:
            yield element("path", class_=f"s-line t-{series.tone}", d=_path(figure, series, frame))


def _bars(figure: Figure, series: Series, frame: _Frame) -> Iterator[Markup]:
    places = _places(figure)
    n_bars = sum(1 for each in figure.series if each.shape == "bar")
    number = [each for each in figure.series if each.shape == "bar"].index(series)
    for place, value in enumerate(series.y):
        if value:
            begin, end = frame.x(places[place]), frame.x(places[place + 1])
            wide = (end - begin) / n_bars
            yield element(
                "rect",
                class_=f"s-fill f-{series.tone}",
                x=round(begin + number * wide + wide * 0.08, 1),
                y=frame.y(value),
                width=round(wide * 0.84, 1),
                height=round(frame.y(0) - frame.y(value), 1),
            )


def _points(figure: Figure, series: Series, frame: _Frame) -> Iterator[Markup]:
    places = _places(figure)
    for place, value in enumerate(series.y):
        if value is None:
            continue
        x = frame.x(places[place])
        if series.low and series.high:
            low, high = series.low[place], series.high[place]
            if low is not None and high is not None:
                yield element("path", class_=f"s-line t-{series.tone}", d=f"M{x} {frame.y(low)}V{frame.y(high)}")
        sentence = f"{written(figure.at[place], figure.x)}: {series.label} {written(value, figure.y)}"
        yield element("circle", element("title", sentence), class_=f"f-{series.tone}", cx=x, cy=frame.y(value), r=4)


def _path(figure: Figure, series: Series, frame: _Frame) -> str:
    """Return a line through the values, broken where there is none."""
    places, drawn, is_broken = _places(figure), "", True
    for place, value in enumerate(series.y):
        if value is not None:
            drawn += f"{'M' if is_broken else 'L'}{frame.x(places[place])} {frame.y(value)}"
            if series.shape == "step":
                drawn += f"H{frame.x(places[place + 1])}"
        is_broken = value is None
    return drawn
