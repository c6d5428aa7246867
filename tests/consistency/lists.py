"""Append-to-list: the ideas of Elle (Kingsbury, Alvaro: "Elle: Inferring Isolation Anomalies from
Experimental Observations", 2020), for units (units.py).

Each key holds a list to which unique elements are appended, so a read tells the whole history of its
key. From the longest read of a key follows the order of its versions, from that what each unit
must come after:

  ww  u appended the element before v's
  wr  v read a list whose last element u appended
  rw  u read a list that lacks what v appended
  rt  u had ended when v began

A cycle of these is an anomaly. It is named after Adya: G0 has only ww (and rt), G1c ww and wr, G-single
one rw, G2 more; where an rt is needed to close it, "-realtime" is added. Two names are plainer: a
"stale read" lacks what had been appended before it began, a "lost update" is two units that read one
version of a key and both append to it. Without a cycle show: G1a (read of what was rolled back or
refused), G1b (read of a part of a transaction), a lost append, an element that is there twice, or
that nobody wrote, reads of which neither is the beginning of the other, and a unit that doesn't
see what it wrote itself.

rt edges of n units would be n * n; a chain of moments carries them instead: u -> the moment of its
end -> the next moment -> .. -> v. Moments cost nothing in a path.
"""
from bisect import bisect_left
from collections import deque

from anomaly import Anomaly
from history import NEVER
from units import of_table

RANK = {"ww": 0, "wr": 1, "rw": 2}  # of two edges between the same units the first is kept
PATIENCE = 3_000_000  # nodes that may be visited in the search for one component's shortest cycle


# ---- versions ---------------------------------------------------------------------------------------

class Read:
    """What a unit saw of one key: the whole list, and `seen`: without what it had itself appended."""
    __slots__ = ("unit", "whole", "seen", "op")

    def __init__(self, unit, whole, n_own, op):
        self.unit, self.whole, self.op = unit, whole, op
        self.seen = whole[:len(whole) - n_own] if n_own else whole


class Table:
    """The units of one table, and what follows about its keys."""

    def __init__(self, name, units):
        self.name, self.units, self.anomalies = name, units, []
        self.writer = {}  # (key, element) -> unit
        self.appends = {}  # key -> [(element, unit)]
        self.reads = {}  # key -> [Read]
        self.longest = {}  # key -> the longest Read
        self.order = {}  # key -> its elements in their order, each once
        self.doubled = set()  # keys of which an element is there twice
        self.place = {}  # (key, element) -> place in that order
        for unit in units:
            self.add_appends(unit)
        for unit in units:
            if unit.state == "ok":
                self.add_reads(unit)
        for key, reads in self.reads.items():
            self.set_order(key, reads)

    def found(self, name, text, *evidence):
        self.anomalies.append(Anomaly(name, self.name, text, evidence))

    def add_appends(self, unit):
        for op in unit.ops:
            if op.f == "append":
                for key in op.key:
                    self.writer[key, op.value] = unit
                    self.appends.setdefault(key, []).append((op.value, unit))

    def add_reads(self, unit):
        """Takes off the end of each list what the unit itself had appended."""
        own = {}
        for op in unit.ops:
            if op.f == "append":
                for key in op.key:
                    own.setdefault(key, []).append(op.value)
            if op.type != "ok" or not isinstance(op.result, list):
                continue
            for key, seen in zip(op.key, op.result):
                mine = own.get(key, [])
                if mine and seen[-len(mine):] != mine:
                    self.found("internal", f"key {key}: a unit does not see its own appends {mine} "
                               "at the end of the list", op)
                    continue
                self.reads.setdefault(key, []).append(Read(unit, seen, len(mine), op))

    def set_order(self, key, reads):
        longest = max(reads, key=lambda r: len(r.whole))
        self.longest[key], order = longest, self.order.setdefault(key, [])
        for i, element in enumerate(longest.whole):
            if (key, element) in self.place:
                self.doubled.add(key)
                self.found("duplicate", f"key {key}: element {element} is there twice, the second time "
                           f"at place {i}", *self.who(key, element), longest.op)
                continue
            self.place[key, element] = len(order)
            order.append(element)

    def version(self, key, seen):
        """How many elements of the order were there; -1: what was seen is not in the order."""
        if key in self.doubled:
            seen = seen and [max(seen, key=lambda element: self.place.get((key, element), -1))]
        return self.place.get((key, seen[-1]), -2) + 1 if seen else 0

    def who(self, key, element):
        unit = self.writer.get((key, element))
        return [unit] if unit else []

    # -- anomalies of single reads

    def check_reads(self):
        for key, reads in self.reads.items():
            order, told = self.longest[key].whole, set()
            for read in reads:
                if read.whole != order[:len(read.whole)]:
                    self.check_twisted(key, read, order)
                self.check_elements(key, read, told)
            self.check_lost(key, reads)

    def check_twisted(self, key, read, order):
        at = next(i for i, (a, b) in enumerate(zip(read.whole, order)) if a != b)
        self.found("incompatible order", f"key {key}: at place {at} one read has {read.whole[at]}, "
                   f"another {order[at]}", read.op, *self.who(key, read.whole[at]),
                   *self.who(key, order[at]))

    def check_elements(self, key, read, told):
        """`told`: elements that an anomaly was reported of already."""
        for element in read.seen:
            if element in told:
                continue
            writer = self.writer.get((key, element))
            if writer is None:
                told.add(element)
                self.found("garbage read", f"key {key}: nobody appended {element}", read.op)
            elif writer.state == "fail":
                told.add(element)
                self.found("G1a", f"key {key}: a read saw {element}, of a unit that was rolled back "
                           "or refused", read.op, writer)
        if read.seen:
            self.check_whole(key, read, told)

    def check_whole(self, key, read, told):
        last = read.seen[-1]
        writer = self.writer.get((key, last))
        if not writer or writer is read.unit or last in told:
            return
        later = [op.value for op in writer.ops if op.f == "append" and key in op.key]
        if last != later[-1] and writer.state != "fail":
            told.add(last)
            self.found("G1b", f"key {key}: a read saw {last} but not {later[-1]} of the same "
                       "transaction", read.op, writer)

    def check_lost(self, key, reads):
        last = max(reads, key=lambda r: r.op.begin)
        final = set(last.whole)
        for element, unit in self.appends.get(key, []):
            if unit.state == "ok" and unit.end < last.op.begin and element not in final:
                self.found("lost append", f"key {key}: {element} was acknowledged and is not there "
                           f"{last.op.begin - unit.end:.3f} s later", unit, last.op)


