"""Cardume beside other programs; see run.sh."""

import atexit
import datetime
import filecmp
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import links
from cardume import Group
from measure import MIB, Process, Watch, median, wait_until
from others import Libtorrent, Nginx, Pyro, Rqbit, Rsync, Tool, need

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK = bool(os.environ.get("QUICK"))


def setting(name, default, quick):
    return int(os.environ.get(name, quick if QUICK else default))


SIZE = setting("SIZE", 2048 * MIB, 64 * MIB)
FILES = setting("FILES", 10_000, 200)
FILE_SIZE = setting("FILE_SIZE", 10_000, 10_000)
ROUNDS = setting("ROUNDS", 5, 1)
LINK_SIZE = setting("LINK_SIZE", 256 * MIB, 32 * MIB)
HUGE = setting("HUGE", 50 * 1024 * MIB, 1024 * MIB)
LOAD_SECONDS = setting("SECONDS_OF_LOAD", 60, 10)
RATE = os.environ.get("RATE", "200mbit")
ONLY = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else []
TOOLS = os.environ.get("TOOLS", "").split(";") if os.environ.get("TOOLS") else []
PROGRAM = pathlib.Path(os.environ.get("CARDUME", ROOT / "target/release/cardume")).resolve()


def write_random(path, size):
    """Bytes that do not compress and are not sparse, the same in every run."""
    import random
    source = random.Random(str(path.name))
    with open(path, "wb") as file:
        while size > 0:
            file.write(source.randbytes(min(size, 4 * MIB)))
            size -= 4 * MIB


class Cardume(Tool):
    """One or more peers that share the folder, and one that downloads."""

    def __init__(self, name, sources=1):
        self.name, self.sources = name, sources

    def missing(self):
        return None if PROGRAM.exists() else f"{PROGRAM} not built"

    def start(self, folder, work):
        self.group = Group(PROGRAM, pathlib.Path(work) / "home")
        for number in range(1, self.sources + 1):
            self.group.add(f"source-{number}", folder)
        self.group.add("getter", pathlib.Path(work) / "empty")
        files = [path.name for path in pathlib.Path(folder).iterdir()]
        self.group.wait_for_files(len(files) * self.sources)
        self.content = self.group.find("getter", files[0], self.sources) if len(files) == 1 else None
        self.servers = tuple(self.group.peers.values())

    def fetch(self, watch, file, target):
        watch.call(self.group.command("getter", "get", self.content, "--to", target), log=self.group.home / "get.log")

    def fetch_all(self, watch, _file, target):
        watch.call(self.group.command("getter", "get", "--folder", "files", "--from", "source-1", "--to", target),
                   log=self.group.home / "get.log")

    def stop(self):
        self.group.stop()
        self.servers = ()


def table(title, head, rows):
    print(f"\n{title}\n")
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    for line in lines:
        print("| " + " | ".join(str(cell) for cell in line) + " |")
    sys.stdout.flush()


def progress(text):
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def compare(folder, tools, method, bytes_, rounds, reference):
    """Runs all tools in turns; prints medians and how many times as fast the reference is."""
    work = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    samples, absent = {}, []
    files = sorted(path.name for path in folder.iterdir())
    running = []
    for number, tool in enumerate(tools):
        reason = tool.missing()
        if TOOLS and not any(tool.name.startswith(name) for name in TOOLS):
            continue
        if reason:
            absent.append([tool.name, reason, "", "", "", "", "", ""])
            continue
        place = work / f"tool-{number}"
        place.mkdir()
        progress(f"starting {tool.name}")
        try:
            tool.start(folder, place)
        except Exception as error:  # One tool that does not work leaves the others.
            progress(f"{tool.name} does not start: {error!r}")
            absent.append([tool.name, f"does not start: {error}", "", "", "", "", "", ""])
            tool.stop()
            continue
        running.append(tool)
        samples[tool.name] = []
    try:
        for round_ in range(rounds):
            # Another order each round: none is always first behind the same neighbour.
            order = running[round_ % max(len(running), 1):] + running[:round_ % max(len(running), 1)]
            for tool in order:
                sample = once(folder, files, tool, method, bytes_, work, check=round_ == 0)
                if sample:
                    samples[tool.name].append(sample)
                    progress(f"{tool.name}: {sample.rate:.0f} MB/s, {sample.cpu_per_gib:.2f} s CPU/GiB, "
                             f"{sample.memory / MIB:.0f} MiB, load {sample.load:.1f}")
    finally:
        for tool in running:
            tool.stop()
        shutil.rmtree(work, ignore_errors=True)
    base = median(samples[reference], "seconds") if samples.get(reference) else None
    rows = []
    for tool in running:
        runs = samples[tool.name]
        if not runs:
            absent.append([tool.name, "failed", "", "", "", "", "", ""])
            continue
        seconds = median(runs, "seconds")
        spread = f"{min(run.seconds for run in runs):.2f}-{max(run.seconds for run in runs):.2f}"
        rows.append([
            tool.name, f"{seconds:.2f} s ({spread})", f"{median(runs, 'rate'):.0f} MB/s",
            f"{seconds / base:.2f}" if base else "", f"{median(runs, 'cpu'):.2f} s",
            f"{median(runs, 'cpu_per_gib'):.2f} s", f"{median(runs, 'memory') / MIB:.0f} MiB",
            f"{median(runs, 'load'):.1f}",
        ])
    return rows + absent


