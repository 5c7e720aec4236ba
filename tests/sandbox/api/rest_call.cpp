// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/rest_call.hpp"

#include "tests/sandbox/api/decode.hpp"
#include "tests/sandbox/api/protobuf.hpp"
#include "tests/sandbox/api/reading.hpp"

namespace kredis::sandbox::api {
namespace {

// RFC 7234: a quoted string, so quotes and backslashes are escaped and line ends are gone.
std::string warning_value(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      escaped += '\\';
    }
    escaped += letter == '\n' || letter == '\r' ? ' ' : letter;
  }
  return "299 - \"" + escaped + "\"";
}

// "kubectl/v1.30.0 (linux/amd64) ..." is the manager "kubectl".
std::string manager_from_agent(const std::string& agent) {
  const std::string name = agent.substr(0, agent.find('/'));
  return name.empty() ? "unknown" : name.substr(0, 128);
}

int code_of(const Written& written) { return written.outcome == Outcome::created ? 201 : 200; }

}  // namespace

void send_json(Exchange& exchange, int code, const Json& body) {
  exchange.send(
      code, "application/json", body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void send_error(Exchange& exchange, const ApiError& error) {
  if (!exchange.answered()) {
    send_json(exchange, error.code, error.to_json());
  }
}

void send_written(const HttpRequest& request,
                  Exchange& exchange,
                  const ResourceInfo& info,
                  const Written& written) {
  for (const std::string& warning : written.warnings) {
    exchange.add_header("Warning", warning_value(warning));
  }
  const bool plain = written.object.value("kind", "") != info.kind;
  send_json(exchange,
            code_of(written),
            plain ? written.object : present(info, written.object, presentation_of(request)));
}

ApiResult<WriteOptions> write_options_of(const HttpRequest& request, const Identity& who) {
  WriteOptions options;
  options.user = who;
  for (const std::string& mode : request.query.all("dryRun")) {
    if (mode != "All") {
      return ApiError{422,
                      "Invalid",
                      "options is invalid: dryRun: Unsupported value: \"" + mode +
                          "\": supported values: \"All\""};
    }
    options.dry_run = DryRun::yes;
  }
  options.field_manager = request.query.get("fieldManager");
  if (options.field_manager.empty()) {
    options.field_manager = manager_from_agent(request.header("User-Agent"));
  }
  const std::string validation = request.query.get("fieldValidation");
  options.field_validation = validation == "Strict"   ? FieldValidation::strict
                             : validation == "Ignore" ? FieldValidation::ignore
                                                      : FieldValidation::warn;
  options.on_conflict = request.query.flag("force") ? OnConflict::take_over : OnConflict::refuse;
  return options;
}

ApiResult<Json> body_of(const HttpRequest& request) {
  const std::string type = request.header("Content-Type");
  if (type.find("protobuf") != std::string::npos) {
    return decode_protobuf(request.body);
  }
  return parse_body(type, request.body);
}

}  // namespace kredis::sandbox::api
