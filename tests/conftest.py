"""One tmp tree with tiny steps, built in this process where processes do not matter, and by real workers
where they do.
"""

import contextlib
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import types
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from inv import REAL

from pipeline.execution import worker
from pipeline.execution.locks import MachineLock
from pipeline.execution.run import Run
from pipeline.execution.slots import Slots
from pipeline.freshness import stamp
from pipeline.freshness.code import ROOT, Source
from pipeline.freshness.files import FileState, Roots
from pipeline.freshness.reasons import reasons, verdicts
from pipeline.parts import sweep
from pipeline.plan import Plan
from pipeline.step import Slot, Step

HERE = os.path.dirname(os.path.abspath(__file__))
SLOW_S = 3600  # pytest's limit for a test that takes minutes when the machine does nothing else

# a shell that starts something with & has it ignore Ctrl-C, and what that starts inherits it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# a thousand processes start here, and each would compile every module of ours anew: 0.2 s for each `inv`
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# where these tests run in GitHub Actions themselves, the builds in them do not
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)

# no test asserts a time: how long an example takes is the machine's business
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_modifyitems(items):
    """What the markers mean, in one place."""
    absent = pytest.mark.skip(reason=f"{REAL} is absent: it lies beside some checkouts only (INV_SHARED)")
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))
        if item.get_closest_marker("shared") and not REAL.is_dir():
            item.add_marker(absent)


@pytest.fixture(scope="session", autouse=True)
def own_folder(tmp_path_factory):
    """A temporary folder for each of the processes that pytest-xdist starts. The lock that keeps measurements
    apart lies there, too: a test waits for nobody else's build.
    """
    folder = str(tmp_path_factory.mktemp("tmp"))
    os.environ.update(TMPDIR=folder, INV_LOCK_DIR=folder)
    tempfile.tempdir = None  # it was looked up before


class InlineSlots(Slots):
    """Slots without processes: a step is done when it is submitted."""

    def submit(self, slot, call):
        self.busy[slot] = slot.share
        future = Future()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            future.set_result(worker.perform(call))
        return future


class Heard:
    """An observer that keeps what it is told."""

    def __init__(self):
        self.slots, self.why, self.failures, self.notes = {}, {}, {}, []

    def started(self, step, slot, why):
        self.slots.setdefault(step.name, []).append(slot)
        self.why[step.name] = why

    def finished(self, step, done, why):
        pass

    def failed(self, step, code, message, log):
        self.failures[step.name] = (code, message, log)

    def note(self, text):
        self.notes.append(text)

    def unchanged(self, step=None):
        pass

    put_back = tick = unchanged


class World:
    """A tree in tmp: `root/out` is OUT, `root/data` the user's files."""

    def __init__(self, root):
        self.drivers = []
        self.move(root)
        for folder in (self.out, self.data):
            os.makedirs(folder)
        self.code = ROOT

    def move(self, root):
        """From now on the tree lies here."""
        self.root, self.out, self.data = str(root), f"{root}/out", f"{root}/data"

    def step(self, name, action="write", inputs=(), outputs=None, **more):
        """A step over OUT: inputs named `data/...` are the user's files, all others lie in OUT; one output
        called as the step.
        """
        action = action if ":" in action else f"actions:{action}"
        named = {"inputs": tuple(map(self.path, inputs))} if inputs else {}
        return Step(name, action, inputs=named, outputs=tuple(map(self.path, outputs or (name,))), **more)

    def path(self, name):
        """Absolute path of a file of the tree."""
        return f"{self.root}/{name}" if name.startswith("data/") else f"{self.out}/{name}"

    def text(self, name):
        """What the file holds."""
        return Path(self.path(name)).read_text()

    def edit(self, name, text):
        """Give a file another content."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        Path(self.path(name)).write_text(text)

    def files(self):
        """The disk as a new command sees it."""
        return FileState(Roots({"out": self.out, "data": self.data}), Source(root=self.code))

    def why(self, step):
        """The step's reasons now."""
        return reasons(step, self.files())

    def states(self, *steps, again=()):
        """{name: (state, reasons)}."""
        return {name: (v.state, v.why) for name, v in verdicts(Plan(steps), self.files(), again).items()}

    def build(self, *steps, processes=0, slots=None, again=(), provenance=dict, **options):
        """Build; names of the steps that ran. `processes`: by so many real workers."""
        plan, files, self.heard = Plan(steps), self.files(), Heard()
        sweep(self.out)
        found = verdicts(plan, files, again)
        slots = slots or [Slot("cpu", str(n)) for n in range(processes or 1)]
        shares = sum(slot.share for slot in slots)
        workers = (Slots if processes else InlineSlots)(slots, shares, provenance)
        log = f"{self.out}/log"
        self.outcome = Run(plan, found, files, workers, self.heard, log, MachineLock(), **options).go()
        for path, touched in files.touched.items():
            stamp.write(path, touched)
        return self.outcome.ran

    def drive(self, *steps, **request):
        """Start a build in a process group of its own, through pipeline.build, with real workers."""
        asked = tempfile.mktemp(suffix=".pickle", dir=self.root)
        Path(asked).write_bytes(pickle.dumps({"steps": steps, "request": {"out": self.out, **request}}))
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{HERE}",
            "TMPDIR": self.root,
            "INV_LOCK_DIR": self.root,
        }
        driver = subprocess.Popen(
            [sys.executable, f"{HERE}/driver.py", asked],
            start_new_session=True,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.drivers.append(driver)
        return driver

    def driven(self, *steps, **request):
        """(exit code, stdout, stderr) of such a build."""
        driver = self.drive(*steps, **request)
        out, error = driver.communicate()
        return driver.returncode, out, error

    def tree(self):
        """{path: bytes} of all that steps made: no stamps, no logs, no lock."""
        files = [
            path
            for path in Path(self.out).rglob("*")
            if path.is_file() and "log" not in path.relative_to(self.out).parts[:1]
        ]
        return {
            str(path.relative_to(self.out)): path.read_bytes()
            for path in files
            if path.suffix != ".stamp" and not path.name.startswith((".lock", ".source", ".builds"))
        }


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A world whose builds do not meet this machine's others."""
    monkeypatch.setenv("INV_LOCK_DIR", str(tmp_path))
    # a spawned worker imports the main module, and pytest's takes 0.3 s
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    before = signal.getsignal(signal.SIGINT)
    made = World(tmp_path / "tree")
    yield made
    for driver in made.drivers:
        if driver.poll() is None:  # the test failed before its end
            os.killpg(driver.pid, signal.SIGKILL)
            driver.communicate()
    # a run that was interrupted in this process ignores Ctrl-C from then on, and what it starts inherits that
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def bootstrap():
    """./inv itself; skipped where it would not start but install first."""
    kept = Path(ROOT, ".venv", "setup.cfg.installed")
    if not kept.is_file() or kept.read_bytes() != Path(ROOT, "setup.cfg").read_bytes():
        pytest.skip("no up-to-date .venv beside ./inv: it would install one now")
    return Path(ROOT, "inv")


@pytest.fixture
def until():
    """Wait for something to become true. The limit guards against hanging; it is no promise."""

    def wait(true, seconds=240.0):
        stop = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < stop, "it did not come"
            time.sleep(0.01)
        return found

    return wait
