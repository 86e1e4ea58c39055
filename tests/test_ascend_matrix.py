"""What the build must survive on an Ascend server (contract 9.5), and the rows that need the whole command
line.

row                                                        where
(a) every npu-smi inventory: its chip, or a clear refusal  test_ascend_inventories; test_ascend_boards,
                                                           test_ascend_conversion
(b) atc's verdict, exit code and model disagree            here, by the command line; test_ascend_conversion,
                                                           test_ascend_atc
(c) every code of atc and ACL: cause and fix               test_ascend_error_text; in all formats of atc:
                                                           test_ascend_conversion
(d) both shapes of exec_time_list give one throughput      test_ascend_all; test_ascend_session,
                                                           test_ascend_running
(e) a last batch that is not full, at all six sizes        test_ascend_all; test_ascend_running
(f) AIPP and float32 models predict the same               test_ascend_all
(g) killed and hung: atc                                   here; with its timeout: test_ascend_conversion,
                                                           test_ascend_atc
    npu-smi                                                test_ascend_npu_smi, test_ascend_conversion
    inference                                              here and test_ascend_all
(h) dotted folders and OUT                                 here; test_eval_txt; of .bin files:
                                                           test_ascend_exchange
    .jpeg, links, layouts, missing labels                  test_preprocess_listing, test_preprocess_labels
    corrupt pictures                                       test_preprocess_decode, test_preprocess_shards
    stale and foreign results                              test_eval_txt; test_ascend_exchange
(i) two devices, none shared; one crash told, two fail     test_ascend_all; test_pipeline_failures
(j) wrong type, shape, strides are refused before run      test_ascend_session; real ones pass:
                                                           test_ascend_simulator_runtime
(k) permissions, umask, links of the model                 here and test_ascend_all; ais_bench takes them:
                                                           test_ascend_exchange
(l) Ray: resource NPU, device 0 inside a worker            test_cluster_nodes, test_cluster_remote

With pyACL: (e), (f) test_ascend_running; (g), (i) test_ascend_pyacl_all, test_ascend_pyacl_failures; (j)
test_ascend_pyacl, whose simulator passes what is refused: test_ascend_simulator_acl. (d) has no second shape.
"""

import os
import signal
import sys
from pathlib import Path

import pytest
from inv import BOOKKEEPING, parts, tree

sys.path.append(str(Path(__file__).parent / "ascend"))
import server as servers

# what it starts from takes two minutes to build
pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path_factory, tmp_path):
    """A machine of its own with a copy of all that was built."""
    return servers.copied(servers.built(tmp_path_factory)[0], tmp_path / "server")


def test_a_chip_that_the_machine_has_not_is_refused_before_anything_runs(server):
    before = tree(server.out, but=BOOKKEEPING)
    answer = server.inv("all", "--chip=310P1", code=2)
    assert "Ascend310P1: no such device on this machine: npu-smi finds 310P3" in answer.err
    assert tree(server.out, but=BOOKKEEPING) == before and answer.ran == []


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (
            {"fail": "E40020"},
            ["E40020: the operator compiler cannot start its Python", "To do: source set_env.sh"],
        ),
        ({"exit": 0, "verdict": "failed"}, ["atc exited with 0 but did not say 'ATC run success'"]),
        ({"exit": 255}, ["atc failed (255)"]),
        ({"om": "none"}, ["atc said success, but left 0 models"]),
        ({"kill": True}, ["atc was killed by signal 9, by the kernel when memory runs out", "lower --jobs"]),
    ],
    ids=["code", "verdict", "exit", "om", "killed"],
)
def test_a_failed_conversion_is_one_line_and_the_rest_stays(server, hook, words):
    server.install(profile="cann8", inventory="300I_Duo", atc=[{"when": "image:2,", **hook}])
    before = servers.artifacts(server.out)
    answer = server.inv("compile", "--chip=310P3", "--bs=2,3", "--keep-going", code=1)
    (line,) = [line for line in answer.err.splitlines() if line.startswith("failed ")]
    (log,) = server.out.glob("sample-*/310P3/fp16-uint8/bs2.om.log")
    assert all(word in line for word in (*words, "compile/310P3/fp16-uint8/bs2", f"Whole log: {log}")), line
    assert log.read_text().startswith("atc --framework=5 ") and "ATC start working now" in log.read_text()
    assert (
        not parts(server.out)
        and not log.with_suffix("").exists()
        and not list((server.folder / "tmp").glob("atc-*"))
    )
    after = servers.artifacts(server.out)
    assert {name: after.get(name) for name in before} == before
    assert {name.rpartition("/")[2] for name in after.keys() - before.keys()} == {
        "bs2.om.log",
        "bs3.om",
        "bs3.om.log",
        "model.json",
    }
    assert [name for name in answer.ran if name.startswith("compile")] == ["compile/310P3/fp16-uint8/bs3"]


