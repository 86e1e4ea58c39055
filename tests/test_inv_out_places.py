"""Where OUT lies and whose it is: what cannot be is one line, and what only looks needs no right to write."""

import os
import shutil
import subprocess

import pytest
from inv import HANG_S, ROOT, command, copied, environment, inv, own, pictures, tree
from seeds import exported
from traced import strace

ORDINARY = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def as_ordinary(*words, before=(), **env):
    """Run `inv WORDS` as a user whom permissions bind; (exit code, stdout, stderr)."""
    ordinary = ["setpriv", *ORDINARY] if os.geteuid() == 0 else []
    if ordinary and shutil.which("setpriv") is None:
        pytest.skip("permissions do not bind root, and there is no setpriv")
    done = subprocess.run(
        [*before, *ordinary, *command(*words)],
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def refused(answer, *words):
    """One line that has all these words, exit code 2."""
    code, out, error = answer
    assert "Traceback" not in out + error
    lines = [line for line in error.splitlines() if line.startswith(("inv: ", "failed "))]
    assert (code, len(lines)) == (2, 1), (code, error)
    assert [word for word in words if word not in lines[0]] == [], lines[0]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(words of a build, its OUT)."""
    folder = tmp_path_factory.mktemp("places")
    words = ("infer", "--chip=null", "--bs=4", *own(pictures(folder / "own", 20)))
    exported(tmp_path_factory, folder / "out")
    inv(*words, out=folder / "out")
    return words, folder / "out"


@pytest.fixture
def out(built, tmp_path):
    """A copy of OUT, which may be locked up; it can be removed afterwards."""
    yield copied(built[1], tmp_path / "out")
    subprocess.run(["chmod", "-R", "u+rwX", tmp_path], check=True)


KINDS = {
    "file": ("file", "is a file"),
    "to-file": ("to-file", "is a link to a file"),
    "dangling": ("dangling", "is a link to disk/out, which is not there: make or mount that"),
    "below-dangling": ("dangling/out", "dangling is a link to disk/out, which is not there"),
    "loop": ("loop", "Too many levels of symbolic links"),
    "below-file": ("file/a/b", "file is a file"),
    "pipe": ("pipe", "is no folder but a pipe, a socket or a device"),
    "device": ("/dev/null", "is no folder but a pipe, a socket or a device"),
    "long": ("x" * 300, "File name too long"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["compile", "status", "verify", "doctor", "clean", "gc"])
def test_an_out_that_is_no_folder_is_told_as_what_it_is(task, kind, tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for link, target in {"to-file": "file", "dangling": "disk/out", "loop": "loop"}.items():
        (tmp_path / link).symlink_to(target)
    name, words = KINDS[kind]
    more = [] if task in ("verify", "doctor", "clean") else ["--chip=null"]
    path = tmp_path / name
    refused(as_ordinary(task, *more, f"--out={path}"), f"inv: --out={path}: ", words, "Give a folder")


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
@pytest.mark.parametrize(("calls", "what"), [("", "--out="), (":when=2+", "mobilenet-build.alone.lock")])
def test_a_file_system_without_locks_is_told_as_one(tmp_path, error, calls, what):
    tracer = strace(tmp_path / "log", "-e", "trace=flock", "-e", f"inject=flock:error={error}{calls}")
    answer = as_ordinary("compile", "--chip=null", "--bs=1", f"--out={tmp_path}/out", before=tracer)
    fix = (
        "Set --out to a local disk, or mount this one with locks" if what == "--out=" else "Set INV_LOCK_DIR"
    )
    refused(answer, what, "its file system gives no locks (", fix)


def test_a_lock_folder_that_is_not_there_or_not_ours_is_told(tmp_path):
    words = ("compile", "--chip=null", "--bs=1", f"--out={tmp_path}/out")
    (tmp_path / "closed").mkdir(mode=0o500)
    for folder in ("nowhere", "closed"):
        refused(
            as_ordinary(*words, INV_LOCK_DIR=f"{tmp_path}/{folder}"), folder, "Set INV_LOCK_DIR to a folder"
        )


VIEWS = ("status", "explain index", "graph --format=mermaid", "gc", "--dry clean", "verify", "--dry infer")


@pytest.mark.parametrize("kind", ["another user's", "a read-only disk"])
@pytest.mark.parametrize("view", VIEWS)
def test_what_only_looks_needs_no_right_to_write(built, out, view, kind):
    before = []
    if kind == "a read-only disk":
        if os.geteuid() or shutil.which("unshare") is None:
            pytest.skip("needs root to mount a disk for reading alone")
        script = f'mount --bind {out} {out} && mount -o remount,bind,ro {out} && exec "$@"'
        before = ["unshare", "-m", "sh", "-c", script, "sh"]
    else:
        subprocess.run(["chmod", "-R", "a-w", out], check=True)
    left = tree(out)
    options = built[0][1:] if not {"verify", "clean"} & set(view.split()) else ()
    code, told, error = as_ordinary(*view.split(), *options, f"--out={out}", before=before)
    assert (code, error) == (0, "") and told
    assert tree(out) == left


def test_a_build_into_another_users_out_and_a_picture_of_its_plan_say_whose_it_is(built, out):
    subprocess.run(["chmod", "-R", "a-w", out], check=True)
    refused(as_ordinary(*built[0], f"--out={out}"), f"--out={out}: Permission denied")
    graph = as_ordinary("graph", *built[0][1:], f"--out={out}")
    refused(graph, "graph.svg: Permission denied", "graph --format=mermaid")
    code, told, _ = as_ordinary("doctor", f"--out={out}")
    assert code == 2 and "FAIL  disk" in told and f"{out} may not be written to" in told


def test_verify_names_what_rotted_where_it_may_not_remove_its_stamp(out):
    (shard,) = out.glob("data/*/shard-00000.npy")
    times = os.stat(shard)
    with open(shard, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xaa")
    os.utime(shard, ns=(times.st_atime_ns, times.st_mtime_ns))
    subprocess.run(["chmod", "-R", "a-w", out], check=True)
    code, told, error = as_ordinary("verify", f"--out={out}")
    assert (code, error) == (1, "")
    assert "rotted      data/" in told and "not removed  data/" in told and "have its owner verify" in told


CLOSED = {
    "a stamp": ("data/*/shard-00000.npy.stamp", ("status", "infer", "verify", "clean", "gc")),
    "an output's folder": ("data/*", ("status", "infer", "verify", "clean", "gc")),
    "OUT": (".", ("status", "infer", "verify", "clean", "gc")),
    "the lock": (".lock", ("infer", "clean")),
    "the ledger": (".builds.jsonl", ("gc", "compile")),
    "the log": ("log", ("infer",)),
    "a shard": ("data/*/shard-00000.npy", ("infer",)),
}


@pytest.mark.parametrize(
    ("what", "task"), [(what, task) for what, (_, tasks) in CLOSED.items() for task in tasks]
)
def test_files_of_an_out_that_may_not_be_read_are_one_line_and_nothing_is_lost(built, out, what, task):
    if what in ("a shard", "the log"):  # a step must run that needs it
        (logits,) = out.glob("*/null/*/*/bs4/logits-00000.npy")
        logits.unlink()
    left = tree(out)
    (path,) = out.glob(CLOSED[what][0]) if what != "OUT" else [out]
    os.chmod(path, 0)
    options = built[0][1:] if task in ("status", "infer", "compile", "gc") else ()
    answer = as_ordinary(task, *options, f"--out={out}")
    refused(answer, str(path) if what != "the lock" else f"--out={out}", "Permission denied")
    os.chmod(path, 0o700)
    after = tree(out)
    assert [name for name, content in left.items() if after.get(name) != content] == []


def test_a_read_only_checkout_builds_elsewhere_and_nothing_is_written_into_it(built, tmp_path):
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("needs root to mount the checkout for reading alone")
    root = shutil.copytree(
        ROOT, tmp_path / "build", ignore=shutil.ignore_patterns(".*", "tests", "__pycache__", "out")
    )
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    tmp_path.chmod(0o777)
    # another user, who may read all (this Python may lie in a closed home) and write what is everybody's
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+{0} --ambient-caps=+{0}"
    nobody = nobody.format("dac_read_search")
    words = command(*built[0], f"--out={tmp_path}/elsewhere", root=root)
    script = f'mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec {nobody} "$@"'
    for number, how in enumerate((["unshare", "-m", "sh", "-c", script, "sh"], nobody.split())):
        folder = tmp_path / f"tmp{number}"
        folder.mkdir()
        folder.chmod(0o777)
        env = environment(TMPDIR=str(folder), INV_LOCK_DIR=str(folder), HOME="/nonexistent")
        done = subprocess.run(
            [*how, *words], env=env, capture_output=True, text=True, timeout=HANG_S, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before
        shutil.rmtree(tmp_path / "elsewhere")
