"""Renders the chart with Helm itself and checks what comes out: by the schemas of Kubernetes, and by what is promised of it.

With the path of the service's binary as an argument, the service reads the configuration that the chart writes, too.
"""

import itertools
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import helm_python as helm
import kubernetes_validate
import yaml

CHART = pathlib.Path(__file__).parents[2] / "deploy" / "helm"
VERSIONS = ["1.30.0", kubernetes_validate.latest_version()]
# Not Kubernetes' own, so its schemas do not know them.
EXTENSIONS = {"ServiceMonitor", "HTTPRoute"}
TIER = {"cluster": {"url": "redis://valkey:6379", "keysSecret": {"name": "cluster-keys"}}}
EVERYTHING = {
    "replicas": 3,
    "auth": {"mode": "api-keys", "credentialSecret": {"name": "vendor"}, "keysSecret": {"name": "api-keys"}},
    "cluster": {
        "url": "rediss://service@valkey:6380",
        "passwordSecret": {"name": "valkey"},
        "keysSecret": {"name": "cluster-keys"},
        "caSecret": {"name": "valkey-ca"},
    },
    "ingress": {"enabled": True, "host": "team.example", "tlsSecret": "team-tls", "className": "nginx"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "networkPolicy": {
        "enabled": True,
        "tier": [{"podSelector": {"matchLabels": {"app": "valkey"}}}],
        "otlp": [{"namespaceSelector": {}}],
    },
    "settings": {"roster": {"fresh_for": "30s", "refresh_ahead": False}, "http": {"rate_limit": 100}},
    "extraEnv": [{"name": "RUST_BACKTRACE", "value": "0"}],
    "podAnnotations": {"a": "b"},
    "image": {"pullSecrets": ["registry"]},
}
checked = 0


def claim(fine, what):
    global checked
    checked += 1
    if not fine:
        sys.exit(f"wrong: {what}")


def render(values):
    """The objects that come of these values, by kind and name."""
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        files = chart.render(values, name="team", namespace="default")
    objects = {}
    for path, text in files.items():
        if path.endswith("NOTES.txt"):
            continue
        for item in yaml.safe_load_all(text):
            if item:
                objects[item["kind"], item["metadata"]["name"]] = item
    return objects


def refused(values, words):
    try:
        render(values)
    except helm.HelmError as error:
        claim(words in str(error), f"{values} is refused with: {error}")
    else:
        claim(False, f"{values} is taken")


def kinds(objects):
    return {kind for kind, _ in objects}


def valid(objects):
    for (kind, name), item in objects.items():
        if kind in EXTENSIONS:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                sys.exit(f"{kind} {name} is wrong in Kubernetes {version}: {error}")
    claim(True, "")


report = helm.lint(CHART, {}, strict=True)
claim(not report["errors"], f"lint: {report}")

# What comes of nothing, of a tier, and of everything.
for values in [{}, {"replicas": 3} | TIER, EVERYTHING, {"replicas": 2, "budget": {"divided": True}}]:
    valid(render(values))
gateway = {"httpRoute": {"enabled": True, "gateway": "edge", "hostnames": ["team.example"]}}
valid(render(gateway))
claim("HTTPRoute" in kinds(render(gateway)), "a route is made")

# What makes no sense is refused with the reason.
refused({"replicas": 3}, "cluster.url")
refused({"replicas": 2}, "budget.divided")
refused({"cluster": {"url": "redis://valkey:6379"}}, "cluster.keysSecret.name")
refused({"auth": {"mode": "server"}}, "auth.credentialSecret.name")
refused({"auth": {"mode": "api-keys", "credentialSecret": {"name": "x"}}}, "auth.keysSecret.name")
refused({"ingress": {"enabled": True}} | gateway, "choose one")
refused({"httpRoute": {"enabled": True}}, "httpRoute.gateway")
for wrong in [
    {"replicas": 0}, {"replicas": "three"}, {"replica": 3}, {"auth": {"mode": "open"}}, {"image": {"tagg": "x"}},
    {"budget": {"callsPerHour": 0}}, {"cluster": {"url": "http://valkey"}}, {"cluster": {"url": "redis://user:secret@valkey"}},
    {"service": {"port": 70000}}, {"settings": {"rosters": {}}}, {"settings": {"roster": {"Fresh": 1}}},
    {"networkPolicy": {"vendorCidrs": ["everywhere"]}}, {"http": {"drainDelaySeconds": -1}}, {"serviceMonitor": {"interval": "often"}},
]:
    refused(wrong, "- at '")

# Every value is in the schema and has a comment above it, or stands under one that has.
schema = yaml.safe_load((CHART / "values.schema.json").read_text())
values = yaml.safe_load((CHART / "values.yaml").read_text())
claim(set(values) | {"global"} == set(schema["properties"]), "values and schema name the same values")
for name, value in values.items():
    known = schema["properties"][name].get("properties")
    claim(known is None or set(known) == set(value), f"{name}: values and schema name the same values")

everything = render(EVERYTHING)
claim({"Ingress", "ServiceMonitor", "NetworkPolicy", "PodDisruptionBudget", "Pod"} <= kinds(everything), "all is made")
claim("PodDisruptionBudget" not in kinds(render({})), "one replica has no disruption budget: a node could not be drained")
deployment = everything["Deployment", "team-flowmatix-graphql"]["spec"]["template"]
pod, container = deployment["spec"], deployment["spec"]["containers"][0]
claim(pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "pod")
own = container["securityContext"]
claim(own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], "the root file system is read-only")
claim(own["capabilities"]["drop"] == ["ALL"], "no capability is kept")
claim(not pod["automountServiceAccountToken"], "no token of the cluster's is mounted")
for drain, grace, stop in itertools.product([0, 5, 60], [1, 30], [0, 7]):
    http = {"drainDelaySeconds": drain, "gracePeriodSeconds": grace, "preStopSeconds": stop}
    spec = render({"http": http})["Deployment", "team-flowmatix-graphql"]["spec"]["template"]["spec"]
    claim(spec["terminationGracePeriodSeconds"] == drain + grace + stop + 5, "the grace period is what draining takes")
    claim(("lifecycle" in spec["containers"][0]) == (stop > 0), "preStop")
