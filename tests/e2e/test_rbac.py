# SPDX-License-Identifier: Apache-2.0
"""What `rbac VERB` prints is what the verb needs: with it the verb works, with one right less it is
refused and names that right, and what it is said to go without it goes without."""

import concurrent.futures
import json
import pathlib
import re
from dataclasses import dataclass

import pytest
import yaml

from bed import BIN, Bed, run
from test_config import drift, edit
from test_create import require_whole
from test_webhook_install import SYSTEM

GOES_WITHOUT = "kubectl-redis.dev/goes-without"


def printed(bed, *args):
    """The Roles of `rbac ARGS`, each with its optional rules told apart."""
    return bed.plugin("rbac", *args, "-o", "json").require().json()["items"]


def optional_rules(role):
    """{(resource, verb)} that the annotation names."""
    text = role["metadata"].get("annotations", {}).get(GOES_WITHOUT, "")
    rules = [part.split(": ") for part in text.split("; ") if part]
    return {(resource, verb) for resource, verbs in rules for verb in verbs.split(", ")}


def without_optional(role):
    """A copy with only what is needed. A resource can have two rules: the optional one is dropped."""
    optional = optional_rules(role)
    keep = [rule for rule in role["rules"]
            if not {(rule["resources"][0], verb) for verb in rule["verbs"]} <= optional]
    return {**role, "rules": keep}


class Users:
    """Users of the sandbox, each with the rights that a test gives it."""

    kind = "User"

    def __init__(self, bed, namespace, folder):
        self.bed, self.namespace, self.folder = bed, namespace, folder

    def as_user(self, name):
        path = self.folder / f"{name}.conf"
        path.write_text(self.bed.control("kubeconfig", "--user", name).stdout)
        return Bed(path, self.bed.sandbox).in_namespace(self.namespace.name)

    def subject(self, name):
        return {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}

    def allow(self, *args):
        """A user that has what `rbac ARGS` prints, by the binding that it prints."""
        name = f"{args[0]}-{len(list(self.folder.iterdir()))}-{self.namespace.name}"
        subject = {"User": "--user", "ServiceAccount": "--service-account"}[self.kind]
        text = self.bed.plugin("rbac", *args, "-n", self.namespace.name, subject, name).require().stdout
        self.bed.kubectl("apply", "-f", "-", stdin=text).require()
        return self.as_user(name)

    def give(self, rules_by_user):
        """Users with rules of the test's own making: {name: (rules, cluster rules)}."""
        items = []
        for name, (inside, outside) in rules_by_user.items():
            subjects = [self.subject(name)]
            for prefix, rules in (("", inside), ("Cluster", outside)):
                metadata = {"name": name, **({} if prefix else {"namespace": self.namespace.name})}
                common = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
                reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{prefix}Role", "name": name}
                items += [{**common, "kind": f"{prefix}Role", "rules": rules},
                          {**common, "kind": f"{prefix}RoleBinding", "roleRef": reference, "subjects": subjects}]
        listing = {"apiVersion": "v1", "kind": "List", "items": items}
        self.bed.kubectl("create", "-f", "-", stdin=json.dumps(listing)).require()
        return {name: self.as_user(name) for name in rules_by_user}


class ServiceAccounts(Users):
    """The same as service accounts, which any Kubernetes has; each by a token of its own."""

    kind = "ServiceAccount"

    def subject(self, name):
        return {"kind": "ServiceAccount", "name": name, "namespace": self.namespace.name}

    def as_user(self, name):
        self.namespace.kubectl("create", "serviceaccount", name).require()
        token = self.namespace.kubectl("create", "token", name).require().stdout.strip()
        config = yaml.safe_load(pathlib.Path(self.bed.kubeconfig).read_text())
        config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
        path = self.folder / f"{name}.conf"
        path.write_text(yaml.safe_dump(config))
        return Bed(path).in_namespace(self.namespace.name)


def users_of(bed, namespace, folder):
    return (Users if bed.sandbox else ServiceAccounts)(bed, namespace, folder)


@pytest.fixture
def users(bed, namespace, tmp_path):
    return users_of(bed, namespace, tmp_path)


@dataclass
class Lack:
    """A verb run by somebody who lacks one right."""

    args: list
    resource: str
    verb: str
    inside: list
    outside: list


