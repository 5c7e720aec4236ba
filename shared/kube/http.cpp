// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/http.hpp"

#include <algorithm>
#include <charconv>

#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

constexpr std::size_t k_read_bytes = 32U << 10U;
constexpr std::size_t k_chunk_line_limit = 4096;

Error not_http(std::string_view what) {
  return Error::protocol("the server does not answer in HTTP: " + printable(what, 80))
      .with_hint("check the server's address and port in the kubeconfig");
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::string HttpRequest::to_text() const {
  std::string text = method + " " + target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) {
    text += name + ": " + value + "\r\n";
  }
  if (!body.empty()) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

std::optional<std::string> HttpHead::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) {
      return value;
    }
  }
  return std::nullopt;
}

std::vector<std::string> HttpHead::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) {
      values.push_back(value);
    }
  }
  return values;
}

Result<HttpHead> parse_http_head(std::string_view text) {
  std::size_t end = std::min(text.find("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  // RFC 9112, 4: "HTTP/1.1 200 OK"; the reason may be missing.
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') {
    return not_http(line);
  }
  const auto status = parse_number<int>(line.substr(9, 3), 10);
  if (!status || *status < 100) {
    return not_http(line);
  }
  HttpHead head{.status = *status};
  if (line[7] == '0') {
    head.headers.emplace_back("Connection", "close");
  }
  while (end < text.size()) {
    text.remove_prefix(end + 2);
    end = std::min(text.find("\r\n"), text.size());
    const std::string_view field = text.substr(0, end);
    const std::size_t colon = field.find(':');
    if (field.empty()) {
      continue;
    }
    if (colon == std::string_view::npos || colon == 0) {
      return not_http(field);
    }
    head.headers.emplace_back(field.substr(0, colon), trim(field.substr(colon + 1)));
  }
  return head;
}

Result<std::size_t> ChunkDecoder::feed(std::string_view input, std::string& output) {
  std::size_t used = 0;
  while (used < input.size() && state_ != State::finished) {
    if (state_ == State::data) {
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - used));
      output += input.substr(used, count);
      used += count;
      left_ -= count;
      state_ = left_ == 0 ? State::data_end : State::data;
      continue;
    }
    KREDIS_CHECK(take(input[used++]));
  }
  return used;
}

Status ChunkDecoder::take(char letter) {
  if (letter == '\r') {
    return {};
  }
  if (letter != '\n') {
    if (++line_bytes_ > k_chunk_line_limit || state_ == State::data_end) {
      return Error::protocol("the server's answer is broken: a chunk has no proper end");
    }
    const auto digit = parse_number<std::uint64_t>({&letter, 1}, 16);
    if (state_ != State::size) {
      return {};
    }
    if (digit && ++digits_ <= 15) {
      left_ = left_ * 16 + *digit;
      return {};
    }
    if (digits_ == 0 || (letter != ';' && letter != ' ') || digit) {
      return Error::protocol("the server's answer is broken: a chunk has no proper size");
    }
    state_ = State::extension;
    return {};
  }
  const bool was_empty = line_bytes_ == 0;
  line_bytes_ = 0;
  if (state_ == State::data_end) {
    state_ = State::size;
    digits_ = 0;
    left_ = 0;
  } else if (state_ == State::trailer) {
    state_ = was_empty ? State::finished : State::trailer;
  } else if (digits_ == 0) {
    return Error::protocol("the server's answer is broken: a chunk has no size");
  } else {
    state_ = left_ == 0 ? State::trailer : State::data;
  }
  return {};
}

Status HttpExchange::send(const HttpRequest& request, Deadline deadline) {
  method_ = request.method;
  return connection_.write(request.to_text(), deadline);
}

Result<bool> HttpExchange::fill(Deadline deadline) {
  const std::size_t before = raw_.size();
  raw_.resize(before + k_read_bytes);
  auto got = connection_.read(raw_.data() + before, k_read_bytes, deadline);
  raw_.resize(before + (got ? *got : 0));
  if (!got) {
    return got.error();
  }
  has_begun_ = has_begun_ || *got > 0;
  return *got > 0;
}

Result<HttpHead> HttpExchange::read_head(Deadline deadline) {
  while (true) {
    const std::size_t end = raw_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (raw_.size() > k_http_head_limit_bytes) {
        return Error::protocol("the server's answer has too long a head");
      }
      KREDIS_TRY(const bool has_more, fill(deadline));
      if (!has_more) {
        return raw_.empty() ? Error::unreachable("the server closed the connection unanswered")
                            : not_http(raw_);
      }
      continue;
    }
    KREDIS_TRY(HttpHead head, parse_http_head(std::string_view(raw_).substr(0, end)));
    raw_.erase(0, end + 4);
    if (head.status >= 200 || head.status == 101) {
      KREDIS_CHECK(choose_framing(head));
      return head;
    }
  }
}

Status HttpExchange::choose_framing(const HttpHead& head) {
  for (const std::string& value : head.all("Connection")) {
    keeps_alive_ = keeps_alive_ && !equal_ignoring_case(value, "close");
  }
  const auto coding = head.header("Transfer-Encoding");
  const auto length = head.header("Content-Length");
  if (method_ == "HEAD" || head.status == 204 || head.status == 304 || head.status == 101) {
    framing_ = Framing::none;
    is_finished_ = true;
  } else if (coding) {
    if (!equal_ignoring_case(*coding, "chunked")) {
      return Error::protocol("the server answers in an unknown transfer coding");
    }
    framing_ = Framing::chunked;
  } else if (length) {
    const auto number = parse_number<std::uint64_t>(*length, 10);
    if (!number) {
      return Error::protocol("the server's answer has no proper length");
    }
    framing_ = Framing::length;
    left_ = *number;
    is_finished_ = left_ == 0;
  } else {
    framing_ = Framing::until_close;
    keeps_alive_ = false;
  }
  return {};
}

void HttpExchange::take_raw(std::string& body) {
  const auto count = static_cast<std::size_t>(
      framing_ == Framing::length ? std::min<std::uint64_t>(left_, raw_.size()) : raw_.size());
  body.append(raw_, 0, count);
  raw_.erase(0, count);
  left_ -= framing_ == Framing::length ? count : 0;
  is_finished_ = framing_ == Framing::length && left_ == 0;
}

Result<bool> HttpExchange::read_some(std::string& body, Deadline deadline) {
  const std::size_t before = body.size();
  while (!is_finished_) {
    if (raw_.empty()) {
      KREDIS_TRY(const bool has_more, fill(deadline));
      if (!has_more && framing_ != Framing::until_close) {
        return Error::unreachable("the server closed the connection in the middle of its answer");
      }
      if (!has_more) {
        is_finished_ = true;
        return false;
      }
    }
    if (framing_ == Framing::chunked) {
      KREDIS_TRY(const std::size_t used, chunks_.feed(raw_, body));
      raw_.erase(0, used);
      is_finished_ = chunks_.is_finished();
    } else {
      take_raw(body);
    }
    if (body.size() > before) {
      return true;
    }
  }
  return false;
}

Result<std::string> HttpExchange::read_body(Deadline deadline) {
  std::string body;
  while (true) {
    KREDIS_TRY(const bool has_more, read_some(body, deadline));
    if (!has_more) {
      return body;
    }
    if (body.size() > k_http_body_limit_bytes) {
      return Error::protocol("the server's answer is larger than " +
                             std::to_string(k_http_body_limit_bytes) + " bytes");
    }
  }
}

}  // namespace kredis::kube
