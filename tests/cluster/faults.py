"""Disks and clocks that fail on command, and power cuts that take along what was not synced.

    cluster = make_cluster(faults={})                   # make_net_cluster, too
    fault = cluster.faults["s1"]
    fault.disk(write=errno.EIO)                         # sync=, read=; where="log/", percent=10
    fault.disk()                                        # works again
    fault.step_clock(-3600)                             # seconds, against the real one; on a running server

    cluster = make_cluster(faults={"journal": True})    # slower: every write is remembered
    power_cut(cluster)                                  # all servers; then cluster.up(3)

The library that does it (faults.c) is preloaded into the servers; the coordination store and the test
are spared.
"""
import functools
import mmap
import os
import random
import signal
import struct
import subprocess

import conftest
from net import compiled

CONTROL = struct.Struct("q5i256s4x")  # struct faults
ENTRY = struct.Struct("2I5Q")  # struct entry
WRITE, TRUNCATE, SYNC, CREATE, RENAME, UNLINK = range(1, 7)


@functools.cache
def preload():
    """What LD_PRELOAD has to be: the sanitizer wants to come first."""
    words = [compiled("faults", "-shared", "-fPIC", "-ldl")]
    needed = subprocess.run(["ldd", conftest.MINISQLD], text=True, capture_output=True, check=True)
    words = [line.split()[2] for line in needed.stdout.splitlines() if "libasan" in line] + words
    return ":".join(words)


class Faults:
    """Of one server."""

    def __init__(self, folder, name, journal=False):
        self.data = os.path.join(os.path.realpath(folder), name) + "/"
        self.file = os.path.join(folder, name + ".faults")
        self.clock_s, self.journal, self.errors = 0, journal, (0, 0, 0, 100, "")
        with open(self.file, "wb") as f:
            f.write(bytes(CONTROL.size))
        with open(self.file, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), CONTROL.size)
        self.say()

    def prefix(self):
        return ["env", "LD_PRELOAD=" + preload(), "MINISQL_FAULTS=" + self.file]

    def say(self):
        write, sync, read, percent, where = self.errors
        self.map[:] = CONTROL.pack(self.clock_s * 10**9, write, sync, read, percent, self.journal,
                                   (where or self.data).encode())

    def disk(self, write=0, sync=0, read=0, percent=100, where=""):
        """The errors that calls on files with `where` in their path end with; 0: they work."""
        self.errors = (write, sync, read, percent, self.data + where if where else "")
        self.say()

    def step_clock(self, seconds):
        self.clock_s = seconds
        self.say()


# ---- power cuts -----------------------------------------------------------------------------------------

class Change:
    """A record of the journal: something that a power cut may undo."""

    def __init__(self, at, fields, names, old):
        self.at, self.names, self.old = at, names, old
        self.kind, _, self.inode, self.offset, self.size, _, self.number = fields


def read_journal(path):
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at + ENTRY.size <= len(data):
        fields = ENTRY.unpack_from(data, at)
        names_end = at + ENTRY.size + fields[1]
        end = names_end + fields[5]
        if end > len(data):
            return  # the last one was cut off, before the change was made
        names = data[at + ENTRY.size:names_end].decode().split("\0")[:-1]
        yield Change(at, fields, names, data[names_end:end])
        at = end


def unsynced(changes):
    """Those that no successful sync came after, oldest first."""
    durable = {}  # inode -> place in the journal
    for change in changes:
        if change.kind == SYNC:
            durable[change.inode] = max(change.offset, durable.get(change.inode, 0))

    def lasts(change):
        inode = change.inode
        if change.kind in (CREATE, RENAME, UNLINK):  # of a name, the directory's
            inode = os.stat(os.path.dirname(change.names[-1])).st_ino
        return change.at < durable.get(inode, 0)
    return [c for c in changes if c.kind != SYNC and not lasts(c)]


def choose(changes, dice):
    """What is lost: of each file, the last changes from anywhere on; [(change, torn)]. Names too."""
    groups = {}
    for change in changes:
        group = change.inode or os.path.dirname(change.names[-1])
        groups.setdefault(group, []).append(change)
    lost = {}
    for group in groups.values():
        first = dice.choice([0, len(group), dice.randint(0, len(group))])
        for i, change in enumerate(group[first:]):
            lost[change] = i == 0 and change.kind == WRITE and dice.random() < 0.5
    return [(c, lost[c]) for c in changes if c in lost]


def undo(change, torn, inodes, control):
    if change.kind == CREATE:
        os.unlink(change.names[0])
    elif change.kind == RENAME:
        os.rename(change.names[1], change.names[0])
        if change.number:
            os.rename(f"{control}.{change.number}", change.names[1])
    elif change.kind == UNLINK:
        if change.number:
            os.rename(f"{control}.{change.number}", change.names[0])
    elif change.inode in inodes:
        with open(inodes[change.inode], "r+b") as f:
            keep = 512 if torn and len(change.old) > 512 else 0  # a sector came through
            f.seek(change.offset + keep)
            f.write(change.old[keep:])
            f.truncate(change.size)


def lose_unsynced(fault, dice):
    """The disk of a server that is dead, as a power cut might have left it. Returns how many changes
    were lost."""
    changes = list(read_journal(fault.file + ".journal"))
    lost = choose(unsynced(changes), dice)
    folder = os.path.dirname(fault.file)
    kept = [e.path for e in os.scandir(folder) if e.path.startswith(fault.file + ".")]
    paths = kept + [os.path.join(where, name) for where, _, names in os.walk(fault.data)
                    for name in names]
    for change, torn in reversed(lost):
        # names move while we go back: look again, there are few
        inodes = {}
        for path in paths + change.names:
            if os.path.exists(path):
                inodes[os.stat(path).st_ino] = path
        undo(change, torn, inodes, fault.file)
    for path in kept:
        if os.path.exists(path):
            os.unlink(path)
    return len(lost)


def power_cut(cluster, seed=None):
    """All servers at once."""
    for pid in [cluster.pid(name) for name in cluster.names]:
        os.kill(pid, signal.SIGKILL)
    for name in cluster.names:
        conftest.wait_until(f"{name} is gone", lambda: not cluster.alive(name), 30)
    dice = random.Random(seed)
    return {name: lose_unsynced(cluster.faults[name], dice) for name in cluster.names}
