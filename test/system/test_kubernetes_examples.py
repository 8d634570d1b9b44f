"""Pods of the shapes that the Kubernetes documentation shows (docs/kubernetes-examples.md): each is applied as one writes it, and does what its page
says. What single fields do has tests of its own; here it is whole manifests that must be understood."""
import json

import pytest

from instance import BUSYBOX, STAY, eventually

HEAD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations: {{seapod.io/network: none}}\n"


def apply(seapod, name, spec, before="", **more):
    """SPEC and BEFORE are YAML; @ stands for the image, and `sleep 99` is one that ends when it is told to."""
    lines = "".join("  " + line + "\n" for line in spec.strip("\n").splitlines())
    text = before + HEAD.format(name=name) + "spec:\n" + lines
    return seapod.run("apply", "-f", "-", input=text.replace("@", BUSYBOX).replace('["sleep", "99"]', json.dumps(STAY)), **more)


def test_init_containers_hand_over_to_the_app(seapod):
    apply(seapod, "init-demo", """
volumes:
- name: workdir
  emptyDir: {}
initContainers:
- name: install
  image: @
  command: ["sh", "-c", "echo '<h1>from init</h1>' > /work-dir/index.html"]
  volumeMounts:
  - {name: workdir, mountPath: /work-dir}
containers:
- name: server
  image: @
  command: ["httpd", "-f", "-p", "8080", "-h", "/usr/share/html"]
  ports:
  - containerPort: 8080
  volumeMounts:
  - {name: workdir, mountPath: /usr/share/html}
""")
    assert eventually(lambda: seapod.sh("init-demo", "wget -qO- 127.0.0.1:8080", check=False)) == "<h1>from init</h1>"


def test_a_sidecar_ships_the_log_of_a_pod_that_ends(seapod):
    apply(seapod, "job", """
restartPolicy: Never
terminationGracePeriodSeconds: 1
volumes:
- {name: data, emptyDir: {}}
initContainers:
- name: logshipper
  image: @
  restartPolicy: Always
  command: ["sh", "-c", "tail -F /opt/logs.txt"]
  volumeMounts: [{name: data, mountPath: /opt}]
containers:
- name: myjob
  image: @
  command: ["sh", "-c", "echo logging > /opt/logs.txt; sleep 1"]
  volumeMounts: [{name: data, mountPath: /opt}]
""")
    eventually(lambda: seapod.phase("job") == "Succeeded")
    assert "logging" in seapod.logs("job", "-c", "logshipper")


@pytest.mark.parametrize("probe", [
    "exec: {command: [cat, /tmp/healthy]}", "tcpSocket: {port: 8080}", "httpGet: {path: /healthy, port: web, httpHeaders: [{name: X-Custom, value: Awesome}]}"],
    ids=["exec", "tcp", "http"])
def test_probes_of_a_server(seapod, probe):
    apply(seapod, "probed", f"""
containers:
- name: server
  image: @
  command: ["sh", "-c", "touch /tmp/healthy; exec httpd -f -p 8080 -h /tmp"]
  ports:
  - {{name: web, containerPort: 8080}}
  startupProbe: {{{probe}, failureThreshold: 30, periodSeconds: 1}}
  readinessProbe: {{{probe}, periodSeconds: 1}}
  livenessProbe: {{{probe}, periodSeconds: 3, failureThreshold: 5}}
""")
    eventually(lambda: seapod.status("probed", "server")["ready"])
    assert seapod.restarts("probed", "server") == 0


def test_lifecycle_handlers(seapod):
    apply(seapod, "handlers", """
terminationGracePeriodSeconds: 5
containers:
- name: demo
  image: @
  command: ["sleep", "99"]
  lifecycle:
    postStart:
      exec:
        command: ["/bin/sh", "-c", "echo Hello from the postStart handler > /tmp/message"]
    preStop:
      exec:
        command: ["/bin/sh", "-c", "kill -TERM 1"]
""")
    assert seapod.sh("handlers", "cat /tmp/message") == "Hello from the postStart handler"


def test_variables_that_depend_on_each_other_and_on_the_pod(seapod):
    apply(seapod, "dependent", """
containers:
- name: demo
  image: @
  args: ["sh", "-c", "echo '$(SERVICE_ADDRESS) $(UNCHANGED) $(ESCAPED) $(MY_CPU)'; trap 'exit 0' TERM; sleep 99 & wait"]
  resources: {requests: {cpu: 125m, memory: 32Mi}, limits: {cpu: 250m, memory: 64Mi}}
  env:
  - {name: SERVICE_PORT, value: "80"}
  - {name: UNCHANGED, value: $(PROTOCOL)://here}
  - {name: PROTOCOL, value: "https"}
  - {name: SERVICE_ADDRESS, value: $(PROTOCOL)://$(MY_NAME):$(SERVICE_PORT)}
  - {name: ESCAPED, value: $$(PROTOCOL)}
  - {name: MY_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: MY_CPU, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1m}}}
""")
    assert eventually(lambda: seapod.logs("dependent")) == "https://$(MY_NAME):80 $(PROTOCOL)://here $(PROTOCOL) 125"