def test_the_whole_log_of_each_conversion_lies_beside_its_model(server):
    models = list(server.out.glob("sample-*/310P3/*/bs*.om"))
    assert len(models) == 12
    for model in models:
        text = Path(f"{model}.log").read_text()
        assert f"image:{model.stem.removeprefix('bs')},3,128,128" in text and "ATC run success" in text
        assert ("var_reci_chn_0" in text) == (model.parent.name == "fp16-uint8")


def hanging(server, until, *words):
    """`inv WORDS` that hangs in atc, with a child of it that ignores SIGTERM, or on a device."""
    running = server.started(*words)
    until(lambda: server.events("atc", "hang") or running.process.poll() is not None)
    assert running.process.poll() is None and running.alive()
    return running


@pytest.fixture(params=["atc", "device"])
def hung(request, server, until):
    faults = {"atc": {"atc": [{"hang": "tree"}]}, "device": {"faults": [{"kind": "hang", "run": 1}]}}[
        request.param
    ]
    server.install(profile="cann8", inventory="300I_Duo", **faults)
    for path in (
        []
        if request.param == "atc"
        else server.out.glob("sample-*/310P3/fp16-uint8/**/bs16/logits-00003.npy")
    ):
        path.unlink()
    running = hanging(
        server,
        until,
        *(("compile", "--bs=2") if request.param == "atc" else ("eval", "--bs=16")),
        "--chip=310P3",
    )
    yield running
    for pid in running.alive():
        os.kill(pid, signal.SIGKILL)


def test_a_driver_killed_by_9_leaves_nothing_alive(hung, server):
    assert len(hung.alive()) > 1
    hung.process.kill()
    hung.process.wait()
    assert hung.gone(), hung.alive()
    assert not list((server.folder / "tmp").glob("atc-*"))


def test_ctrl_c_ends_with_130_and_leaves_nothing_alive(hung, server):
    os.killpg(hung.process.pid, signal.SIGINT)
    assert hung.process.wait() == 130
    assert hung.gone(), hung.alive()
    assert not parts(server.out) and not list((server.folder / "tmp").glob("atc-*"))


def test_a_build_killed_in_atc_goes_on(server, until):
    server.install(profile="cann8", inventory="300I_Duo", atc=[{"hang": "self", "times": 1}])
    running = hanging(server, until, "compile", "--bs=2", "--chip=310P3")
    running.process.kill()
    assert running.gone()
    answer = server.inv("compile", "--bs=2", "--chip=310P3")
    assert [name for name in answer.ran if name.startswith("compile/")] == ["compile/310P3/fp16-uint8/bs2"]


def test_an_out_with_letters_that_atc_does_not_take_behind_a_link_works(server):
    strange = server.folder / "v1.0 of+me=@home"
    server.out.rename(strange)
    server.out.symlink_to(strange, target_is_directory=True)
    with servers.umask(0o002):
        answer = server.inv("compile", "--bs=2", "--chip=310P3")
    assert "compile/310P3/fp16-uint8/bs2" in answer.ran
    (model,) = strange.glob("sample-*/310P3/fp16-uint8/bs2.om")
    assert not model.is_symlink() and oct(model.stat().st_mode) == "0o100640"
