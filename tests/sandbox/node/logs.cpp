// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/logs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <deque>
#include <utility>

#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_longest_line = 16 * 1024;  // Longer ones are split, as containerd does.

// RFC 3339 with nanoseconds, 30 characters: what `kubectl logs --timestamps` shows.
std::string stamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 24> seconds{};
  std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 16> rest{};
  std::snprintf(rest.data(), rest.size(), ".%09ldZ", now.tv_nsec);
  return std::string(seconds.data()) + rest.data();
}

/// Reads one line at a time and knows where the next begins.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& file) : in_(file, std::ios::binary) {}

  bool next(std::string& line) {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(position_));
    if (!std::getline(in_, line) || in_.eof()) {
      return false;  // Nothing, or a line that is still being written.
    }
    position_ += line.size() + 1;
    return true;
  }
  std::uintmax_t position() const { return position_; }
  void go_to(std::uintmax_t position) { position_ = position; }

 private:
  std::ifstream in_;
  std::uintmax_t position_ = 0;
};

std::uintmax_t start_of_tail(const Log& log, std::int64_t count) {
  Lines lines(log.file());
  std::deque<std::uintmax_t> starts;
  std::string line;
  for (std::uintmax_t start = 0; lines.next(line); start = lines.position()) {
    starts.push_back(start);
    if (starts.size() > static_cast<std::size_t>(count)) {
      starts.pop_front();
    }
  }
  return count == 0 || starts.empty() ? lines.position() : starts.front();
}

bool is_wanted(const std::string& line, const LogQuery& query) {
  if (!query.since) {
    return true;
  }
  const auto time = parse_time(line.substr(0, 19) + "Z");
  return !time || *time + std::chrono::seconds(1) > *query.since;
}

/// Passes lines on in the shape that was asked for, up to the limit.
class Sender {
 public:
  Sender(const LogQuery& query, const std::function<bool(std::string_view)>& sink)
      : query_(query), sink_(sink), left_(query.limit_bytes) {}

  bool send(const std::string& line) {
    if (!is_wanted(line, query_)) {
      return true;
    }
    const std::size_t text = query_.stamps == LogQuery::Stamps::yes ? 0 : line.find(' ') + 1;
    std::string piece = line.substr(text) + "\n";
    if (left_ && piece.size() >= *left_) {
      sink_(std::string_view(piece).substr(0, *left_));
      return false;
    }
    if (left_) {
      *left_ -= piece.size();
    }
    return sink_(piece);
  }

 private:
  const LogQuery& query_;
  const std::function<bool(std::string_view)>& sink_;
  std::optional<std::uintmax_t> left_;
};

}  // namespace

Log::Log(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);
  out_.open(file_, std::ios::binary | std::ios::trunc);
}

void Log::add_tap(Fd to) {
  const std::lock_guard lock(mutex_);
  if (!finished_) {
    ::fcntl(
        to.get(), F_SETFL, O_NONBLOCK);  // Who does not read loses bytes; the container goes on.
    taps_.push_back(std::move(to));
  }
}

void Log::append(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  std::erase_if(taps_, [&](const Fd& tap) {
    return ::write(tap.get(), bytes.data(), bytes.size()) < 0 && errno != EAGAIN;
  });
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    partial_ += bytes.substr(0, end);
    if (end == std::string_view::npos) {
      break;
    }
    write_line(partial_);
    partial_.clear();
    bytes.remove_prefix(end + 1);
  }
  while (partial_.size() > k_longest_line) {
    write_line(partial_.substr(0, k_longest_line));
    partial_.erase(0, k_longest_line);
  }
  out_.flush();
  grown_.notify_all();
}

void Log::write_line(std::string_view line) {
  const std::string time = stamp();
  out_ << time << ' ' << line << '\n';
  size_ += time.size() + line.size() + 2;
}

void Log::finish() {
  const std::lock_guard lock(mutex_);
  if (!partial_.empty()) {
    write_line(partial_);
    partial_.clear();
  }
  out_.flush();
  finished_ = true;
  taps_.clear();
  grown_.notify_all();
}

bool Log::is_finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void Log::wait_past(std::uintmax_t size, std::chrono::milliseconds at_most) const {
  std::unique_lock lock(mutex_);
  grown_.wait_for(lock, at_most, [&] { return finished_ || size_ > size; });
}

std::string Log::tail(std::size_t most_lines, std::size_t most_bytes) const {
  std::string text;
  const LogQuery query{.tail_lines = static_cast<std::int64_t>(most_lines)};
  read_log(*this, query, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  return text.size() > most_bytes ? text.substr(text.size() - most_bytes) : text;
}

void read_log(const Log& log,
              const LogQuery& query,
              const std::function<bool(std::string_view)>& sink) {
  Lines lines(log.file());
  if (query.tail_lines) {
    lines.go_to(start_of_tail(log, *query.tail_lines));
  }
  Sender sender(query, sink);
  std::string line;
  while (true) {
    // Asked before reading: whatever came until then is in the file.
    const bool finished = log.is_finished();
    while (lines.next(line)) {
      if (!sender.send(line)) {
        return;
      }
    }
    if (finished || query.follow == LogQuery::Follow::no || !sink("")) {
      return;
    }
    log.wait_past(lines.position(), std::chrono::milliseconds(500));
  }
}

}  // namespace kredis::sandbox
