#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boils Kubernetes' own swagger.json down to what the sandbox's API server needs to know of each type.

    generate.py KUBERNETES/api/openapi-spec/swagger.json API APIMACHINERY > kubernetes.schema

where API and APIMACHINERY are checkouts of k8s.io/api and k8s.io/apimachinery, whose generated.proto
files hold the field numbers.

The result is one paragraph a type:

    type apps.v1.StatefulSet
      spec object:apps.v1.StatefulSetSpec #2
      containers! list:object:core.v1.Container #2 merge=name keys=name

`#4` is the protobuf field number (`#2.9`: number 9 in the message that number 2 inlines); `!` is required; `merge` is the strategic merge key, `keys` the server-side apply keys, `set` and
`atomic` the other list types, `retain` the retainKeys strategy, and `=...` at the end a default.
"""
import json
import pathlib
import re
import sys

ROOTS = """
core.v1: Namespace Node Pod Service ConfigMap Secret PersistentVolume PersistentVolumeClaim Event Endpoints
  ServiceAccount ResourceQuota LimitRange ReplicationController Binding PodTemplate
apps.v1: StatefulSet Deployment ReplicaSet DaemonSet ControllerRevision
policy.v1: PodDisruptionBudget Eviction
storage.v1: StorageClass
rbac.v1: Role RoleBinding ClusterRole ClusterRoleBinding
discovery.v1: EndpointSlice
events.v1: Event
coordination.v1: Lease
batch.v1: Job CronJob
networking.v1: NetworkPolicy Ingress
scheduling.v1: PriorityClass
admissionregistration.v1: ValidatingWebhookConfiguration MutatingWebhookConfiguration
autoscaling.v1: Scale
authorization.v1: SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview LocalSubjectAccessReview
authentication.v1: TokenReview TokenRequest SelfSubjectReview
meta.v1: DeleteOptions
"""
PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.")
SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "micro-time",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
}


def short(name):
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def describe(schema):
    """The type of a field, and the types it refers to."""
    if "$ref" in schema:
        target = schema["$ref"].removeprefix("#/definitions/")
        if target in SCALARS:
            return SCALARS[target], []
        return "object:" + short(target), [target]
    kind = schema.get("type", "any")
    if kind == "array":
        inner, targets = describe(schema["items"])
        return "list:" + inner, targets
    if kind == "object":
        if "additionalProperties" in schema:
            inner, targets = describe(schema["additionalProperties"])
            return "map:" + inner, targets
        return "any", []
    if schema.get("format") == "byte":
        return "bytes", []
    return kind, []


class Protobuf:
    """Field numbers by type, from the generated.proto files."""

    def __init__(self, api, apimachinery):
        self.roots = {"meta": pathlib.Path(apimachinery, "pkg/apis")}
        self.api = pathlib.Path(api)
        self.files = {}

    def messages(self, group, version):
        if (group, version) not in self.files:
            path = self.roots.get(group, self.api) / group / version / "generated.proto"
            text = path.read_text() if path.exists() else ""
            found = {}
            for name, body in re.findall(r"^message (\w+) \{\n(.*?)^\}", text, re.S | re.M):
                found[name] = re.findall(
                    r"^  (?:optional |repeated )?(map<.*?>|[\w.]+) (\w+) = (\d+);", body, re.M)
            self.files[group, version] = found
        return self.files[group, version]

    def numbers(self, type_name, properties):
        group, version, kind = type_name.split(".")
        messages = self.messages(group, version)
        numbers = {}
        for inner, name, number in messages.get(kind, []):
            if name in properties:
                numbers[name] = number
            elif inner in messages:  # Inlined in JSON.
                for _, inner_name, inner_number in messages[inner]:
                    numbers.setdefault(inner_name, f"{number}.{inner_number}")
        return numbers


def traits(schema):
    words = []
    strategy = schema.get("x-kubernetes-patch-strategy", "").split(",")
    if "x-kubernetes-patch-merge-key" in schema and "merge" in strategy:
        words.append("merge=" + schema["x-kubernetes-patch-merge-key"])
    elif "merge" in strategy and schema.get("type") == "array":
        words.append("merge")
    if "retainKeys" in strategy:
        words.append("retain")
    list_type = schema.get("x-kubernetes-list-type") or schema.get("x-kubernetes-map-type")
    if list_type == "map":
        words.append("keys=" + ",".join(schema["x-kubernetes-list-map-keys"]))
    elif list_type in ("set", "atomic"):
        words.append(list_type)
    if schema.get("default") not in (None, {}, ""):
        words.append("=" + json.dumps(schema["default"], separators=(",", ":")))
    return words


def main():
    swagger = json.load(open(sys.argv[1]))
    definitions = swagger["definitions"]
    group = None
    waiting = []
    for word in ROOTS.split():
        if word.endswith(":"):
            group = word[:-1]
            continue
        waiting += [name for name in definitions if short(name) == f"{group}.{word}"]
    seen = {}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen[name] = definitions[name]
        for schema in definitions[name].get("properties", {}).values():
            waiting += describe(schema)[1]
    protobuf = Protobuf(sys.argv[2], sys.argv[3])
    print("# Made by generate.py from Kubernetes' own definitions (1.34); do not edit.")
    for name in sorted(seen, key=short):
        definition = seen[name]
        atomic = " atomic" if definition.get("x-kubernetes-map-type") == "atomic" else ""
        print(f"\ntype {short(name)}{atomic}")
        required = definition.get("required", [])
        numbers = protobuf.numbers(short(name), definition.get("properties", {}))
        for field, schema in sorted(definition.get("properties", {}).items()):
            mark = "!" if field in required else ""
            number = ["#" + numbers[field]] if field in numbers else []
            print(" ".join(["  " + field + mark, describe(schema)[0], *number, *traits(schema)]))


main()
