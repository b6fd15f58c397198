"""Draws the lesson's pictures for both editions: `python docs/draw_figures.py [FOLDER]`.

The pictures stand in the notebooks as SVG files. Each lies on a light panel of its own, so that it
reads in a light and in a dark theme. The same matplotlib gives the same bytes each time.

English letters are drawn as outlines. Chinese words are written as text, which the reader's system
shows in its own font: no Chinese font is needed here, and none is spread with the pictures.
"""

import html
import pathlib
import sys
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import matplotlib
import matplotlib.colors
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text

SOURCE = pathlib.Path(__file__).parent.parent / "source"

# What the Chinese pictures say in place of the English words.
CHINESE = {
    "inputs": "输入",
    "weights": "权重",
    "output": "输出",
    "batch": "批次",
    "training loss": "训练损失",
    "initial weights A": "初始权重 A",
    "initial weights B: the loss falls sooner": "初始权重 B：损失降得更早",
    "A sketch: same network, same data, same batches": "示意图：网络、数据和批次都相同",
    "28 × 28 pixels": "28 × 28 像素",
    "784 inputs": "784 个输入",
    "256 neurons": "256 个神经元",
    "128 neurons": "128 个神经元",
    "10 scores": "10 个得分",
}
CHINESE_FONTS = (
    "Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, "
    "sans-serif"
)

# Okabe and Ito's palette (2008), the one that `helpers.plots` uses.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
INK, GREY, PALE = "#222222", "#6B6B6B", "#D9D9D9"
PANEL, BORDER = "#FCFCFA", "#B4B4B4"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    # Letters as outlines: the picture then looks alike wherever it is opened.
    "svg.fonttype": "path",
    # matplotlib makes up the names of clip paths; salted with a constant they stay the same.
    "svg.hashsalt": "weight initialization",
}


def _panel(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of `width` by `height` inches, and axes over it measured in inches."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    axes.add_patch(
        FancyBboxPatch(
            (0.15, 0.15),
            width - 0.3,
            height - 0.3,
            boxstyle="round,pad=0.1,rounding_size=0.12",
            facecolor=PANEL,
            edgecolor=BORDER,
            linewidth=1,
        )
    )
    return figure, axes


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrow)


def draw_neuron() -> Figure:
    """Draw one neuron: inputs, a weight on each connection, the sum, the activation."""
    figure, axes = _panel(7.2, 3.3)
    heights = [2.8, 2.18, 0.86]
    for height, index in zip(heights, ["1", "2", "n"], strict=True):
        axes.add_patch(Circle((1.0, height), 0.24, facecolor="white", edgecolor=INK, linewidth=1.4))
        axes.text(1.0, height, f"$x_{index}$", ha="center", va="center", fontsize=13)
        direction = np.array([3.55, 1.72]) - [1.0, height]
        unit = direction / np.hypot(*direction)
        start, end = np.array([1.0, height]) + 0.26 * unit, np.array([3.55, 1.72]) - 0.5 * unit
        _arrow(axes, (start[0], start[1]), (end[0], end[1]), BLUE)
        middle = start + 0.42 * (end - start)
        axes.text(
            middle[0],
            middle[1],
            f"$w_{index}$",
            ha="center",
            va="center",
            fontsize=14,
            color=BLUE,
            bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 1.5},
        )
    axes.text(1.0, 1.55, "$\\vdots$", ha="center", va="center", fontsize=15)
    axes.add_patch(Circle((3.55, 1.72), 0.48, facecolor="white", edgecolor=INK, linewidth=1.8))
    axes.text(3.55, 1.72, "$\\Sigma + b$", ha="center", va="center", fontsize=14)
    _arrow(axes, (4.05, 1.72), (4.72, 1.72), INK)
    axes.text(4.38, 1.86, "$z$", ha="center", va="bottom", fontsize=13)
    axes.add_patch(
        FancyBboxPatch(
            (4.8, 1.42), 0.8, 0.6, boxstyle="round,pad=0.02", facecolor="white", edgecolor=INK
        )
    )
    axes.plot([4.9, 5.2, 5.5], [1.56, 1.56, 1.9], color=VERMILION, linewidth=2.2)
    axes.text(5.2, 2.13, "ReLU", ha="center", va="bottom")
    _arrow(axes, (5.64, 1.72), (6.25, 1.72), INK)
    axes.text(6.32, 1.72, "output", ha="left", va="center")
    axes.text(1.0, 0.33, "inputs", ha="center", va="bottom", color=GREY)
    axes.text(2.2, 0.33, "weights", ha="center", va="bottom", color=BLUE)
    axes.text(
        3.45,
        0.5,
        "$z = w_1 x_1 + w_2 x_2 + \\dots + w_n x_n + b$",
        ha="left",
        va="center",
        fontsize=12,
    )
    return figure