checksum = lambda values: render(values)["Deployment", "team-flowmatix-graphql"]["spec"]["template"]["metadata"]["annotations"]
claim(checksum({}) != checksum({"settings": {"roster": {"fresh_for": "1m"}}}), "a new configuration restarts the replicas")
policy = everything["NetworkPolicy", "team-flowmatix-graphql"]["spec"]
ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
claim(ports == {53, 443, 6379, 4317}, f"egress to {ports}")
mounted = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
claim(mounted == {"vendor", "api-keys", "valkey", "cluster-keys", "valkey-ca"}, f"secrets {mounted}")
selector = everything["Service", "team-flowmatix-graphql"]["spec"]["selector"]
labels = lambda item: item["metadata"].get("labels", {})
claim(selector.items() <= labels(deployment).items(), "the service finds its pods")
claim(not selector.items() <= labels(everything["Pod", "team-flowmatix-graphql-test"]).items(), "and not the test")

config = lambda objects: objects["ConfigMap", "team-flowmatix-graphql"]["data"]["flowmatix.toml"]
written = tomllib.loads(config(everything))
claim(written["cluster"]["url"] == "rediss://service@valkey:6380", "the tier's address is written")
claim(written["roster"] == {"fresh_for": "30s", "refresh_ahead": False}, "settings are written")
claim(written["http"]["rate_limit"] == 100 and written["http"]["drain_delay"] == "5s", "settings are merged")
if len(sys.argv) > 1:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(config(render({"settings": {"roster": {"fresh_for": "30s"}, "graphql": {"depth_limit": 9}}})))
        file.flush()
        read = subprocess.run([sys.argv[1], "check", "--config", file.name], capture_output=True, text=True)
        claim(read.returncode == 0 and "roster.fresh_for = 30s" in read.stdout, f"the service reads it: {read.stderr}")
print(f"the chart: {checked} claims hold, by Helm {helm.helm_sdk_version()} and Kubernetes {' and '.join(VERSIONS)}")
