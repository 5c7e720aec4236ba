// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/program/sandbox.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "tests/sandbox/api_server.hpp"
#include "tests/sandbox/controllers/bootstrap.hpp"
#include "tests/sandbox/controllers/manager.hpp"
#include "tests/sandbox/controllers/service_proxy.hpp"
#include "tests/sandbox/controllers/services.hpp"
#include "tests/sandbox/node/agent.hpp"
#include "tests/sandbox/program/control.hpp"

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

// A folder without this file is not ours, and is neither emptied nor removed.
constexpr const char* k_marker = ".kubectl-redis-sandbox";

Status take_folder(const fs::path& dir) {
  std::error_code error;
  if (fs::exists(dir / k_marker)) {
    if (ask_sandbox(dir / "control.sock", {{"verb", "status"}})) {
      return Error::conflict("a sandbox runs in " + dir.string() + " already")
          .with_hint("use it, end it with `sandbox down`, or choose another folder with --dir");
    }
    fs::remove_all(dir, error);  // What one that was killed left behind.
  }
  if (fs::exists(dir) && !fs::is_empty(dir, error)) {
    return Error::conflict(dir.string() + " holds something that is not a sandbox")
        .with_hint("choose another folder with --dir");
  }
  fs::create_directories(dir, error);
  if (!std::ofstream(dir / k_marker)) {
    return Error::internal("cannot write to " + dir.string());
  }
  fs::permissions(dir, fs::perms::owner_all, error);
  return {};
}

struct Folder {
  fs::path path;
  explicit Folder(fs::path dir) : path(std::move(dir)) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

// Readable by its owner only: whoever reads it is the cluster's administrator.
Status write_private_file(const fs::path& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error::internal("cannot write " + path.string());
  }
  return {};
}

}  // namespace

std::vector<NodeSpec> make_nodes(std::size_t count) {
  std::vector<NodeSpec> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name =
        i < 26 ? std::string(1, static_cast<char>('a' + i)) : std::to_string(i + 1);
    nodes.push_back({"node-" + name, std::string("zone-") + static_cast<char>('a' + i % 3)});
  }
  return nodes;
}

// In the order in which things are started; C++ ends them in the reverse.
struct Sandbox::Parts {
  explicit Parts(SandboxOptions given) : options(std::move(given)), folder(options.dir) {}

  SandboxOptions options;
  Folder folder;
  std::optional<AddressLease> lease;
  Store store;
  std::unique_ptr<ServiceAddresses> service_addresses;
  Fd end_wanted{::eventfd(0, EFD_CLOEXEC)};
  std::unique_ptr<NodeAgent> agent;
  std::unique_ptr<ServiceProxy> proxy;
  std::unique_ptr<Controllers> controllers;
  std::unique_ptr<ApiServer> server;

  ControllerOptions controller_options() const;
  Status start_agent();
  void make_controllers();
  Status start_server();

  Json status() const;
  Status act_on_nodes(const std::string& action, const std::vector<std::string>& names);
  Status check_nodes(const std::vector<std::string>& names) const;
  void set_schedulable(const std::string& node, bool schedulable);
};

ControllerOptions Sandbox::Parts::controller_options() const {
  ControllerOptions made;
  made.state_dir = options.dir;
  made.nodes = options.nodes;
  made.addresses = lease->plan();
  made.default_class = options.default_class;
  made.eviction_after = options.eviction_after;
  made.create_pod = [this](const Key& key, const Json& pod) { return server->create(key, pod); };
  made.ca_certificate = [this] { return server->ca_certificate(); };
  made.node_answers = [this](const std::string& node) { return agent->answers(node); };
  return made;
}

Status Sandbox::Parts::start_agent() {
  KREDIS_TRY(lease, AddressLease::take());
  AgentOptions made;
  made.state_dir = options.dir;
  made.shim = options.shim;
  made.addresses = lease->plan();
  made.images = options.images;
  made.service_environment = {{"KUBERNETES_SERVICE_HOST", lease->plan().service(0)},
                              {"KUBERNETES_SERVICE_PORT", "443"}};
  made.token_of = [this](const std::string& namespace_, const std::string& account) {
    return server->service_account_token(namespace_, account);
  };
  KREDIS_TRY(agent, NodeAgent::make(store, std::move(made)));
  return {};
}

