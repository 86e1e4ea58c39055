"""Which build of PyTorch is here, and what does without any."""

import pytest
from inv import built_sample, copied, inv

VERSION = """from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']
__version__ = '2.13.0'
debug = False
cuda: Optional[str] = {cuda}
git_version = '0'
hip: Optional[str] = {hip}
"""
REFUSES = "raise ImportError('PyTorch was imported')\n"


def fake(folder, cuda="None", hip="None"):
    """A PyTorch that cannot be imported, first on the caller's PYTHONPATH."""
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(REFUSES)
    (folder / "torch" / "version.py").write_text(VERSION.format(cuda=cuda, hip=hip))
    return {"PYTHONPATH": str(folder)}


def line(answer):
    """What doctor says of the build."""
    (one,) = [line for line in answer.out.splitlines() if "torch's build" in line]
    return one.partition("torch's build")[2].strip()


@pytest.mark.parametrize(
    ("build", "text"), [({}, "CPU; "), ({"cuda": "'13.0'"}, "CUDA 13.0; "), ({"hip": "'6.4'"}, "HIP 6.4; ")]
)
def test_doctor_says_which_build_of_pytorch_is_here(build, text, tmp_path):
    answer = inv("doctor", "--chip=null", out=tmp_path / "out", **fake(tmp_path / "site", **build))
    assert line(answer).startswith(text) and "only export, agree" in line(answer)


def test_doctor_reads_the_real_one(tmp_path):
    assert line(inv("doctor", "--chip=null", out=tmp_path / "out")).startswith(("CPU; ", "CUDA "))


def test_what_needs_no_pytorch_does_without(tmp_path, tmp_path_factory):
    out = copied(built_sample(tmp_path_factory)[0], tmp_path / "out")
    env = fake(tmp_path / "site")
    for words in (["preprocess", "--again"], ["compile", "--again"], ["infer", "--bs=16", "--again"]):
        assert inv(*words, "--chip=cpu", out=out, **env).ran
    for words in (["bench", "--bs=1", "--again"], ["report"], ["status"]):
        assert "PyTorch was imported" not in inv(*words, "--chip=cpu", out=out, **env).err
    assert "PyTorch was imported" in inv("export", "--again", out=out, code=1, **env).err