def once(folder, files, tool, method, bytes_, work, check):
    # Many small files are not removed before the end: ext4 passes by inodes that were in use in the last seconds, which
    # costs whoever makes files next several times as much as the files.
    keeps = method == "fetch_all"
    target = pathlib.Path(tempfile.mkdtemp(prefix="target-", dir=work))
    # What earlier runs left to be written is not this one's.
    os.sync()
    try:
        watch = Watch(tool.servers)

        def fetch(watch):
            getattr(tool, method)(watch, files[0], target)
            if tool.synced:
                watch.call(["sync", *(path for path in target.rglob("*") if path.is_file())])
        sample = watch.run(bytes_, fetch)
        got = [path for path in target.rglob("*") if path.is_file()]
        if len(got) != len(files):
            raise RuntimeError(f"{len(got)} files of {len(files)} arrived")
        if check and not all(filecmp.cmp(path, folder / path.name, shallow=False) for path in got):
            raise RuntimeError("a file is not what it should be")
        return sample
    except Exception as error:
        progress(f"{tool.name} failed: {error}")
        return None
    finally:
        if not keeps:
            shutil.rmtree(target, ignore_errors=True)


HEAD = ["program", "time (median, least-most)", "speed", "Cardume is faster by", "CPU, both ends", "CPU per GiB",
        "memory above idle, both ends", "load"]


def large():
    folder = FOLDER / "large"
    folder.mkdir()
    write_random(folder / "large.bin", SIZE)
    tools = [
        Cardume("Cardume, one source"), Cardume("Cardume, three sources", 3),
        Nginx("nginx-tls + curl", "curl", "https"), Nginx("nginx-tls + curl", "curl", "https").also_synced(),
        Nginx("nginx + curl, no TLS", "curl", "http"),
        Nginx("nginx-tls + aria2, 4 connections", "aria2", "https"),
        Nginx("nginx + aria2, 4 connections, no TLS", "aria2", "http"), Rqbit(), Libtorrent(),
        Libtorrent().also_synced(), Pyro(),
    ]
    rows = compare(folder, tools, "fetch", SIZE, ROUNDS, tools[0].name)
    table(f"One file of {SIZE / MIB:.0f} MiB over loopback to disk, {ROUNDS} rounds", HEAD, rows)
    shutil.rmtree(folder)


def small():
    folder = FOLDER / "files"
    folder.mkdir()
    for number in range(FILES):
        write_random(folder / f"file-{number:05}.bin", FILE_SIZE)
    tools = [Cardume("Cardume"), Rsync(), Libtorrent(), Rqbit(), Rsync().also_synced(), Libtorrent().also_synced()]
    rows = compare(folder, tools, "fetch_all", FILES * FILE_SIZE, ROUNDS, tools[0].name)
    table(f"{FILES} files of {FILE_SIZE} bytes over loopback to disk, {ROUNDS} rounds", HEAD, rows)
    shutil.rmtree(folder)


