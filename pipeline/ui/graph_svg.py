"""The picture of `inv graph`: networkx puts the nodes in layers and orders them, matplotlib draws them.
Letters are outlines in the SVG, measured before the boxes are drawn, so that no text leaves its box wherever
the picture is shown.
"""

import io
import math
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise, permutations, product

import networkx
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from pipeline.freshness.reasons import FRESH, MAYBE, RUN
from pipeline.ui.graph import COLOURS, Node

Edges = Sequence[tuple[str, str]]
Place = tuple[float, float, float]  # left, middle, width, in points
SIZES = (11.0, 9.0, 9.0)  # of the lines in a box, in points
LINE, PAD, STRIP = 15.0, 11.0, 5.0
HIGH, LANE = 3 * LINE + 2 * PAD, 10.0  # heights of a box, and of the way that an edge takes through a column
GAP_X, GAP_Y, MARGIN, LEGEND_HIGH = 46.0, 22.0, 20.0, 34.0
LEGEND = {FRESH: "up to date", RUN: "will run", MAYBE: "waits: perhaps"}
MOST_TRIED = 5040  # orders; 50 us each
INK, SOFT = "#1b1b1b", "#555555"


def svg(nodes: Mapping[str, Node], edges: Edges) -> str:
    """The picture as SVG text."""
    file = io.StringIO()
    # the same plan is the same picture
    figure(nodes, edges).savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def figure(nodes: Mapping[str, Node], edges: Edges) -> Figure:
    """The picture; a point of the figure is a unit of its axes."""
    columns, ways = _laid_out(nodes, edges)
    places = _places(nodes, columns)
    high = max(map(_height, columns)) + 2 * MARGIN + LEGEND_HIGH
    # the legend's width
    wide = max(max((x + width for x, _, width in places.values()), default=0.0) + MARGIN, 330.0)
    drawing = Figure(figsize=(wide / 72, high / 72))
    FigureCanvasAgg(drawing)
    axes = drawing.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, wide)
    axes.set_ylim(high, 0)
    axes.set_axis_off()
    for way in ways:
        _arrow(axes, [places[name] for name in way])
    for name, node in nodes.items():
        _box(axes, node, places[name])
    _legend(axes, high - MARGIN)
    return drawing


def _laid_out(nodes: Mapping[str, Node], edges: Edges) -> tuple[list[list[str]], list[list[str]]]:
    """(columns of names from left to right, the names that each edge passes). Groups that need each other
    share a column.

    An edge that skips columns gets a lane, a name of its own, in each of them.
    """
    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    knots = networkx.condensation(graph)
    layers = [
        [name for knot in generation for name in sorted(knots.nodes[knot]["members"], key=list(nodes).index)]
        for generation in networkx.topological_generations(knots)
    ] or [[]]
    column = {name: number for number, layer in enumerate(layers) for name in layer}
    ways = []
    for one, two in edges:
        lanes = {number: f"{one} > {two} {number}" for number in range(column[one] + 1, column[two])}
        for number, lane in lanes.items():
            layers[number].append(lane)
        ways.append([one, *lanes.values(), two])
    return _untangled(layers, [pair for way in ways for pair in pairwise(way)]), ways


def _untangled(layers: list[list[str]], edges: Edges) -> list[list[str]]:
    """The order in each column with the fewest crossings and the shortest edges: of all orders, or column
    after column.
    """
    if math.prod(math.factorial(len(layer)) for layer in layers) <= MOST_TRIED:
        return [
            list(order)
            for order in min(product(*map(permutations, layers)), key=lambda trial: _tangle(trial, edges))
        ]
    for _ in range(2):
        for number, layer in enumerate(layers):
            if math.factorial(len(layer)) <= MOST_TRIED:
                trials = [
                    [*layers[:number], list(order), *layers[number + 1 :]] for order in permutations(layer)
                ]
                layers = min(trials, key=lambda trial: _tangle(trial, edges))
    return layers


def _tangle(layers: Sequence[Sequence[str]], edges: Edges) -> float:
    at = {name: row - (len(layer) - 1) / 2 for layer in layers for row, name in enumerate(layer)}
    column = {name: number for number, layer in enumerate(layers) for name in layer}
    crossings = sum(
        (at[a] - at[c]) * (at[b] - at[d]) < 0
        for (a, b), (c, d) in combinations(edges, 2)
        if column[a] == column[c] and column[b] == column[d]
    )
    return sum(abs(at[one] - at[two]) for one, two in edges) + 10 * crossings


