"""From statements to units: what has to have happened at one moment.

MiniSQL promises READ COMMITTED inside a region, a region being written by one transaction at a time
(docs/compatibility.md). So of a history of one region's tables must hold:

  - a statement outside a transaction happens at one moment between its begin and its end;
  - so does a read in a transaction that has not written yet (each sees what is committed just then);
  - from its first write (or FOR UPDATE) on, a transaction holds the region's writer: that statement
    and all that follow, up to COMMIT, happen at one moment between that statement's begin and
    COMMIT's end, or not at all.

These are the units. Histories are right when all units can be put into one order that explains
every result and in which no unit stands before one that had ended when it began (strict
serializability of units). A unit that failed must leave no trace; one whose end is unknown may have
happened at any time after its begin.

Reads after the first write of a transaction that did not commit count for nothing: a server that was
deposed without knowing it may give old rows there, and then refuses the COMMIT.
"""
from history import NEVER


class Unit:
    __slots__ = ("begin", "end", "state", "ops", "number")

    def __init__(self, ops, begin, end, state):
        self.ops, self.begin, self.end, self.state = ops, begin, end, state  # state: ok fail info
        self.number = None  # in the graph of lists.py

    def __str__(self):
        return "; ".join(map(str, self.ops))


CONTROL = {"begin", "commit", "rollback", "savepoint", "rollback-to"}
HOLDING = {"append", "lock", "write", "insert", "add"}


def of_statement(op):
    return Unit([op], op.begin, op.end, op.type)


def of_transaction(ops):
    """The units of one transaction, whose statements come in their order."""
    reads, held, undone, mark = [], [], [], None
    state, end = "fail", ops[-1].end
    for op in ops:
        if op.f == "commit":
            state, end = op.type, op.end
        elif op.f == "savepoint" and op.type == "ok":
            mark = len(held)
        elif op.f == "rollback-to" and op.type == "ok" and mark is not None:
            undone += held[mark:]
            del held[mark:]
        elif op.f not in CONTROL:
            if op.f in HOLDING or held or undone:
                held.append(op)
            else:
                reads.append(of_statement(op))
    units = [unit for unit in reads if unit.state == "ok"]
    if undone:
        units.append(Unit(undone, undone[0].begin, undone[-1].end, "fail"))
    if held:
        units.append(Unit(held, held[0].begin, end if state != "info" else NEVER, state))
    return units


def of_table(ops):
    """All units of the operations of one table, oldest first."""
    units, transactions = [], {}
    for op in ops:
        if op.txn is None:
            units.append(of_statement(op))
        else:
            transactions.setdefault(op.txn, []).append(op)
    for txn_ops in transactions.values():
        txn_ops.sort(key=lambda op: op.id)
        units += of_transaction(txn_ops)
    units.sort(key=lambda unit: unit.begin)
    return units
