"""The programs beside which Cardume is measured. Each says how it serves a folder and how it fetches."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys

from measure import Process, wait_until

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def python_with(module):
    """A Python that has this module, or None: Debian's packages are for Debian's Python only."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python):
            done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
            if done.returncode == 0:
                return python
    return None


class Tool:
    """`missing()` is what has to be installed, or None. `start` serves `folder`; `fetch` brings one file, and
    `fetch_all` everything, into an empty folder."""

    name = ""
    servers = ()
    # Whether what it fetched is synced afterwards, as Cardume does by itself.
    synced = False

    def also_synced(self):
        self.synced = True
        self.name += ", synced"
        return self

    def missing(self):
        return None

    def start(self, folder, work):
        raise NotImplementedError

    def fetch(self, watch, file, target):
        raise NotImplementedError

    def stop(self):
        for process in self.servers:
            process.stop()
        self.servers = ()


def need(*programs):
    gone = [program for program in programs if not shutil.which(program)]
    return f"{' and '.join(gone)} not installed" if gone else None


class Nginx(Tool):
    """curl or aria2 from nginx."""

    def __init__(self, name, client, scheme):
        self.name, self.client, self.scheme = name, client, scheme

    def missing(self):
        return need("nginx", "openssl", "curl" if self.client == "curl" else "aria2c")

    def start(self, folder, work):
        work = pathlib.Path(work)
        self.port = free_port()
        secure = ""
        if self.scheme == "https":
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", work / "key.pem", "-out",
                 work / "cert.pem", "-days", "2", "-subj", "/CN=localhost"],
                check=True, capture_output=True,
            )
            secure = f"ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem; ssl_protocols TLSv1.3;"
        config = work / "nginx.conf"
        ssl = " ssl" if self.scheme == "https" else ""
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(
            f"{user} daemon off; worker_processes auto; pid {work}/nginx.pid; error_log {work}/nginx.log;\n"
            f"events {{ }}\nhttp {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {work}/b;\n"
            f"proxy_temp_path {work}/p; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;\n"
            f"server {{ listen 127.0.0.1:{self.port}{ssl}; {secure} root {folder}; }} }}\n"
        )
        self.servers = (Process(["nginx", "-e", work / "nginx.log", "-c", config], log=work / "nginx.out"),)
        wait_until("nginx", lambda: listens(self.port), 10)

    def fetch(self, watch, file, target):
        url = f"{self.scheme}://127.0.0.1:{self.port}/{file}"
        if self.client == "curl":
            watch.call(["curl", "-sSfk", "-o", pathlib.Path(target) / file, url])
        else:
            watch.call(
                ["aria2c", "-q", "-x4", "-s4", "-k1M", "--file-allocation=none", "--check-certificate=false",
                 "--no-conf", "-d", target, "-o", file, url]
            )


class Libtorrent(Tool):
    name = "libtorrent"

    def missing(self):
        self.python = python_with("libtorrent")
        return None if self.python else "python3-libtorrent not installed"

    def start(self, folder, work):
        self.port, self.torrent = free_port(), pathlib.Path(work) / "files.torrent"
        self.folder = pathlib.Path(folder)
        seed = [self.python, HERE / "torrent.py", "seed", self.folder, self.torrent, self.port]
        self.servers = (Process(seed, log=pathlib.Path(work) / "seed.log"),)
        wait_until("libtorrent to seed", lambda: self.torrent.with_suffix(".ready").exists(), 300)

    def fetch(self, watch, file, target):
        watch.call([self.python, HERE / "torrent.py", "fetch", target, self.torrent, self.port])
        # What was shared is a folder.
        for found in (pathlib.Path(target) / self.folder.name).iterdir():
            found.rename(pathlib.Path(target) / found.name)

    fetch_all = fetch


class Rqbit(Tool):
    """The torrent is made by libtorrent: rqbit makes none from the command line in every version."""

    name = "rqbit"

    def missing(self):
        self.python = python_with("libtorrent")
        return need("rqbit") or (None if self.python else "python3-libtorrent (makes the torrent) not installed")

    def start(self, folder, work):
        self.work, self.folder = pathlib.Path(work), pathlib.Path(folder)
        self.port, self.torrent = free_port(), self.work / "files.torrent"
        subprocess.run([self.python, HERE / "torrent.py", "make", self.folder, self.torrent, "0"], check=True)
        # For several files it makes a folder of the torrent's name, which is that of the folder; for one it does not.
        is_alone = len(list(self.folder.iterdir())) == 1
        place = self.folder if is_alone else self.folder.parent
        seed = [*self._rqbit(self.port), "download", "-o", place, "--overwrite", self.torrent]
        self.servers = (Process(seed, log=self.work / "seed.log"),)
        wait_until("rqbit to seed", lambda: listens(self.port), 60)
        # It has checked all its files when it uses no processor any more.
        last = [-1.0]

        def idle():
            now = self.servers[0].cpu()
            quiet, last[0] = now > 0.2 and now - last[0] < 0.02, now
            return quiet
        wait_until("rqbit to check its files", lambda: __import__("time").sleep(1) or idle(), 300)

    def _rqbit(self, port):
        return ["rqbit", "--disable-dht", "--disable-dht-persistence", "--disable-upnp-port-forward",
                "--listen-port", port, "--http-api-listen-addr", f"127.0.0.1:{free_port()}"]

    def fetch(self, watch, file, target):
        watch.call([*self._rqbit(free_port()), "download", "-o", target, "--exit-on-finish", "--initial-peers",
                    f"127.0.0.1:{self.port}", self.torrent], log=self.work / "fetch.log")

    fetch_all = fetch


class Pyro(Tool):
    name = "Pyro5"

    def missing(self):
        self.python = python_with("Pyro5")
        return None if self.python else "Pyro5 not installed"

    def start(self, folder, work):
        self.port = free_port()
        serve = [self.python, HERE / "pyro.py", "serve", folder, self.port]
        self.servers = (Process(serve, log=pathlib.Path(work) / "pyro.log"),)
        wait_until("Pyro5", lambda: listens(self.port), 20)

    def fetch(self, watch, file, target):
        watch.call([self.python, HERE / "pyro.py", "fetch", pathlib.Path(target) / file, self.port])


class Rsync(Tool):
    name = "rsync daemon"

    def missing(self):
        return need("rsync")

    def start(self, folder, work):
        work = pathlib.Path(work)
        self.port = free_port()
        config = work / "rsyncd.conf"
        user = "uid = root\ngid = root\n" if os.getuid() == 0 else ""
        config.write_text(f"use chroot = no\n{user}log file = {work}/rsync.log\n[files]\npath = {folder}\n")
        self.servers = (
            Process(["rsync", "--daemon", "--no-detach", f"--port={self.port}", "--address=127.0.0.1",
                     f"--config={config}"], log=work / "rsync.out"),
        )
        wait_until("rsync", lambda: listens(self.port), 10)

    def fetch_all(self, watch, _file, target):
        watch.call(["rsync", "-r", f"rsync://127.0.0.1:{self.port}/files/", f"{target}/"])

    fetch = fetch_all
