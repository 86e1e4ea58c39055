"""What npu-smi prints: the tables of `info` in the layouts of the contract (3.2), and the lists of -l, -m and
-t.
"""

WIDTHS = {"reference": (19, 17, 54), "plain": (31, 17, 54), "hbm": (27, 15, 52), "a3": (27, 15, 52)}
HEADS = {
    "reference": (
        " NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) ",
        " Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        ",
    ),
    "plain": (
        (
            " NPU     Name                  | Health          | Power(W)     Temp(C)          "
            " Hugepages-Usage(page) "
        ),
        (
            " Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                "
            "        "
        ),
    ),
    "hbm": (
        " NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)",
        " Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        ",
    ),
    "a3": (
        " NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)",
        " Chip  Phy-ID              | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        ",
    ),
}


def info(told: dict) -> str:
    """The table of `npu-smi info`, and the process table where this kind of board has one."""
    layout = told["layout"]
    widths = WIDTHS[layout]
    heavy, light = (f"+{'+'.join(mark * width for width in widths)}+" for mark in "=-")
    whole = sum(widths) + 2
    version = f" npu-smi {told['version']}"
    lines = [
        f"+{'-' * whole}+",
        f"|{version:<{49 if layout == 'plain' else 36}} Version: {told['version']}".ljust(whole + 1) + "|",
        light.replace("-+-", "-|-") if layout == "reference" else light,
        *(f"|{head}|" for head in HEADS[layout]),
        heavy,
    ]
    for board in told["boards"]:
        rows = [_rows(layout, board, chip) for chip in board["chips"]]
        for number, pair in enumerate(rows):
            # the real one prints a chip's first row and returns when its logic id cannot be read; with HBM it
            # leaves the rest of the card
            unread = board["chips"][number].get("unread")
            if unread and layout in ("hbm", "a3"):
                break
            lines += [*([light] if number else []), *pair[: 1 if unread else 2]]
        lines.append(heavy)
    if told.get("process_table"):
        lines += _processes(told, widths, light, heavy)
    return "\n".join(lines)


def _rows(layout: str, board: dict, chip: dict) -> tuple[str, str]:
    first, second, _ = WIDTHS[layout]
    used, total = chip.get("hugepages", (0, 0))
    memory, hbm = chip["memory"], chip.get("hbm", (0, 0))
    if layout in ("reference", "plain"):
        gap = 5 if layout == "reference" else 6
        left, below = f" {board['npu']:<8}{chip['name']}", f" {chip['chip']:<8}{chip['logic']}"
        right = f" {chip['power']:<13}{chip['temp']:<18}{used:<{gap}}/ {total}"
        under = f" {chip['aicore']:<13}{memory[0]:<4} / {memory[1]}"
    else:
        left, below = (
            f" {board['npu']:<6}{chip['name']}",
            f" {chip['chip']:<6}{chip['phy'] if layout == 'a3' else ''}",
        )
        right = f" {chip['power']:<12}{chip['temp']:<18}{used:<5}/ {total}"
        under = f" {chip['aicore']:<12}{memory[0]:<5}/ {memory[1]:<11}{hbm[0]:<5}/ {hbm[1]}"
    return tuple(
        f"|{a:<{first}}|{' ' + b:<{second}}|{c:<{WIDTHS[layout][2]}}|"  # type: ignore[return-value]
        for a, b, c in ((left, chip["health"], right), (below, chip["bus"], under))
    )


def _processes(told: dict, widths: tuple[int, int, int], light: str, heavy: str) -> list[str]:
    left, middle, right = widths
    name = right // 2 - 1

    def line(a: str, b: str, c: str, d: str) -> str:
        return f"| {a:<{left - 1}}| {b:<{middle - 1}}| {c:<{name - 1}}| {d:<{right - name - 2}}|"

    lines = [light, line("NPU     Chip", "Process id", "Process name", "Process memory(MB)"), heavy]
    for board in told["boards"]:
        found = [p for p in told.get("processes", []) if p["npu"] == board["npu"]]
        lines += [line(f"{p['npu']:<8}{p['chip']}", str(p["pid"]), p["name"], str(p["mb"])) for p in found]
        if not found:
            lines.append(f"| No running processes found in NPU {board['npu']}".ljust(sum(widths) + 3) + "|")
        lines.append(heavy)
    return lines


