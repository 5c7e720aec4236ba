// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>

namespace kredis::tests {
namespace {

Error unsupported() { return Error::internal("the fake API server does not do this"); }

bool selected(const Json& object, const std::string& selector) {
  const Json labels = object.value("/metadata/labels"_json_pointer, Json::object());
  std::istringstream terms(selector);
  for (std::string term; std::getline(terms, term, ',');) {
    const auto equals = term.find('=');
    if (labels.value(term.substr(0, equals), "") != term.substr(equals + 1)) {
      return false;
    }
  }
  return true;
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
  if (const auto refusal = refusals_.find(path.type.plural); refusal != refusals_.end()) {
    return refusal->second;
  }
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
  if (const auto refusal = refusals_.find(path.type.plural); refusal != refusals_.end()) {
    return refusal->second;
  }
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

Result<Json> FakeKube::create(const ports::ResourcePath&, const Json&, ports::DryRun) {
  return unsupported();
}
Result<Json> FakeKube::apply(const ports::ResourcePath&, const Json&, ports::Force, ports::DryRun) {
  return unsupported();
}
Result<Json> FakeKube::merge_patch(const ports::ResourcePath&, const Json&, ports::DryRun) {
  return unsupported();
}
Result<Json> FakeKube::remove(const ports::ResourcePath&,
                              ports::Propagation,
                              const std::string&,
                              ports::DryRun) {
  return unsupported();
}
Status FakeKube::watch(const ports::ResourcePath&,
                       const ports::ListOptions&,
                       ports::Deadline,
                       const std::function<ports::WatchStep(const ports::WatchEvent&)>&) {
  return unsupported();
}
Result<std::string> FakeKube::logs(
    const std::string&, const std::string&, const std::string&, int, bool) {
  return unsupported();
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
