"""The resizes of OpenCV and TensorFlow, held to their own code's numbers and written out plainly once
more.
"""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocess.pixels import resize_bilinear


def noise(width, height):
    return np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)


# sha256 of cv2.resize(noise(w, h), size, interpolation=cv2.INTER_LINEAR).tobytes(), computed with
# opencv-python-headless 5.0.0
OPENCV = {
    ((97, 83), 64): "11e2580a09afa178",
    ((60, 90), 64): "3d886a1b034c4b4a",
    ((40, 30), 64): "dfb387a1f30597cf",
    ((64, 64), 64): "366ab582725a85fe",
    ((200, 100), 64): "409e6ee88654543b",
    ((500, 375), 224): "a612756fe7c3bb05",
}


@pytest.mark.parametrize(("before", "after"), list(OPENCV))
def test_opencvs_bytes_are_reproduced(before, after):
    ours = resize_bilinear.as_opencv(noise(*before), (after, after), (0, 0), after)
    assert hashlib.sha256(ours.tobytes()).hexdigest()[:16] == OPENCV[before, after]


@pytest.mark.extra
@settings(max_examples=300)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    across=st.integers(1, 300),
    down=st.integers(1, 300),
)
def test_opencv_itself_gives_the_same_bytes_at_any_size(width, height, across, down):
    cv2 = pytest.importorskip("cv2", reason="cv2 is absent: pip install -e '.[extra-tests]'")
    levels, crop = noise(width, height), min(across, down)
    theirs = cv2.resize(levels, (across, down), interpolation=cv2.INTER_LINEAR)[:crop, :crop]
    assert np.array_equal(resize_bilinear.as_opencv(levels, (across, down), (0, 0), crop), theirs)


def test_a_crop_is_a_part_of_the_whole():
    whole = resize_bilinear.as_opencv(noise(97, 83), (64, 64), (0, 0), 64)
    assert np.array_equal(resize_bilinear.as_opencv(noise(97, 83), (64, 64), (9, 5), 40), whole[5:45, 9:49])


def test_tensorflows_formula_written_as_loops():
    before = noise(31, 22)
    after = np.zeros((8, 8, 3), np.uint8)
    across, down = np.float32(31) / np.float32(8), np.float32(22) / np.float32(8)
    for y in range(8):
        for x in range(8):
            at_x, at_y = np.float32(x) * across, np.float32(y) * down
            left, top = int(at_x), int(at_y)
            right, below = min(left + 1, 30), min(top + 1, 21)
            part_x, part_y = at_x - np.float32(left), at_y - np.float32(top)
            corners = before.astype(np.float32)
            upper = corners[top, left] + (corners[top, right] - corners[top, left]) * part_x
            lower = corners[below, left] + (corners[below, right] - corners[below, left]) * part_x
            after[y, x] = np.rint(upper + (lower - upper) * part_y)
    assert np.array_equal(resize_bilinear.as_tensorflow(before, (8, 8)), after)
