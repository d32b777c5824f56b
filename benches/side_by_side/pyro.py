"""Pyro5 as one would first write it: a remote object with `read(offset, length)`, in parts of 1 MiB."""

import pathlib
import sys

import Pyro5.api
import serpent

PART = 1024 * 1024


@Pyro5.api.expose
class Files:
    def __init__(self, folder):
        self.file = open(next(path for path in pathlib.Path(folder).iterdir() if path.is_file()), "rb")

    def read(self, offset, length):
        self.file.seek(offset)
        return self.file.read(length)


def main():
    what, path, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "serve":
        daemon = Pyro5.api.Daemon(host="127.0.0.1", port=port)
        daemon.register(Files(path), "files")
        daemon.requestLoop()
    with Pyro5.api.Proxy(f"PYRO:files@127.0.0.1:{port}") as files, open(path, "wb") as target:
        offset = 0
        while part := serpent.tobytes(files.read(offset, PART)):
            target.write(part)
            offset += len(part)


main()
