"""Image archives with a million entries: a right result or one clear error, in 64 MB, and nothing left behind."""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zlib

import pytest

from instance import PATIENCE, SEAPOD

MILLION = 1_000_000
PEAK_KB = 64 * 1024 * (10 if PATIENCE > 1 else 1)  # sanitizers keep shadows of it


def headers(n, kind):
    """A tar of N empty entries, in pieces of 1 MB: one header each, which differs in name and checksum only."""
    template = bytearray(tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT))
    template[156:157] = kind
    template[148:156] = b" " * 8
    others = sum(template)
    for first in range(0, n, 2000):
        piece = bytearray()
        for i in range(first, first + 2000):
            name = b"%03d/%06d" % (i // 1000, i)
            header = template[:]
            header[:len(name)] = name
            header[148:156] = b"%06o\0 " % (others + sum(name))
            piece += header
        yield bytes(piece)
    yield bytes(10240)


def gzipped(pieces, whole=None):
    z = zlib.compressobj(1, zlib.DEFLATED, 31)
    for piece in pieces:
        if whole:
            whole.update(piece)
        yield z.compress(piece)
    yield z.flush()


def image(path, diff_id, packed):
    """An OCI archive of one layer."""
    blobs = {}

    def put(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    manifest = {"schemaVersion": 2, "config": put(json.dumps(config).encode(), "config.v1+json"), "layers": [put(packed, "layer.v1.tar+gzip")]}
    index = {"schemaVersion": 2, "manifests": [{**put(json.dumps(manifest).encode(), "manifest.v1+json"),
                                                "annotations": {"org.opencontainers.image.ref.name": "localhost/million:1"}}]}
    with tarfile.open(path, "w") as tar:
        for name, data in {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode(), **blobs}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


# A small process between: what this one has would count as the program's, since it is forked from it.
PEAK_OF = "import os, sys; _, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0); print(status >> 8, usage.ru_maxrss)"


def load(seapod, path):
    """(exit, standard error), within the memory that any image may take."""
    done = subprocess.run([sys.executable, "-S", "-c", PEAK_OF, SEAPOD, "load", path], env=seapod.env, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    code, peak_kb = map(int, done.stdout.split()[-2:])
    assert peak_kb < PEAK_KB, f"{peak_kb} KB"
    return code, done.stderr


@pytest.fixture
def in_memory(bare):
    """An instance whose store is in memory: a million files are half a minute of a quiet disk, and several of a busy one."""
    os.mkdir(bare.root)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3g,nr_inodes=1100000", "none", bare.root], check=True)
    yield bare
    bare.run("system", "prune")
    subprocess.run(["umount", bare.root], check=True)


def store(seapod):
    """What is stored, but for the files that each store has."""
    found = [os.path.join(where, file) for where, _, files in os.walk(seapod.root) for file in files]
    return sorted(path for path in found if not path.endswith(("/index.json", "/oci-layout", "/hold", "/use", "/.lock")))


def test_a_layer_of_a_million_files(in_memory):
    whole = hashlib.sha256()
    packed = b"".join(gzipped(headers(MILLION, tarfile.REGTYPE), whole))
    diff_id = "sha256:" + whole.hexdigest()
    image(in_memory.dir + "/image.tar", diff_id, packed)
    assert load(in_memory, in_memory.dir + "/image.tar") == (0, "")
    top = f"{in_memory.root}/layers/{diff_id[7:]}"
    folders = sorted(os.listdir(top))
    assert len(folders) == 1000 and all(len(os.listdir(f"{top}/{folder}")) == 1000 for folder in folders)
    assert os.path.exists(f"{top}/999/999999")
    in_memory.run("image", "rm", "localhost/million:1", timeout=120)
    assert not store(in_memory)


@pytest.mark.parametrize("kind, said", [(tarfile.REGTYPE, "more than 20000 files"), (tarfile.DIRTYPE, "neither index.json nor manifest.json")])
def test_an_archive_of_a_million_members(bare, kind, said):
    with open(bare.dir + "/archive.tar.gz", "wb") as f:
        f.writelines(gzipped(headers(MILLION, kind)))
    code, text = load(bare, bare.dir + "/archive.tar.gz")
    assert code == 1 and said in text and text.count("\n") == 1, text
    assert not store(bare)
