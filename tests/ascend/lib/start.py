"""Starts a simulated tool in an isolated interpreter: start.py atc|npu-smi ARGS..."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

if sys.argv[1] == "atc":
    from cannsim import atc as tool
else:
    from cannsim import npu_smi as tool

sys.exit(tool.main(sys.argv[2:]))
