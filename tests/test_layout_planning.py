"""Planning, and a build with nothing to do, import nothing slow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SLOW = ("torch", "onnx", "onnxruntime", "PIL", "onnxsim", "numpy")


def loaded(code, *argv):
    """Which of the slow packages a Python of its own has imported at the end of this code; and its exit
    code.
    """
    tail = (
        f"\nfinally:\n    import sys; sys.stderr.write('LOADED ' + ' '.join(m for m in {SLOW} if m in"
        " sys.modules) + '\\n')"
    )
    body = "\n".join("    " + line for line in code.splitlines())
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            f"import sys\nsys.path.insert(0, {str(ROOT)!r})\ntry:\n{body}{tail}",
            *argv,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("LOADED")]
    return line.split()[1:], done.returncode, done.stdout + done.stderr


INV = "import tasks\nfrom pipeline.cli.program import main\nmain(tasks)"


@pytest.mark.parametrize("argv", [[], ["--list"], ["--help", "all"], ["all", "--chpi=cpu"]])
def test_looking_at_the_tasks_imports_nothing_slow(argv):
    found, _, output = loaded(INV, *argv)
    assert found == [], output


def test_planning_imports_nothing_slow(tmp_path):
    found, code, output = loaded(INV, "--dry", "all", "--chip=cpu", f"--out={tmp_path}/out")
    assert (found, code) == ([], 0), output
    assert "never made" in output and not (tmp_path / "out").exists()


def test_a_build_with_nothing_to_do_imports_nothing_slow(tmp_path):
    (tmp_path / "out").mkdir()
    for name in (".lock", ".lock.owner"):  # of a build that left no record yet
        (tmp_path / "out" / name).touch()
    argv = ["report", "--chip=null", f"--out={tmp_path}/out"]
    _, code, output = loaded(INV, *argv)
    assert code == 0, output
    found, code, output = loaded(INV, *argv)
    assert (found, code) == ([], 0) and "nothing to do" in output, output


def test_importing_every_module_that_plans_is_possible_without_an_sdk():
    modules = ["tasks", "backends.ascend"] + [
        f"configs.{path.stem}" for path in (ROOT / "configs").glob("*.py")
    ]
    found, code, output = loaded(
        "import importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)", *modules
    )
    assert (found, code) == ([], 0), output
