"""Hosts in network namespaces on one bridge, with links of a limited speed. Needs root, `ip` and `tc`."""

import os
import shutil
import subprocess


def missing():
    if os.getuid() != 0:
        return "network namespaces need root"
    gone = [program for program in ("ip", "tc") if not shutil.which(program)]
    return f"{' and '.join(gone)} not installed" if gone else None


def run(*arguments):
    subprocess.run([str(argument) for argument in arguments], check=True, capture_output=True)


class Links:
    """`hosts` by name, each at an address of its own; what a host of `limited` sends goes through a token
    bucket of `rate`."""

    def __init__(self, hosts, limited, rate):
        self.prefix = f"cb{os.getpid()}"
        self.hub = f"{self.prefix}-hub"
        self.spaces, self.addresses = [], {}
        try:
            self._space(self.hub)
            run("ip", "-n", self.hub, "link", "add", "br0", "type", "bridge")
            run("ip", "-n", self.hub, "link", "set", "br0", "up")
            for number, host in enumerate(hosts, 1):
                self._host(host, number, rate if host in limited else None)
        except BaseException:
            self.stop()
            raise

    def _space(self, space):
        run("ip", "netns", "add", space)
        self.spaces.append(space)
        run("ip", "-n", space, "link", "set", "lo", "up")

    def _host(self, host, number, rate):
        space = f"{self.prefix}-{host}"
        self._space(space)
        address = f"10.77.0.{number}"
        run("ip", "-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{number}", "netns", self.hub)
        run("ip", "-n", self.hub, "link", "set", f"port{number}", "master", "br0", "up")
        run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        if rate:
            run("tc", "-n", space, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "128kb",
                "latency", "50ms")
        self.addresses[host] = address

    def within(self, host):
        return ["ip", "netns", "exec", f"{self.prefix}-{host}"]

    def stop(self):
        for space in reversed(self.spaces):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)
        self.spaces = []
