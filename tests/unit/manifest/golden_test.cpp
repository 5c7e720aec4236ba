// SPDX-License-Identifier: Apache-2.0
//
// What `create --dry-run=client -o yaml` prints, whole, for a few descriptions. With
// KREDIS_UPDATE_GOLDEN set the files are written anew: look at the difference before committing it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "shared/manifest/objects.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::manifest {
namespace {

std::string read_file(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void check_golden(const std::string& name, const ClusterSpec& spec) {
  const std::string path = std::string(KREDIS_SOURCE_DIR) + "/tests/golden/manifests/" + name;
  const std::string text = to_yaml(objects(spec));
  if (std::getenv("KREDIS_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
  }
  INFO("KREDIS_UPDATE_GOLDEN=1 writes ", path, " anew");
  CHECK(text == read_file(path));
}

}  // namespace

TEST_SUITE("manifest/golden") {
  TEST_CASE("the defaults make the article's objects") { check_golden("default.yaml", {}); }

  TEST_CASE("an NFS server gives the article's volumes") {
    check_golden("nfs.yaml", {.nfs_server = "192.168.0.222", .nfs_path = "/usr/local/k8s/redis"});
  }

  TEST_CASE("the Service & Deployment layout gives every node its own objects") {
    check_golden("deployment.yaml",
                 {.name = "cache", .namespace_ = "shop", .layout = Layout::deployment});
  }

  TEST_CASE("TLS and a password come from Secrets") {
    check_golden("secure.yaml",
                 {.client_endpoint = ClientEndpoint::ip,
                  .auth_secret = "redis-auth",
                  .tls_secret = "redis-tls"});
  }

  TEST_CASE("TLS without a password asks clients for certificates") {
    check_golden("tls.yaml", {.tls_secret = "redis-tls"});
  }

  TEST_CASE("clients outside come in by a load balancer for each pod") {
    check_golden("external.yaml", {.external = External::load_balancer});
  }

  TEST_CASE("clients outside come in by a node's port for each pod") {
    check_golden("external-node-port.yaml", {.external = External::node_port});
  }

  TEST_CASE("every option has its place") {
    ClusterSpec spec{.name = "cache",
                     .namespace_ = "shop",
                     .masters = 5,
                     .replicas = 2,
                     .image =
                         "valkey/valkey:8.1@sha256:"
                         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                     .size = "10Gi",
                     .storage_class = "fast",
                     .access_mode = "ReadWriteOncePod",
                     .config = "# Ours\nmaxmemory-policy allkeys-lru\nappendfsync always\n",
                     .settings = {{"maxclients", "5000"}, {"save", "\"\""}}};
    spec.requests = {{"cpu", "500m"}};
    spec.limits = {{"memory", "1Gi"}};
    spec.anti_affinity = AntiAffinity::required;
    spec.zone_spread = ZoneSpread::on;
    spec.access = Access::node_port;
    spec.labels = {{"team", "shop"}};
    spec.annotations = {{"example.com/contact", "shop@example.com"}};
    spec.service_account = "redis";
    spec.node_selector = {{"disk", "ssd"}};
    spec.tolerations = {{.key = "dedicated", .value = "redis", .effect = "NoSchedule"},
                        {.key = "spot"}};
    spec.priority_class = "high";
    check_golden("everything.yaml", spec);
  }

}  // TEST_SUITE

}  // namespace kredis::manifest
