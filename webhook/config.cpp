// SPDX-License-Identifier: Apache-2.0
#include "webhook/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

#include "shared/core/text.hpp"

namespace kredis::webhook {
namespace {

constexpr std::string_view k_prefix = "KREDIS_WEBHOOK_";

/// Takes a value into the configuration; what is wrong with it, or nothing.
using Take = std::string (*)(Config&, const std::string&);

struct Option {
  std::string_view name;
  std::string_view value;
  std::string_view help;
  Take take;
};

template <typename Number>
std::string take_number(Number& into, const std::string& text, Number least, Number most) {
  const auto number = core::to_number<Number>(text);
  if (!number || *number < least || *number > most) {
    return fmt::format("must be a whole number from {} to {}", least, most);
  }
  into = *number;
  return {};
}

std::string take_seconds(std::chrono::seconds& into,
                         const std::string& text,
                         long least,
                         long most) {
  long seconds = 0;
  std::string problem = take_number(seconds, text, least, most);
  into = problem.empty() ? std::chrono::seconds(seconds) : into;
  return problem;
}

std::string take_name(std::string& into, const std::string& text) {
  // DNS subdomain names (RFC 1123; Kubernetes docs, "Object Names and IDs") end at 253.
  const bool is_name =
      !text.empty() && text.size() <= 253 &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return (std::islower(c) != 0) || (std::isdigit(c) != 0) || c == '-' || c == '.';
      });
  if (!is_name) {
    return "must be a name of Kubernetes: lower-case letters, digits, '-' and '.'";
  }
  into = text;
  return {};
}

std::string take_listen(Config& config, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string::npos ||
      !take_number<std::uint16_t>(port, text.substr(colon + 1), 0, 65535).empty()) {
    return "must be ADDRESS:PORT";
  }
  std::string address = text.substr(0, colon);
  // An IPv6 address stands in brackets, as its own colons would hide the port's (RFC 3986, 3.2.2).
  if (address.starts_with("[") && address.ends_with("]")) {
    address = address.substr(1, address.size() - 2);
  }
  config.address = address.empty() ? "0.0.0.0" : address;
  config.port = port;
  return {};
}

std::string take_level(Config& config, const std::string& text) {
  const auto level = level_of(text);
  config.default_level = level.value_or(config.default_level);
  return level ? "" : "must be enforce, warn, audit or off";
}

std::string take_log_level(Config& config, const std::string& text) {
  const auto level = log_level_of(text);
  config.log_level = level.value_or(config.log_level);
  return level ? "" : "must be debug, info, warning or error";
}

std::string take_watches(Config& config, const std::string& text) {
  config.watches = text == "true";
  return text == "true" || text == "false" ? "" : "must be true or false";
}

template <std::string Config::*Member>
std::string take_text(Config& config, const std::string& text) {
  config.*Member = text;
  return text.empty() ? "must not be empty" : "";
}

template <std::string Config::*Member>
std::string take_object_name(Config& config, const std::string& text) {
  return take_name(config.*Member, text);
}

constexpr long k_decade = 10L * 366 * 24 * 3600;

