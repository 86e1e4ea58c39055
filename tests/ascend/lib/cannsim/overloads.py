"""The arguments that aclruntime's constructor and run() take, and what its binding says of any others."""

from cannsim.tensor import BaseTensor, Tensor

SUPPORTED = (
    "{}(): incompatible {} arguments. The following argument types are supported:\n    1. {}\n\nInvoked"
    " with: {}"
)


class session_options:  # the real one's spelling
    """Defaults as the real one's."""

    def __init__(self) -> None:
        self.loop, self.log_level, self.acl_json_path = 1, 2, ""


def check_constructor(args: tuple) -> None:
    """TypeError unless the three are a path, a device's number and options."""
    types = (str, int, session_options)
    if len(args) != 3 or not all(isinstance(*pair) for pair in zip(args, types, strict=True)):
        raise TypeError(
            SUPPORTED.format(
                "__init__",
                "constructor",
                "aclruntime.InferenceSession(arg0: str, arg1: int, arg2: aclruntime.session_options)",
                args,
            )
        )


def run_arguments(args: tuple) -> tuple:
    """(output names, feeds as given, feeds in a list) of run(); TypeError for any other arguments."""
    names, feeds = args if len(args) == 2 else (None, None)
    values = list(feeds.values()) if isinstance(feeds, dict) else feeds
    if (
        not isinstance(names, (list, tuple))
        or not isinstance(values, (list, tuple))
        or not any(all(isinstance(value, kind) for value in values) for kind in (Tensor, BaseTensor))
    ):
        raise TypeError(
            SUPPORTED.format(
                "run",
                "function",
                "(self, List[str], List[aclruntime.Tensor]) -> List[aclruntime.Tensor]",
                args,
            )
        )
    return names, feeds, values
