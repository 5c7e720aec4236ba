// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis toolbox`: a shell beside the cluster, in a pod that is gone afterwards.
#include <chrono>
#include <memory>
#include <ostream>
#include <random>
#include <string>

#include <fmt/format.h>

#include "plugin/apply/wait_for_pods.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/exec/pod_command.hpp"
#include "plugin/operations/exec/toolbox_pod.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {
namespace {

struct ToolboxFlags {
  ClusterWish cluster = {};
  std::string image = {};
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
  DryRun dry_run = DryRun::none;
};

std::string toolbox_name(const std::string& cluster) {
  std::random_device random;
  return fmt::format("{}-toolbox-{:05x}", cluster, random() & 0xFFFFFU);
}

/// A pod that goes when this does, on whatever way: also from the thread that hears of Ctrl-C.
class PassingPod {
 public:
  PassingPod(ports::KubePort& kube, ports::ResourcePath path)
      : kube_(kube), path_(std::move(path)) {
    on_interrupt([this] {
      stop_pod_command();
      remove();
    });
  }
  ~PassingPod() {
    on_interrupt({});
    remove();
  }
  PassingPod(const PassingPod&) = delete;
  PassingPod& operator=(const PassingPod&) = delete;

  Status create(const Json& object) {
    KREDIS_CHECK(kube_.create({path_.type, path_.namespace_}, object, ports::DryRun::no));
    return {};
  }

 private:
  void remove() {
    (void)kube_.remove(path_, ports::Propagation::background, "", ports::DryRun::no);
  }

  ports::KubePort& kube_;
  ports::ResourcePath path_;
};

Result<ToolboxWish> wish_of(const ToolboxFlags& options,
                            const observe::Located& located,
                            ports::KubePort& kube) {
  observe::ConfigMaps config_maps(kube, located.namespace_);
  ToolboxWish wish{.pod = toolbox_name(located.name),
                   .image = options.image,
                   .access = observe::find_access(
                       kube, located.namespace_, located.workload, options.cluster.access),
                   .host = redis_host(located)};
  if (!located.workload.is_null()) {
    wish.port = observe::read_process(located.workload, config_maps.surroundings()).place.port;
  }
  if (wish.image.empty() && redis_image(located.workload).empty()) {
    return Error::not_found("cluster " + located.name + " does not say which image it runs")
        .with_hint("name one: --image redis:8.0");
  }
  return wish;
}

Result<ExitStatus> run_toolbox(const ToolboxFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  KREDIS_TRY(const ToolboxWish wish, wish_of(options, located, *kube));
  const Json object = toolbox_pod(located, wish);
  if (options.dry_run == DryRun::client) {
    session.print_object(object, Output::yaml);
    return ExitStatus::done;
  }
  KREDIS_CHECK(require_permissions(*kube, needs_of(rights_of("toolbox", {}), namespace_, {})));
  if (options.dry_run == DryRun::server) {
    KREDIS_TRY(const Json answer,
               kube->create({{"v1", "pods"}, namespace_}, object, ports::DryRun::server));
    session.print_object(answer, Output::yaml);
    return ExitStatus::done;
  }
  PassingPod pod(*kube, {{"v1", "pods"}, namespace_, wish.pod});
  KREDIS_CHECK(pod.create(object));
  session.progress().begin("waiting for the pod");
  KREDIS_CHECK(wait_for_pods(*kube,
                             {.namespace_ = namespace_,
                              .label_selector = std::string(k_toolbox_label) + "=" + wish.pod,
                              .count = 1},
                             conduct_of(session, session.clock().now() + options.timeout)));
  session.progress().clear();
  KREDIS_TRY(const int exit,
             run_in_pod(session.options(),
                        {.namespace_ = namespace_,
                         .pod = wish.pod,
                         .container = "toolbox",
                         .command = toolbox_command(session.options().command)}));
  return static_cast<ExitStatus>(exit);
}

}  // namespace

void add_toolbox(Verb& root) {
  const auto flags = std::make_shared<ToolboxFlags>();
  Verb verb = root.subcommand("toolbox", "Open a shell in a throw-away pod beside the cluster");
  add_cluster(verb, flags->cluster);
  verb.option("--image", flags->image, "Image of the pod (default: the cluster's)");
  add_timeout(verb, flags->timeout, "Longest wait for the pod");
  add_dry_run(verb, flags->dry_run, "Print the pod and stop; with server, as the server has it");
  verb.footer(
      "In it redis-cli goes to the cluster with TLS and AUTH from its Secrets. The pod is removed at\n"
      "the end, also on Ctrl-C, and ends by itself after twelve hours whatever happens. Needs kubectl\n"
      "on the PATH. Exit status: that of the shell or command.\n\n"
      "Examples:\n"
      "  kubectl redis toolbox                                   # a shell\n"
      "  kubectl redis toolbox -- redis-cli --cluster check redis-app-0.redis-service:6379\n"
      "  kubectl redis toolbox shop -n web -- redis-cli CLUSTER NODES");
  verb.run(flags, run_toolbox);
}

}  // namespace kredis::plugin
