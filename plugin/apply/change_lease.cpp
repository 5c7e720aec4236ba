// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/change_lease.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "shared/core/labels.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

/// As the control plane's own: a holder that is silent this long is gone.
constexpr auto k_duration = 15s;
constexpr auto k_lease_pace = 500ms;

/// metav1.MicroTime.
std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  constexpr std::int64_t k_million = 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(static_cast<std::time_t>(micros / k_million)),
                     micros % k_million);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// "jane@workstation/4242".
std::string identity() {
  const char* user = std::getenv("USER");
  return fmt::format(
      "{}@{}/{}", user == nullptr || *user == '\0' ? "somebody" : user, host_name(), ::getpid());
}

/// Whether the holder ran on this machine and its process is no more. A number that is in use again
/// is taken for the holder, and then it is waited for like any other's.
bool is_dead_here(const std::string& holder) {
  const std::size_t at = holder.find('@');
  const std::size_t slash = holder.rfind('/');
  if (at == std::string::npos || slash == std::string::npos || slash < at ||
      holder.substr(at + 1, slash - at - 1) != host_name()) {
    return false;
  }
  const auto process = core::to_number<pid_t>(holder.substr(slash + 1));
  return process && *process > 0 && ::kill(*process, 0) != 0 && errno == ESRCH;
}

ports::ResourcePath lease_path(const std::string& namespace_, const std::string& cluster) {
  return {{"coordination.k8s.io/v1", "leases"}, namespace_, "kubectl-redis-" + cluster};
}

Json spec_of() {
  const std::string now = now_text();
  return {{"holderIdentity", identity()},
          {"leaseDurationSeconds", k_duration.count()},
          {"acquireTime", now},
          {"renewTime", now}};
}

Json new_lease(const ChangeWish& wish, const std::string& name) {
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata",
           {{"name", name},
            {"namespace", wish.namespace_},
            {"labels",
             {{std::string(core::k_managed_by_label), std::string(core::k_manager)},
              {std::string(core::k_instance_label), wish.cluster}}},
            {"annotations", {{std::string(core::k_doing_annotation), wish.doing}}}}},
          {"spec", spec_of()}};
}

/// Takes over what `there` says, unless somebody changed it since. What was begun stays for who
/// does the same again.
Json take_over(const Json& there, const ChangeWish& wish) {
  Json notes{{std::string(core::k_doing_annotation), wish.doing},
             {std::string(core::k_progress_annotation), nullptr}};
  if (annotation_of(there, core::k_doing_annotation) != wish.doing) {
    notes[std::string(core::k_begun_annotation)] = nullptr;
  }
  return {{"metadata",
           {{"resourceVersion", text_at(there, "/metadata/resourceVersion")},
            {"annotations", std::move(notes)}}},
          {"spec", spec_of()}};
}

Error held(const Json& there, const ChangeWish& wish) {
  return Error::conflict(fmt::format("cluster {} is being changed by {} ({}) since {}",
                                     wish.cluster,
                                     text_at(there, "/spec/holderIdentity"),
                                     annotation_of(there, core::k_doing_annotation),
                                     text_at(there, "/spec/acquireTime")))
      .with_hint(fmt::format(
          "wait until that is over; kubectl get lease {} -n {} shows it, and kubectl redis status "
          "{} -n {} what it does",
          text_at(there, "/metadata/name"),
          wish.namespace_,
          wish.cluster,
          wish.namespace_));
}

/// One try: the Lease as it is once it is ours; nothing while its holder may still be there.
class Taking {
 public:
  Taking(ports::KubePort& kube, const ChangeWish& wish, const Conduct& conduct)
      : kube_(kube), wish_(wish), conduct_(conduct), began_(conduct.now()) {}

  Result<std::optional<Json>> attempt(const ports::ResourcePath& path);
  /// What is waited for after a try that did not succeed.
  const std::string& waiting_for() const noexcept { return waiting_for_; }

 private:
  Result<bool> is_free(const Json& there);

  ports::KubePort& kube_;
  const ChangeWish& wish_;
  const Conduct& conduct_;
  ports::Deadline began_;
  std::string seen_;  ///< The version that was there at first.
  std::string waiting_for_;
};

/// Errors: conflict (its holder renews it).
Result<bool> Taking::is_free(const Json& there) {
  const std::string version = text_at(there, "/metadata/resourceVersion");
  seen_ = seen_.empty() ? version : seen_;
  const std::string holder = text_at(there, "/spec/holderIdentity");
  if (holder.empty() || is_dead_here(holder)) {
    return true;
  }
  // Clocks of two machines may differ by more than the Lease lasts, so it is not its renewTime that
  // counts but whether that changes while we look (as client-go does).
  if (version != seen_ || conduct_.end() < began_ + k_duration) {
    return held(there, wish_);
  }
  waiting_for_ = "waiting for " + holder + ", who changes this cluster or is gone";
  return conduct_.now() - began_ >= k_duration;
}

