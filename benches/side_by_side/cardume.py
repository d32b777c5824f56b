"""A name service and peers of Cardume, each a process."""

import json
import os
import pathlib
import subprocess

from measure import Process, wait_until


class Group:
    """Peers in one home. `within(name)` gives the beginning of a command line that runs in a peer's network."""

    def __init__(self, program, home, within=lambda name: [], address=lambda name: "127.0.0.1"):
        self.program, self.home = program, pathlib.Path(home)
        self.within, self.address = within, address
        self.home.mkdir(parents=True)
        self.peers = {}
        self.names = Process(
            [*within("names"), program, "--home", self.home, "names", "serve", "--listen",
             f"{address('names')}:0", "--expect", 1],
            log=self.home / "names.log",
        )
        runtime = self.home / "names" / "runtime.json"
        uri = wait_until("the name service", lambda: self._runtime(runtime))
        self.names_at = uri.removeprefix("wss://").rstrip("/")

    @staticmethod
    def _runtime(path):
        try:
            return json.loads(path.read_text()).get("uri")
        except (OSError, ValueError):
            return None

    def add(self, name, share):
        pathlib.Path(share).mkdir(parents=True, exist_ok=True)
        self.peers[name] = Process(
            [*self.within(name), self.program, "--home", self.home, "--profile", name, "peer", "--headless",
             "--no-names", "--names", self.names_at, "--listen", self.address(name), "--share", share],
            log=self.home / f"{name}.log",
            env={**os.environ, "CARDUME_LOG": "warn"},
        )
        wait_until(f"{name} to answer", lambda: self.ask(name, "status"))

    def command(self, name, *arguments):
        return [*self.within(name), self.program, "--home", self.home, "--profile", name, *arguments]

    def ask(self, name, *arguments):
        """The JSON that a command prints, or None."""
        command = [str(part) for part in self.command(name, "--json", *arguments)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=120)
        if done.returncode != 0 or not done.stdout.strip():
            return None
        try:
            return json.loads(done.stdout)
        except ValueError:
            # Progress came before it, a line each.
            return json.loads(done.stdout.splitlines()[-1])

    def wait_for_files(self, count, seconds=600):
        """Until a search at each peer sees so many hashed files, from all peers."""
        def complete(name):
            status = self.ask(name, "status")
            index = status and status["index"]
            hashed = status and status["library"]["hashing"] == 0
            whole = index and index["complete"]["have"] == len(self.peers)
            return bool(hashed and whole and index["files"] >= count)
        for name in self.peers:
            wait_until(f"the index of {name}", lambda name=name: complete(name), seconds)

    def find(self, name, file, sources=1):
        """The content of a file, when so many peers have it."""
        def look():
            for result in self.ask(name, "search", file) or []:
                if result["name"] == file and result["content"] and len(result["sources"]) >= sources:
                    return result["content"]
            return None
        return wait_until(f"{file} of {sources} sources", look, 300)

    def stop(self):
        for process in [*self.peers.values(), self.names]:
            process.stop()
