"""Registers: is each key's history linearizable? (the idea of Knossos)

Each key by itself, since linearizability is a property of single objects (Herlihy and Wing 1990;
Horn and Kroening: "Faster linearizability checking via P-compositionality", 2015). The search is Wing
and Gong's: take any operation that began before every other one that is still to be taken had ended, if the
register's value allows it, and go on; go back where nothing is possible. Lowe's memory of
configurations (what was taken, and the value) keeps it from trying the same twice ("Testing for
linearizability", 2017).

Operations: `write` value; `read` -> value; `cas` [old, new] -> whether it was done. Unknown writes may be
taken at any time after their begin, or never.
"""
from anomaly import Anomaly
from history import NEVER

MAX_CONFIGURATIONS = 2_000_000  # of one key; beyond that the answer is "undecided"


def step(op, value):
    """(possible, value afterwards)"""
    if op.f == "write":
        return True, op.value
    if op.f == "read":
        return op.result == value, value
    old, new = op.value
    if op.type == "info":
        return value == old, new
    return (value == old) == op.result, new if op.result else value


def matter(ops):
    """Without what tells nothing: failed operations, unknown reads; and unknown writes whose value
    nobody saw, which only a cas that did not find its old value could hint at."""
    known = [op for op in ops if op.type == "ok"]
    seen = {op.result for op in known if op.f == "read"} | {op.value[0] for op in known if op.f == "cas"}
    missed = any(op.f == "cas" and not op.result for op in known)
    for op in ops:
        if op.type == "info" and op.f != "read":
            new = op.value if op.f == "write" else op.value[1]
            if missed or new in seen:
                known.append(op)
    return known


class Event:
    """A begin or an end, in a list from which an operation's two can be taken out and put back."""
    __slots__ = ("op", "bit", "end", "prev", "next")

    def __init__(self, op, bit, end):
        self.op, self.bit, self.end = op, bit, end  # end: of a begin, its end event or None
        self.prev = self.next = None

    def unlink(self):
        self.prev.next = self.next
        if self.next:
            self.next.prev = self.prev

    def relink(self):
        self.prev.next = self
        if self.next:
            self.next.prev = self


def events(ops):
    """The list's head, which is no event."""
    timed = []
    for i, op in enumerate(ops):
        end = Event(op, 1 << i, None) if op.end != NEVER else None
        timed.append((op.begin, 0, i, Event(op, 1 << i, end)))
        if end:
            timed.append((op.end, 1, i, end))
    timed.sort(key=lambda t: t[:3])  # a begin before an end of the same time: they overlap
    head = last = Event(None, 0, None)
    for kind, event in ((t[1], t[3]) for t in timed):
        if kind == 1:
            event.end = event  # marks it as an end
        last.next, event.prev = event, last
        last = event
    return head


def search(ops):
    """None: linearizable. Else (the operation that fits nowhere, the longest order found), or
    "undecided"."""
    head = events(ops)
    left = sum(1 for op in ops if op.end != NEVER)
    value, taken, path = None, 0, []
    known = {(0, None)}
    deepest, stuck = [], None
    event = head.next
    while left:
        if event is not None and event.end is not event:  # a begin
            possible, after = step(event.op, value)
            mark = (taken | event.bit, after)
            if possible and mark not in known:
                known.add(mark)
                if len(known) > MAX_CONFIGURATIONS:
                    return "undecided"
                path.append((event, value))
                value, taken = after, mark[0]
                event.unlink()
                if event.end:
                    event.end.unlink()
                    left -= 1
                event = head.next
            else:
                event = event.next
            continue
        if stuck is None or len(path) > len(deepest):
            deepest, stuck = [e.op for e, _ in path], event.op if event else None
        if not path:
            return stuck, deepest
        event, value = path.pop()
        taken &= ~event.bit
        if event.end:
            event.end.relink()
            left += 1
        event.relink()
        event = event.next
    return None


def check_key(table, key, ops):
    found = search(matter(ops))
    if found is None:
        return None
    if found == "undecided":
        return Anomaly("undecided", table, f"key {key}: too many operations of unknown outcome")
    stuck, order = found
    others = [op for op in ops if op is not stuck and op.end >= stuck.begin and op.begin <= stuck.end]
    return Anomaly("not linearizable", table, f"key {key}: no order explains {stuck}",
                   [f"before it: {op}" for op in order[-4:]] +
                   [f"at its time: {op}" for op in others[:8] if op not in order[-4:]])


def check(name, ops):
    keys = {}
    for op in ops:
        keys.setdefault(op.key, []).append(op)
    found = (check_key(name, key, key_ops) for key, key_ops in keys.items())
    return [anomaly for anomaly in found if anomaly]
