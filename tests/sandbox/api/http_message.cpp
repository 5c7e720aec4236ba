// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/http_message.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace kredis::sandbox::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using std::chrono::milliseconds;

constexpr std::uint64_t k_max_body = 3U << 20U;  // Kubernetes' own limit for a request.
constexpr std::uint64_t k_max_answer = 16U << 20U;
constexpr std::uint32_t k_max_header = 64U << 10U;
constexpr milliseconds k_idle{120'000};
constexpr milliseconds k_request{30'000};

// Gives Beast the reading half that it asks of a synchronous stream.
class Reader {
 public:
  Reader(TlsStream& stream, milliseconds first, milliseconds rest)
      : stream_(stream), patience_(first), rest_(rest) {}

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& problem) {
    const asio::mutable_buffer into = *asio::buffer_sequence_begin(buffers);
    const auto count = stream_.read_some({static_cast<char*>(into.data()), into.size()}, patience_);
    patience_ = rest_;
    problem = !count        ? make_error_code(boost::system::errc::connection_reset)
              : *count == 0 ? boost::system::error_code(asio::error::eof)
                            : boost::system::error_code{};
    return count ? *count : 0;
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    boost::system::error_code problem;
    const std::size_t count = read_some(buffers, problem);
    if (problem) {
      throw boost::system::system_error(problem);
    }
    return count;
  }

 private:
  TlsStream& stream_;
  milliseconds patience_;
  milliseconds rest_;
};

std::string to_string(beast::string_view text) { return {text.data(), text.size()}; }

std::string decode_path(std::string_view path) {
  // A query decoder also turns "+" into a blank, which a path must keep.
  std::string kept;
  for (const char letter : path) {
    kept += letter == '+' ? "%2B" : std::string(1, letter);
  }
  const Query decoded = Query::parse("p=" + kept);
  return decoded.get("p");
}

HttpRequest convert(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = to_string(message.method_string());
  const std::string target = to_string(message.target());
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.path = decode_path(std::string_view(target).substr(0, mark));
  if (mark < target.size()) {
    request.query = Query::parse(std::string_view(target).substr(mark + 1));
  }
  for (const auto& field : message) {
    std::string& value = request.headers[to_string(field.name_string())];
    value += (value.empty() ? "" : ", ") + to_string(field.value());
  }
  request.body = message.body();
  return request;
}

}  // namespace

Result<HttpRequest> read_request(TlsStream& stream) {
  Reader reader(stream, k_idle, k_request);
  beast::flat_buffer buffer;
  http::request_parser<http::string_body> parser;
  parser.body_limit(k_max_body);
  parser.header_limit(k_max_header);
  boost::system::error_code problem;
  http::read(reader, buffer, parser, problem);
  if (problem) {
    const bool left = problem == http::error::end_of_stream ||
                      problem == http::error::partial_message ||
                      problem == boost::system::errc::connection_reset;
    if (problem == http::error::body_limit) {
      return Error::unsafe("the request is larger than 3 MiB");
    }
    return left ? Error::unreachable("the client left")
                : Error::invalid_argument(problem.message());
  }
  const auto rest = buffer.data();
  stream.unread({static_cast<const char*>(rest.data()), rest.size()});
  return convert(parser.get());
}

Result<HttpAnswer> read_answer(TlsStream& stream, milliseconds at_most) {
  Reader reader(stream, at_most, at_most);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(k_max_answer);
  parser.header_limit(k_max_header);
  boost::system::error_code problem;
  http::read(reader, buffer, parser, problem);
  if (problem == boost::system::errc::connection_reset) {
    return Error::timeout("context deadline exceeded");
  }
  if (problem) {
    return Error::protocol("no HTTP answer: " + problem.message());
  }
  return HttpAnswer{static_cast<int>(parser.get().result_int()), parser.get().body()};
}

}  // namespace kredis::sandbox::api
