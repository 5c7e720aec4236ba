// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/volumes.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/sandbox/node/atomic_folder.hpp"

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sandbox-volumes-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string content_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

const Json k_pod = {{"metadata", {{"name", "redis-app-0"}, {"namespace", "default"}}},
                    {"spec", {{"nodeName", "node-a"}}}};

PodFacts facts_in(const Store& store) {
  return {k_pod,
          "127.77.0.1",
          "127.77.250.1",
          [&store](const std::string& resource, const std::string& name) {
            return store.get({"", resource, "default", name});
          }};
}

TEST_SUITE("sandbox/node/volumes") {
  TEST_CASE("an atomic folder holds exactly what was written last") {
    const Folder folder;
    REQUIRE(write_atomic_folder(folder.path(),
                                {{"redis.conf", {"port 6379\n"}}, {"tls/ca.crt", {"CA", 0600}}}));
    CHECK(content_of(folder.path() / "redis.conf") == "port 6379\n");
    CHECK(fs::status(folder.path() / "tls" / "ca.crt").permissions() == fs::perms(0600));
    CHECK(fs::read_symlink(folder.path() / "redis.conf") == "..data/redis.conf");

    REQUIRE(write_atomic_folder(folder.path(), {{"redis.conf", {"port 6380\n"}}}));
    CHECK(content_of(folder.path() / "redis.conf") == "port 6380\n");
    CHECK_FALSE(fs::exists(fs::symlink_status(folder.path() / "tls")));
  }

  TEST_CASE("a path that leads out of the volume is refused") {
    const Folder folder;
    for (const char* path : {"../x", "/etc/passwd", "a/../../x", ""}) {
      CAPTURE(path);
      const Status written = write_atomic_folder(folder.path() / "volume", {{path, {"x"}}});
      REQUIRE_FALSE(written.has_value());
      CHECK(written.error().code == ErrorCode::invalid_argument);
    }
  }

  TEST_CASE("a projected volume joins its sources") {
    Store store;
    REQUIRE(
        store.create({"", "configmaps", "default", "conf"}, {{"data", {{"a", "1"}, {"b", "2"}}}}));
    REQUIRE(
        store.create({"", "secrets", "default", "auth"}, {{"data", {{"password", "czNjcmV0"}}}}));
    const Json volume =
        Json::parse(R"({"name": "all", "projected": {"defaultMode": 256, "sources": [
    {"configMap": {"name": "conf", "items": [{"key": "b", "path": "sub/b.conf"}]}},
    {"secret": {"name": "auth"}},
    {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}})");
    const auto payload = payload_of_volume(volume, facts_in(store));
    REQUIRE(payload.has_value());
    CHECK(*payload == Payload{{"sub/b.conf", {"2", 0400}},
                              {"password", {"s3cret", 0400}},
                              {"name", {"redis-app-0", 0400}}});
  }

  TEST_CASE("a missing key and a missing claim are named as the kubelet names them") {
    const Folder folder;
    Store store;
    REQUIRE(store.create({"", "configmaps", "default", "conf"}, {{"data", {{"a", "1"}}}}));
    const VolumePlace place{folder.path() / "pod", folder.path()};
    const auto key = set_up_volume(
        Json::parse(
            R"({"name": "v", "configMap": {"name": "conf", "items": [{"key": "b", "path": "b"}]}})"),
        facts_in(store),
        store,
        place);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().message == "references non-existent config key: b");
    const auto claim = set_up_volume(
        Json::parse(R"({"name": "v", "persistentVolumeClaim": {"claimName": "data"}})"),
        facts_in(store),
        store,
        place);
    REQUIRE_FALSE(claim.has_value());
    CHECK(claim.error().message == "persistentvolumeclaim \"data\" not found");
  }

  TEST_CASE("a node's paths and NFS exports stay inside the sandbox's folder") {
    const Folder folder;
    const Store store;
    const VolumePlace place{folder.path() / "pod", folder.path()};
    const auto host =
        set_up_volume(Json::parse(R"({"name": "v", "hostPath": {"path": "/../../var/lib/x"}})"),
                      facts_in(store),
                      store,
                      place);
    REQUIRE(host.has_value());
    CHECK(*host == folder.path() / "nodes/node-a/disk/var/lib/x");
    const auto nfs = set_up_volume(
        Json::parse(R"({"name": "v", "nfs": {"server": "192.168.0.222", "path": "/pv1"}})"),
        facts_in(store),
        store,
        place);
    REQUIRE(nfs.has_value());
    CHECK(*nfs == folder.path() / "nfs/192.168.0.222/pv1");
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
