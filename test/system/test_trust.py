"""policy.json: whose images may come in."""
import base64
import json
import subprocess

import pytest

import registry
from pulling import fails, fake, policy, ROOT, runs, seapod
from test_images import layer


def make_key(folder, name, *kind):
    subprocess.run(["openssl", "genpkey", *kind, "-out", f"{folder}/{name}.key"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", f"{folder}/{name}.key", "-pubout", "-out", f"{folder}/{name}.pub"], check=True)
    return f"{folder}/{name}.pub"


def sign(fake, folder, key, digest, name):
    """What `cosign sign --key` leaves at a registry."""
    payload = json.dumps({"critical": {"identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest},
                                       "type": "cosign container image signature"}, "optional": None}).encode()
    (folder / "payload").write_bytes(payload)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", f"{folder}/{key}.key", folder / "payload"], check=True, stdout=subprocess.PIPE).stdout
    layer = {**fake.put_blob(payload), "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
             "annotations": {"dev.cosignproject.cosign/signature": base64.b64encode(signature).decode()}}
    fake.put_manifest({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                       "config": {**fake.put_blob(b"{}"), "mediaType": "application/vnd.oci.image.config.v1+json"}, "layers": [layer]},
                      digest.replace(":", "-") + ".sig")


EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def test_only_what_is_signed_comes_in(seapod, fake, policy, tmp_path):
    digest = fake.put_image(ROOT)["digest"]
    name = f"{fake.host}/a"
    key = make_key(tmp_path, "good", *EC)
    make_key(tmp_path, "other", *EC)
    policy({name: [{"type": "sigstoreSigned", "keyPath": key, "signedIdentity": {"type": "matchRepository"}}]}, default="reject")
    assert "no signature" in fails(seapod, f"{name}:1")
    sign(fake, tmp_path, "other", digest, name)
    assert "no signature" in fails(seapod, f"{name}:1")
    sign(fake, tmp_path, "good", "sha256:" + "0" * 64, name)
    fake.paths[f"/v2/a/manifests/{digest.replace(':', '-')}.sig"] = fake.paths["/v2/a/manifests/sha256-" + "0" * 64 + ".sig"]
    assert "no signature" in fails(seapod, f"{name}:1")  # a right signature of something else
    sign(fake, tmp_path, "good", digest, f"{fake.host}/b")
    assert "no signature" in fails(seapod, f"{name}:1")  # … or for another repository
    sign(fake, tmp_path, "good", digest, name)
    assert seapod.out("pull", f"{name}:1").endswith("pulled") and runs(seapod, f"{name}:1")
    assert "rejects" in seapod.fails("pull", "-q", f"{fake.host}/c:1")


def test_rsa_keys_and_exact_names(seapod, fake, policy, tmp_path):
    digest = fake.put_image(ROOT)["digest"]
    name = f"{fake.host}/a"
    key = make_key(tmp_path, "rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    data = base64.b64encode(open(key, "rb").read()).decode()
    policy({fake.host: [{"type": "sigstoreSigned", "keyData": data}]})
    sign(fake, tmp_path, "rsa", digest, f"{name}:2")
    assert "no signature" in fails(seapod, f"{name}:1")
    sign(fake, tmp_path, "rsa", digest, f"{name}:1")
    seapod.run("pull", f"{name}:1")


@pytest.mark.parametrize("requirement,said", [
    ({"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x"}, "signedBy"), ({"type": "sigstoreSigned", "fulcio": {}}, "public key"),
    ({"type": "sigstoreSigned", "keyPath": "/nosuch"}, "nosuch"), ({"type": "reject"}, "rejects"), ({}, "not supported")])
def test_what_a_policy_asks_for_and_cannot_be_checked_is_refused(seapod, fake, policy, requirement, said):
    fake.put_image(ROOT)
    policy({"": [requirement]})
    assert said in fails(seapod, f"{fake.host}/a:1")
