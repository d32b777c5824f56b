"""Processes that are measured: their time, processor seconds and memory. Linux only (/proc)."""

import os
import signal
import statistics
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
MIB = 1024 * 1024


def stat(pid):
    """The fields of /proc/PID/stat after the name, or None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def session_pids(session):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat(name)
            if fields and int(fields[3]) == session:
                found.append(int(name))
    return found


class Process:
    """A program in a session of its own, with everything that it starts."""

    all = []

    def __init__(self, arguments, **options):
        self.log = options.pop("log", None)
        output = open(self.log, "ab") if self.log else subprocess.DEVNULL
        options.setdefault("stdout", output)
        self.child = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=options.pop("stdin", subprocess.PIPE),
            stderr=options.pop("stderr", output),
            start_new_session=True,
            **options,
        )
        self.session = self.child.pid
        Process.all.append(self)

    def cpu(self):
        """Processor seconds so far, of all its processes and those that ended."""
        ticks = 0
        for pid in session_pids(self.session):
            fields = stat(pid)
            if fields:
                # utime, stime, and those of children that were waited for.
                ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICK

    def pss(self):
        """Bytes of memory, pages that are shared counted in part; what a file maps is not counted."""
        total = 0
        for pid in session_pids(self.session):
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    for line in file:
                        if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                            total += int(line.split()[1]) * 1024
            except OSError:
                pass
        return total

    def stop(self, how=signal.SIGTERM):
        for attempt in (how, signal.SIGKILL):
            if not session_pids(self.session):
                break
            try:
                os.killpg(self.session, attempt)
            except ProcessLookupError:
                pass
            for pid in session_pids(self.session):
                try:
                    os.kill(pid, attempt)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and self.child.poll() is None:
                time.sleep(0.02)
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    pass
        if self in Process.all:
            Process.all.remove(self)

    @classmethod
    def stop_all(cls):
        for process in list(cls.all):
            process.stop()


class Sample:
    """One run."""

    def __init__(self, seconds, bytes_, cpu, memory, load):
        self.seconds, self.cpu, self.memory, self.load = seconds, cpu, memory, load
        self.rate = bytes_ / seconds / 1e6
        self.cpu_per_gib = cpu / (bytes_ / (1024 * MIB))


class Watch:
    """Measures `work` while it runs, with the servers that it uses."""

    def __init__(self, servers):
        self.servers = list(servers)
        self.peak = self.idle = 0
        self.done = threading.Event()
        self.clients = []

    def _memory(self):
        while not self.done.wait(0.1):
            now = sum(process.pss() for process in self.servers + self.clients)
            self.peak = max(self.peak, now)

    def run(self, bytes_, work):
        before = [process.cpu() for process in self.servers]
        self.idle = sum(process.pss() for process in self.servers)
        load = os.getloadavg()[0]
        children = os.times()
        thread = threading.Thread(target=self._memory, daemon=True)
        thread.start()
        began = time.monotonic()
        try:
            work(self)
        finally:
            seconds = time.monotonic() - began
            self.done.set()
            thread.join()
        ended = os.times()
        cpu = sum(process.cpu() for process in self.servers) - sum(before)
        # Clients are children of this process that have been waited for.
        cpu += ended.children_user - children.children_user + ended.children_system - children.children_system
        return Sample(seconds, bytes_, cpu, max(self.peak, self.idle) - self.idle, load)

    def call(self, arguments, **options):
        """Runs a client to its end."""
        limit = options.pop("timeout", 900)
        client = Process(arguments, **options)
        self.clients.append(client)
        try:
            code = client.child.wait(timeout=limit)
        finally:
            self.clients.remove(client)
            client.stop()
        if code != 0:
            raise RuntimeError(f"{arguments[0]} ended with {code}")


def median(samples, field):
    return statistics.median(getattr(sample, field) for sample in samples)


def wait_until(what, look, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.05)
