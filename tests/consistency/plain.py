"""Counters, sets and accounts: checks that need no search.

counter  `add` -> the new value or nothing; `read` -> value. Each add is of 1.
set      `insert` [value, ..]; `read` [from] -> all values from there on. Nobody inserts one twice.
blocks   `insert` value: so many rows under the number `key`; `read` -> [[number, rows], ..].
bank     `transfer` statements as they come; `read` -> balances; `audit` -> [[id, balance, ledger's sum]].
branches the same over several regions; `look` [branch, from] -> [[txn, its branches as bits], ..].
"""
from bisect import bisect_left, bisect_right

from anomaly import Anomaly
from units import of_table


# ---- counters ---------------------------------------------------------------------------------------

def check_counter(name, ops):
    """A value lies between the adds that had ended when it was asked for and those that had begun when
    it was told, is not below what somebody was told before, and no two adds gave the same."""
    found, keys = [], {}
    for op in ops:
        keys.setdefault(op.key, []).append(op)
    for key, key_ops in keys.items():
        found += check_count(name, key, key_ops)
    return found


def check_count(name, key, ops):
    adds = [op for op in ops if op.f == "add" and op.type != "fail"]
    acked = sorted(op.end for op in adds if op.type == "ok")
    begun = sorted(op.begin for op in adds)
    told = [op for op in ops if op.type == "ok" and op.result is not None]
    by_end, highest, nth = sorted(told, key=lambda op: op.end), None, 0
    given = {}
    for op in sorted(told, key=lambda op: op.begin):
        own = op.f == "add"
        low = bisect_left(acked, op.begin) + own
        high = bisect_right(begun, op.end)
        if op.result < low:
            yield Anomaly("lost or stale", name, f"{key} was {op.result}, after {low} were done", [op])
        if op.result > high:
            yield Anomaly("duplicate", name, f"{key} was {op.result}, of {high} begun", [op])
        while nth < len(by_end) and by_end[nth].end < op.begin:
            if highest is None or by_end[nth].result > highest.result:
                highest = by_end[nth]
            nth += 1
        if highest and op.result < highest.result + own:
            yield Anomaly("stale read", name, f"{key} was {op.result} after it had been "
                          f"{highest.result}", [highest, op])
        if own and op.result in given:
            yield Anomaly("lost update", name, f"two adds gave {op.result} of {key}",
                          [given[op.result], op])
        if own:
            given[op.result] = op


# ---- sets -------------------------------------------------------------------------------------------

def check_set(name, ops):
    inserts = {value: op for op in ops if op.f == "insert" for value in op.value}
    acked = sorted((value, op.end, op) for value, op in inserts.items() if op.type == "ok")
    reads = [op for op in ops if op.f == "read" and op.type == "ok"]
    last = max(reads, key=lambda op: op.begin, default=None)
    reported = set()

    def once(what, value, *anomaly):
        if (what, value) not in reported:
            reported.add((what, value))
            yield Anomaly(what, name, *anomaly)

    for value, op in inserts.items():
        if op.error and op.error.startswith("23505"):
            yield from once("duplicate", value, f"{value} is said to be there already, but nobody else "
                            "inserts it", [op])
    for read in sorted(reads, key=lambda op: -op.begin):
        seen = set(read.result)
        if len(seen) != len(read.result):
            for value in sorted(v for v in seen if read.result.count(v) > 1):
                yield from once("duplicate", value, f"{value} is there twice",
                                [inserts.get(value), read])
        for value in seen:
            writer = inserts.get(value)
            if writer is None or writer.begin > read.end:
                yield from once("garbage read", value, f"nobody had inserted {value}", [read])
            elif writer.type == "fail":
                yield from once("G1a", value, f"{value} was refused, and is there", [writer, read])
            elif not seen.issuperset(v for v in writer.value if v >= read.key):
                yield from once("broken statement", value, f"of {writer.value} not all is there",
                                [writer, read])
        for value, end, op in acked[bisect_left(acked, (read.key,)):]:
            if end < read.begin and value not in seen:
                what = "lost insert" if read is last or value in lost(reported) else "stale read"
                yield from once(what, value, f"{value} was acknowledged {read.begin - end:.3f} s before, "
                                "and is not there", [op, read])


def lost(reported):
    return {value for what, value in reported if what == "lost insert"}


# ---- accounts ---------------------------------------------------------------------------------------

def check_bank(name, ops):
    """Money moves and stays the same; what the ledger says is what the accounts hold."""
    total = None
    transfers = {op.txn: op for op in ops if op.f == "commit"}
    for op in ops:
        if op.type != "ok":
            continue
        if op.f == "read":
            total = sum(op.result) if total is None else total
            if sum(op.result) != total:
                yield Anomaly("broken sum", name, f"the accounts hold {sum(op.result)} together, not "
                              f"{total}", [op])
        if op.f == "audit":
            yield from check_accounts(name, op)
            yield from check_ledger(name, op, transfers)


def check_accounts(name, audit):
    for account, balance, start, moved in audit.result["accounts"]:
        if start + moved != balance:
            yield Anomaly("broken transaction", name, f"account {account} began with {start}, the ledger "
                          f"adds {moved}, and it holds {balance}", [audit])