Result<std::optional<Json>> Taking::attempt(const ports::ResourcePath& path) {
  const auto there = kube_.get(path);
  if (!there && there.error().code != ErrorCode::not_found) {
    return there.error();
  }
  Result<Json> taken = there;
  if (there) {
    KREDIS_TRY(const bool free, is_free(*there));
    if (!free) {
      return std::optional<Json>();
    }
    taken = kube_.merge_patch(path, take_over(*there, wish_), ports::DryRun::no);
  } else {
    taken =
        kube_.create({path.type, path.namespace_}, new_lease(wish_, path.name), ports::DryRun::no);
  }
  if (taken) {
    return std::optional(std::move(*taken));
  }
  // Somebody was faster, or has just given it back: look again.
  const bool again = taken.error().code == ErrorCode::conflict ||
                     (there && taken.error().code == ErrorCode::not_found);
  return again ? Result<std::optional<Json>>(std::optional<Json>())
               : Result<std::optional<Json>>(taken.error());
}

}  // namespace

Result<std::unique_ptr<ChangeLease>> ChangeLease::take(ports::KubePort& kube,
                                                       const ChangeWish& wish,
                                                       const Conduct& conduct) {
  const ports::ResourcePath path = lease_path(wish.namespace_, wish.cluster);
  Taking taking(kube, wish, conduct);
  Json lease;
  const Status waited = wait_until(conduct, k_lease_pace, [&]() -> Result<std::string> {
    KREDIS_TRY(auto taken, taking.attempt(path));
    if (!taken) {
      return taking.waiting_for().empty() ? "waiting for the Lease " + path.name
                                          : taking.waiting_for();
    }
    lease = std::move(*taken);
    return std::string();
  });
  if (!waited && waited.error().code == ErrorCode::unauthorized) {
    conduct.say("no right to Leases: nobody else sees that this cluster is being changed");
  } else if (!waited) {
    return waited.error();
  }
  return std::unique_ptr<ChangeLease>(new ChangeLease(kube, path, std::move(lease), wish.renewal));
}

ChangeLease::ChangeLease(ports::KubePort& kube,
                         ports::ResourcePath path,
                         Json lease,
                         std::chrono::milliseconds renewal)
    : kube_(kube), path_(std::move(path)), lease_(std::move(lease)) {
  if (!lease_.is_null()) {
    renewer_ = std::thread([this, renewal] { renew(renewal); });
  }
}

void ChangeLease::renew(std::chrono::milliseconds pace) {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, pace, [this] { return ending_; })) {
    const Json patch{{"metadata",
                      {{"resourceVersion", text_at(lease_, "/metadata/resourceVersion")},
                       {"annotations", {{std::string(core::k_progress_annotation), progress_}}}}},
                     {"spec", {{"renewTime", now_text()}}}};
    auto renewed = kube_.merge_patch(path_, patch, ports::DryRun::no);
    if (renewed) {
      lease_ = std::move(*renewed);
    } else if (renewed.error().code == ErrorCode::conflict ||
               renewed.error().code == ErrorCode::not_found) {
      lost_ = true;
      wake_.notify_all();
      return;
    }
    // An API server that is away for a moment lets nobody else take it either.
  }
}

void ChangeLease::note(std::string progress) {
  const std::lock_guard lock(mutex_);
  progress_ = std::move(progress);
}

Status ChangeLease::keep(const std::string& begun) {
  const std::lock_guard lock(mutex_);
  if (lease_.is_null()) {
    return {};
  }
  const Json patch{
      {"metadata",
       {{"resourceVersion", text_at(lease_, "/metadata/resourceVersion")},
        {"annotations",
         {{std::string(core::k_begun_annotation), begun.empty() ? Json() : Json(begun)}}}}}};
  KREDIS_TRY(lease_, kube_.merge_patch(path_, patch, ports::DryRun::no));
  begun_ = begun;
  return {};
}

bool ChangeLease::wait_until_lost(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, time, [this] { return lost(); });
}

ChangeLease::~ChangeLease() {
  if (!renewer_.joinable()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  renewer_.join();
  if (lost_) {
    return;
  }
  kube_.let_pass();  // Ctrl-C ends what runs; this is the last that has to.
  if (!begun_.empty()) {
    const Json patch{
        {"metadata", {{"resourceVersion", text_at(lease_, "/metadata/resourceVersion")}}},
        {"spec", {{"holderIdentity", nullptr}}}};
    static_cast<void>(kube_.merge_patch(path_, patch, ports::DryRun::no));
  } else {
    // Left behind it is only in the way for a moment: its holder's process is gone.
    static_cast<void>(kube_.remove(path_,
                                   ports::Propagation::background,
                                   text_at(lease_, "/metadata/uid"),
                                   ports::DryRun::no));
  }
}

std::optional<core::Change> change_under_way(ports::KubePort& kube,
                                             const std::string& namespace_,
                                             const std::string& cluster) {
  const auto lease = kube.get(lease_path(namespace_, cluster));
  const std::string holder = lease ? text_at(*lease, "/spec/holderIdentity") : "";
  if (holder.empty() || is_dead_here(holder)) {
    return std::nullopt;
  }
  return core::Change{.doing = annotation_of(*lease, core::k_doing_annotation),
                      .who = text_at(*lease, "/spec/holderIdentity"),
                      .since = text_at(*lease, "/spec/acquireTime"),
                      .progress = annotation_of(*lease, core::k_progress_annotation)};
}

std::string begun_by_earlier(ports::KubePort& kube,
                             const std::string& namespace_,
                             const std::string& cluster,
                             const std::string& doing) {
  const auto lease = kube.get(lease_path(namespace_, cluster));
  return lease && annotation_of(*lease, core::k_doing_annotation) == doing
             ? annotation_of(*lease, core::k_begun_annotation)
             : "";
}

}  // namespace kredis::plugin
