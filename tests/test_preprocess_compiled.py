"""inv doctor says whether the compiled parts are in use."""

import pytest

from preprocess import antialias, compiled, decode


def test_parts_that_are_compiled_and_agree_pass():
    if not (decode.jpeg_agrees() and antialias.kernel_agrees()):
        pytest.skip("not compiled: no C compiler at installation")
    (check,) = compiled.checks()
    assert check.status == "PASS" and "jpeg.c and resample.c" in check.text and not check.fix


PARTS = [(decode, "jpeg_agrees", "jpeg.c"), (antialias, "kernel_agrees", "resample.c")]


@pytest.mark.parametrize(("module", "function", "name"), PARTS)
def test_a_part_that_is_left_out_is_told_with_what_to_do(monkeypatch, module, function, name):
    monkeypatch.setattr(module, function, lambda: False)
    (check,) = compiled.checks()
    assert check.status == "WARN" and check.text.startswith(name) and "compiled.installed" in check.fix