Json Sandbox::Parts::status() const {
  std::map<std::string, int> pods;
  for (const Object& pod : store.list("", "pods")) {
    ++pods[text_at(*pod, "spec.nodeName")];
  }
  Json nodes = Json::array();
  for (const Object& node : store.list("", "nodes")) {
    const std::string name = name_of(*node);
    const bool ready = condition_is_true(*node, "Ready");
    const bool cordoned = true_at(*node, "spec.unschedulable");
    nodes.push_back({{"name", name},
                     {"zone", label_of(*node, k_zone_label)},
                     {"state",
                      !agent->answers(name) ? "silent"
                      : !ready              ? "starting"
                      : cordoned            ? "cordoned"
                                            : "ready"},
                     {"pods", pods[name]}});
  }
  return {{"kubeconfig", (options.dir / "kubeconfig").string()},
          {"server", server->url()},
          {"nodes", std::move(nodes)}};
}

Status Sandbox::Parts::check_nodes(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    if (store.get({"", "nodes", "", name}) == nullptr) {
      return Error::not_found("there is no node " + name)
          .with_hint("see which there are: sandbox status");
    }
  }
  return {};
}

void Sandbox::Parts::set_schedulable(const std::string& node, bool schedulable) {
  update_status(store, {"", "nodes", "", node}, [&](Json& changed) {
    if (schedulable) {
      changed["spec"].erase("unschedulable");
    } else {
      changed["spec"]["unschedulable"] = true;
    }
  });
}

Status Sandbox::Parts::act_on_nodes(const std::string& action,
                                    const std::vector<std::string>& names) {
  KREDIS_CHECK(check_nodes(names));
  if (action == "heal") {
    agent->heal();
    return {};
  }
  if (names.empty()) {
    return Error::invalid_argument("which node? give its name")
        .with_hint("see which there are: sandbox status");
  }
  if (action == "partition") {
    agent->partition({names.begin(), names.end()});
    return {};
  }
  for (const std::string& name : names) {
    if (action == "kill") {
      agent->kill_node(name);
    } else if (action == "start") {
      agent->start_node(name);
    } else {
      set_schedulable(name, action == "uncordon");
    }
  }
  return {};
}

void Sandbox::Parts::make_controllers() {
  proxy = std::make_unique<ServiceProxy>();
  controllers = std::make_unique<Controllers>(
      store, controller_options(), [this](Routes routes) { proxy->set_routes(std::move(routes)); });
}

Status Sandbox::Parts::start_server() {
  service_addresses = std::make_unique<ServiceAddresses>(store, lease->plan());
  ApiServer::Options made;
  made.port = options.port;
  made.pki_dir = options.dir / "pki";
  made.streams = &agent->streams();
  made.extra_hosts = {lease->plan().service(0)};
  made.allocate_cluster_ip = [this] { return service_addresses->next(); };
  server = std::make_unique<ApiServer>(store, std::move(made));
  KREDIS_CHECK(server->start());
  KREDIS_TRY(const std::string text, server->admin_kubeconfig());
  return write_private_file(options.dir / "kubeconfig", text);
}

Result<std::unique_ptr<Sandbox>> Sandbox::start(SandboxOptions options) {
  KREDIS_CHECK(take_folder(options.dir));
  auto parts = std::make_unique<Parts>(std::move(options));
  KREDIS_CHECK(parts->start_agent());
  parts->make_controllers();
  KREDIS_CHECK(parts->start_server());
  parts->agent->start();
  parts->controllers->start(parts->server->port());
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(parts)));
}

Sandbox::Sandbox(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Sandbox::~Sandbox() {
  // Nobody may change anything while the pods are ended.
  parts_->server->stop();
  parts_->controllers->stop();
  parts_->agent->stop();
}

std::filesystem::path Sandbox::kubeconfig() const { return parts_->options.dir / "kubeconfig"; }

int Sandbox::wants_to_end() const noexcept { return parts_->end_wanted.get(); }

Result<Json> Sandbox::control(const Json& request) {
  const std::string verb = request.value("verb", "");
  if (verb == "status") {
    return parts_->status();
  }
  if (verb == "down") {
    ::eventfd_write(parts_->end_wanted.get(), 1);
    return Json{{"pid", ::getpid()}};
  }
  if (verb == "node") {
    KREDIS_CHECK(parts_->act_on_nodes(request.value("action", ""),
                                      request.value("names", std::vector<std::string>{})));
    return Json::object();
  }
  if (verb == "drop") {
    KREDIS_CHECK(parts_->agent->drop_port(request.value("namespace", ""),
                                          request.value("pod", ""),
                                          request.value("port", std::uint16_t{0})));
    return Json::object();
  }
  if (verb == "kubeconfig") {
    const std::string user = request.value("user", "");
    const auto groups = request.value("groups", std::vector<std::string>{});
    KREDIS_TRY(const std::string text,
               user.empty() ? parts_->server->admin_kubeconfig()
                            : parts_->server->kubeconfig({user, groups}));
    return Json{{"kubeconfig", text}};
  }
  return Error::invalid_argument("the sandbox does not know: " + verb);
}

}  // namespace kredis::sandbox
