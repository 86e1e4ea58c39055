"""Which node takes which step: the rules, without a cluster."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cluster.fleet import Fleet, Node, named
from pipeline.step import Slot, Step

CPU, DEVICE = Step("a", "x:y"), Step("b", "x:y", resource="device")


def node(name, cpus=2, devices=0, memory_mb=1000.0, share=0, **tools):
    slots = [Slot("cpu", str(n), (), 1, name) for n in range(cpus)]
    slots += [Slot("device", str(n), (), share, name) for n in range(devices)]
    return Node(f"id-{name}", name, cpus, tuple(slots), memory_mb, tools, {}, devices)


def fleet(*nodes, measures_on=""):
    """With all accelerators held."""
    made = Fleet(nodes, measures_on or nodes[0].name)
    made.closed.clear()
    return made


def first(nodes, step):
    return next(nodes.free(step))


def taken(nodes, step, times):
    """The slots that so many such steps get, one after the other, none of which ends."""
    slots = []
    for _ in range(times):
        slots.append(first(nodes, step))
        nodes.take(slots[-1])
    return slots


def test_steps_are_spread_over_the_nodes_and_then_over_their_slots():
    nodes = fleet(node("a"), node("b"))
    assert sorted(slot.node for slot in taken(nodes, CPU, 2)) == ["a", "b"]
    assert len(set(taken(nodes, CPU, 2))) == 2
    assert list(nodes.free(CPU)) == []


def test_short_steps_go_to_all_devices_and_not_to_the_first_free_one_alone():
    nodes = fleet(node("a", devices=2), node("b", devices=2))
    given = []
    for _ in range(8):
        slot = first(nodes, DEVICE)
        nodes.take(slot)
        nodes.release(slot)  # over before the next one is ready
        given.append(slot)
    assert {slot: given.count(slot) for slot in given} == dict.fromkeys(given, 2) and len(set(given)) == 4


def test_device_work_goes_to_nodes_with_devices_only():
    nodes = fleet(node("a"), node("b", devices=1))
    assert [slot.node for slot in nodes.free(DEVICE)] == ["b"]
    assert {slot.node for slot in nodes.free(CPU)} == {"a", "b"}


def test_an_accelerator_that_ray_has_not_given_out_is_no_slot_and_is_asked_for_in_turns():
    nodes = Fleet([node("a", devices=2), node("b", devices=2), node("c")], "a")
    assert list(nodes.free(DEVICE)) == []
    assert [(slot.node, slot.id) for slot in nodes.to_open(DEVICE)] == [
        ("a", "0"),
        ("b", "0"),
        ("a", "1"),
        ("b", "1"),
    ]
    nodes.closed.discard(Slot("device", "1", (), 0, "b"))
    assert [(slot.node, slot.id) for slot in nodes.free(DEVICE)] == [("b", "1")]


def test_a_step_goes_only_where_its_tools_are_in_its_versions():
    nodes = fleet(node("a", Pillow="12.0"), node("b", Pillow="11.0"), node("c"))
    assert [slot.node for slot in nodes.free(Step("a", "x:y", tools={"Pillow": "12.0"}))] == ["a"]
    assert [slot.node for slot in nodes.free(Step("a", "x:y", tools={"Pillow": None}))] == ["c"]
    assert nodes.able(Step("a", "x:y", tools={"Pillow": "10.0"})) == []


def test_a_step_goes_only_where_its_memory_is():
    nodes = fleet(node("a", memory_mb=500), node("b", memory_mb=900))
    assert [slot.node for slot in nodes.free(Step("a", "x:y", memory_mb=600))] == ["b"]


def test_benchmarks_go_to_one_node():
    nodes = fleet(node("a"), node("b"), measures_on="b")
    bench = Step("bench", "x:y", exclusive=True)
    assert [slot.node for slot in nodes.free(bench)] == ["b"]
    nodes.lose("b")
    assert nodes.able(bench) == []


def test_a_device_made_of_cores_takes_shares_of_its_node_alone():
    nodes = fleet(node("a", devices=2, share=1), node("b", devices=2, share=1))
    taken(nodes, DEVICE, 4)
    assert list(nodes.free(CPU)) == []
    nodes.release(Slot("device", "0", (), 1, "b"))
    assert [slot.node for slot in nodes.free(CPU)] == ["b"]


def test_a_step_whose_process_died_is_tried_on_another_node_where_there_is_one():
    nodes = fleet(node("a", devices=2), node("b", devices=2))
    tried = first(nodes, DEVICE)
    assert {slot.node for slot in nodes.free(DEVICE, avoid=tried)} == {"b"} - {
        tried.node
    } or tried.node == "b"
    assert all(slot.node != tried.node for slot in nodes.free(DEVICE, avoid=tried))


def test_else_on_another_slot_and_on_the_same_one_where_there_is_no_other():
    nodes = fleet(node("a", devices=2))
    tried = first(nodes, DEVICE)
    assert tried not in nodes.free(DEVICE, avoid=tried)
    alone = fleet(node("a", devices=1))
    assert list(alone.free(DEVICE, avoid=first(alone, DEVICE)))


def test_a_node_in_doubt_gets_nothing_and_a_lost_one_never_again():
    nodes = fleet(node("a"), node("b"))
    nodes.suspects.add("a")
    assert [slot.node for slot in nodes.free(CPU)] == ["b"]
    assert len(nodes.able(CPU)) == 2  # it may come back
    nodes.lose("a")
    assert [each.name for each in nodes.able(CPU)] == ["b"] and nodes.suspects == set()


def test_a_slot_of_a_lost_node_can_be_released():
    nodes = fleet(node("a"), node("b"))
    slot = next(slot for slot in nodes.free(CPU) if slot.node == "a")
    nodes.take(slot)
    nodes.lose("a")
    nodes.release(slot)
    assert slot not in nodes.busy and nodes.known["a"].name == "a"


@given(
    cpus=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    moves=st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=40),
)
def test_no_slot_has_two_steps_and_no_node_more_than_its_shares(cpus, moves):
    nodes = fleet(*(node(f"n{n}", cpus=count, devices=count, share=1) for n, count in enumerate(cpus)))
    for ends, which in moves:
        busy = sorted(nodes.busy, key=str)
        free = list(nodes.free((CPU, DEVICE)[which % 2]))
        if ends and busy:
            nodes.release(busy[which % len(busy)])
        elif free:
            assert not set(free) & set(nodes.busy)
            nodes.take(free[0])
        for each in nodes.nodes.values():
            used = sum(share for slot, share in nodes.busy.items() if slot.node == each.name)
            assert used <= max(each.shares, 1)


def test_two_nodes_of_one_name_are_told_apart():
    assert named({"abcdef123": "a", "fedcba321": "a", "999999999": "b"}) == {
        "abcdef123": "a-abcdef",
        "fedcba321": "a-fedcba",
        "999999999": "b",
    }
