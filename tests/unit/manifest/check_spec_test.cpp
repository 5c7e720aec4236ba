// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/check_spec.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

namespace kredis::manifest {
namespace {

using Change = std::function<void(ClusterSpec&)>;

struct Case {
  const char* label;
  Change change;
  const char* message = "";  ///< Part of the error; empty: accepted.
  const char* hint = "";
};

void run(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.label);
    ClusterSpec spec;
    one.change(spec);
    const Status status = check(spec);
    if (std::string(one.message).empty()) {
      INFO((status ? std::string{} : status.error().message));
      CHECK(status.has_value());
      continue;
    }
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == ErrorCode::invalid_argument);
    CHECK(status.error().message.find(one.message) != std::string::npos);
    CHECK(status.error().hint.find(one.hint) != std::string::npos);
    INFO(status.error().message, " / ", status.error().hint);
    CHECK_FALSE(status.error().hint.empty());
  }
}

}  // namespace

TEST_SUITE("manifest/check_spec") {
  TEST_CASE("check accepts the defaults") { CHECK(check({}).has_value()); }

  TEST_CASE("check accepts names that fit every name made from them") {
    run({{"48 characters", [](auto& s) { s.name = std::string(48, 'a'); }},
         {"49 characters", [](auto& s) { s.name = std::string(49, 'a'); }, "49 characters", "48"},
         {"one letter", [](auto& s) { s.name = "r"; }},
         {"empty", [](auto& s) { s.name = ""; }, "\"\"", "lower-case"},
         {"a digit first", [](auto& s) { s.name = "1redis"; }, "1redis", "letter"},
         {"a digit last", [](auto& s) { s.name = "redis1"; }},
         {"a dash first", [](auto& s) { s.name = "-redis"; }, "-redis", "letter"},
         {"a dash last", [](auto& s) { s.name = "redis-"; }, "redis-", "letter"},
         {"capitals", [](auto& s) { s.name = "Redis"; }, "Redis", "lower-case"},
         {"a dot", [](auto& s) { s.name = "re.dis"; }, "re.dis", "dashes"},
         {"no namespace",
          [](auto& s) { s.namespace_ = ""; },
          "namespace",
          "kubectl get namespaces"},
         {"a namespace with a slash", [](auto& s) { s.namespace_ = "a/b"; }, "a/b", "kubectl"}});
  }

  TEST_CASE("check accepts shapes that can survive a node") {
    run({{"three masters", [](auto& s) { s.masters = 3; }},
         {"two masters", [](auto& s) { s.masters = 2; }, "--masters 2", "--masters 3"},
         {"masters below zero", [](auto& s) { s.masters = -1; }, "--masters -1", "--masters 3"},
         {"no replicas", [](auto& s) { s.replicas = 0; }},
         {"replicas below zero", [](auto& s) { s.replicas = -1; }, "--replicas -1", "--replicas 1"},
         {"1,000 nodes", [](auto& s) { s.masters = 500; }},
         {"1,002 nodes", [](auto& s) { s.masters = 501; }, "--masters 501", "fewer"},
         {"a product past an int",
          [](auto& s) {
            s.masters = 1'000;
            s.replicas = 2'000'000'000;
          },
          "2000000000",
          "fewer"},
         {"no image", [](auto& s) { s.image = ""; }, "--image", "redis:8.0"},
         {"an image with a space", [](auto& s) { s.image = "redis 8"; }, "redis 8", "redis:8.0"}});
  }

  TEST_CASE("check accepts one kind of storage, with a size") {
    run({{"the smallest size", [](auto& s) { s.size = "1"; }},
         {"no size", [](auto& s) { s.size = "0"; }, "--size \"0\"", "some"},
         {"a size below zero", [](auto& s) { s.size = "-1Gi"; }, "-1Gi", "200M"},
         {"no quantity", [](auto& s) { s.size = "200MB"; }, "200MB", "200M"},
         {"an empty size", [](auto& s) { s.size = ""; }, "--size", "200M"},
         {"a class", [](auto& s) { s.storage_class = "fast.ssd"; }},
         {"no class at all", [](auto& s) { s.storage_class = ""; }},
         {"no class's name", [](auto& s) { s.storage_class = "Fast"; }, "Fast", "storageclasses"},
         {"NFS",
          [](auto& s) {
            s.nfs_server = "nfs";
            s.nfs_path = "/srv";
          }},
         {"NFS without a path", [](auto& s) { s.nfs_server = "nfs"; }, "--nfs-path", "both"},
         {"NFS without a server", [](auto& s) { s.nfs_path = "/srv"; }, "--nfs-server", "both"},
         {"a relative NFS path",
          [](auto& s) {
            s.nfs_server = "nfs";
            s.nfs_path = "srv";
          },
          "srv",
          "/"},
         {"NFS and a class",
          [](auto& s) {
            s.nfs_server = "nfs";
            s.nfs_path = "/srv";
            s.storage_class = "fast";
          },
          "exclude",
          "leave one"},
         {"ephemeral", [](auto& s) { s.storage = Storage::ephemeral; }},
         {"ephemeral and a class",
          [](auto& s) {
            s.storage = Storage::ephemeral;
            s.storage_class = "fast";
          },
          "--ephemeral",
          "leave"},
         {"ephemeral and NFS",
          [](auto& s) {
            s.storage = Storage::ephemeral;
            s.nfs_server = "nfs";
            s.nfs_path = "/srv";
          },
          "--ephemeral",
          "leave"},
         {"many writers", [](auto& s) { s.access_mode = "ReadWriteMany"; }},
         {"readers only",
          [](auto& s) { s.access_mode = "ReadOnlyMany"; },
          "ReadOnlyMany",
          "ReadWriteOnce"}});
  }

  TEST_CASE("check refuses a configuration that would break the cluster") {
    run({{"the article's six lines",
          [](auto& s) {
            s.config =
                "appendonly yes\ncluster-enabled yes\n"
                "cluster-config-file /var/lib/redis/nodes.conf\ncluster-node-timeout 5000\n"
                "dir /var/lib/redis\nport 6379\n";
          }},
         {"not a cluster",
          [](auto& s) { s.config = "cluster-enabled no\n"; },
          "cluster-enabled",
          ""},
         {"as many replicas in step as there are",
          [](auto& s) {
            s.settings = {{"min-replicas-to-write", "1"}};
          }},
         {"more replicas in step than there are",
          [](auto& s) {
            s.replicas = 0;
            s.settings = {{"min-replicas-to-write", "1"}};
          },
          "would refuse every write",
          "--replicas 1"},
         {"a daemon",
          [](auto& s) {
            s.settings = {{"daemonize", "yes"}};
          },
          "daemonize",
          ""},
         {"another port",
          [](auto& s) {
            s.settings = {{"port", "6380"}};
          },
          "port",
          ""},
         {"a plain port beside TLS",
          [](auto& s) {
            s.tls_secret = "tls";
            s.settings = {{"port", "6379"}};
          },
          "port",
          ""},
         {"data beside the volume",
          [](auto& s) {
            s.settings = {{"dir", "/data"}};
          },
          "dir",
          ""},
         {"an unknown key",
          [](auto& s) {
            s.settings = {{"maxmemroy", "1gb"}};
          },
          "maxmemroy",
          ""},
         {"a binary file", [](auto& s) { s.config = std::string("\0\1\2", 3); }, "binary", ""}});
  }

  TEST_CASE("check accepts requests up to the limits") {
    run({{"as much as the limit",
          [](auto& s) {
            s.requests = {{"memory", "1Gi"}};
            s.limits = {{"memory", "1024Mi"}};
          }},
         {"more than the limit",
          [](auto& s) {
            s.requests = {{"memory", "1025Mi"}};
            s.limits = {{"memory", "1Gi"}};
          },
          "memory=1025Mi",
          "limit"},
         {"a limit below the default request",
          [](auto& s) {
            s.limits = {{"memory", "64Mi"}};
          }},
         {"no quantity",
          [](auto& s) {
            s.limits = {{"cpu", "one"}};
          },
          "--limits cpu",
          "500m"},
         {"no resource",
          [](auto& s) {
            s.requests = {{"c p u", "1"}};
          },
          "c p u",
          "cpu"}});
  }

  TEST_CASE("check refuses labels that Kubernetes would not keep") {
    run({{"a label",
          [](auto& s) {
            s.labels = {{"example.com/team", "shop"}};
          }},
         {"an empty value",
          [](auto& s) {
            s.labels = {{"team", ""}};
          }},
         {"63 characters",
          [](auto& s) {
            s.labels = {{"team", std::string(63, 'x')}};
          }},
         {"64 characters",
          [](auto& s) {
            s.labels = {{"team", std::string(64, 'x')}};
          },
          "team",
          "63"},
         {"a space",
          [](auto& s) {
            s.labels = {{"team", "a b"}};
          },
          "a b",
          "letters"},
         {"a bad key",
          [](auto& s) {
            s.labels = {{"te am", "x"}};
          },
          "te am",
          "letters"},
         {"two slashes",
          [](auto& s) {
            s.labels = {{"a/b/c", "x"}};
          },
          "a/b/c",
          "letters"},
         {"a node's label",
          [](auto& s) {
            s.node_selector = {{"disk", "s s d"}};
          },
          "--node-selector",
          "letters"}});
  }

  TEST_CASE("check keeps the product's own labels and annotations for the product") {
    run({{"the selector's",
          [](auto& s) {
            s.labels = {{"app", "x"}};
          },
          "app",
          "another"},
         {"the version",
          [](auto& s) {
            s.labels = {{"app.kubernetes.io/version", "x"}};
          },
          "version",
          "another"},
         {"any annotation",
          [](auto& s) {
            s.annotations = {{"note", "a b, c"}};
          }},
         {"our annotation",
          [](auto& s) {
            s.annotations = {{"kubectl-redis.dev/masters", "9"}};
          },
          "masters",
          "another"}});
  }

  TEST_CASE("check refuses names and effects that do not exist") {
    run({{"a Secret's name", [](auto& s) { s.auth_secret = "redis.auth"; }},
         {"no Secret's name",
          [](auto& s) { s.auth_secret = "Redis"; },
          "--auth-secret",
          "lower-case"},
         {"no Secret's name for TLS",
          [](auto& s) { s.tls_secret = "a/b"; },
          "--tls-secret",
          "lower-case"},
         {"no account",
          [](auto& s) { s.service_account = "A"; },
          "--service-account",
          "lower-case"},
         {"no class", [](auto& s) { s.priority_class = "A"; }, "--priority-class", "lower-case"},
         {"everything tolerated", [](auto& s) { s.tolerations = {{}}; }},
         {"a value without a key", [](auto& s) { s.tolerations = {{.value = "x"}}; }, "=x", "KEY"},
         {"no effect",
          [](auto& s) { s.tolerations = {{.key = "x", .effect = "Never"}}; },
          "Never",
          "NoSchedule"}});
  }

}  // TEST_SUITE

}  // namespace kredis::manifest
