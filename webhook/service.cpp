// SPDX-License-Identifier: Apache-2.0
#include "webhook/service.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "shared/kube/access.hpp"
#include "shared/kube/client.hpp"
#include "shared/redis/reply_reader.hpp"
#include "webhook/app.hpp"
#include "webhook/mounted_certificate.hpp"
#include "webhook/observer.hpp"
#include "webhook/own_certificate.hpp"
#include "webhook/server.hpp"

// Where the program's code begins and ends, as the linker says (end(3)).
extern "C" {
extern char __executable_start;  // NOLINT(*-identifier*): the linker's name
extern char etext;
}

namespace kredis::webhook {
namespace {

/// How late a mounted certificate is noticed at the most; a look costs reading two small files.
constexpr std::chrono::seconds k_tick{2};
/// Twice what a request may take. With --drain-wait (5 s) it ends well within the pod's
/// terminationGracePeriodSeconds of 40.
constexpr std::chrono::seconds k_drain_patience{20};

/// Of the 128 MiB that `install` gives the webhook. Units: bytes.
constexpr std::size_t k_replies_limit = 40U << 20U;

Result<std::unique_ptr<kube::KubeClient>> reach_cluster(const Config& config, Log& log) {
  kube::KubeOptions options;
  options.kubeconfig = config.kubeconfig;
  // A call that hangs holds up the certificate's tick, so it ends sooner than the usual 30 s.
  options.request_timeout = std::chrono::seconds(10);
  options.on_warning = [&log](const std::string& text) {
    log.write(LogLevel::warning, "the API server warns", Json{{"warning", text}});
  };
  KREDIS_TRY(const kube::Access access,
             kube::find_access(options, kube::Environment::of_process()));
  return kube::connect(access, options);
}

void print_counts(const ServerCounts& counts, Metrics& metrics) {
  const auto set = [&](std::string_view name, const std::atomic<std::int64_t>& value) {
    metrics.set(name, {}, static_cast<double>(value));
  };
  set("connections", counts.open);
  set("held_bytes", counts.held_bytes);
  set("connections_accepted_total", counts.accepted);
  set("handshakes_failed_total", counts.handshakes_failed);
  set("timed_out_total", counts.timed_out);
  set("displaced_total", counts.displaced);
  set("malformed_requests_total", counts.malformed);
}

void print_dates(const CertificateDates& dates, Metrics& metrics) {
  const auto set = [&](std::string_view name, std::time_t time) {
    if (time != 0) {
      metrics.set(name, {}, static_cast<double>(time));
    }
  };
  set("certificate_begins_seconds", dates.from);
  set("certificate_ends_seconds", dates.until);
  set("authority_ends_seconds", dates.authority_until);
}

void print_clusters(const Observer* observer, Metrics& metrics) {
  std::vector<std::pair<Labels, double>> seen, slots, ages;
  for (const Watched& each : observer != nullptr ? observer->watched() : std::vector<Watched>{}) {
    const Labels labels{{"namespace", each.namespace_name}, {"cluster", each.cluster}};
    seen.emplace_back(labels, each.seen ? 1 : 0);
    slots.emplace_back(labels, static_cast<double>(each.slots));
    ages.emplace_back(labels, static_cast<double>(each.age_seconds));
  }
  metrics.set_all("cluster_seen", seen);
  metrics.set_all("cluster_slots", slots);
  metrics.set_all("cluster_view_age_seconds", ages);
}

/// Whether a signal to end came within `time`. The wait for it is the clock of the ticks, too.
bool is_told_to_end(std::chrono::seconds time) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  const timespec patience{.tv_sec = static_cast<std::time_t>(time.count()), .tv_nsec = 0};
  return ::sigtimedwait(&signals, nullptr, &patience) > 0;
}

/// Where the certificate comes from, looked after at every tick.
class CertificateSource {
 public:
  CertificateSource(const Config& config, kube::KubeClient* cluster, TlsSlot& slot, Log& log)
      : slot_(slot), log_(log) {
    const CertificateLives lives{config.authority_life, config.certificate_life};
    if (config.is_self_managed()) {
      // Five looks within an overlap, so that no replica misses one; 15 s spare the API server.
      pause_ = std::clamp<Clock::duration>(lives.overlap() / 5, k_tick, std::chrono::seconds(15));
      own_.emplace(
          OwnCertificateSettings{
              config.namespace_name, config.service, config.secret, config.configuration, lives},
          *cluster,
          slot,
          log);
    } else {
      mounted_.emplace(config.certificate_file, config.key_file, slot);
    }
  }

  /// Errors: why there is no certificate at all.
  Status tend() {
    // Without a certificate nobody can be answered: every tick tries again.
    if (own_ && slot_.get() && Clock::now() < next_) {
      return {};
    }
    next_ = Clock::now() + pause_;
    const Status outcome = own_ ? own_->refresh(std::time(nullptr)) : reload();
    // A certificate is renewed long before its end, so the one in use will do meanwhile.
    if (!outcome && slot_.get()) {
      log_.write(LogLevel::error, "the certificate cannot be looked after", outcome.error());
      return {};
    }
    return outcome;
  }
  const CertificateDates& dates() const { return own_ ? own_->dates() : mounted_->dates(); }

