"""libtorrent on loopback: `make`, `seed` or `fetch`. Arguments: what, folder, torrent file, port."""

import pathlib
import sys
import time

import libtorrent as lt


def make(folder, torrent):
    files = lt.file_storage()
    lt.add_files(files, str(folder))
    made = lt.create_torrent(files, flags=lt.create_torrent.v1_only)
    lt.set_piece_hashes(made, str(folder.parent))
    torrent.write_bytes(lt.bencode(made.generate()))


def session(port):
    return lt.session({
        "listen_interfaces": f"127.0.0.1:{port}",
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "enable_incoming_utp": False, "enable_outgoing_utp": False,
        "allow_multiple_connections_per_ip": True, "unchoke_slots_limit": -1,
        "in_enc_policy": 2, "out_enc_policy": 2,
        # As its `high_performance_seed` does, for both.
        "send_buffer_watermark": 3 * 1024 * 1024, "send_buffer_watermark_factor": 150,
        "max_out_request_queue": 1500, "max_allowed_in_request_queue": 2000,
        "max_queued_disk_bytes": 64 * 1024 * 1024, "aio_threads": 4, "hashing_threads": 2,
    })


def main():
    what, folder, torrent, port = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4])
    if what == "make":
        make(folder, torrent)
        return
    if what == "seed":
        make(folder, torrent)
        seeding = session(port)
        handle = seeding.add_torrent({
            "ti": lt.torrent_info(str(torrent)), "save_path": str(folder.parent),
            "flags": lt.torrent_flags.seed_mode,
        })
        while not handle.status().is_seeding:
            time.sleep(0.05)
        torrent.with_suffix(".ready").touch()
        sys.stdin.read()
        return
    fetching = session(0)
    handle = fetching.add_torrent({"ti": lt.torrent_info(str(torrent)), "save_path": str(folder)})
    while handle.status().state == lt.torrent_status.checking_files:
        time.sleep(0.005)
    handle.connect_peer(("127.0.0.1", port))
    while not handle.status().is_seeding:
        time.sleep(0.02)


main()
