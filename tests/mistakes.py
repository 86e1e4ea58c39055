"""A user's mistakes against an OUT that was built: what must be said, and that nothing is lost."""

from inv import copied, inv, own, pictures, results, tree
from seeds import exported


def built(factory):
    """A folder with a data set and an OUT built from it by `inv infer --chip=null --bs=1,4`. `factory`:
    tmp_path_factory.
    """
    folder = factory.mktemp("world")
    exported(factory, folder / "out")
    pictures(folder / "own", 20)
    inv("infer", "--chip=null", "--bs=1,4", *own(folder / "own"), out=folder / "out")
    return folder


def refusal(world, *typed, words, code=2, out=None, cwd=None, **env):
    """Run it in that OUT: it must fail with `code` and one line that has all `words`, and leave what was
    built as it was.
    """
    before = tree(world / "out")
    answer = inv(*typed, out=out or world / "out", code=code, cwd=cwd, **env)
    assert tree(world / "out") == before
    assert "Traceback" not in answer.out + answer.err
    (line,) = answer.err.splitlines()
    assert line.startswith("inv: ")
    assert [word for word in words if word not in line] == [], line
    assert answer.ran == []
    return line


def failure(world, folder, *typed, words, code, step):
    """The same for what only a step can find out, in a copy of OUT in `folder`: it names the failed step, and
    what was built before stays.
    """
    out = copied(world / "out", folder / "out")
    before = results(out)
    answer = inv(*typed, out=out, code=code)
    after = results(out)
    assert [name for name, content in before.items() if after.get(name) != content] == []
    assert "Traceback" not in answer.out + answer.err
    (line,) = [line for line in answer.err.splitlines() if line.startswith(f"failed {step}")]
    assert [word for word in words if word not in line] == [], line
    return answer