 private:
  using Clock = std::chrono::steady_clock;

  Status reload() {
    KREDIS_TRY(const bool is_new, mounted_->refresh());
    if (is_new) {
      log_.write(LogLevel::info, "certificate in use");
    }
    return {};
  }

  TlsSlot& slot_;
  Log& log_;
  std::optional<OwnCertificate> own_;
  std::optional<MountedCertificate> mounted_;
  Clock::duration pause_{};
  Clock::time_point next_{};
};

/// What is known of the cluster besides a review: its objects and its Redis Clusters, where wanted.
class Watching {
 public:
  /// Nothing is watched when `cluster` is null or the configuration does not want it.
  Watching(const Config& config, kube::KubeClient* cluster, Log& log) : cluster_(cluster) {
    if (config.watches) {
      snapshot_ = std::make_unique<Snapshot>(*cluster, log);
    }
    if (snapshot_ && config.poll_interval > std::chrono::seconds(0)) {
      observer_ = std::make_unique<Observer>(*cluster, *snapshot_, config.poll_interval, log);
    }
  }

  void start() {
    if (snapshot_) {
      snapshot_->start();
    }
    if (observer_) {
      observer_->start();
    }
  }
  void stop() {
    if (snapshot_) {
      // A watch lasts half an hour; cancelled, its thread sees that it is to stop.
      cluster_->cancel();
      snapshot_->join();
    }
    if (observer_) {
      observer_->join();
    }
  }
  void print(Metrics& metrics) const {
    if (snapshot_) {
      metrics.set("view_age_seconds", {}, snapshot_->age().count());
      metrics.set("watched_objects", {}, static_cast<double>(snapshot_->size()));
      metrics.set("kept_bytes", {}, static_cast<double>(snapshot_->bytes()));
      metrics.set("left_out_total", {}, static_cast<double>(snapshot_->left_out()));
    }
    print_clusters(observer_.get(), metrics);
  }
  const Snapshot* snapshot() const { return snapshot_.get(); }
  Observer* observer() const { return observer_.get(); }

 private:
  kube::KubeClient* cluster_;
  std::unique_ptr<Snapshot> snapshot_;
  std::unique_ptr<Observer> observer_;
};

/// Most of the code that is in memory by now only the start needed, or came along with what did
/// (the kernel maps 16 pages at a time): from here on it is there as far as it runs. Code is never
/// written to, so nothing is lost.
void let_go_of_the_start() {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start) & ~(page - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(&etext) & ~(page - 1);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): whole pages
  void* const code = reinterpret_cast<void*>(begin);
  ::madvise(code, end - begin, MADV_RANDOM);
  ::madvise(code, end - begin, MADV_DONTNEED);
}

/// Ends in the order in which nobody notices: not ready, then no new connections, then none at all.
/// Endpoints are updated while the pod gets its SIGTERM (Kubernetes docs, "Termination of Pods"),
/// so new connections go on arriving for a while.
void wind_down(App& app, Server& server, const Config& config, Log& log) {
  log.write(LogLevel::info, "ending");
  app.retire();
  server.stop_keeping_alive();
  std::this_thread::sleep_for(config.drain_wait);
  server.drain(k_drain_patience);
}

}  // namespace

Status run_service(const Config& config, Log& log) {
  std::unique_ptr<kube::KubeClient> cluster;
  // With a mounted certificate and --watch=false no API server is needed at all.
  if (config.watches || config.is_self_managed()) {
    KREDIS_TRY(cluster, reach_cluster(config, log));
  }
  redis::limit_all_replies(k_replies_limit);
  TlsSlot slot;
  CertificateSource certificate(config, cluster.get(), slot, log);
  // Before the port is open: a first certificate that cannot be had is told at the start.
  KREDIS_CHECK(certificate.tend());

  Watching watching(config, cluster.get(), log);
  Metrics metrics;
  App app(
      config,
      {.mutate = &policy::mutate, .validate = &policy::validate, .silence = &policy::silence_on},
      watching.snapshot(),
      log,
      metrics);
  Server server(
      {}, [&app](const Request& request) { return app.handle(request); }, slot);
  app.watch_with(watching.observer());
  app.on_scrape([&] {
    print_counts(server.counts(), metrics);
    print_dates(certificate.dates(), metrics);
    watching.print(metrics);
  });
  KREDIS_CHECK(server.listen(config.address, config.port));
  log.write(
      LogLevel::info,
      "listening",
      Json{{"address", config.address}, {"port", server.port()}, {"version", KREDIS_VERSION}});
  watching.start();
  let_go_of_the_start();
  std::thread serving([&] { server.run(config.threads); });
  while (!is_told_to_end(k_tick)) {
    if (const Status tended = certificate.tend(); !tended) {
      log.write(LogLevel::error, "there is no certificate", tended.error());
    }
  }
  wind_down(app, server, config, log);
  serving.join();
  watching.stop();
  log.write(LogLevel::info, "ended");
  return {};
}

}  // namespace kredis::webhook
