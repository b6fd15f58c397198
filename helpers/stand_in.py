"""Draws the stand-in: ten garment shapes in the file format of Fashion-MNIST.

Used only where the real files cannot be had, so that the lesson still runs without a network.
It is never mixed with the real files: it has a folder of its own, marked by a file.
"""

import os
import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.path import Path as Outline

FOLDER = "stand-in"
ANNOUNCEMENT = (
    "Data: the STAND-IN, ten drawn garment shapes. This is NOT Fashion-MNIST; figures that the "
    "text gives are for the real data. (Delete the folder data/stand-in to try a download again.)"
)
_MARK = "STAND-IN.txt"
_SIDE = 28
_SIZES = {"train": 60_000, "t10k": 10_000}
# Drawn once with random cut, then varied by place, brightness and weave: drawing every image
# anew would take minutes.
_CUTS_PER_CLASS = 120

# Outlines of the right half, from the top middle down, in a square from 0 to 1 with y downwards;
# the left half mirrors it. The order of classes is Fashion-MNIST's.
_HALVES: dict[str, list[tuple[float, float]]] = {
    "T-shirt/top": [(0.5, 0.17), (0.6, 0.13), (0.9, 0.27), (0.83, 0.43), (0.7, 0.36), (0.7, 0.88)],
    "Trouser": [(0.5, 0.1), (0.66, 0.1), (0.71, 0.92), (0.56, 0.92), (0.5, 0.3)],
    "Pullover": [
        (0.5, 0.15),
        (0.62, 0.12),
        (0.84, 0.3),
        (0.92, 0.84),
        (0.8, 0.86),
        (0.7, 0.42),
        (0.7, 0.88),
    ],
    "Dress": [(0.5, 0.12), (0.58, 0.07), (0.63, 0.2), (0.6, 0.42), (0.76, 0.94)],
    "Coat": [
        (0.5, 0.08),
        (0.64, 0.1),
        (0.83, 0.26),
        (0.9, 0.8),
        (0.79, 0.82),
        (0.73, 0.42),
        (0.77, 0.96),
        (0.52, 0.96),
        (0.515, 0.2),
    ],
    "Shirt": [
        (0.5, 0.2),
        (0.58, 0.09),
        (0.86, 0.26),
        (0.88, 0.6),
        (0.77, 0.62),
        (0.69, 0.38),
        (0.68, 0.92),
    ],
    "Bag": [(0.5, 0.22), (0.6, 0.2), (0.68, 0.4), (0.9, 0.42), (0.88, 0.85)],
}
# Shoes point to the left and have no mirror half.
_WHOLES: dict[str, list[tuple[float, float]]] = {
    "Sandal": [
        (0.06, 0.72),
        (0.3, 0.6),
        (0.42, 0.66),
        (0.58, 0.46),
        (0.66, 0.5),
        (0.62, 0.62),
        (0.9, 0.45),
        (0.93, 0.76),
        (0.85, 0.77),
        (0.8, 0.66),
        (0.5, 0.76),
        (0.06, 0.79),
    ],
    "Sneaker": [
        (0.05, 0.6),
        (0.3, 0.54),
        (0.52, 0.4),
        (0.62, 0.46),
        (0.94, 0.42),
        (0.95, 0.74),
        (0.05, 0.76),
    ],
    "Ankle boot": [
        (0.08, 0.68),
        (0.4, 0.54),
        (0.48, 0.14),
        (0.86, 0.14),
        (0.88, 0.8),
        (0.72, 0.8),
        (0.68, 0.74),
        (0.55, 0.84),
        (0.08, 0.84),
    ],
}
_CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker"]
_CLASSES += ["Bag", "Ankle boot"]


def is_stand_in(folder: str | Path) -> bool:
    """Tell whether `folder` is a torchvision root that holds the stand-in."""
    return (Path(folder) / _MARK).is_file()


def write(folder: Path) -> None:
    """Draw the stand-in and write it into `folder`, as `FashionMNIST/raw/*-ubyte`.

    The same images each time. `folder` appears only when every file in it is complete.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root = Path(scratch) / "complete"
        raw = root / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        generator = np.random.default_rng(0)
        cuts = [_cuts(name, generator) for name in _CLASSES]
        for part, size in _SIZES.items():
            images, labels = _draw(cuts, size, generator)
            # IDX, the format of the MNIST family: two zero bytes, 8 for unsigned byte, the number
            # of dimensions, then each dimension as a big-endian 32-bit number (yann.lecun.com).
            _write_idx(raw / f"{part}-images-idx3-ubyte", images)
            _write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
        (root / _MARK).write_text(ANNOUNCEMENT + "\n", encoding="utf-8")
        os.chmod(root, 0o755)
        try:
            os.replace(root, folder)
        except OSError:
            # Another notebook may have finished drawing first; its images are the same.
            if not is_stand_in(folder):
                shutil.rmtree(folder, ignore_errors=True)
                os.replace(root, folder)


def _write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())


def _cuts(name: str, generator: np.random.Generator) -> np.ndarray:
    """Draw a garment in `_CUTS_PER_CLASS` cuts: coverage of each pixel, (cuts, 28, 28), 0 to 1."""
    if name in _HALVES:
        right = np.array(_HALVES[name])
        outline = np.concatenate([right, (right * [-1, 1] + [1, 0])[::-1]])
    else:
        outline = np.array(_WHOLES[name])
    # Four points to a pixel give the edges their grey.
    fine = (np.arange(2 * _SIDE) + 0.5) / (2 * _SIDE)
    points = np.stack(np.meshgrid(fine, fine), axis=-1).reshape(-1, 2)
    cuts = np.empty((_CUTS_PER_CLASS, _SIDE, _SIDE))
    for cut in cuts:
        stretch = generator.uniform([0.75, 0.8], [1.08, 1.05])
        jitter = generator.normal(0, 0.018, outline.shape)
        inside = Outline((outline - 0.5) * stretch + 0.5 + jitter).contains_points(points)
        cut[:] = inside.reshape(_SIDE, 2, _SIDE, 2).mean(axis=(1, 3))
    return cuts


def _draw(
    cuts: list[np.ndarray], size: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `size` images, (size, 28, 28) of bytes, and their labels, as many of each class."""
    labels = generator.permutation(np.arange(size) % len(cuts)).astype(np.uint8)
    images = np.empty((size, _SIDE, _SIDE), dtype=np.uint8)
    rows = np.arange(_SIDE)
    for label, shapes in enumerate(cuts):
        of_class = np.flatnonzero(labels == label)
        count = len(of_class)
        shift = generator.integers(-2, 3, (count, 2))
        cut = generator.integers(0, len(shapes), count)
        place = (rows - shift[:, :1]) % _SIDE, (rows - shift[:, 1:]) % _SIDE
        shape = shapes[cut[:, None, None], place[0][:, :, None], place[1][:, None, :]]
        brightness = generator.uniform(0.25, 1.0, (count, 1, 1))
        # A weave of stripes, some along, some across, some hardly to be seen.
        wave = generator.uniform(0.3, 1.6, (count, 2)) * generator.choice([0, 1], (count, 2))
        phase = wave[:, :1, None] * rows[None, :, None] + wave[:, 1:, None] * rows[None, None, :]
        stripes = 1 - generator.uniform(0, 0.6, (count, 1, 1)) * (0.5 + 0.5 * np.sin(phase))
        noise = generator.normal(0, 0.06, shape.shape)
        grey = shape * np.clip(brightness * stripes + noise, 0, 1)
        images[of_class] = np.round(255 * grey)
    return images, labels
