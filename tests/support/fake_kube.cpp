// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>

namespace kredis::tests {
namespace {

bool selected(const Json& object, const std::string& selector) {
  const Json labels = object.value("/metadata/labels"_json_pointer, Json::object());
  std::istringstream terms(selector);
  for (std::string term; std::getline(terms, term, ',');) {
    const auto equals = term.find('=');
    if (equals == std::string::npos) {
      if (!labels.contains(term)) {
        return false;
      }
      continue;
    }
    if (labels.value(term.substr(0, equals), "") != term.substr(equals + 1)) {
      return false;
    }
  }
  return true;
}

/// Whether the watcher had enough of it.
bool tell(const std::vector<ports::WatchEvent>& events,
          const std::function<ports::WatchStep(const ports::WatchEvent&)>& on_event) {
  return std::ranges::any_of(events, [&](const ports::WatchEvent& event) {
    return on_event(event) == ports::WatchStep::stop;
  });
}

/// What a watcher who saw the objects of `before` is told when there are those of `after`.
std::vector<ports::WatchEvent> difference(const Json& before, const Json& after) {
  using Kind = ports::WatchEvent::Kind;
  const auto namesake = [](const Json& objects, const Json& object) {
    return std::ranges::find_if(objects, [&](const Json& other) {
      return other["metadata"]["name"] == object["metadata"]["name"] &&
             other["metadata"].value("namespace", "") == object["metadata"].value("namespace", "");
    });
  };
  std::vector<ports::WatchEvent> events;
  for (const Json& object : before) {
    if (namesake(after, object) == after.end()) {
      events.push_back({Kind::deleted, object});
    }
  }
  for (const Json& object : after) {
    const auto old = namesake(before, object);
    if (old == before.end() || *old != object) {
      events.push_back({old == before.end() ? Kind::added : Kind::modified, object});
    }
  }
  return events;
}

/// Copies bytes both ways until one side closes.
void pump(int one, int other) {
  std::array<pollfd, 2> ends{pollfd{one, POLLIN, 0}, pollfd{other, POLLIN, 0}};
  std::array<char, 65536> buffer;
  for (bool open = true; open;) {
    ::poll(ends.data(), ends.size(), -1);
    for (std::size_t i = 0; i < 2 && open; ++i) {
      if (ends[i].revents == 0) {
        continue;
      }
      const ssize_t size = ::read(ends[i].fd, buffer.data(), buffer.size());
      open = size > 0 &&
             ::send(ends[1 - i].fd, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) ==
                 size;
    }
  }
  ::close(one);
  ::close(other);
}

class PairTunnel : public ports::Tunnel {
 public:
  PairTunnel(int fd, std::string failure) : fd_(fd), failure_(std::move(failure)) {}
  ~PairTunnel() override {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int take_fd() override { return std::exchange(fd_, -1); }
  std::string failure() const override { return failure_; }

 private:
  int fd_;
  std::string failure_;
};

}  // namespace

void FakeKube::put(const std::string& plural, const Json& object) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(objects_[plural], [&](const Json& other) {
    return other["metadata"]["name"] == object["metadata"]["name"] &&
           other["metadata"].value("namespace", "") == object["metadata"].value("namespace", "");
  });
  objects_[plural].push_back(object);
}

Result<Json> FakeKube::get(const ports::ResourcePath& path) {
  const std::scoped_lock lock(mutex_);
  KREDIS_CHECK(allowed("get", path));
  for (const Json& object : objects_[path.type.plural]) {
    if (object["metadata"]["name"] == path.name &&
        object["metadata"].value("namespace", "") == path.namespace_) {
      return object;
    }
  }
  return Error::not_found(path.type.plural + " \"" + path.name + "\" not found");
}

Result<Json> FakeKube::list(const ports::ResourcePath& path, const ports::ListOptions& options) {
  const std::scoped_lock lock(mutex_);
  selectors.push_back(options.label_selector);
  KREDIS_CHECK(allowed("list", path));
  Json items = Json::array();
  for (const Json& object : objects_[path.type.plural]) {
    const bool here =
        path.namespace_.empty() || object["metadata"].value("namespace", "") == path.namespace_;
    if (here && selected(object, options.label_selector)) {
      items.push_back(object);
    }
  }
  return Json{{"items", items}, {"metadata", {{"resourceVersion", "1"}}}};
}

Json* FakeKube::find(const ports::ResourcePath& path) {
  for (Json& object : objects_[path.type.plural]) {
    if (object["metadata"]["name"] == path.name &&
        object["metadata"].value("namespace", "") == path.namespace_) {
      return &object;
    }
  }
  return nullptr;
}

Status FakeKube::allowed(const std::string& verb, const ports::ResourcePath& path) {
  if (const auto refusal = refusals_.find(path.type.plural); refusal != refusals_.end()) {
    return refusal->second;
  }
  return before ? before(verb, path) : Status{};
}

Json FakeKube::keep(const ports::ResourcePath& path, Json object) {
  Json& metadata = object["metadata"];
  metadata["resourceVersion"] = std::to_string(++version_);
  if (!metadata.contains("uid")) {
    metadata["uid"] = "uid-" + std::to_string(version_);
  }
  if (!path.namespace_.empty()) {
    metadata["namespace"] = path.namespace_;
  }
  put(path.type.plural, object);
  return object;
}

Result<Json> FakeKube::changed(const std::string& what,
                               const ports::ResourcePath& path,
                               Json object,
                               ports::DryRun dry_run) {
  const std::string place = path.subresource.empty() ? "" : "/" + path.subresource;
  changes.push_back(what + " " + path.type.plural + "/" + path.name + place);
  if (dry_run == ports::DryRun::no) {
    object = keep(path, std::move(object));
    if (on_change) {
      on_change(what, path.type.plural, object);
    }
  }
  return object;
}

Result<Json> FakeKube::create(const ports::ResourcePath& path,
                              const Json& object,
                              ports::DryRun dry_run) {
  const std::scoped_lock lock(mutex_);
  KREDIS_CHECK(allowed("create", path));
  ports::ResourcePath named = path;
  named.name = object.at("metadata").value("name", "");
  if (find(named) != nullptr) {
    return Error::conflict(path.type.plural + " \"" + named.name + "\" already exists");
  }
  return changed("create", named, object, dry_run);
}

Result<Json> FakeKube::apply(const ports::ResourcePath& path,
                             const Json& object,
                             ports::Force,
                             ports::DryRun dry_run) {
  const std::scoped_lock lock(mutex_);
  KREDIS_CHECK(allowed("apply", path));
  const Json* there = find(path);
  Json merged = there == nullptr ? Json::object() : *there;
  merged.merge_patch(object);
  return changed("apply", path, std::move(merged), dry_run);
}

Result<Json> FakeKube::merge_patch(const ports::ResourcePath& path,
                                   const Json& patch,
                                   ports::DryRun dry_run) {
  const std::scoped_lock lock(mutex_);
  KREDIS_CHECK(allowed("patch", path));
  const Json* there = find(path);
  if (there == nullptr) {
    return Error::not_found(path.type.plural + " \"" + path.name + "\" not found");
  }
  const std::string expected = text_at(patch, "/metadata/resourceVersion");
  if (!expected.empty() && expected != text_at(*there, "/metadata/resourceVersion")) {
    return Error::conflict("the object has been modified; please apply your changes to the latest");
  }
  Json merged = *there;
  merged.merge_patch(patch);
  return changed("patch", path, std::move(merged), dry_run);
}

Result<Json> FakeKube::remove(const ports::ResourcePath& path,
                              ports::Propagation,
                              const std::string& uid,
                              ports::DryRun dry_run) {
  const std::scoped_lock lock(mutex_);
  KREDIS_CHECK(allowed("delete", path));
  const Json* there = find(path);
  if (there == nullptr) {
    return Error::not_found(path.type.plural + " \"" + path.name + "\" not found");
  }
  const Json object = *there;
  if (!uid.empty() && uid != text_at(object, "/metadata/uid")) {
    return Error::conflict("the UID in the precondition does not match");
  }
  changes.push_back("delete " + path.type.plural + "/" + path.name);
  if (dry_run == ports::DryRun::no) {
    drop(path.type.plural, path.name);
    if (on_change) {
      on_change("delete", path.type.plural, object);
    }
  }
  return object;
}

void FakeKube::drop(const std::string& plural, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(objects_[plural],
                [&](const Json& object) { return object["metadata"]["name"] == name; });
}

Json FakeKube::object(const std::string& plural, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  for (const Json& object : objects_[plural]) {
    if (object["metadata"]["name"] == name) {
      return object;
    }
  }
  return {};
}

Status FakeKube::watch(const ports::ResourcePath& path,
                       const ports::ListOptions& options,
                       ports::Deadline deadline,
                       const std::function<ports::WatchStep(const ports::WatchEvent&)>& on_event) {
  using Kind = ports::WatchEvent::Kind;
  {
    const std::scoped_lock lock(mutex_);
    KREDIS_CHECK(allowed("watch", path));
  }
  KREDIS_TRY(const Json first, list(path, options));
  std::vector<ports::WatchEvent> events;
  for (const Json& object : first.at("items")) {
    events.push_back({Kind::added, object});
  }
  if (tell(events, on_event)) {
    return {};
  }
  if (clock != nullptr) {
    clock->sleep_until(deadline);
    KREDIS_TRY(const Json then, list(path, options));
    if (tell(difference(first.at("items"), then.at("items")), on_event)) {
      return {};
    }
  }
  return Error::timeout("the watch ended");
}

Result<std::string> FakeKube::logs(
    const std::string& namespace_, const std::string& pod, const std::string&, int, bool previous) {
  const std::scoped_lock lock(mutex_);
  KREDIS_CHECK(allowed("logs", {{"v1", "pods"}, namespace_, pod, previous ? "previous" : ""}));
  return "the last words of " + pod + "\n";
}

Result<bool> FakeKube::can_i(const ports::AccessQuestion&) { return true; }

Result<std::unique_ptr<ports::Tunnel>> FakeKube::open_tunnel(const std::string&,
                                                             const std::string& pod,
                                                             int,
                                                             ports::Deadline) {
  const std::scoped_lock lock(mutex_);
  const auto route = routes_.find(pod);
  if (route == routes_.end()) {
    return Error::not_found("pods \"" + pod + "\" not found");
  }
  std::array<int, 2> pair{};
  ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data());
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(route->second.port));
  ::inet_pton(AF_INET, route->second.address.c_str(), &at.sin_addr);
  const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(far, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    const std::string failure = std::strerror(errno);
    ::close(far);
    ::close(pair[1]);
    return std::unique_ptr<ports::Tunnel>(std::make_unique<PairTunnel>(pair[0], failure));
  }
  std::thread(pump, pair[1], far).detach();
  return std::unique_ptr<ports::Tunnel>(std::make_unique<PairTunnel>(pair[0], ""));
}

Result<Json> FakeKube::server_version() { return Json{{"gitVersion", "v1.34.0"}}; }

}  // namespace kredis::tests
