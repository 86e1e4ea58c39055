"""The columns that say what a precision brings and costs."""

from typing import Annotated, NotRequired, TypedDict


class Executed(TypedDict):
    """Columns of an accuracy row, of a model that this build compiled."""

    precision_executed: NotRequired[
        Annotated[
            str | None,
            "what the runtime says that it computed the layers in: int8, 1 of 28 layers fp32; null where it"
            " does not tell",
        ]
    ]