def draw_comparison() -> Figure:
    """Sketch how a comparison is read: two losses that fall from different initial weights."""
    figure, axes = _panel(7.2, 3.5)
    plot = figure.add_axes((0.115, 0.19, 0.83, 0.68), facecolor="white")
    batches = np.arange(1, 101)
    # RandomState's stream is fixed for good, other than that of NumPy's newer generators.
    noise = np.random.RandomState(0).normal(0, 1, (2, batches.size))
    slow = 0.75 + 2.1 * np.exp(-batches / 38)
    fast = 0.6 + 1.75 * np.exp(-batches / 13)
    losses = [slow * (1 + 0.05 * noise[0]), fast * (1 + 0.05 * noise[1])]
    plot.plot(batches, losses[0], "--", color=VERMILION, linewidth=1.7)
    plot.plot(batches, losses[1], "-", color=BLUE, linewidth=1.7)
    plot.text(38, 1.78, "initial weights A", color=VERMILION)
    plot.text(15, 0.33, "initial weights B: the loss falls sooner", color=BLUE)
    plot.set(xlim=(0, 101), ylim=(0.2, 3.2), xlabel="batch", ylabel="training loss")
    plot.set_title("A sketch: same network, same data, same batches", fontsize=11)
    plot.grid(color=PALE, linewidth=0.6)
    for spine in plot.spines.values():
        spine.set_color(GREY)
    axes.set_zorder(-1)
    return figure


# The right half of a T-shirt, from the collar down, in a square from 0 to 28 with y downwards.
_SHIRT = [(14, 5), (17, 3.5), (25, 7), (23, 12.5), (19.5, 11), (19.5, 25)]


def _shirt(axes: Axes, left: float, top: float, side: float) -> None:
    """Draw a T-shirt of 28 by 28 pixels on black, each `side` inches wide."""
    right = np.array(_SHIRT)
    outline = Path(np.concatenate([right, (right * [-1, 1] + [28, 0])[::-1]]))
    axes.add_patch(Rectangle((left, top - 28 * side), 28 * side, 28 * side, facecolor="black"))
    for row in range(28):
        columns = np.arange(28)
        inside = outline.contains_points(np.column_stack([columns, columns * 0 + row]) + 0.5)
        for column in columns[inside]:
            grey = str(0.6 + 0.12 * (row % 5 < 2) + 0.18 * (column % 7 == 3))
            corner = (left + column * side, top - (row + 1) * side)
            axes.add_patch(
                Rectangle(corner, side, side, facecolor=grey, edgecolor=grey, linewidth=0.3)
            )


# Height of the network's axis, in inches.
_MIDDLE = 2.2


def _layer(
    axes: Axes, x: float, count: int, color: str, dropped: tuple[int, ...] = ()
) -> list[tuple[float, float]]:
    """Draw a column of neurons, some dropped out; return where the active ones are."""
    half = count // 2
    # 0.27 inches from neuron to neuron, and twice that where the dots stand for the rest.
    places = [(x, _MIDDLE + 0.27 * (half - index)) for index in range(count + 1) if index != half]
    for index, place in enumerate(places):
        off = index in dropped
        axes.add_patch(
            Circle(
                place,
                0.09,
                facecolor=PANEL if off else color,
                edgecolor=GREY if off else INK,
                linestyle=":" if off else "-",
                linewidth=1,
                zorder=3,
            )
        )
    axes.text(x, _MIDDLE, "$\\vdots$", ha="center", va="center", fontsize=13)
    return [place for index, place in enumerate(places) if index not in dropped]


