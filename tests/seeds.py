"""What a test may start from instead of building it anew, where it looks at nothing of it."""

import shutil
from pathlib import Path

from inv import built_sample, copied, inv, once

# a benchmark keeps every device busy that it is given
ONE_DEVICE = "--devices=0"


def exported(factory, out: Path) -> Path:  # type: ignore[no-untyped-def]
    """OUT with the sample's network exported, which takes PyTorch and 3 s; made once a session. `factory`:
    tmp_path_factory.
    """
    made, _ = once(factory, "exported", lambda folder: (folder, inv("export", "--chip=cpu", out=folder)))
    return copied(made, out)


def prepared(factory, out: Path) -> Path:  # type: ignore[no-untyped-def]
    """OUT with all of the sample that no chip has to do with: pictures, shards, the exported network and its
    answers by PyTorch; no report. Of `inv all`, a copy.
    """
    theirs = shutil.ignore_patterns("cpu", "report")
    return Path(shutil.copytree(built_sample(factory)[0], out, ignore=theirs))
