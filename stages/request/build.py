"""What stages declare their steps from: a request with its data set and its chip's backend, each made when a
stage first asks for it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from configs.given import LOCAL, parse
from configs.schema import FP32, JUDGED_BY_LOSS
from pipeline import machine
from pipeline.cli.settings import Settings
from pipeline.cluster.access import Cluster, require_ray
from pipeline.cluster.remote import MASKS
from pipeline.cluster.wanted import CPU, Wanted
from pipeline.freshness.code import ROOT, Source
from pipeline.freshness.files import FileState, Roots
from pipeline.plan import Plan
from pipeline.step import Slot
from preprocess.dataset.listing import Listing
from stages.request import accuracy, dataset, inventory, request, site, target
from stages.request.dataset import Dataset
from stages.request.request import Request
from stages.request.site import Site
from stages.request.target import Target


class Build:
    """One command line's request, and what was looked up for it."""

    def __init__(
        self,
        request: Request,
        cluster: Cluster | None,
        where: Callable[[], Site],
        listed: Callable[[], Listing] | None = None,
    ):
        self.request, self._cluster, self._site, self._listed = request, cluster, where, listed

    @cached_property
    def dataset(self) -> Dataset:
        """The images that are evaluated."""
        return Dataset(self.request, self._listed()) if self._listed else dataset.evaluated(self.request)

    @cached_property
    def target(self) -> Target:
        """The chip's backend and devices."""
        return target.load(self.request, self.site)

    @property
    def site(self) -> Site:
        """Where the chip is: this machine, or a node of the cluster."""
        return self._site()

    @property
    def judged_by_loss(self) -> bool:
        """Whether the answers are compared with float32's, since the logits cannot be."""
        return self.request.precision in JUDGED_BY_LOSS

    @cached_property
    def reference(self) -> "Build":
        """The same in float32, at the batch size that accuracy is measured at: what a loss is against."""
        given = replace(
            self.request.given,
            precision=FP32,
            batches=(self.request.eval_batch,),
            calibration=None,
            calibrate_on_evaluated=False,
            max_drop=None,
        )
        request = replace(self.request, given=given)
        return Build(request, self._cluster, self._site, lambda: self.dataset.listing)

    def logits_dir(self, batch: int) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT[/RUNTIME]/DATA/bs16: what a compiled model said about this
        data.
        """
        return os.path.join(self.target.run_dir, self.dataset.name, f"bs{batch}")

    @cached_property
    def files(self) -> FileState:
        """The files under OUT and our code, as they are now: what earlier builds left is judged by them."""
        out = self.request.out
        return FileState(Roots({"out": out, "repository": ROOT}), Source(os.path.join(out, ".source.json")))

    def row(self, batch: int, data: bool = True) -> dict[str, object]:
        """The columns of a record of this model, chip and runtime, and of the data."""
        dataset = self.dataset.in_records if data else None
        return {**self.request.row(dataset, batch), "runtime": self.target.runtime}

    def settings(self, plan: Plan) -> Settings:
        """What the engine needs to know besides the plan."""
        given = self.request.given
        stages = {step.stage for step in plan.steps.values()}
        accuracy.require_judged(
            given, stages, self.request.given.max_drop is not None and self.judged_by_loss
        )
        shares = given.jobs or len(machine.cores())
        slots = [Slot("cpu", str(n)) for n in range(shares)]
        # a build that only compiles needs no device to be there
        on_devices = any(step.resource == "device" for step in plan.steps.values())
        if on_devices:
            slots += self.target.device_slots()
        lists_data = any(step.stage == "preprocess" for step in plan.steps.values())
        return Settings(
            out=self.request.out,
            slots=slots,
            shares=shares,
            stats=self.dataset.stats if lists_data else {},
            keep_going=given.keep_going,
            again=given.again,
            quiet=given.quiet,
            save=given.save,
            cluster=self._cluster,
            wanted=self._wanted(plan, shares, on_devices) if self._cluster else None,
        )

    def _wanted(self, plan: Plan, shares: int, on_devices: bool) -> Wanted:
        """What this plan wants of a cluster."""
        uses_chip = any(module.startswith("backends.") for s in plan.steps.values() for module in s.code)
        target = self.target if uses_chip else None
        mine = target.devices if target and on_devices and target.backend.NEEDS != "cpu" else []
        return Wanted(
            resource=site.resource_of(target.backend) if target else CPU,
            jobs=self.request.given.jobs,
            inventory=inventory.of_this_machine,
            given=inventory.given_of(self.request, target),
            strict=("Pillow",) if self._needs_exact(plan) else (),
            measures_on=self.site.node,
            shares=shares,
            devices=len(mine),
            mask=_mask_of(mine) if self.request.given.devices != "all" else {},
        )

    def _needs_exact(self, plan: Plan) -> bool:
        exact = self.request.given.pixels == "exact"
        return exact and any(step.stage == "preprocess" for step in plan.steps.values())


def resolve(typed: Mapping[str, object]) -> Build:
    """The options as typed -> the build on this machine. A chip that is named is looked up now, for a mistake
    is told first; which one is here is asked by whoever needs one.
    """
    given = parse(typed)
    if given.executor == LOCAL:
        cluster, where = None, site.here
    else:
        require_ray(given.executor)
        cluster = Cluster(given.executor, request.out_of(given.out))
        where = site.of_cluster(cluster, given)
    named = None if given.chip == "auto" else target.chip_of(given, where())
    return Build(request.fitted(given, lambda: named or target.chip_of(given, where())), cluster, where)


def _mask_of(devices: Sequence[str]) -> dict[str, str]:
    """The environment in which these devices of this machine, and no others, are seen."""
    mask = MASKS["NPU"]
    seen = os.environ.get(mask, "").split(",") if os.environ.get(mask) else []
    return {mask: ",".join(seen[int(device)] if seen else device for device in devices)} if devices else {}