def draw_network() -> Figure:
    """Draw the lesson's network: 784 pixels, 256 and 128 hidden neurons, 10 class scores."""
    figure, axes = _panel(7.2, 4.3)
    _shirt(axes, left=0.36, top=_MIDDLE + 0.588, side=0.042)
    axes.text(0.948, _MIDDLE - 0.7, "28 × 28 pixels", ha="center", va="top", fontsize=10)
    _arrow(axes, (1.62, _MIDDLE), (1.98, _MIDDLE), INK)

    columns = [
        _layer(axes, 2.2, 10, PALE),
        _layer(axes, 3.65, 8, BLUE, dropped=(2, 5)),
        _layer(axes, 5.1, 6, BLUE, dropped=(4,)),
        _layer(axes, 6.4, 4, GREEN),
    ]
    for sources, targets in pairwise(columns):
        for line in product(sources, targets):
            axes.plot(*zip(*line, strict=True), color=GREY, linewidth=0.35, zorder=1)

    names = [
        (2.2, "784 inputs", ""),
        (3.65, "256 neurons", "ReLU, dropout 0.2"),
        (5.1, "128 neurons", "ReLU, dropout 0.2"),
        (6.4, "10 scores", ""),
    ]
    for x, name, detail in names:
        axes.text(x, 0.6, name, ha="center", va="center", fontsize=10.5)
        axes.text(x, 0.36, detail, ha="center", va="center", fontsize=9, color=GREY)
    for x, name in [(2.92, "fc1"), (4.38, "fc2"), (5.75, "fc3")]:
        axes.text(x, 3.72, name, ha="center", va="center", family="DejaVu Sans Mono", fontsize=12)
    return figure


DRAWINGS: dict[str, Callable[[], Figure]] = {
    "neuron.svg": draw_neuron,
    "comparison.svg": draw_comparison,
    "network.svg": draw_network,
}


def write(folder: pathlib.Path, chinese: bool) -> None:
    """Draw every picture into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for name, draw in DRAWINGS.items():
            figure = draw()
            words = _take_words(figure) if chinese else []
            # Without date and version, which would change the bytes and not the picture.
            metadata = {"Date": None, "Creator": None}
            figure.savefig(folder / name, transparent=True, metadata=metadata)
            if chinese:
                text = (folder / name).read_text(encoding="utf-8")
                inserted = "".join(words) + "</svg>"
                (folder / name).write_text(text.replace("</svg>", inserted), encoding="utf-8")


def _take_words(figure: Figure) -> list[str]:
    """Hide the English words of a figure; return SVG elements with the Chinese ones."""
    # Drawing decides where the names of the axes stand.
    FigureCanvasAgg(figure).draw()
    height = figure.get_figheight() * 72
    anchors = {"left": "start", "center": "middle", "right": "end"}
    # How far the base of the letters lies below the point that is given, in font sizes.
    lowered = {"center": 0.36, "center_baseline": 0.36, "top": 0.85, "bottom": -0.15}
    elements = []
    for text in figure.findobj(Text):
        words = CHINESE.get(text.get_text())
        if words is None:
            continue
        x, y = text.get_transform().transform(text.get_position()) * 72 / figure.dpi
        size = text.get_fontsize()
        shift = size * lowered.get(text.get_verticalalignment(), 0.0)
        place = f"translate({x:.2f} {height - y:.2f}) rotate({-text.get_rotation():.0f})"
        elements.append(
            f'<text transform="{place}" y="{shift:.2f}" font-size="{size:g}px" '
            f'fill="{matplotlib.colors.to_hex(text.get_color())}" '
            f'text-anchor="{anchors[text.get_horizontalalignment()]}" '
            f'font-family="{CHINESE_FONTS}">{html.escape(words)}</text>\n'
        )
        text.set_visible(False)
    return elements


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    write(target / "weight_initialization" / "figures", chinese=False)
    write(target / "weight_initialization_zh" / "figures", chinese=True)