def slow_links():
    reason = links.missing() or (None if PROGRAM.exists() else f"{PROGRAM} not built")
    if reason:
        print(f"\nLinks of {RATE}: {reason}")
        return
    rows, first = [], None
    folder = FOLDER / "links"
    folder.mkdir()
    write_random(folder / "links.bin", LINK_SIZE)
    for sources in (1, 2, 4):
        runs = [run for run in (linked(folder, sources) for _ in range(max(1, ROUNDS // 2))) if run]
        if not runs:
            rows.append([sources, "failed", "", "", ""])
            continue
        seconds = median(runs, "seconds")
        first = first or seconds
        rows.append([sources, f"{seconds:.2f} s", f"{LINK_SIZE * 8 / seconds / 1e6:.0f} Mbit/s",
                     f"{first / seconds:.2f}", f"{median(runs, 'load'):.1f}"])
    table(f"One file of {LINK_SIZE / MIB:.0f} MiB from sources behind links of {RATE} each",
          ["sources", "time", "speed", "times one source", "load"], rows)
    shutil.rmtree(folder)


def linked(folder, sources):
    names = [f"source-{number}" for number in range(1, sources + 1)]
    net, group, work = None, None, pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        net = links.Links(["names", "getter", *names], names, RATE)
        group = Group(PROGRAM, work / "home", net.within, net.addresses.get)
        for name in names:
            group.add(name, folder)
        group.add("getter", work / "empty")
        group.wait_for_files(sources)
        content = group.find("getter", "links.bin", sources)
        watch = Watch(tuple(group.peers.values()))
        sample = watch.run(LINK_SIZE, lambda watch: watch.call(
            group.command("getter", "get", content, "--to", work / "target")))
        progress(f"{sources} sources: {sample.seconds:.2f} s")
        return sample
    except Exception as error:
        progress(f"links with {sources} sources failed: {error}")
        return None
    finally:
        if group:
            group.stop()
        if net:
            net.stop()
        shutil.rmtree(work, ignore_errors=True)


def slow_source():
    """One of three sources gives a hundredth of what the others give, or nothing at all."""
    if not PROGRAM.exists():
        print(f"\nA slow source: {PROGRAM} not built")
        return
    folder, work = FOLDER / "slow", pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    folder.mkdir()
    write_random(folder / "slow.bin", SIZE)
    group = Group(PROGRAM, work / "home")
    names = ["source-1", "source-2", "source-3"]
    try:
        for name in names:
            group.add(name, folder)
        group.add("getter", work / "empty")
        group.wait_for_files(3)
        content = group.find("getter", "slow.bin", 3)
        tracker = group.ask("getter", "status")["tracker"]["name"]
        slow = next(name for name in names if name != tracker)
        good = [name for name in names if name != slow]
        process = group.peers[slow]

        def get(*more):
            target = work / "target"
            shutil.rmtree(target, ignore_errors=True)
            os.sync()
            began = time.monotonic()
            done = Process(group.command("getter", "get", content, "--to", target, *more))
            done.child.wait(timeout=900)
            return time.monotonic() - began

        cases = {"two sources": [], "and a third at 1 % of the speed": [], "and a third that says nothing": []}
        without, limited, dead = cases.values()
        for round_ in range(ROUNDS):
            without.append(get(*[part for name in good for part in ("--from", name)]))
            rate = SIZE / min(without) / len(good) / 100
            group.ask(slow, "limits", "--up", str(int(rate)))
            limited.append(get())
            group.ask(slow, "limits", "--up", "none")
            os.killpg(process.session, signal.SIGSTOP)
            try:
                dead.append(get())
            finally:
                os.killpg(process.session, signal.SIGCONT)
            wait_until("three sources again", lambda: len(next(
                (found["sources"] for found in group.ask("getter", "search", "slow.bin") or []), [])) == 3)
            progress(f"without {without[-1]:.2f} s, slow {limited[-1]:.2f} s, dead {dead[-1]:.2f} s")
        base = statistics.median(without)
        table(f"One file of {SIZE / MIB:.0f} MiB from two sources, and a third that is no help, {ROUNDS} rounds",
              ["sources", "time (median, least-most)", "times two sources alone"],
              [[name, f"{statistics.median(times):.2f} s ({min(times):.2f}-{max(times):.2f})",
                f"{statistics.median(times) / base:.2f}"] for name, times in cases.items()])
    finally:
        group.stop()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def memory():
    """Memory of both ends for a file of 2 GiB and one of 50: a sparse source, and a target that keeps nothing (what was
    written is punched out of it all the time)."""
    if not PROGRAM.exists():
        print(f"\nMemory: {PROGRAM} not built")
        return
    rows = []
    for size in (SIZE, HUGE):
        work = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
        folder = work / "sparse"
        folder.mkdir()
        with open(folder / "sparse.bin", "wb") as file:
            file.truncate(size)
        group = Group(PROGRAM, work / "home")
        done = threading.Event()

        def discard(target=work / "target", done=done, size=size):
            while not done.wait(0.2):
                try:
                    files = [path for path in target.rglob("*") if path.is_file() and path.stat().st_blocks > 2048]
                except OSError:
                    # It has just got its name.
                    continue
                for partial in files:
                    subprocess.run(["fallocate", "--punch-hole", "--offset", "0", "--length", str(size), partial],
                                   check=False, capture_output=True)
        thread = threading.Thread(target=discard, daemon=True)
        try:
            group.add("source-1", folder)
            group.add("getter", work / "empty")
            group.wait_for_files(1)
            content = group.find("getter", "sparse.bin")
            watches = {name: Watch([process]) for name, process in group.peers.items()}
            thread.start()

            get = group.command("getter", "get", content, "--to", work / "target")
            sample = watches["source-1"].run(size, lambda _, watches=watches, get=get, size=size: watches["getter"].run(
                size, lambda watch: watch.call(get, timeout=1800)))
            peaks = [f"{(watch.peak - watch.idle) / MIB:.0f} MiB" for watch in watches.values()]
            rows.append([f"{size / (1024 * MIB):.0f} GiB", f"{sample.seconds:.0f} s", *peaks])
            progress(str(rows[-1]))
        finally:
            done.set()
            group.stop()
            shutil.rmtree(work, ignore_errors=True)
    table("Memory above idle during a download, a sparse source and a target that keeps nothing",
          ["size", "time", "source", "getter and its command"], rows)


def heartbeats():
    """Five peers, two of which download without a pause from the other three."""
    if not PROGRAM.exists():
        print(f"\nHeartbeats: {PROGRAM} not built")
        return
    folder, work = FOLDER / "load", pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    folder.mkdir()
    size = min(SIZE, 1024 * MIB)
    write_random(folder / "load.bin", size)
    group = Group(PROGRAM, work / "home")
    try:
        for number in (1, 2, 3):
            group.add(f"source-{number}", folder)
        for name in ("getter-1", "getter-2"):
            group.add(name, work / f"empty-{name}")
        group.wait_for_files(3)
        content = group.find("getter-1", "load.bin", 3)
        before = {name: group.ask(name, "status") for name in group.peers}
        downloads, load = 0, []
        cpu = sum(process.cpu() for process in group.peers.values())
        began = time.monotonic()
        running = {}
        while time.monotonic() - began < LOAD_SECONDS:
            for name in ("getter-1", "getter-2"):
                if name in running and running[name].child.poll() is None:
                    continue
                if name in running:
                    running[name].stop()
                    downloads += 1
                shutil.rmtree(work / name, ignore_errors=True)
                running[name] = Process(group.command(name, "get", content, "--to", work / name))
            load.append(os.getloadavg()[0])
            time.sleep(0.05)
        seconds = time.monotonic() - began
        cpu = sum(process.cpu() for process in group.peers.values()) - cpu
        after = {name: group.ask(name, "status") for name in group.peers}
        for process in running.values():
            process.stop()
        report_heartbeats(before, after, downloads * size / seconds / 1e6, cpu / seconds, load[-1])
    finally:
        group.stop()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def report_heartbeats(before, after, rate, cpus, load):
    rows = []
    for name, status in after.items():
        def grown(counter, name=name, status=status):
            return status["counters"].get(counter, 0) - before[name]["counters"].get(counter, 0)
        late = status.get("heartbeat_lateness") or {}
        def millis(field, late=late):
            return f"{late[field] / 1000:.1f} ms" if field in late else ""
        changed = "" if status["epoch"] == before[name]["epoch"] else f" (epoch {before[name]['epoch']} before)"
        rows.append([name, f"{status['role']}, epoch {status['epoch']}{changed}", grown("needless_elections"),
                     grown("elections_started"), grown("timers_fired"), grown("heartbeats_received"), millis("p50_micros"),
                     millis("p99_micros"), millis("p999_micros"), millis("worst_micros")])
    table(f"Heartbeats during {LOAD_SECONDS} s of downloads at {rate:.0f} MB/s in all with {cpus:.1f} processors busy "
          f"(load {load:.1f})",
          ["peer", "role at the end", "needless elections", "elections", "timers fired", "heartbeats", "late p50", "p99",
           "p99.9", "worst"], rows)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    now = datetime.datetime.now(datetime.timezone.utc)
    print(f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}, "
          f"load {os.getloadavg()[0]:.1f}")


def clean():
    Process.stop_all()
    shutil.rmtree(FOLDER, ignore_errors=True)


def main():
    global FOLDER
    FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="cardume-bench-", dir=os.environ.get("FOLDER")))
    atexit.register(clean)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    machine()
    for name, work in (("large", large), ("small", small), ("links", slow_links), ("slow", slow_source),
                       ("memory", memory), ("heartbeats", heartbeats)):
        if not ONLY or name in ONLY:
            work()


main()
