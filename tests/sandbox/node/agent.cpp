// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/agent.hpp"

#include <fcntl.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "tests/sandbox/controllers/objects.hpp"
#include "tests/sandbox/node/images.hpp"
#include "tests/sandbox/node/loop.hpp"
#include "tests/sandbox/node/network.hpp"
#include "tests/sandbox/node/pod.hpp"
#include "tests/sandbox/node/streams.hpp"

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds k_refresh_delay{1'000};  // As the kubelet, only sooner.
constexpr std::uint8_t k_cut_off = 1;

bool feeds_volumes(const Key& key) {
  return key.resource == "configmaps" || key.resource == "secrets" ||
         key.resource == "persistentvolumeclaims" || key.resource == "persistentvolumes";
}

Status check_tools(const AgentOptions& options) {
  std::error_code ignored;
  if (!fs::exists(options.shim, ignored)) {
    return Error::not_found("no network shim at " + options.shim.string())
        .with_hint("build the target sandbox_netns");
  }
  auto child = spawn({.arguments = {"bwrap", "--version"}, .environment = {}});
  if (!child || exit_code_of(*child) != 0) {
    return Error::not_found("bubblewrap is not installed").with_hint("apt-get install bubblewrap");
  }
  return {};
}

}  // namespace

class NodeAgent::Impl {
 public:
  Impl(Store& store, AgentOptions options, std::unique_ptr<Network> network)
      : store_(store),
        options_(std::move(options)),
        network_(std::move(network)),
        images_(options_.images, {}, options_.shim.parent_path()) {
    jail_ = {options_.shim, network_->rules_file(), options_.state_dir / "etc"};
  }
  ~Impl() { stop(); }

  void start() {
    loop_.start();
    watcher_ = std::thread([this] { watch(); });
  }

  void stop() {
    if (stopping_.exchange(true) || !watcher_.joinable()) {
      return;
    }
    store_.wake_all();
    watcher_.join();
    loop_.call([this] { pods_.clear(); });
    loop_.stop();
  }

  template <typename Work>
  auto call(Work work) {
    return loop_.call(std::move(work));
  }

  Result<std::shared_ptr<Pod>> pod_named(const std::string& namespace_, const std::string& name) {
    const Object object = store_.get({"", "pods", namespace_, name});
    if (object == nullptr) {
      return Error::not_found("pods \"" + name + "\" not found");
    }
    const std::string node = text_at(*object, "spec.nodeName");
    if (node.empty()) {
      return Error::invalid_argument("pod " + name + " does not have a host assigned");
    }
    if (!answers(node)) {
      return Error::timeout("error dialing backend: dial tcp " + node_address(node) +
                            ":10250: i/o timeout");
    }
    const auto found = pods_.find(uid_of(*object));
    if (found == pods_.end()) {
      return Error::not_found("pod \"" + name + "_" + namespace_ + "\" not found");
    }
    return found->second;
  }

  Result<const Container*> container_named(const std::string& namespace_,
                                           const std::string& name,
                                           const std::string& container) {
    KREDIS_TRY(const std::shared_ptr<Pod> pod, pod_named(namespace_, name));
    const Container* found = pod->container(container);
    if (found == nullptr) {
      return Error::invalid_argument("container " + container + " is not valid for pod " + name);
    }
    return found;
  }

  Result<ContainerPlace> find(const std::string& namespace_,
                              const std::string& name,
                              const std::string& container) {
    KREDIS_TRY(const Container* found, container_named(namespace_, name, container));
    const Run* run = found->run();
    if (run == nullptr || run->pid() < 0) {
      return Error::conflict("container not found (\"" + found->name() + "\"): it is not running");
    }
    ContainerPlace place{
        run->pid(), found->name(), run->environment(), -1, run->has_terminal(), found->log()};
    if (run->input_fd() >= 0) {
      place.input_fd = ::fcntl(run->input_fd(), F_DUPFD_CLOEXEC, 3);
    }
    return place;
  }

  void kill_node(const std::string& node) {
    set_answering(node, false);
    std::erase_if(pods_, [&](const auto& entry) {
      return text_at(entry.second->object(), "spec.nodeName") == node;
    });
  }

  void start_node(const std::string& node) {
    set_answering(node, true);
    synchronise();
  }

