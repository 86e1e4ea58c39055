"""The values of a model file that the network is built from. Plan time: imports no torch."""

from typing import TypedDict


class Network(TypedDict):
    """Plain JSON, as steps hand it on: see configs/schema.py for what each value means."""

    width: float
    resolution: int
    classes: int
    background: bool
    activation: str
    padding: str
