"""All of a history, checked: each table by what it holds."""
import lists
import plain
import registers

CHECKS = {"list": lists.check, "register": registers.check, "counter": plain.check_counter,
          "set": plain.check_set, "bank": plain.check_bank, "branches": plain.check_branches, "blocks": plain.check_blocks}


def check(history):
    """The anomalies, worst tables first as they come."""
    found = []
    for table, kind in history.meta["tables"].items():
        found += CHECKS[kind](table, history.of_table(table))
    return found


def report(history, found, most=3):
    """The verdict, for a reader: what was done, what was done to it, what is wrong."""
    counts = history.counts()
    lines = [f"{sum(counts.values())} statements: {counts['ok']} ok, {counts['fail']} failed, "
             f"{counts['info']} unknown"]
    faults = {}
    for fault in history.faults:
        if not fault.get("end"):
            faults[fault["what"]] = faults.get(fault["what"], 0) + 1
    lines.append("faults: " + (", ".join(f"{n} {what}" for what, n in sorted(faults.items())) or "none"))
    names = {}
    for anomaly in found:
        names.setdefault(anomaly.name, []).append(anomaly)
    for name, group in names.items():
        lines += ["", f"{name}: {len(group)}"]
        lines += ["  " + str(anomaly).replace("\n", "\n  ") for anomaly in group[:most]]
    lines += ["", f"{len(found)} anomalies" if found else "no anomaly"]
    return "\n".join(lines)