# ---- the graph --------------------------------------------------------------------------------------

class Graph:
    """Nodes 0 .. n-1 are units, the rest moments. edges[u] is {v: (kind, why)}."""

    def __init__(self, table):
        happened = {id(table.writer[place]) for place in table.place if place in table.writer}
        self.units = [u for u in table.units
                      if u.state == "ok" or (u.state == "info" and id(u) in happened)]
        for number, unit in enumerate(self.units):
            unit.number = number
        self.edges = [{} for _ in self.units]
        for key in table.order:
            self.add_key(table, key)
        self.add_time()

    def add(self, u, v, kind, why):
        if u is not v and u is not None and v is not None \
                and u.number is not None and v.number is not None:
            known = self.edges[u.number].get(v.number)
            if known is None or RANK[kind] < RANK[known[0]]:
                self.edges[u.number][v.number] = (kind, why)

    def add_key(self, table, key):
        order = table.order[key]
        writers = [table.writer.get((key, element)) for element in order]
        # What was acknowledged and never seen came after all that was.
        unseen = [(e, u) for e, u in table.appends.get(key, [])
                  if u.state == "ok" and (key, e) not in table.place]
        for i in range(1, len(order)):
            self.add(writers[i - 1], writers[i], "ww", (key, order[i - 1], order[i]))
        for element, unit in unseen:
            if order:
                self.add(writers[-1], unit, "ww", (key, order[-1], element))
        for read in table.reads[key]:
            n = table.version(key, read.seen)
            if n > 0:
                self.add(writers[n - 1], read.unit, "wr", (key, order[n - 1], None))
            if 0 <= n < len(order):
                self.add(read.unit, writers[n], "rw", (key, order[:n][-1:], order[n]))
            for element, unit in unseen:
                self.add(read.unit, unit, "rw", (key, read.seen[-1:], element))

    def add_time(self):
        n = len(self.units)
        ends = sorted({u.end for u in self.units if u.end != NEVER})
        self.edges += [{n + i + 1: ("rt", None)} for i in range(len(ends))]
        if ends:
            self.edges[-1] = {}
        for unit in self.units:
            if unit.end != NEVER:
                self.edges[unit.number].setdefault(n + bisect_left(ends, unit.end), ("rt", None))
            before = bisect_left(ends, unit.begin)
            if before:
                self.edges[n + before - 1][unit.number] = ("rt", None)

    def components(self):
        """Strongly connected components of two nodes and more (Tarjan, without recursion)."""
        edges, n = self.edges, len(self.edges)
        index, low, on_stack = [0] * n, [0] * n, bytearray(n)
        stack, found, counter = [], [], 0
        for root in range(n):
            if index[root]:
                continue
            counter += 1
            index[root] = low[root] = counter
            stack.append(root)
            on_stack[root] = 1
            work = [(root, iter(edges[root]))]
            while work:
                node, targets = work[-1]
                for v in targets:
                    if not index[v]:
                        counter += 1
                        index[v] = low[v] = counter
                        stack.append(v)
                        on_stack[v] = 1
                        work.append((v, iter(edges[v])))
                        break
                    if on_stack[v] and index[v] < low[node]:
                        low[node] = index[v]
                else:
                    work.pop()
                    if work and low[node] < low[work[-1][0]]:
                        low[work[-1][0]] = low[node]
                    if low[node] == index[node]:
                        component = []
                        while not component or component[-1] != node:
                            component.append(stack.pop())
                            on_stack[component[-1]] = 0
                        if len(component) > 1:
                            found.append(component)
        return found

    def path(self, start, goal, inside, kinds, limit):
        """The shortest path from start to goal, in units and below limit, over nodes `inside` and
        edges of `kinds`: a list of (source, kind, why). None: there is none."""
        came, queue, done = {start: None}, deque([(start, 0)]), set()
        cost = {start: 0}
        n = len(self.units)
        while queue:
            node, at = queue.popleft()
            if node in done or at >= limit:
                continue
            done.add(node)
            if node == goal:
                return self.trace(came, goal)
            for v, (kind, why) in self.edges[node].items():
                if v not in inside or v in done or (kind not in kinds):
                    continue
                step = 1 if v < n else 0
                if at + step < cost.get(v, NEVER):
                    cost[v] = at + step
                    came[v] = (node, kind, why)
                    (queue.append if step else queue.appendleft)((v, at + step))
        return None

    def trace(self, came, node):
        steps = []
        while came[node]:
            source, kind, why = came[node]
            steps.append((source, kind, why))
            node = source
        return steps[::-1]