def check_ledger(name, audit, transfers):
    """Each committed transfer has its two lines, once."""
    lines = {}
    for txn in audit.result["ledger"]:
        lines[txn] = lines.get(txn, 0) + 1
    for txn, n in lines.items():
        commit = transfers.get(txn)
        if n != 2:
            what = "duplicate" if n > 2 else "broken transaction"
            yield Anomaly(what, name, f"transfer {txn} has {n} lines in the ledger, not 2",
                          [commit or "it never came to its COMMIT"])
        elif commit is None or commit.type == "fail":
            yield Anomaly("G1a", name, f"transfer {txn} is in the ledger and did not commit",
                          [commit or "it never came to its COMMIT"])
    for txn, commit in transfers.items():
        if commit.type == "ok" and commit.end < audit.begin and txn not in lines:
            yield Anomaly("lost transaction", name, f"transfer {txn} was committed and is not in the "
                          "ledger", [commit])


# ---- accounts of several regions --------------------------------------------------------------------

def check_branches(name, ops):
    """A transfer is in all of its branches or in none, and once it was seen in one, or its COMMIT was
    acknowledged, whoever looks then sees it in the others."""
    transfers = {op.txn: op for op in ops if op.f == "commit"}
    looks = sorted((op for op in ops if op.f == "look" and op.type == "ok"), key=lambda op: op.end)
    known = {}  # txn -> (since when, by whom, its branches)
    for txn, commit in transfers.items():
        if commit.type == "ok":
            known[txn] = (commit.end, commit, commit.value)
    for look in looks:
        for txn, bits in look.result:
            if txn not in known or known[txn][0] > look.end:
                known[txn] = (look.end, look, bits)
    for look in looks:
        branch, start = look.key
        yield from check_look(name, look, branch, start, known, transfers)
    for op in ops:
        if op.f == "audit" and op.type == "ok":
            yield from check_accounts(name, op)
            yield from check_branch_ledgers(name, op, transfers)


def check_look(name, look, branch, start, known, transfers):
    seen = {txn for txn, _ in look.result}
    for txn in seen:
        commit = transfers.get(txn)
        if commit is None or commit.type == "fail":
            yield Anomaly("G1a", name, f"transfer {txn} did not commit, and is seen",
                          [commit or "it never came to its COMMIT", look])
    for txn, (since, witness, bits) in known.items():
        if start <= txn and bits >> branch & 1 and since < look.begin and txn not in seen:
            yield Anomaly("stale read", name, f"transfer {txn} was known before, and is not in branch {branch}",
                          [witness, look])


def check_branch_ledgers(name, audit, transfers):
    """Each committed transfer has its line in each of its branches, once."""
    lines, branches = {}, {}
    for txn, branch, bits in audit.result["ledger"]:
        lines.setdefault(txn, []).append(branch)
        branches[txn] = bits
    for txn, found in lines.items():
        commit = transfers.get(txn)
        wanted = [i for i in range(branches[txn].bit_length()) if branches[txn] >> i & 1]
        if sorted(found) != wanted:
            what = "duplicate" if len(found) > len(set(found)) else "broken transaction"
            yield Anomaly(what, name, f"transfer {txn} has lines in the branches {sorted(found)}, not {wanted}",
                          [commit or "it never came to its COMMIT"])
        elif commit is None or commit.type == "fail":
            yield Anomaly("G1a", name, f"transfer {txn} is in the ledgers and did not commit",
                          [commit or "it never came to its COMMIT"])
    for txn, commit in transfers.items():
        if commit.type == "ok" and commit.end < audit.begin and txn not in lines:
            yield Anomaly("lost transaction", name, f"transfer {txn} was committed and is in no ledger",
                          [commit])


# ---- blocks -----------------------------------------------------------------------------------------

def check_blocks(name, ops):
    """Of each number all rows are there, or none."""
    units = {u.ops[0].key: u for u in of_table(ops) if u.ops[0].f == "insert"}
    reads = [op for op in ops if op.f == "read" and op.type == "ok"]
    last, told = max(reads, key=lambda op: op.begin, default=None), set()
    for read in sorted(reads, key=lambda op: -op.begin):
        for what, number, text in block_faults(units, read, read is last):
            if (what, number) not in told:
                told.add((what, number))
                yield Anomaly(what, name, text, [units.get(number), read])


def block_faults(units, read, is_last):
    seen = dict(map(tuple, read.result))
    for number, rows in seen.items():
        unit = units.get(number)
        if unit is None or unit.begin > read.end:
            yield "garbage read", number, f"nobody had inserted {number}"
            continue
        whole = sum(op.value for op in unit.ops)
        if unit.state == "fail":
            yield "G1a", number, f"{rows} rows of {number}, which was rolled back or refused"
        elif rows > whole:
            yield "duplicate", number, f"{number} has {rows} rows, not {whole}"
        elif rows < whole:
            yield "broken transaction", number, f"{number} has {rows} rows, not {whole}"
    for number, unit in units.items():
        if unit.state == "ok" and unit.end < read.begin and number not in seen:
            yield "lost insert" if is_last else "stale read", number, \
                f"{number} was acknowledged {read.begin - unit.end:.3f} s before, and is not there"
