"""What a test may start from instead of building it anew, where it looks at nothing of it."""

from pathlib import Path

from inv import copied, inv, once

# a benchmark keeps every device busy that it is given
ONE_DEVICE = "--devices=0"


def exported(factory, out: Path) -> Path:  # type: ignore[no-untyped-def]
    """OUT with the sample's network exported, which takes PyTorch and 3 s; made once a session. `factory`:
    tmp_path_factory.
    """
    made, _ = once(factory, "exported", lambda folder: (folder, inv("export", "--chip=cpu", out=folder)))
    return copied(made, out)