def _pair(name: str, value: object) -> str:
    return f"\t{name:<30} : {value}"


def listing(told: dict) -> str:
    """`info -l`: how many cards, and how many chips on each."""
    name = told["boards"][0]["chips"][0]["name"]
    count = "Card Count" if name == "310" or name.startswith("310B") else "Total Count"
    lines = [_pair(count, len(told["boards"])), ""]
    for board in told["boards"]:
        lines.append(_pair("NPU ID", board["npu"]))
        if "product" in board:
            lines += [_pair("Product Name", board["product"]), _pair("Serial Number", "033EFS10M7000001")]
        lines += [_pair("Chip Count", len(board["chips"])), ""]
    return "\n".join(lines)


def mapping(told: dict) -> str:
    """`info -m`: NPU id and chip id to the logical id, which is the one that aclruntime takes."""
    a3 = told["layout"] == "a3"
    head = ["NPU ID", "Chip ID", "Chip Logic ID", *(["Chip Phy-ID"] if a3 else []), "Chip Name"]
    rows = [head]
    for board in told["boards"]:
        for chip in board["chips"]:
            rows.append(
                [
                    board["npu"] if chip["logic"] >= 0 else -1,
                    chip["chip"],
                    -1 if chip.get("unread") else chip["logic"],
                    *([chip["phy"]] if a3 else []),
                    chip.get("map_name", f"Ascend {chip['name']}"),
                ]
            )
        if board.get("mcu"):
            rows.append([board["npu"], len(board["chips"]), "-", "Mcu"])
    return "\n".join("\t" + " ".join(f"{cell:<30}" for cell in row) for row in rows)


def details(kind: str, board: dict, chips: list[dict], one: bool) -> str | None:
    """`info -t KIND`; None where this device does not support it."""
    lines = [_pair("NPU ID", board["npu"])]
    if kind == "power":
        return _power(board, chips, lines, one)
    if kind == "board" and not one:
        return "\n".join(
            [
                *lines,
                _pair("Product Name", board.get("product", "NA")),
                _pair("Software Version", "22.0.2"),
                _pair("Firmware Version", "1.83.10.1.X243"),
                _pair("Chip Count", len(board["chips"])),
            ]
        )
    if kind == "product":
        return "\n".join([*lines, _pair("Product Type", board["product"])]) if "product" in board else None
    for chip in chips:
        used, total = chip.get("hbm", chip["memory"])
        rate = round(100 * used / total) if isinstance(used, int) and total else "NA"
        texts = {
            "board": (
                chip.get("board") or {"Chip Type": "Ascend", "Chip Name": chip["name"], "Chip Version": "V1"}
            ),
            "usages": {
                "Memory Capacity(MB)": total,
                "Memory Usage Rate(%)": rate,
                "Aicore Usage Rate(%)": chip["aicore"],
            },
            "temp": {"NPU Temperature (C)": chip["temp"]},
            "memory": {"DDR Capacity(MB)": total},
            "health": {"Health Status": chip["health"]},
            "common": {
                "Memory Usage Rate(%)": rate,
                "Aicore Usage Rate(%)": chip["aicore"],
                "Temperature(C)": chip["temp"],
            },
        }
        lines += [_pair("Chip ID", chip["chip"]), *(_pair(*item) for item in texts[kind].items()), ""]
    return "\n".join(lines)


def _power(board: dict, chips: list[dict], lines: list[str], one: bool) -> str | None:
    """310P: of the card only, by its MCU; 310: rated; 310B: both; the others: of the chip."""
    name, watts = chips[0]["name"], float(board.get("power_w", 70.0))
    card = [_pair("Chip Name", "MCU"), _pair("Power Dissipation(W)", f"{watts:.1f}")]
    if name.startswith("310P"):
        return None if one else "\n".join([*lines, *card])
    key = "Rated Power Dissipation(W)" if name == "310" else "NPU Real-time Power(W)"
    for chip in chips:
        lines += [_pair("Chip ID", chip["chip"]), _pair(key, f"{watts / len(chips):.1f}"), ""]
    return "\n".join([*lines, *(card if name.startswith("310B") else [])])