def test_configuration_and_credentials(seapod):
    apply(seapod, "configured", """
containers:
- name: demo
  image: @
  command: ["sleep", "99"]
  envFrom:
  - configMapRef: {name: game-demo}
    prefix: GAME_
  env:
  - {name: USERNAME, valueFrom: {secretKeyRef: {name: test-secret, key: username}}}
  volumeMounts:
  - {name: all, mountPath: /projected-volume, readOnly: true}
volumes:
- name: all
  projected:
    sources:
    - secret: {name: test-secret, items: [{key: username, path: my-group/my-username, mode: 511}]}
    - configMap: {name: game-demo, items: [{key: game.properties, path: game.properties}]}
    - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
""", before="""
apiVersion: v1
kind: ConfigMap
metadata: {name: game-demo}
data:
  player_initial_lives: "3"
  game.properties: |
    enemy.types=aliens,monsters
---
apiVersion: v1
kind: Secret
metadata: {name: test-secret}
data: {username: bXktYXBw}
---
""")
    assert seapod.sh("configured", "echo $GAME_player_initial_lives $USERNAME; cat /projected-volume/my-group/my-username; echo; "
                     "cat /projected-volume/game.properties; stat -L -c %a /projected-volume/my-group/my-username").split() == \
        ["3", "my-app", "my-app", "enemy.types=aliens,monsters", "777"]


def test_a_security_context_of_pod_and_container(seapod):
    apply(seapod, "secured", """
securityContext: {runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000], supplementalGroupsPolicy: Strict}
volumes:
- {name: vol, emptyDir: {}}
containers:
- name: demo
  image: @
  command: ["sleep", "99"]
  volumeMounts: [{name: vol, mountPath: /data/demo}]
  securityContext: {allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}, capabilities: {drop: [ALL]}}
- name: other
  image: @
  command: ["sleep", "99"]
  securityContext: {runAsUser: 2000}
""")
    assert seapod.sh("secured", "id -u; id -g; id -G; touch /data/demo/f; stat -c %u:%g /data/demo/f", c="demo").splitlines() == \
        ["1000", "3000", "3000 2000 4000", "1000:2000"]
    assert seapod.sh("secured", "id -u", c="other") == "2000"


def test_a_claim_and_the_pod_that_uses_it(seapod):
    apply(seapod, "task-pv-pod", """
volumes:
- name: storage
  persistentVolumeClaim: {claimName: task-pv-claim}
containers:
- name: server
  image: @
  command: ["sh", "-c", "echo hello > /usr/share/html/index.html; trap 'exit 0' TERM; sleep 99 & wait"]
  volumeMounts: [{name: storage, mountPath: /usr/share/html}]
""", before="""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: task-pv-claim}
spec:
  storageClassName: manual
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 3Gi}}
---
""")
    eventually(lambda: seapod.sh("task-pv-pod", "cat /usr/share/html/index.html", check=False) == "hello")
    said = apply(seapod, "x", "containers: []", before="apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\n---\n", check=False).stderr
    assert "PersistentVolume is not supported" in said


@pytest.mark.parametrize("resources,qos", [
    ("{limits: {memory: 20Mi, cpu: 100m}, requests: {memory: 20Mi, cpu: 100m}}", "Guaranteed"),
    ("{limits: {memory: 20Mi}, requests: {memory: 10Mi}}", "Burstable"), ("{}", "BestEffort")], ids=["guaranteed", "burstable", "best-effort"])
def test_the_three_classes(seapod, resources, qos):
    apply(seapod, "qos-demo", f"""
containers:
- name: demo
  image: @
  command: ["sleep", "99"]
  resources: {resources}
""")
    assert seapod.status("qos-demo")["qosClass"] == qos


def test_a_request_larger_than_the_machine_is_no_reason_to_wait(seapod):
    apply(seapod, "memory-demo-3", """
containers:
- name: demo
  image: @
  command: ["sleep", "99"]
  resources: {requests: {memory: 1000Gi}, limits: {memory: 1000Gi}}
""")
    assert seapod.phase("memory-demo-3") == "Running"


def test_where_to_run_is_accepted_and_said_to_be_nothing(seapod):
    done = apply(seapod, "placed", """
nodeSelector: {disktype: ssd}
tolerations: [{key: example-key, operator: Exists, effect: NoSchedule}]
priorityClassName: high-priority
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
      - matchExpressions: [{key: disktype, operator: In, values: [ssd]}]
containers:
- {name: demo, image: @, command: ["sleep", "99"]}
""")
    for field in ("nodeSelector", "tolerations", "priorityClassName", "affinity"):
        assert f"spec.{field}" in done.stderr, field
    assert done.stdout == "pod/placed created\n"
