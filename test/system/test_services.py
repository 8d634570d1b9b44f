"""Services: one address for several pods."""
import pytest

from instance import pod


def service(name, selector=None, ports=None, **spec):
    if selector is not None:
        spec["selector"] = selector
    if ports != []:
        spec.setdefault("ports", ports or [{"port": 80}])
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def spec_of(seapod, name):
    return seapod.get(name, "services")["spec"]


# --- the object

def test_a_service_gets_an_address_and_keeps_it(bare):
    assert bare.apply(service("web", {"app": "web"})).stdout == "service/web created\n"
    first = spec_of(bare, "web")["clusterIP"]
    assert bare.apply(service("web", {"app": "web"})).stdout == "service/web unchanged\n"
    assert bare.apply(service("web", {"app": "web"}, [{"port": 81}])).stdout == "service/web configured\n"
    assert spec_of(bare, "web")["clusterIP"] == first
    bare.apply(service("other", {"app": "web"}))
    assert spec_of(bare, "other")["clusterIP"] != first
    bare.run("delete", "service", "web")
    assert "'web'" in bare.fails("get", "services", "web")
    bare.apply(service("web", {"app": "web"}))
    assert spec_of(bare, "web")["clusterIP"] == first, "nobody has taken it meanwhile"


def test_apply_says_nothing_when_all_of_it_is_honoured(bare):
    assert bare.apply(service("web", {"app": "web"}, [{"port": 80, "nodePort": 30081}], type="NodePort", sessionAffinity="ClientIP")).stderr == ""
    assert "without a selector" in bare.apply(service("alone")).stderr


def test_get_services(bare):
    bare.apply([service("web", {"app": "web"}, type="NodePort"), service("all", {"app": "web"}, clusterIP="None"),
                service("out", ports=[], type="ExternalName", externalName="example.org")])
    lines = [line.split() for line in bare.out("get", "svc").splitlines()]
    web = spec_of(bare, "web")
    assert lines[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert lines[1][:5] == ["all", "ClusterIP", "None", "<none>", "80/TCP"]
    assert lines[2][:5] == ["out", "ExternalName", "<none>", "example.org", "<none>"]
    assert lines[3][:5] == ["web", "NodePort", web["clusterIP"], "<none>", f"80:{web['ports'][0]['nodePort']}/TCP"]
    assert 30000 <= web["ports"][0]["nodePort"] <= 32767


def test_an_address_has_one_owner(bare):
    bare.apply(service("web", {"app": "web"}))
    ip = spec_of(bare, "web")["clusterIP"]
    assert "'default/web'" in bare.rejects(service("thief", {"app": "web"}, clusterIP=ip))
    assert "outside" in bare.rejects(service("thief", {"app": "web"}, clusterIP="192.0.2.1"))
    moved = ip.rsplit(".", 1)[0] + (".7" if not ip.endswith(".7") else ".8")
    assert "would change" in bare.rejects(service("web", {"app": "web"}, clusterIP=moved))


def test_a_node_port_has_one_owner(bare):
    bare.apply(service("web", {"app": "web"}, [{"port": 80, "nodePort": 30080}], type="NodePort"))
    assert "30080/TCP" in bare.rejects(service("thief", {"app": "web"}, [{"port": 80, "nodePort": 30080}], type="NodePort"))
    bare.apply(service("udp", {"app": "web"}, [{"port": 80, "nodePort": 30080, "protocol": "UDP"}], type="NodePort"))


@pytest.mark.parametrize("spec, says", [
    ({"ports": [{"port": 0}]}, "ports[0].port"),
    ({"ports": [{"port": 80}, {"port": 81}]}, "names each"),
    ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "stands here twice"),
    ({"ports": [{"port": 80, "targetPort": 70000}]}, "targetPort"),
    ({"ports": [{"port": 80, "nodePort": 30000}]}, "NodePort"),
    ({"type": "ExternalName"}, "externalName"),
    ({"clusterIP": "10.1"}, "is not an IP address"),
    ({"clusterIP": "fd00::1"}, "outside"),
    ({"externalIPs": ["127.0.0.1"]}, "loopback"),
    ({"externalIPs": ["0.0.0.0"]}, "wildcard"),
    ({"externalIPs": ["somewhere"]}, "externalIPs"),
    ({"clusterIPs": ["10.1.1.1", "10.1.1.2"]}, "one of each family"),
    ({"clusterIP": "10.1.1.1", "clusterIPs": ["10.1.1.2"]}, "wanted the clusterIP"),
    ({"clusterIP": "10.1.1.1", "ipFamilies": ["IPv6"]}, "not of the family IPv6"),
    ({"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"}, "two are given"),
    ({"ipFamilies": ["IPv4", "IPv4"]}, "twice"),
    ({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}}, "timeoutSeconds"),
    ({"loadBalancerIP": "192.0.2.1"}, "loadBalancerIP"),
    ({"sessionAffinity": "Sometimes"}, "ClientIP"),
    ({"clusterIp": "None"}, "clusterIP"),
])
def test_wrong_services(bare, spec, says):
    assert says in bare.rejects(service("web", {"app": "web"}, **spec), lines=None)


def test_a_load_balancer_is_a_node_port_and_says_so(bare):
    done = bare.apply(service("web", {"app": "web"}, type="LoadBalancer"))
    assert "it is a NodePort" in done.stderr
    assert spec_of(bare, "web")["ports"][0]["nodePort"] >= 30000