def lacks_of(bed, args, command):
    """One Lack for each needed right of `rbac ARGS`."""
    roles = {role["kind"]: without_optional(role) for role in printed(bed, *args)}
    rules = [(kind, rule) for kind, role in roles.items() for rule in role["rules"]]
    for kind, rule in rules:
        for verb in rule["verbs"]:
            less = {**rule, "verbs": [each for each in rule["verbs"] if each != verb]}
            left = {each: [less if other is rule else other for other in role["rules"]
                           if other is not rule or less["verbs"]]
                    for each, role in roles.items()}
            yield Lack(command, rule["resources"][0], verb, left.get("Role", []), left.get("ClusterRole", []))


def is_asked_for(lack):
    """Whether servers before 1.35 ask for it; `create` makes sure of it all the same."""
    return (lack.resource, lack.verb) != ("pods/portforward", "create")


def refusals_missing(users, lacks):
    """The commands that did not fail as they should have."""
    named = {f"lack-{i}-{users.namespace.name}": lack for i, lack in enumerate(lacks)}
    given = users.give({name: (lack.inside, lack.outside) for name, lack in named.items()})

    def complaint(name):
        lack, outcome = named[name], given[name].plugin(*named[name].args)
        text = outcome.stdout + outcome.stderr  # What `status` cannot see is a finding of it.
        says = re.search(rf"{lack.verb} {lack.resource}\b", text)
        rule = re.search(rf'resources: \["{lack.resource}"\].*verbs: \[[^]]*{lack.verb}', text)
        return None if outcome.exit in (1, 3) and says and rule else f"without {lack.verb} {lack.resource}: {outcome}"

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return [text for text in pool.map(complaint, named) if text]


def hand_over_and_back(namespace, user):
    """The roles are spread as before afterwards."""
    for _ in range(2):
        first = next(it["pod"] for it in namespace.status()["masters"] if it["slots"] and it["slots"][0][0] == 0)
        handed = user.plugin("failover", "--master", first)
        assert handed.exit == 0, str(handed)


@pytest.mark.parametrize("layout", ["statefulset", "deployment"])
def test_every_verb_works_with_what_rbac_prints_and_not_with_less(users, namespace, layout):
    only = ["--layout", layout]
    # A cluster's whole life, each verb by a user of its own.
    created = users.allow("create", *only).plugin("create", "--layout", layout, "--no-init")
    assert created.exit == 0, str(created)
    initialised = users.allow("init", *only).plugin("init")
    assert initialised.exit == 0, str(initialised)
    status = users.allow("status", *only).status()
    assert status["slots"]["assigned"] == 16384
    assert {master["zone"] for master in status["masters"]} == {"zone-a", "zone-b", "zone-c"}
    hand_over_and_back(namespace, users.allow("failover", *only))
    again = users.allow("create", *only).plugin("create", "--layout", layout)
    assert again.exit == 0, str(again)
    require_whole(namespace, 3, 1)

    before = namespace.objects()
    bed = users.bed
    lacks = [lack for args, command in (
        (["create", *only], ["create", "--layout", layout]),
        (["init", *only], ["init", "--timeout", "5s"]),
        (["status", *only], ["status", "--timeout", "5s"]),
        (["delete", *only, "--purge-data"], ["delete", "--purge-data", "--yes"]),
    ) for lack in lacks_of(bed, args, command)
        if is_asked_for(lack) or command[0] == "create"]
    missing = refusals_missing(users, lacks)
    assert not missing, "\n".join(missing)
    assert namespace.objects() == before

    deleted = users.allow("delete", *only).plugin("delete", "--yes")
    assert deleted.exit == 0, str(deleted)
    assert {kind for kind, _, _ in namespace.objects()} == {"PersistentVolumeClaim"}
    namespace.plugin("create", "--layout", layout, "--no-init").require()
    purged = users.allow("delete", *only, "--purge-data").plugin("delete", "--purge-data", "--yes")
    assert purged.exit == 0, str(purged)


