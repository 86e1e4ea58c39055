"""inv doctor says whether the compiled parts are in use."""

import pytest

from preprocess.pixels import decode, native, resize_pillow


def test_parts_that_are_compiled_and_agree_pass():
    if not (decode.jpeg_agrees() and resize_pillow.kernel_agrees()):
        pytest.skip("not compiled: no C compiler at installation")
    (check,) = native.checks()
    assert check.status == "PASS" and "jpeg.c and resample.c" in check.text and not check.fix


PARTS = [(decode, "jpeg_agrees", "jpeg.c"), (resize_pillow, "kernel_agrees", "resample.c")]


@pytest.mark.parametrize(("module", "function", "name"), PARTS)
def test_a_part_that_is_left_out_is_told_with_what_to_do(monkeypatch, module, function, name):
    monkeypatch.setattr(module, function, lambda: False)
    (check,) = native.checks()
    assert check.status == "WARN" and check.text.startswith(name) and "compiled.installed" in check.fix