constexpr std::array k_options{
    Option{"listen", "ADDRESS:PORT", "Where to listen (0.0.0.0:9443)", &take_listen},
    Option{"certificate-file",
           "FILE",
           "Mounted certificate, PEM; read again when it changes",
           &take_text<&Config::certificate_file>},
    Option{"key-file", "FILE", "Its key, PEM", &take_text<&Config::key_file>},
    Option{"namespace",
           "NAME",
           "Own namespace (kubectl-redis-system)",
           &take_object_name<&Config::namespace_name>},
    Option{"service",
           "NAME",
           "Own Service, which certificates are for (kubectl-redis-webhook)",
           &take_object_name<&Config::service>},
    Option{"secret",
           "NAME",
           "Secret of its own certificates (kubectl-redis-webhook-tls)",
           &take_object_name<&Config::secret>},
    Option{"configuration",
           "NAME",
           "Both webhook configurations (kubectl-redis-webhook)",
           &take_object_name<&Config::configuration>},
    Option{"authority-life",
           "SECONDS",
           "How long an authority of its own is valid (a year)",
           [](Config& config, const std::string& text) {
             // An overlap, a twelfth of it, needs the two seconds between two looks at the Secret.
             return take_seconds(config.authority_life, text, 30, k_decade);
           }},
    Option{"certificate-life",
           "SECONDS",
           "How long a certificate of its own is valid (90 days)",
           [](Config& config, const std::string& text) {
             return take_seconds(config.certificate_life, text, 30, k_decade);
           }},
    Option{"default-level", "LEVEL", "Level of namespaces without a label (enforce)", &take_level},
    Option{"log-level", "LEVEL", "debug, info, warning or error (info)", &take_log_level},
    Option{"threads",
           "NUMBER",
           "Threads that answer (2)",
           [](Config& config, const std::string& text) {
             return take_number(config.threads, text, 1U, 64U);
           }},
    Option{"drain-wait",
           "SECONDS",
           "Time between SIGTERM and the last new connection (5)",
           [](Config& config, const std::string& text) {
             return take_seconds(config.drain_wait, text, 0, 600);
           }},
    Option{"kubeconfig",
           "FILE",
           "For a webhook that runs outside its cluster",
           &take_text<&Config::kubeconfig>},
    Option{"poll-interval",
           "SECONDS",
           "Between two looks at the clusters, for guards; 0 turns guards off (5)",
           [](Config& config, const std::string& text) {
             // Half of policy::k_oldest_view: one look that fails does not blind the guards.
             return take_seconds(config.poll_interval, text, 0, 30);
           }},
    Option{
        "watch", "BOOL", "Watch the cluster for rules that compare objects (true)", &take_watches},
};

const Option* find_option(std::string_view name) {
  const auto* const found = std::find_if(
      k_options.begin(), k_options.end(), [&](const Option& it) { return it.name == name; });
  return found != k_options.end() ? found : nullptr;
}

std::string variable_of(const Option& option) {
  std::string name(k_prefix);
  for (const char c : option.name) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

using Values = std::map<std::string_view, std::string>;

/// Splits the arguments into values by option.
Values read_flags(const std::vector<std::string>& arguments, std::vector<std::string>& mistakes) {
  Values values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with("--")) {
      mistakes.push_back("\"" + argument + "\" is no flag");
      continue;
    }
    const std::size_t equals = argument.find('=');
    const Option* const option = find_option(std::string_view(argument).substr(
        2, equals == std::string::npos ? std::string::npos : equals - 2));
    if (option == nullptr) {
      mistakes.push_back("there is no flag " + argument.substr(0, equals));
    } else if (equals != std::string::npos) {
      values[option->name] = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      values[option->name] = arguments[++i];
    } else {
      mistakes.push_back(argument + " needs a value");
    }
  }
  return values;
}

}  // namespace

Result<Config> read_config(const std::vector<std::string>& arguments, const Variable& variable) {
  std::vector<std::string> mistakes;
  const Values flags = read_flags(arguments, mistakes);
  Config config;
  for (const Option& option : k_options) {
    const auto flag = flags.find(option.name);
    const auto value =
        flag != flags.end() ? std::optional(flag->second) : variable(variable_of(option));
    if (!value) {
      continue;
    }
    const std::string problem = option.take(config, *value);
    if (!problem.empty()) {
      const std::string name =
          flag != flags.end() ? "--" + std::string(option.name) : variable_of(option);
      mistakes.push_back(name + " " + problem + ", not \"" + *value + "\"");
    }
  }
  if (config.certificate_file.empty() != config.key_file.empty()) {
    mistakes.push_back("--certificate-file and --key-file go together");
  }
  // `issue` would cut it to the authority's end, and the figure that was asked for never be met.
  if (config.certificate_life > config.authority_life) {
    mistakes.push_back("--certificate-life must not be longer than --authority-life");
  }
  // All at once: in a container each attempt is another restart, later every time.
  if (!mistakes.empty()) {
    return Error::invalid_argument(fmt::format("{}", fmt::join(mistakes, "\n")))
        .with_hint("kubectl-redis-webhook --help");
  }
  return config;
}

std::string usage_text() {
  std::string text =
      "Usage: kubectl-redis-webhook [FLAGS]\n\nAnswers the API server's admission "
      "reviews of Redis Clusters. Each flag can be said as a\nvariable too: --log-level "
      "is KREDIS_WEBHOOK_LOG_LEVEL.\n\n";
  for (const Option& option : k_options) {
    text +=
        fmt::format("  {:<32}{}\n", fmt::format("--{} {}", option.name, option.value), option.help);
  }
  return text + "  --version                       Print the version\n";
}

}  // namespace kredis::webhook
