"""The common window of all devices, and what is noise: from times and counters that are given."""

import random
from itertools import accumulate, pairwise
from statistics import fmean, median

import pytest
from timings import COUNTERS, device, measured, queries

from eval.interval import of_mean
from infer.bench import noise, rounds
from pipeline.errors import StepError


def test_one_device_does_what_it_does():
    assert rounds.images_per_s(measured(device(queries(0, 0.5, 10))), 8) == pytest.approx(16)


def test_devices_count_in_the_time_when_all_worked_and_a_query_half_inside_by_half():
    one = measured(device(queries(0, 1, 10)), device(queries(4.5, 1, 10), "1"))
    assert rounds.window(one) == (4.5, 10)
    assert rounds.images_per_s(one, 2) == pytest.approx(4)


def test_devices_that_never_worked_together_are_an_error():
    with pytest.raises(StepError, match="never at work together"):
        rounds.images_per_s(measured(device(queries(0, 1, 2)), device(queries(5, 1, 2))), 2)


def test_a_machine_on_which_nothing_else_works_is_quiet():
    assert rounds.noises([measured(device(queries(0, 1, 3)))] * 6, 1) == []


def test_a_core_that_was_shared_is_told_with_its_share_and_with_what_others_took():
    after = {**COUNTERS, "busy_s": 106.0}  # both cores were busy for 3 s
    one = measured(device(queries(0, 1, 3), cpu_s=1.5, after=after))
    assert rounds.noises([one], 1) == [
        "the devices got 0.50 of their cores' time",
        "other programs took 1.50 of 2 cores",
        "load 0.50 at the start, 0.50 at the end",
    ]


def test_work_beside_the_devices_cores_is_noise_too():
    after = {**COUNTERS, "busy_s": 104.0}
    assert rounds.noises([measured(device(queries(0, 1, 3), after=after))], 1)[0] == (
        "other programs took 0.33 of 2 cores"
    )


def test_what_the_other_devices_took_is_not_foreign():
    after = {**COUNTERS, "busy_s": 106.0}
    both = [device(queries(0, 1, 3), n, after=after) for n in "01"]
    assert rounds.noises([measured(*both)], 1) == []


def test_threads_that_wait_for_each_other_are_no_noise():
    after = {**COUNTERS, "busy_s": 104.5}
    assert rounds.noises([measured(device(queries(0, 1, 3), cores=2, cpu_s=4.5, after=after))], 1) == []


def test_a_host_that_only_feeds_may_do_half_as_much_beside_it():
    for busy_s, quiet in ((102.8, True), (104.0, False)):
        after = {**COUNTERS, "busy_s": busy_s}
        one = measured(device(queries(0, 1, 3), cores=0, cpu_s=0.1, after=after))
        assert (rounds.noises([one], 1) == []) is quiet


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"steal_s": 1.5}, "other virtual machines took 0.50 s of CPU time"),
        ({"throttled": 5}, "a quota or heat stopped the cores 2 times"),
    ],
)
def test_what_the_kernel_counts_besides_is_told(change, sentence):
    after = {**COUNTERS, "busy_s": 103.0, **change}
    assert rounds.noises([measured(device(queries(0, 1, 3), after=after))], 1)[0] == sentence


def test_a_governor_and_a_foreign_process_are_told():
    one = measured(device(queries(0, 1, 3)), governor="powersave", foreign=["pid 7 (x) is on device 0"])
    assert rounds.noises([one], 1) == ["pid 7 (x) is on device 0", "the frequency governor is powersave"]


def test_rounds_that_disagree_are_told_with_their_ends():
    fast, slow = measured(device(queries(0, 1, 3))), measured(device(queries(0, 1.2, 3)))
    assert rounds.noises([fast, slow], 12) == ["rounds disagree: 10.0 to 12.0 images/s"]
    assert rounds.noises([fast, measured(device(queries(0, 1.1, 3)))], 12) == []


def at_speeds(speeds, begin=0.0):
    """A round of one device with so many queries a second in one eighth of a second after the other."""
    lasting = [1 / speed for speed in speeds for _ in range(round(speed * rounds.MOMENT_S))]
    return measured(device(list(pairwise(accumulate(lasting, initial=begin)))))


def test_the_speed_of_steady_queries_does_not_swing():
    assert rounds.swing([at_speeds([800] * 4)] * 6) == pytest.approx(0, abs=1e-9)
    assert rounds.swing([measured(device(queries(0, 1, 3)))]) == pytest.approx(0, abs=1e-9)


def test_a_speed_that_swings_from_one_moment_to_the_next_is_told():
    restless = at_speeds([800, 1200, 800, 1200])  # of its mean: 0.4; the Allan deviation is 0.4 / sqrt(2)
    assert rounds.swing([restless] * 6) == pytest.approx(0.4 / 2**0.5, rel=0.05)
    assert rounds.noises([restless] * 6, 1)[-1].startswith("the speed swings by 2")


def flickering(generator, count):
    """1/f noise of deviation 1 an octave: random values of which each lasts twice as long as the one before
    (Gardner, Scientific American 238, 1978).
    """
    octaves = [[generator.gauss(0, 1) for _ in range((count >> k) + 1)] for k in range(12)]
    return [sum(values[n >> k] for k, values in enumerate(octaves)) for n in range(count)]


def test_intervals_cover_the_median_of_ten_runs_though_the_speed_flickers():
    generator, counts = random.Random(3), {True: 0, False: 0}
    for _ in range(30):
        # as on the machine of docs/performance.md: 0.5 % an octave, and 1.2 % from moment to moment
        speeds = [1000 * (1 + 0.005 * x + generator.gauss(0, 0.012)) for x in flickering(generator, 2000)]
        runs = [
            [at_speeds(speeds[at : at + 4], at / 8) for at in range(first, first + 120, 20)]
            for first in range(0, 2000, 200)
        ]
        means = [[rounds.images_per_s(one, 1) for one in run] for run in runs]
        middle = median(map(fmean, means))
        for run, values in zip(runs, means, strict=True):
            for known in counts:
                low, high = of_mean(values, rounds.swing(run) * fmean(values) if known else 0.0)
                counts[known] += low <= middle <= high
    assert counts[True] >= 0.93 * 300 > 0.9 * 300 > counts[False]


def test_of_several_noisy_rounds_the_first_is_told_and_how_many_there_were():
    noisy = measured(device(queries(0, 1, 3)), foreign=["x"])
    quiet = measured(device(queries(0, 1, 3)))
    assert rounds.noises([quiet, noisy, noisy], 1) == ["x", "2 of 3 rounds were noisy"]


def test_energy_is_of_the_devices_own_power_or_of_the_processors_or_not_known():
    after = {**COUNTERS, "busy_s": 103.0, "energy_j": 130.0}
    before = {**COUNTERS, "energy_j": 100.0}
    cpu = measured(device(queries(0, 1, 3), before=before, after=after))
    assert rounds.energy_j_per_image(cpu, 2) == pytest.approx(5.0)
    assert rounds.energy_j_per_image({**cpu, "power_w": 8.0}, 2) == pytest.approx(4.0)
    fed = measured(device(queries(0, 1, 3), cores=0, before=before, after=after))
    assert rounds.energy_j_per_image(fed, 2) is None
    assert rounds.energy_j_per_image(measured(device(queries(0, 1, 3))), 2) is None


def test_the_kernels_counters_grow_with_work():
    before = noise.counters([])
    total = sum(n * n for n in range(3_000_000))
    after = noise.counters([])
    assert total and after["busy_s"] > before["busy_s"] and after["throttled"] >= before["throttled"]