def test_verbs_of_everyday_work_with_what_rbac_prints_and_not_with_less(users, namespace):
    namespace.plugin("create").require()
    only = ["--layout", "statefulset"]
    commands = {  # What rbac is asked for: how the verb is used.
        ("policy",): ["policy", "report"],
        ("cli", *only): ["cli", "--key", "a", "--", "PING"],
        ("toolbox", *only): ["toolbox", "--", "redis-cli", "PING"],
        ("failover", "--drill", *only): ["failover", "drill", "--yes"],
        ("config", *only): ["config", "apply"],
    }
    edit(namespace, "tcp-backlog 600")  # Which no server takes while it runs.
    given = {args: users.allow(*args) for args in commands}
    for args, command in commands.items():
        outcome = given[args].plugin(*command)
        assert outcome.exit == 0, str(outcome)
    assert drift(namespace) == {}

    before = namespace.objects()
    edit(namespace, "tcp-backlog 500")
    missing = refusals_missing(users, [lack for args, command in commands.items()
                                       for lack in lacks_of(users.bed, args, command) if is_asked_for(lack)])
    assert not missing, "\n".join(missing)
    assert namespace.objects() == before


@pytest.fixture
def system(bed):
    bed.kubectl("create", "namespace", SYSTEM).require()
    yield bed.in_namespace(SYSTEM)
    bed.plugin("webhook", "uninstall")
    bed.kubectl("delete", "namespace", SYSTEM, "--ignore-not-found")


def test_the_webhook_is_installed_with_what_rbac_prints_and_not_with_less(bed, system, tmp_path):
    users = users_of(bed, system, tmp_path)
    missing = refusals_missing(users, list(lacks_of(bed, ["webhook", "-n", SYSTEM], ["webhook", "install"])))
    assert not missing, "\n".join(missing)
    somebody = users.allow("webhook")
    for verb in ("install", "status", "rotate-certs", "uninstall"):
        outcome = somebody.bed.plugin("webhook", verb)
        assert outcome.exit == 0, str(outcome)


def test_verbs_go_without_what_is_said_to_be_optional(users, namespace):
    roles = {verb: {role["kind"]: without_optional(role)["rules"] for role in printed(users.bed, verb)}
             for verb in ("create", "init", "status", "delete")}
    given = users.give({f"bare-{verb}-{namespace.name}": (rules.get("Role", []), rules.get("ClusterRole", []))
                        for verb, rules in roles.items()})
    for verb, more in (("create", ["--no-init"]), ("init", []), ("status", []), ("delete", ["--yes"])):
        outcome = given[f"bare-{verb}-{namespace.name}"].plugin(verb, *more)
        assert outcome.exit in ((0, 3) if verb == "status" else (0,)), str(outcome)
        assert "no permission" not in outcome.stderr, str(outcome)


def test_version_needs_nothing_and_finds_the_webhook_with_what_rbac_prints(users):
    nobody = users.as_user("nobody").plugin("version")
    assert nobody.exit == 0, str(nobody)
    assert "Kubernetes v1" in nobody.stdout
    somebody = users.allow("version")
    assert somebody.plugin("version").require().stdout == nobody.stdout
    assert somebody.kubectl("get", "deployments", "-A").exit == 0


def test_secrets_are_readable_by_name_only(users, namespace):
    namespace.kubectl("create", "secret", "generic", "redis-auth", "--from-literal=password=long enough").require()
    creator = users.allow("create", "--layout", "statefulset", "--auth-secret", "redis-auth")
    created = creator.plugin("create", "--auth-secret", "redis-auth", "--ephemeral")
    assert created.exit == 0, str(created)
    other = creator.plugin("create", "other", "--auth-secret", "another", "--ephemeral")
    assert other.exit == 1 and "get secrets another" in other.stderr, str(other)


def test_a_service_account_gets_the_rights_too(users, namespace):
    text = users.bed.plugin("rbac", "status", "-n", namespace.name, "--service-account", "ci").require().stdout
    namespace.kubectl("apply", "-f", "-", stdin=text).require()
    account = f"system:serviceaccount:{namespace.name}:ci"
    assert namespace.kubectl("auth", "can-i", "list", "pods", "--as", account).stdout.strip() == "yes"
    assert namespace.kubectl("auth", "can-i", "list", "secrets", "--as", account).stdout.strip() == "no"
    assert namespace.kubectl("auth", "can-i", "delete", "pods", "--as", account).stdout.strip() == "no"


def test_rbac_asks_nobody_and_refuses_what_is_no_verb(tmp_path):
    nowhere = {"KUBECONFIG": str(tmp_path / "none")}
    printed_text = run([BIN / "kubectl-redis", "rbac", "status", "-n", "web"], nowhere)
    assert printed_text.exit == 0 and "namespace: web" in printed_text.stdout, str(printed_text)
    refused = run([BIN / "kubectl-redis", "rbac", "explode"], nowhere)
    assert refused.exit == 2 and "status" in refused.stderr, str(refused)