  void partition(const std::set<std::string>& nodes) {
    for (const std::string& node : nodes) {
      cut_off_.insert(node);
      set_answering(node, false);
    }
    apply_sides();
  }

  void heal() {
    for (const std::string& node : std::exchange(cut_off_, {})) {
      set_answering(node, true);
    }
    apply_sides();
    synchronise();
  }

  void drop_port(Pod& pod, std::uint16_t port) {
    network_->drop_port(pod.address(), port);
    network_->cut(pod.processes());
  }

  bool answers(const std::string& node) const {
    const std::lock_guard lock(silent_mutex_);
    return !silent_.contains(node);
  }

 private:
  void set_answering(const std::string& node, bool answering) {
    const std::lock_guard lock(silent_mutex_);
    answering ? silent_.erase(node) : silent_.insert(node).second;
  }

  // Follows the store for as long as the agent runs.
  void watch() {
    std::uint64_t seen = 0;
    while (!stopping_) {
      auto events = seen == 0 ? Result<std::vector<Event>>(Error::conflict("first look"))
                              : store_.events_after(seen);
      if (!events) {
        seen = store_.revision();
        loop_.post([this] { synchronise(); });
      } else if (!events->empty()) {
        seen = events->back().revision;
        loop_.post([this, batch = std::move(*events)] {
          for (const Event& event : batch) {
            take(event);
          }
        });
      }
      store_.wait_past(seen, std::chrono::milliseconds(60'000));
    }
  }

  void take(const Event& event) {
    if (event.key.resource == "pods" && event.key.group.empty()) {
      event.kind == Event::Kind::deleted ? forget(*event.object) : take_pod(event.object);
    } else if (feeds_volumes(event.key) && !refresh_planned_) {
      refresh_planned_ = true;
      loop_.after(
          event.kind == Event::Kind::added ? std::chrono::milliseconds(50) : k_refresh_delay,
          [this] {
            refresh_planned_ = false;
            for (const auto& [uid, pod] : pods_) {
              pod->refresh_volumes();
            }
          });
    } else if (event.key.resource == "nodes" && event.kind == Event::Kind::added) {
      synchronise();
    }
  }

  void take_pod(const Object& object) {
    const std::string node = text_at(*object, "spec.nodeName");
    if (node.empty() || !answers(node) || store_.get({"", "nodes", "", node}) == nullptr) {
      return;
    }
    const auto found = pods_.find(uid_of(*object));
    if (found != pods_.end()) {
      found->second->update(object);
      if (cut_off_.empty()) {
        return;
      }
      apply_sides();
    } else if (!pod_is_finished(*object) || is_terminating(*object)) {
      const auto pod = std::make_shared<Pod>(services_for(*object), object);
      pods_.emplace(pod->uid(), pod);
      pod->update(object);
    }
  }

  void forget(const Json& object) {
    const auto found = pods_.find(uid_of(object));
    if (found != pods_.end() && answers(text_at(object, "spec.nodeName"))) {
      pods_.erase(found);
    }
  }

  // After a start, a heal or a lost history: what is in the store is what should run.
  void synchronise() {
    std::set<std::string> wanted;
    for (const Object& object : store_.list("", "pods")) {
      wanted.insert(uid_of(*object));
      take_pod(object);
    }
    std::erase_if(pods_, [&](const auto& entry) {
      return !wanted.contains(entry.first) &&
             answers(text_at(entry.second->object(), "spec.nodeName"));
    });
  }

  void apply_sides() {
    std::vector<pid_t> processes;
    for (const auto& [uid, pod] : pods_) {
      const bool apart = cut_off_.contains(text_at(pod->object(), "spec.nodeName"));
      if (!pod->address().empty()) {
        network_->set_side(pod->address(), apart ? k_cut_off : 0);
      }
      pod->set_reporting(apart ? Pod::Reporting::off : Pod::Reporting::on);
      const auto more = pod->processes();
      processes.insert(processes.end(), more.begin(), more.end());
    }
    network_->cut(processes);
  }

  std::string node_address(const std::string& node) const {
    const Object object = store_.get({"", "nodes", "", node});
    if (object != nullptr) {
      for (const Json& address : at(*object, "status.addresses")) {
        if (text_at(address, "type") == "InternalIP") {
          return text_at(address, "address");
        }
      }
    }
    return options_.addresses.node(0);
  }

  PodServices services_for(const Json& pod) {
    return {store_,
            loop_,
            *network_,
            images_,
            jail_,
            options_.state_dir,
            node_address(text_at(pod, "spec.nodeName")),
            options_.restart_unit,
            options_.service_environment,
            options_.token_of};
  }

  Store& store_;
  AgentOptions options_;
  std::unique_ptr<Network> network_;
  ImageTable images_;
  JailParts jail_;
  Loop loop_;
  std::thread watcher_;
  std::atomic<bool> stopping_{false};
  // The rest belongs to the loop, but for silent_.
  std::map<std::string, std::shared_ptr<Pod>> pods_;
  std::set<std::string> cut_off_;
  bool refresh_planned_ = false;
  mutable std::mutex silent_mutex_;
  std::set<std::string> silent_;  // Guarded by silent_mutex_: nodes that do not answer.

 public:
  std::unique_ptr<PodStreams> streams;
};

Result<std::unique_ptr<NodeAgent>> NodeAgent::make(Store& store, AgentOptions options) {
  std::error_code error;
  fs::create_directories(options.state_dir, error);
  KREDIS_CHECK(check_tools(options));
  KREDIS_CHECK(write_shared_etc(options.state_dir / "etc"));
  KREDIS_TRY(auto network, Network::make(options.addresses, options.state_dir / "rules"));
  auto impl = std::make_unique<Impl>(store, std::move(options), std::move(network));
  std::unique_ptr<NodeAgent> agent(new NodeAgent(std::move(impl)));
  agent->impl_->streams = make_pod_streams(*agent);
  return agent;
}

NodeAgent::NodeAgent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NodeAgent::~NodeAgent() = default;

void NodeAgent::start() { impl_->start(); }
void NodeAgent::stop() { impl_->stop(); }
PodStreams& NodeAgent::streams() { return *impl_->streams; }

Result<ContainerPlace> NodeAgent::find(const std::string& namespace_,
                                       const std::string& pod,
                                       const std::string& container) {
  return impl_->call([&] { return impl_->find(namespace_, pod, container); });
}

Result<std::shared_ptr<Log>> NodeAgent::find_log(const std::string& namespace_,
                                                 const std::string& pod,
                                                 const std::string& container,
                                                 Previous previous) {
  return impl_->call([&]() -> Result<std::shared_ptr<Log>> {
    KREDIS_TRY(const Container* found, impl_->container_named(namespace_, pod, container));
    auto log = previous == Previous::yes ? found->previous_log() : found->log();
    if (log == nullptr) {
      const std::string label = "container \"" + found->name() + "\" in pod \"" + pod + "\" ";
      return Error::invalid_argument(
          previous == Previous::yes
              ? "previous terminated " + label + "not found"
              : label + "is waiting to start: " + text_at(found->status(), "state.waiting.reason"));
    }
    return log;
  });
}

Result<std::string> NodeAgent::find_address(const std::string& namespace_, const std::string& pod) {
  return impl_->call([&]() -> Result<std::string> {
    KREDIS_TRY(const std::shared_ptr<Pod> found, impl_->pod_named(namespace_, pod));
    if (found->processes().empty()) {
      return Error::conflict("unable to forward port because pod is not running. Current status=" +
                             text_at(found->object(), "status.phase"));
    }
    return found->address();
  });
}

void NodeAgent::kill_node(const std::string& node) {
  impl_->call([&] { impl_->kill_node(node); });
}

void NodeAgent::start_node(const std::string& node) {
  impl_->call([&] { impl_->start_node(node); });
}

void NodeAgent::partition(const std::set<std::string>& nodes) {
  impl_->call([&] { impl_->partition(nodes); });
}

void NodeAgent::heal() {
  impl_->call([&] { impl_->heal(); });
}

Status NodeAgent::drop_port(const std::string& namespace_,
                            const std::string& pod,
                            std::uint16_t port) {
  return impl_->call([&]() -> Status {
    KREDIS_TRY(const std::shared_ptr<Pod> found, impl_->pod_named(namespace_, pod));
    impl_->drop_port(*found, port);
    return {};
  });
}

bool NodeAgent::answers(const std::string& node) const { return impl_->answers(node); }

}  // namespace kredis::sandbox
