"""One round: a fresh cluster, clients and faults for some seconds, everything healed, last reads, the
verdict."""
import os
import shutil
import sys
import tempfile
import time

import psycopg2

import checker
import conftest
import history
import workload
from nemesis import Nemesis, ON_A_NETWORK

RECOVERY_S = 90  # after the last fault everything must work again; generous, for sanitizer builds


def make_cluster(args):
    options = {"servers": args.servers, "coord": args.coord, "copies": args.copies,
               "coord_members": args.coord_members}
    if ON_A_NETWORK & set(args.faults):
        from net import NetCluster
        return NetCluster(**options)
    return conftest.Cluster(**options)


def create(cluster, world):
    for w in world.workloads:
        for sql in w.create():
            cluster.query(sql)
    cluster.wait_copies(min(args_copies(cluster), len(cluster.names)))


def args_copies(cluster):
    return int(cluster.options[cluster.options.index("--copies") + 1]) \
        if "--copies" in cluster.options else 2


def last_reads(cluster, client, world):
    """Everything is read, of whichever server answers; the first answer may take its time."""
    deadline = time.monotonic() + RECOVERY_S
    for w in world.workloads:
        while True:
            try:
                client.choose()
                w.finish(client)
                break
            except psycopg2.Error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{w.table} can't be read {RECOVERY_S} s after the last fault")
                time.sleep(0.2)


def read_each_copy(cluster, client, world, nemesis):
    """Each server is killed in turn, so that every copy has to answer once."""
    for victim in cluster.names:
        nemesis.recorder.fault("last-kill", target=victim)
        nemesis.end(victim, 9)
        client.drop(victim)
        client.avoid[victim] = time.monotonic() + 3600
        last_reads(cluster, client, world)
        nemesis.start(victim)
        del client.avoid[victim]
        recover(cluster)


def recover(cluster):
    """Liveness: all servers are up, all tables have their copies."""
    cluster.wait_up(*cluster.names, seconds=RECOVERY_S)
    cluster.wait_copies(min(args_copies(cluster), len(cluster.names)), seconds=RECOVERY_S)


def load(args, cluster, world, seed, seconds):
    """Clients and faults; then healing and the last reads. Gives what is wrong beside the history."""
    clients = [workload.Client(i + 1, world) for i in range(args.clients)]
    for client in clients:
        client.start()
    nemesis = Nemesis(cluster, world.recorder, args.faults, world.targets(), seed,
                      0.4 if seconds < 30 else 1)
    time.sleep(seconds)
    nemesis.calm_down()
    recover(cluster)
    time.sleep(1)  # of load without faults
    world.stopping.set()
    for client in clients:
        client.join(60)
    wrong = [f"client {c.number} hangs at {c.server}" for c in clients if c.is_alive()]
    wrong += [f"client {c.number}: {c.error!r}" for c in clients if c.error]
    wrong += [f"the nemesis: {nemesis.error!r}"] if nemesis.error else []
    reader = workload.Client(0, world)
    reader.patience = 40
    last_reads(cluster, reader, world)
    if args.each_copy:
        read_each_copy(cluster, reader, world, nemesis)
    wrong += [f"{name} ended by itself" for name in nemesis.died]
    return wrong


def play(args, seed, seconds):
    """One round; 0: nothing was found."""
    directory = args.dir or tempfile.mkdtemp(prefix="minisql-history-")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"history-{seed}.jsonl")
    print(f"seed {seed}, {seconds:.0f} s, faults: {', '.join(args.faults) or 'none'}"
          + (f", mutation {args.mutation}" if args.mutation else ""), flush=True)
    cluster = make_cluster(args)
    wrong = []
    try:
        world = workload.World(seed, cluster.names, cluster.open, args.workloads, args.rate, args.clients)
        create(cluster, world)
        world.recorder = history.Recorder(path, {"seed": seed, "tables": world.tables(),
                                                 "command": " ".join(sys.argv[1:])})
        try:
            wrong = load(args, cluster, world, seed, seconds)
        except AssertionError as e:
            wrong = [str(e)]
            world.stopping.set()
        world.recorder.close()
        wrong += [f"alarm: {alarm}" for alarm in cluster.alarms()]
    finally:
        cluster.down()
    recorded = history.read(path)
    found = checker.check(recorded)
    print(checker.report(recorded, found))
    print("\n".join(wrong), end="\n" if wrong else "")
    if args.mutation:  # it is known why
        shutil.rmtree(cluster.dir, ignore_errors=True)
        return 1 if found or wrong else 0
    if found or wrong:
        print(f"history: {path}; logs: {cluster.dir}", flush=True)
        return 1
    shutil.rmtree(cluster.dir, ignore_errors=True)
    if not args.dir:
        shutil.rmtree(directory, ignore_errors=True)
    return 0
