// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/http.hpp"

#include <array>
#include <cstdint>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

constexpr std::size_t k_read_bytes = 32U << 10U;
/// What a proxy answers to CONNECT is a line or two.
constexpr std::size_t k_proxy_head_limit_bytes = 16U << 10U;

std::string to_string(string_view text) { return {text.data(), text.size()}; }

/// Beast's parser, which keeps a head and a body as ours. Its own messages would bring their
/// containers along, and reserve whatever length a server claims.
class Parser final : public http::basic_parser<false> {
 public:
  Parser(bool is_without_body, std::size_t head_limit) : head_limit_(head_limit) {
    eager(true);
    skip(is_without_body);
    header_limit(static_cast<std::uint32_t>(head_limit));
    body_limit(boost::none);  // A watch has none; whoever wants the whole body counts itself.
  }

  HttpHead head;
  std::string body;

 private:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int status, string_view reason, int, error_code& ec) override {
    head.status = status;
    head.reason = to_string(reason);
    if (status < 100) {
      ec = http::error::bad_status;
    }
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
    // Beast's limit begins anew with every piece that ends where a field does.
    head_bytes_ += name.size() + value.size();
    if (head_bytes_ > head_limit_) {
      ec = http::error::header_limit;
    } else if (!is_header_done()) {  // Else it is a trailer, of which API servers have none.
      head.headers.emplace_back(to_string(name), to_string(value));
    }
  }
  void on_header_impl(error_code& ec) override {
    // RFC 9112, section 6.1: a coding that we did not ask for cannot be read.
    if (head.header("Transfer-Encoding") && !chunked()) {
      ec = http::error::bad_transfer_encoding;
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view piece, error_code&) override {
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code& ec) override {
    return on_body_impl(piece, ec);
  }
  void on_finish_impl(error_code&) override {}

  const std::size_t head_limit_;
  std::size_t head_bytes_ = 0;
};

/// 100 to 199 announce another answer, except 101, after which it is not HTTP any more.
bool is_interim(const Parser& parser) {
  return parser.is_done() && parser.head.status < 200 && parser.head.status != 101;
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

struct HttpReader::Impl {
  explicit Impl(std::string_view method)
      : is_without_body(method == "HEAD" || method == "CONNECT"),
        head_limit(method == "CONNECT" ? k_proxy_head_limit_bytes : k_http_head_limit_bytes) {
    parser.emplace(is_without_body, head_limit);
  }

  Error refusal(const error_code& failure) const;

  const bool is_without_body;
  const std::size_t head_limit;
  std::optional<Parser> parser;
  std::string raw;  // Received and not yet understood.
};

Error HttpReader::Impl::refusal(const error_code& failure) const {
  if (failure == http::error::header_limit) {
    return Error::protocol("the server's answer has too long a head");
  }
  if (parser->is_header_done()) {
    return Error::protocol("the server's answer is broken: " + failure.message());
  }
  const std::string_view line = std::string_view(raw).substr(0, raw.find("\r\n"));
  return Error::protocol("the server does not answer in HTTP: " + printable(line, 80))
      .with_hint("check the server's address and port in the kubeconfig");
}

HttpReader::HttpReader(std::string_view method) : impl_(std::make_unique<Impl>(method)) {}
HttpReader::~HttpReader() = default;

Status HttpReader::feed(std::string_view bytes) {
  std::string& raw = impl_->raw;
  raw += bytes;
  while (!raw.empty() && !impl_->parser->is_done()) {
    error_code failure;
    const std::size_t used = impl_->parser->put(boost::asio::buffer(raw), failure);
    if (failure && failure != http::error::need_more) {
      return impl_->refusal(failure);
    }
    raw.erase(0, used);
    if (is_interim(*impl_->parser)) {
      impl_->parser.emplace(impl_->is_without_body, impl_->head_limit);
    } else if (failure || used == 0) {
      break;
    }
  }
  // Beast waits without limit for the end of a line that tells a chunk's size.
  if (!is_finished() && raw.size() > impl_->head_limit) {
    return impl_->refusal(http::error::header_limit);
  }
  return {};
}

Status HttpReader::end() {
  Parser& parser = *impl_->parser;
  if (!parser.got_some() && impl_->raw.empty()) {
    return Error::unreachable("the server closed the connection unanswered");
  }
  if (!parser.is_header_done()) {
    return impl_->refusal(http::error::partial_message);
  }
  error_code failure;
  parser.put_eof(failure);
  if (failure) {
    return Error::unreachable("the server closed the connection in the middle of its answer");
  }
  return {};
}

bool HttpReader::has_head() const { return impl_->parser->is_header_done(); }
bool HttpReader::is_finished() const { return impl_->parser->is_done(); }
const HttpHead& HttpReader::head() const { return impl_->parser->head; }
std::string HttpReader::take_body() { return std::exchange(impl_->parser->body, {}); }
bool HttpReader::has_rest() const { return is_finished() && !impl_->raw.empty(); }
bool HttpReader::keeps_alive() const {
  return is_finished() && impl_->parser->keep_alive() && impl_->raw.empty();
}

Status HttpExchange::send(const HttpRequest& request, Deadline deadline) {
  reader_ = std::make_unique<HttpReader>(request.method);
  return connection_.write(request.to_text(), deadline);
}

Status HttpExchange::take_over(std::string_view bytes) {
  reader_ = std::make_unique<HttpReader>("GET");
  return reader_->feed(bytes);
}

Status HttpExchange::fill(Deadline deadline) {
  std::array<char, k_read_bytes> buffer{};
  KREDIS_TRY(const std::size_t got, connection_.read(buffer.data(), buffer.size(), deadline));
  return got == 0 ? reader_->end() : reader_->feed({buffer.data(), got});
}

Result<HttpHead> HttpExchange::read_head(Deadline deadline) {
  while (!reader_->has_head()) {
    KREDIS_CHECK(fill(deadline));
  }
  return reader_->head();
}

Result<bool> HttpExchange::read_some(std::string& body, Deadline deadline) {
  while (true) {
    const std::string piece = reader_->take_body();
    body += piece;
    if (!piece.empty() || reader_->is_finished()) {
      return !piece.empty();
    }
    KREDIS_CHECK(fill(deadline));
  }
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
