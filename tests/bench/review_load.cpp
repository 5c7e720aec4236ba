// SPDX-License-Identifier: Apache-2.0
//
// A client that sends one admission review again and again over kept-alive TLS connections, one
// thread each, and says how long the answers took, as a line of JSON.
//
//   review_load PORT CA PATH FILE --connections N --seconds S [--rate R]
//   review_load PORT CA PATH FILE --idle N      opens N connections, prints a line, waits for the
//   end of stdin
//
// With --rate an answer's time counts from when the review was due, so a stall counts for all that
// were due in it.
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;

namespace {

struct Wanted {
  std::uint16_t port = 0;
  std::string authority;
  std::string path;
  std::string file;
  int connections = 1;
  double seconds = 5;
  double rate = 0;
  int idle = 0;
};

struct Seen {
  std::vector<double> milliseconds;
  long failures = 0;
};

class Line {
 public:
  Line(asio::io_context& context, asio::ssl::context& tls, std::uint16_t port)
      : stream_(context, tls) {
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
    stream_.next_layer().set_option(asio::ip::tcp::no_delay(true));
    stream_.handshake(asio::ssl::stream_base::client);
  }

  /// Whether the answer is a decision.
  bool review(const http::request<http::string_body>& request) {
    http::write(stream_, request);
    http::response<http::string_body> answer;
    http::read(stream_, buffer_, answer);
    return answer.result() == http::status::ok &&
           answer.body().find("\"allowed\":") != std::string::npos;
  }

 private:
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
  beast::flat_buffer buffer_;
};

http::request<http::string_body> request_of(const Wanted& wanted) {
  std::ifstream file(wanted.file, std::ios::binary);
  http::request<http::string_body> request{http::verb::post, wanted.path, 11};
  request.set(http::field::host, "127.0.0.1");
  request.set(http::field::content_type, "application/json");
  request.body() = {std::istreambuf_iterator<char>(file), {}};
  request.prepare_payload();
  return request;
}

/// One connection's reviews from `begin` on, the first of them after its share of the interval.
Seen send_reviews(const Wanted& wanted,
                  asio::ssl::context& tls,
                  Clock::time_point begin,
                  int index) {
  asio::io_context context;
  Line line(context, tls, wanted.port);
  const auto request = request_of(wanted);
  const auto interval =
      std::chrono::duration<double>(wanted.rate > 0 ? wanted.connections / wanted.rate : 0);
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(wanted.seconds));
  Seen seen;
  for (long number = 0;; ++number) {
    Clock::time_point due = Clock::now();
    if (wanted.rate > 0) {
      const double turns =
          static_cast<double>(number) + static_cast<double>(index) / wanted.connections;
      due = begin + std::chrono::duration_cast<Clock::duration>(interval * turns);
      std::this_thread::sleep_until(due);
    } else if (due < begin) {
      std::this_thread::sleep_until(begin);
      due = begin;
    }
    if (due >= end) {
      return seen;
    }
    seen.failures += line.review(request) ? 0 : 1;
    seen.milliseconds.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - due).count());
  }
}

double quantile(const std::vector<double>& sorted, double which) {
  return sorted.empty()
             ? 0
             : sorted[static_cast<std::size_t>(which * static_cast<double>(sorted.size() - 1))];
}

int load(const Wanted& wanted, asio::ssl::context& tls) {
  const auto begin = Clock::now() + std::chrono::milliseconds(300);
  std::vector<Seen> seen(static_cast<std::size_t>(wanted.connections));
  std::vector<std::thread> threads;
  for (int i = 0; i < wanted.connections; ++i) {
    threads.emplace_back([&, i] {
      try {
        seen[static_cast<std::size_t>(i)] = send_reviews(wanted, tls, begin, i);
      } catch (const std::exception& problem) {
        std::fprintf(stderr, "review_load: %s\n", problem.what());
        ++seen[static_cast<std::size_t>(i)].failures;
      }
    });
  }
  Seen all;
  for (int i = 0; i < wanted.connections; ++i) {
    threads[static_cast<std::size_t>(i)].join();
    const Seen& one = seen[static_cast<std::size_t>(i)];
    all.failures += one.failures;
    all.milliseconds.insert(
        all.milliseconds.end(), one.milliseconds.begin(), one.milliseconds.end());
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::ranges::sort(all.milliseconds);
  std::printf(
      "{\"reviews\": %zu, \"failures\": %ld, \"perSecond\": %.1f, \"p50\": %.3f, \"p99\": %.3f}\n",
      all.milliseconds.size(),
      all.failures,
      static_cast<double>(all.milliseconds.size()) / took,
      quantile(all.milliseconds, 0.5),
      quantile(all.milliseconds, 0.99));
  return all.failures == 0 && !all.milliseconds.empty() ? 0 : 1;
}

int hold_idle(const Wanted& wanted, asio::ssl::context& tls) {
  asio::io_context context;
  const auto request = request_of(wanted);
  std::vector<std::unique_ptr<Line>> lines;
  for (int i = 0; i < wanted.idle; ++i) {
    lines.push_back(std::make_unique<Line>(context, tls, wanted.port));
    if (!lines.back()->review(request)) {
      return 1;
    }
  }
  std::printf("{\"open\": %zu}\n", lines.size());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Wanted wanted;
  CLI::App app("Sends admission reviews");
  app.add_option("PORT", wanted.port)->required();
  app.add_option("CA", wanted.authority)->required();
  app.add_option("PATH", wanted.path)->required();
  app.add_option("FILE", wanted.file)->required();
  app.add_option("--connections", wanted.connections)->check(CLI::Range(1, 1000));
  app.add_option("--seconds", wanted.seconds);
  app.add_option("--rate", wanted.rate);
  app.add_option("--idle", wanted.idle);
  CLI11_PARSE(app, argc, argv);
  try {
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.load_verify_file(wanted.authority);
    tls.set_verify_mode(asio::ssl::verify_peer);
    return wanted.idle > 0 ? hold_idle(wanted, tls) : load(wanted, tls);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "review_load: %s\n", problem.what());
    return 1;
  }
}
