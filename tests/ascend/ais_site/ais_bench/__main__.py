"""python3 -m ais_bench: run a model over files or over nothing, write results and a summary."""

import argparse
import os
import re
import subprocess
import sys

import aclruntime
import numpy as np
from cannsim import scenario

from ais_bench.infer import files, summary
from ais_bench.infer.interface import InferSession


def arguments() -> argparse.Namespace:
    """The flags of 2023-06; those without an effect here are taken and ignored."""
    parser = argparse.ArgumentParser(prog="ais_bench")
    parser.add_argument("--model", "-m", "--om", required=True, type=_checked)
    parser.add_argument("--input", "-i", type=_checked_inputs)
    parser.add_argument("--output", "-o")
    parser.add_argument("--output_dirname")
    parser.add_argument("--outfmt", default="BIN", choices=["BIN", "NPY", "TXT"])
    parser.add_argument("--loop", "-l", type=int, default=1)
    parser.add_argument("--device", "-d", "--device_id", default="0")
    parser.add_argument("--batchsize", type=int)
    parser.add_argument("--dymBatch", type=int, default=0)
    parser.add_argument("--pure_data_type", default="zero", choices=["zero", "random"])
    parser.add_argument("--warmup_count", type=int, default=1)
    parser.add_argument("--divide_input", type=int, default=0)
    parser.add_argument("--pipeline", action="store_true")
    for ignored in (
        "--run_mode",
        "--debug",
        "--profiler",
        "--dump",
        "--display_all_summary",
        "--output_batchsize_axis",
    ):
        parser.add_argument(ignored)
    return parser.parse_args()


def _checked(path: str) -> str:
    """AIT's hardening of the model."""
    if _illegal(path):
        raise argparse.ArgumentTypeError(f"om path:{path} is illegal. Please check.")
    return path


def _checked_inputs(paths: str) -> str:
    """The same of every input, a file or a folder with its files."""
    for path in paths.split(","):
        inside = [entry.path for entry in os.scandir(path)] if os.path.isdir(path) else []
        for each in (path, *inside):
            if _illegal(each):
                raise argparse.ArgumentTypeError(f"input path:{each} is illegal. Please check.")
    return paths


def _illegal(path: str) -> bool:
    """Whether AIT refuses it: safe characters, no link, not writable by others."""
    return bool(scenario.load()["ais_hardened"]) and (
        not re.fullmatch(r"[_A-Za-z0-9/.-]+", path)
        or os.path.islink(path)
        or os.path.exists(path)
        and os.stat(path).st_mode & 0o022 != 0
    )


def one_device(args: argparse.Namespace, device: int) -> float:
    """Warm up, run, save, summarise; images a second."""
    session = InferSession(device, args.model, loop=args.loop)
    if args.dymBatch:
        session.session.set_dynamic_batchsize(args.dymBatch)
    need = session.get_inputs()[0]
    batch = args.batchsize or args.dymBatch or need.shape[0]
    print(f"[INFO] try get model batchsize:{batch}")
    session.infer([np.zeros(need.realsize, np.uint8)] * len(session.get_inputs()))
    print("[INFO] warm up 1 done")
    session.session.reset_sumaryinfo()
    aclruntime.MemorySummary.reset()
    folder, told = None, {}
    if args.output:
        if not os.path.isdir(args.output):
            raise RuntimeError(f"output path {args.output} not exist")
        folder = files.result_folder(args.output, args.output_dirname)
        print(f"[INFO] output path:{folder}")
    gen = scenario.load()["ais_gen"]
    groups = [["pure_infer_data"]]
    if args.input:
        groups = files.grouped(files.listed(args.input), need.realsize, gen in files.DROPPING)
    integers = args.pipeline and scenario.load()["flavour"] == "ait"
    for number, group in enumerate(groups):
        data = (
            b"".join(files.data(group[0] if path == files.FAKE else path) for path in group)
            if args.input
            else bytes(need.realsize)
        )
        outputs = session.infer([np.frombuffer(data, np.uint8)])
        if folder:
            told[str(number)] = {
                "infiles": group,
                "outfiles": files.save(outputs, group, folder, args.outfmt, gen, integers, number),
            }
    memory = aclruntime.MemorySummary
    return summary.write(
        folder,
        gen,
        told,
        summary.milliseconds(session.session.sumary().exec_time_list),
        memory.H2D_time_list,
        memory.D2H_time_list,
        batch,
    )


def many_devices(args: argparse.Namespace, devices: list[str]) -> int:
    """One process a device; a child's failure is only logged.

    Ascend/tools shares the input among them; AIT gives each of them all of it, unless --divide_input=1.
    """
    total, failed = 0.0, 0
    ait = scenario.load()["flavour"] == "ait"
    shares = files.shares(files.listed(args.input), len(devices)) if args.input else []
    divided = bool(shares) and (args.divide_input or not ait)
    for number, device in enumerate(devices):
        words, argv = [], iter(sys.argv[1:])
        for word in argv:
            if word in ("--device", "-d", "--output_dirname", *(("--input", "-i") if divided else ())):
                next(argv)
            elif not word.startswith(("--device=", "--output_dirname=")):
                words.append(word)
        if divided:
            words += ["--input", ",".join(shares[number])]
        place = f"device{device}_{number}" if ait else f"device{device}"
        dirname = os.path.join(args.output_dirname or "multi", place)
        done = subprocess.run(
            [sys.executable, "-m", "ais_bench", *words, "--device", device, "--output_dirname", dirname],
            capture_output=True,
            text=True,
        )
        found = re.search(r"throughput 1000\*batchsize.*: ([\d.]+)", done.stdout)
        if done.returncode or not found:
            print(f"subprocess run failed error_callback {done.stderr.strip()[-200:]}")
            failed += 1
            continue
        total += float(found[1])
        print(f"[INFO] i:{number} device_{device} throughput:{found[1]} start_time:0 end_time:0")
    print(f"[INFO] summary throughput:{total}")
    return 1 if failed else 0


if __name__ == "__main__":
    given = arguments()
    listed = given.device.split(",")
    if len(listed) > 1:
        sys.exit(many_devices(given, listed))
    one_device(given, int(listed[0]))
