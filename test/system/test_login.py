"""Who one is at a registry."""
import base64
import json
import os
import stat

import instance
import registry
from pulling import certs_d, fails, fake, guarded, insecure, login, ROOT, runs, seapod, tls
from test_images import FILE, layer


def test_login_with_htpasswd(bare, tmp_path):
    made = registry.Registry(tmp_path / "registry", htpasswd=("me", "secret"))
    made.put(f"{instance.IMAGES}/busybox.tar", "t/busybox:1", "--dest-creds", "me:secret")
    insecure(bare, made.host)
    name = f"{made.host}/t/busybox:1"
    bare.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    assert f"seapod login {made.host}" in fails(bare, name)
    assert "does not accept the login of 'me'" in bare.fails("login", "-u", "me", "--password-stdin", made.host, input="wrong\n")
    assert not (tmp_path / "auth.json").exists()
    assert "logged in" in login(bare, tmp_path, made.host, "me", "secret")
    assert stat.S_IMODE(os.stat(tmp_path / "auth.json").st_mode) == 0o600
    bare.run("pull", name)
    registry.skopeo("inspect", "--authfile", tmp_path / "auth.json", "--tls-verify=false", f"docker://{name}")  # and skopeo reads what we wrote
    assert "logged out" in bare.out("logout", made.host)
    assert "no login" in bare.fails("logout", made.host)
    made.stop()


def test_a_token_that_ends_half_way_is_renewed(seapod, fake, tmp_path):
    fake.put_image(ROOT, *(layer((f"f{i}", FILE, b"x" * i)) for i in range(1, 9)))
    tokens = registry.Tokens()
    tokens.uses = 7
    guarded(tokens, fake)
    login(seapod, tmp_path, fake.host, "me", "secret")
    seapod.run("pull", f"{fake.host}/a:1")
    assert tokens.given >= 3 and runs(seapod, f"{fake.host}/a:1")
    scopes = [registry.query(path).get("scope") for method, path, _ in tokens.asked]
    assert ["repository:a:pull"] in scopes
    tokens.stop()


def test_tokens_for_strangers_and_refusals(seapod, fake, tmp_path):
    fake.put_image(ROOT)
    tokens = registry.Tokens(user=None)
    guarded(tokens, fake)
    seapod.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "none.json")
    seapod.run("pull", f"{fake.host}/a:1")
    tokens.user = ("me", "secret")
    fake.put_image(ROOT, layer(("x", FILE, b"x")))
    assert "wants a login" in seapod.fails("pull", "-q", f"{fake.host}/a:1")
    tokens.stop()


def test_a_token_server_without_tls_gets_no_password(bare, tls, certs_d, tmp_path):
    """An honest-looking registry on TLS that sends one to plain HTTP for a token."""
    fake = registry.Fake(tls)
    tokens = registry.Tokens()
    guarded(tokens, fake)
    (certs_d / fake.host).mkdir()
    (certs_d / fake.host / "ca.crt").write_bytes(open(f"{tls}/ca.crt", "rb").read())
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {fake.host: {"auth": base64.b64encode(b"me:secret").decode()}}}))
    bare.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    assert "not https" in fails(bare, f"{fake.host}/a:1") and not tokens.asked
    fake.stop()
    tokens.stop()


def test_a_credential_helper_is_asked(seapod, fake, tmp_path):
    fake.put_image(ROOT)
    tokens = registry.Tokens()
    guarded(tokens, fake)
    helper = tmp_path / "docker-credential-test"
    helper.write_text('#!/bin/sh\nread server\n[ "$1" = get ] && echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"me\\",\\"Secret\\":\\"secret\\"}"\n')
    helper.chmod(0o755)
    (tmp_path / "auth.json").write_text(json.dumps({"credHelpers": {fake.host: "test"}}))
    seapod.env.update(REGISTRY_AUTH_FILE=str(tmp_path / "auth.json"), PATH=f"{tmp_path}:{os.environ['PATH']}")
    seapod.run("pull", f"{fake.host}/a:1")
    helper.write_text("#!/bin/sh\necho broken key ring\nexit 1\n")
    fake.put_image(ROOT, layer(("x", FILE, b"x")))
    assert "broken key ring" in seapod.fails("pull", "-q", f"{fake.host}/a:1")
    tokens.stop()
