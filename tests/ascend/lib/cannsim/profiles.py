"""What differs between CANN versions 5, 6, 8 and 9: names, numbers and which error format."""

from dataclasses import dataclass

TRAINING = ("Ascend910A", "Ascend910B", "Ascend910ProA", "Ascend910ProB", "Ascend910PremiumA")
P = ("Ascend310P1", "Ascend310P3", "Ascend310P5", "Ascend310P7")
B = ("Ascend310B1", "Ascend310B2", "Ascend310B3", "Ascend310B4")
A2 = ("Ascend910B1", "Ascend910B2", "Ascend910B2C", "Ascend910B3", "Ascend910B4", "Ascend910B4-1")
A3 = tuple(f"Ascend910_{n}" for n in (9362, 9363, 9372, 9381, 9382, 9391, 9392))


@dataclass(frozen=True)
class Profile:
    """One CANN version: socs it compiles for, opsets whose operators are registered, and the form of its
    messages.
    """

    name: str
    number: int
    version: str
    # plain "E10001: ..."; pid "E10001: [PID: 1] date ..."; named "[PID: 1] date Invalid_Argument(E10001):
    # ..."
    text: str
    opsets: range
    socs: tuple[str, ...]


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("cann5", 5, "5.1.RC2", "plain", range(8, 12), ("Ascend310", "Ascend710", *P, *TRAINING)),
        Profile("cann6", 6, "6.0.RC1", "plain", range(8, 14), ("Ascend310", *P, *B, *TRAINING, *A2)),
        Profile("cann8", 8, "8.0.RC1", "pid", range(8, 14), (*P, *B, *TRAINING, *A2, *A3)),
        Profile(
            "cann9", 9, "9.0.0", "named", range(11, 19), (*P, *B, *TRAINING, *A2, *A3, "Ascend950PR_9589")
        ),
    )
}
