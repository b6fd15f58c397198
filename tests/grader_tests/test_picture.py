"""Tests of the picture of the evidence."""

import subprocess
import sys
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn

from grader_tests import assignment
from grader_tests.judge.picture import evidence
from grader_tests.observation import CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from tests.grader_tests.test_grader_tests import ROOM, right


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240302")


def pixels(picture: bytes | None) -> np.ndarray:
    assert picture is not None
    return np.asarray(Image.open(BytesIO(picture)).convert("RGB")).astype(int)


def scaled(factor: float, mean: float = 0.0) -> Any:
    def function(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, mean, factor * m.in_features**-0.5)

    return function


def picture_of(function: object, criterion: str = "test_normal_std") -> bytes | None:
    return evidence(criterion, observe(criterion, function))


def test_picture_is_small_and_repeats() -> None:
    picture = picture_of(right)
    assert picture is not None
    assert len(picture) < 60_000
    assert pixels(picture).shape == (310, 720, 3)
    assert picture_of(right) == picture


def blue(picture: bytes | None) -> np.ndarray:
    """Tell where a pixel is the histogram's."""
    seen = pixels(picture)
    return (seen[..., 2] - seen[..., 0] > 60) & (seen[..., 2] > 150)


def columns_of_histogram(picture: bytes | None) -> np.ndarray:
    """Return how many pixels of the upper left histogram stand in each column."""
    # The panel is 218 pixels wide; its marks and numbers lie below row 95.
    return blue(picture)[30:95, 10:230].sum(axis=0)


def test_histogram_follows_the_weights() -> None:
    wide = columns_of_histogram(picture_of(right))
    narrow = columns_of_histogram(picture_of(scaled(0.3)))
    shifted = columns_of_histogram(picture_of(scaled(1.0, mean=-0.02)))
    places = np.arange(wide.size)
    centre = np.average(places, weights=wide)
    assert abs(centre - places.mean()) < 6
    assert np.count_nonzero(narrow) < 0.5 * np.count_nonzero(wide)
    # 0.02 is about half a deviation, of which a panel shows seven and a half.
    assert 7 < centre - np.average(places, weights=shifted) < 22


@pytest.mark.parametrize("value", [0.0, 1.0, -3e30])
def test_constant_and_extreme_weights_are_drawn(value: float) -> None:
    def constant(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, value)

    assert blue(picture_of(constant)).any()
    assert pixels(picture_of(scaled(1e20))).any()
    assert pixels(picture_of(scaled(1e-20))).any()


def test_nothing_to_draw() -> None:
    for criterion in CRITERIA:
        assert evidence(criterion, {}) is None
    for function in (None, lambda m: None, lambda m: 1 / 0):
        assert picture_of(function) is None
    assert evidence("test_normal_bias", observe("test_normal_bias", right)) is None


def test_caption_in_every_language() -> None:
    for language, color in (("en", "Blue"), ("zh", "蓝色")):
        drawn = assignment.evidence("test_normal_std", observe("test_normal_std", right), language)
        assert drawn is not None
        assert color in drawn[1]


def test_readable_by_everyone() -> None:
    # Relative luminance and contrast as in WCAG 2.2; 3:1 is what it asks of graphics.
    def luminance(color: str) -> float:
        parts = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    from grader_tests.judge import picture

    for color in (picture._FOUND, picture._WANTED, picture._INK):
        contrast = (luminance(picture._GROUND) + 0.05) / (luminance(color) + 0.05)
        assert contrast > 3, color


def test_drawing_touches_no_state_of_pyplot_and_judging_needs_no_matplotlib() -> None:
    code = (
        "import sys; import grader_tests.judge.verdicts; assert 'matplotlib' not in sys.modules;"
        "import grader_tests.judge.picture; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOM.parent, check=True)
