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
# Pixels by which a garment may sit off the middle.
_MARGIN = 2

_SANDAL_UPPER = [(6, 72), (30, 60), (42, 66), (58, 46), (66, 50), (62, 62), (90, 45)]
_BOOT_UPPER = [(8, 68), (40, 54), (48, 14), (86, 14)]
# In the order of Fashion-MNIST's labels: outlines of the right half, from the top middle down, in a
# square from 0 to 100 with y downwards. The left half mirrors it.
_OUTLINES = {
    "T-shirt/top": [(50, 17), (60, 13), (90, 27), (83, 43), (70, 36), (70, 88)],
    "Trouser": [(50, 10), (66, 10), (71, 92), (56, 92), (50, 30)],
    "Pullover": [(50, 15), (62, 12), (84, 30), (92, 84), (80, 86), (70, 42), (70, 88)],
    "Dress": [(50, 12), (58, 7), (63, 20), (60, 42), (76, 94)],
    "Coat": [(50, 8), (64, 10), (83, 26), (90, 80), (79, 82), (73, 42), (77, 96), (52, 96)],
    "Sandal": [*_SANDAL_UPPER, (93, 76), (85, 77), (80, 66), (50, 76), (6, 79)],
    "Shirt": [(50, 20), (58, 9), (86, 26), (88, 60), (77, 62), (69, 38), (68, 92)],
    "Sneaker": [(5, 60), (30, 54), (52, 40), (62, 46), (94, 42), (95, 74), (5, 76)],
    "Bag": [(50, 22), (60, 20), (68, 40), (90, 42), (88, 85)],
    "Ankle boot": [*_BOOT_UPPER, (88, 80), (72, 80), (68, 74), (55, 84), (8, 84)],
}
# These point to the left and have no mirror half.
_SHOES = ("Sandal", "Sneaker", "Ankle boot")


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
        cuts = [_cuts(name, generator) for name in _OUTLINES]
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
    outline = np.array(_OUTLINES[name]) / 100
    if name not in _SHOES:
        outline = np.concatenate([outline, (outline * [-1, 1] + [1, 0])[::-1]])
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
        padded = np.pad(shapes, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)))
        of_class = np.flatnonzero(labels == label)
        count = len(of_class)
        shift = generator.integers(0, 2 * _MARGIN + 1, (count, 2))
        cut = generator.integers(0, len(shapes), count)
        place = rows + shift[:, :1], rows + shift[:, 1:]
        shape = padded[cut[:, None, None], place[0][:, :, None], place[1][:, None, :]]
        brightness = generator.uniform(0.25, 1.0, (count, 1, 1))
        # A weave of stripes, some along, some across, some hardly to be seen.
        wave = generator.uniform(0.3, 1.6, (count, 2)) * generator.choice([0, 1], (count, 2))
        phase = wave[:, :1, None] * rows[None, :, None] + wave[:, 1:, None] * rows[None, None, :]
        stripes = 1 - generator.uniform(0, 0.6, (count, 1, 1)) * (0.5 + 0.5 * np.sin(phase))
        noise = generator.normal(0, 0.06, shape.shape)
        grey = shape * np.clip(brightness * stripes + noise, 0, 1)
        images[of_class] = np.round(255 * grey)
    return images, labels