LEVELS = [("G0", {"ww"}), ("G0-realtime", {"ww", "rt"}), ("G1c", {"ww", "wr"}),
          ("G1c-realtime", {"ww", "wr", "rt"})]


def cycle_with(graph, inside, kinds, needed):
    """The shortest cycle over `kinds` that begins with an edge of the kind `needed`."""
    best, limit, starts = None, NEVER, PATIENCE // len(inside) + 1
    for u in inside:
        for v, (kind, why) in graph.edges[u].items():
            if kind != needed or v not in inside or starts == 0:
                continue
            starts -= 1
            back = graph.path(v, u, inside, kinds, limit)
            if back is not None:
                best = [(u, kind, why)] + back
                limit = sum(1 for source, _, _ in back if source < len(graph.units))
    return best


def name_single(graph, table, steps):
    """A cycle with one rw edge, which is its first."""
    reader, (_, _, (key, _, element)) = steps[0][0], steps[0]
    units = [graph.units[s] for s, _, _ in steps if s < len(graph.units)]
    realtime = any(kind == "rt" for _, kind, _ in steps)
    if len(units) == 2:
        if realtime and all(kind in ("rt", "rw") for _, kind, _ in steps):
            return "stale read" if (key, element) in table.place else None  # None: told as lost
        wrote = any(op.f == "append" and key in op.key for op in graph.units[reader].ops)
        if wrote and not realtime:
            return "lost update"
    return "G-single-realtime" if realtime else "G-single"


def shortest_cycle(graph, table, component):
    """(name, cycle) at the lowest level at which the component has one."""
    inside = set(component)
    for name, kinds in LEVELS:
        cycle = cycle_with(graph, inside, kinds, "wr" if "wr" in kinds else "ww")
        if cycle:
            return name, cycle
    for kinds in ({"ww", "wr"}, {"ww", "wr", "rt"}):
        cycle = cycle_with(graph, inside, kinds, "rw")
        if cycle:
            return name_single(graph, table, cycle), cycle
    for name, kinds in (("G2", {"ww", "wr", "rw"}), ("G2-realtime", {"ww", "wr", "rw", "rt"})):
        cycle = cycle_with(graph, inside, kinds, "rw")
        if cycle:
            return name, cycle
    return None, None


def explain(graph, steps):
    """The cycle, one line a unit, with what orders it before the next."""
    lines, n = [], len(graph.units)
    units = [s for s in steps if s[0] < n]
    for i, (node, kind, why) in enumerate(units):
        following = graph.units[units[(i + 1) % len(units)][0]]
        lines.append(f"T{i + 1} {graph.units[node]}")
        target = f"T{(i + 1) % len(units) + 1}"
        if kind == "rt":
            gap = following.begin - graph.units[node].end
            lines.append(f"   rt: ended {gap * 1000:.1f} ms before {target} began")
        else:
            key, a, b = why
            text = {"ww": f"appended {a}, directly before {target}'s {b}",
                    "wr": f"appended {a}, the last that {target} read",
                    "rw": f"read up to {a}, without {target}'s {b}"}[kind]
            lines.append(f"   {kind}: key {key}: {text}")
    return lines


def check(name, ops):
    """The anomalies of one table of lists."""
    table = Table(name, of_table(ops))
    table.check_reads()
    graph = Graph(table)
    for component in graph.components():
        kind, cycle = shortest_cycle(graph, table, component)
        if kind:
            size = sum(1 for node in component if node < len(graph.units))
            table.found(kind, f"a cycle (of {size} units that are in cycles together)",
                        *explain(graph, cycle))
    return table.anomalies