def _places(nodes: Mapping[str, Node], columns: list[list[str]]) -> dict[str, Place]:
    """Where each box or lane is: a column is as wide as its widest text, and in the middle of the height."""
    most = max(map(_height, columns))
    places, x = {}, MARGIN
    for column in columns:
        width = max((_width(nodes[name]) for name in column if name in nodes), default=0.0)
        y = MARGIN + (most - _height(column)) / 2
        for name in column:
            high = HIGH if name in nodes else LANE
            places[name] = (x, y + high / 2, width)
            y += high + GAP_Y
        x += width + GAP_X
    return places


def _height(column: Sequence[str]) -> float:
    return sum(LANE if " > " in name else HIGH for name in column) + GAP_Y * (len(column) - 1)


def _width(node: Node) -> float:
    texts = [
        TextPath((0, 0), line, size=size, prop=FontProperties(weight="bold" if first else "normal"))
        .get_extents()
        .width
        for line, size, first in zip(node.lines, SIZES, (True, False, False), strict=True)
    ]
    return max(*texts, 60.0) + 2 * PAD


def _box(axes: Axes, node: Node, place: Place) -> None:
    """Three lines, and below them a strip with the share of each state."""
    x, y, width = place
    fill, edge = COLOURS[node.state]
    outline = FancyBboxPatch(
        (x, y - HIGH / 2),
        width,
        HIGH,
        boxstyle="round,pad=0,rounding_size=7",
        facecolor=fill,
        edgecolor=edge,
        linewidth=1.2,
        zorder=2,
    )
    axes.add_patch(outline)
    for row, (line, size) in enumerate(zip(node.lines, SIZES, strict=True)):
        axes.text(
            x + width / 2,
            y + (row - 1) * LINE - STRIP / 2,
            line,
            size=size,
            ha="center",
            va="center",
            zorder=3,
            weight="normal" if row else "bold",
            color=SOFT if row == 2 else INK,
        )
    left, steps = x, sum(node.states.values())
    for state in (FRESH, MAYBE, RUN):
        part = width * node.states[state] / steps
        strip = Rectangle(
            (left, y + HIGH / 2 - STRIP), part, STRIP, facecolor=COLOURS[state][1], linewidth=0, zorder=3
        )
        axes.add_patch(strip)
        strip.set_clip_path(outline)
        left += part


def _arrow(axes: Axes, places: Sequence[Place]) -> None:
    """A curve from the right side of a box, along its lanes, to the left side of another; it begins and ends
    level.
    """
    points: list[tuple[float, float]] = []
    for one, two in pairwise(places):
        begin, end = (one[0] + one[2], one[1]), (two[0], two[1])
        if end[0] < begin[0]:  # in one column: groups that need each other
            begin, end = (one[0] + one[2] / 2, one[1]), (two[0] + two[2] / 2, two[1])
        bend = max(18.0, (end[0] - begin[0]) / 2)
        points += [begin, (begin[0] + bend, begin[1]), (end[0] - bend, end[1]), end]
    codes = ([Path.LINETO] + [Path.CURVE4] * 3) * (len(places) - 1)
    points[-1] = (points[-1][0] - 1, points[-1][1])
    curve = Path(points, [Path.MOVETO, *codes[1:]])
    axes.add_patch(
        FancyArrowPatch(
            path=curve,
            arrowstyle="-|>,head_length=5,head_width=3",
            color="#8a8a8a",
            linewidth=1.1,
            zorder=1,
            shrinkA=0,
            shrinkB=0,
        )
    )


def _legend(axes: Axes, y: float) -> None:
    x = MARGIN
    for state, text in LEGEND.items():
        fill, edge = COLOURS[state]
        axes.add_patch(
            FancyBboxPatch(
                (x, y - 5), 10, 10, boxstyle="round,pad=0,rounding_size=2", facecolor=fill, edgecolor=edge
            )
        )
        axes.text(x + 16, y, text, size=8.5, va="center_baseline", color=SOFT)
        x += 24 + TextPath((0, 0), text, size=8.5).get_extents().width + 14
