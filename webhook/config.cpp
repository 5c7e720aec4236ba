// SPDX-License-Identifier: Apache-2.0
#include "webhook/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

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

std::string variable_of(const Option& option) {
  std::string name(k_prefix);
  for (const char c : option.name) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

/// The flags, read and not yet judged: CLI11 stops at the first mistake, and all are to be told.
class Flags {
 public:
  Flags()
      : app_(
            "Answers the API server's admission reviews of Redis Clusters. A flag wins over its "
            "variable, a variable over what\nstands in brackets.") {
    app_.name("kubectl-redis-webhook");
    app_.set_help_flag();
    app_.allow_extras();
    app_.get_formatter()->column_width(34);
    for (std::size_t i = 0; i < k_options.size(); ++i) {
      const Option& option = k_options[i];
      read_[i] = app_.add_option(
          "--" + std::string(option.name), CLI::callback_t(), std::string(option.help));
      read_[i]
          ->envname(variable_of(option))
          ->type_name(std::string(option.value))
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }

  std::string help() {
    app_.add_flag("--version")
        ->description("Print the version");  // Read by main, before anything else.
    return app_.help();
  }

  /// Takes the arguments and the environment into the options.
  void read(const std::vector<std::string>& arguments, std::vector<std::string>& mistakes) {
    // CLI11 takes its arguments in reverse, and for "--flag=" the next word as the value.
    std::vector<std::string> words(arguments.rbegin(), arguments.rend());
    std::erase_if(words, [&mistakes](const std::string& word) {
      const bool lacks_value = word.starts_with("--") && word.find('=') == word.size() - 1;
      if (lacks_value) {
        mistakes.push_back(word + " needs a value");
      }
      return lacks_value;
    });
    try {
      app_.parse(words);
    } catch (const CLI::ParseError&) {
      // All that these options can lack is a value, and only the last one.
      mistakes.push_back(arguments.back() + " needs a value");
    }
    for (const std::string& word : app_.remaining()) {
      mistakes.push_back(word.starts_with("--")
                             ? "there is no flag " + word.substr(0, word.find('='))
                             : "\"" + word + "\" is no flag");
    }
  }

  /// Takes what was said into the configuration.
  void apply(Config& config, std::vector<std::string>& mistakes) const {
    for (std::size_t i = 0; i < k_options.size(); ++i) {
      if (read_[i]->count() == 0) {
        continue;
      }
      const std::string& text = read_[i]->results().back();
      if (const std::string problem = k_options[i].take(config, text); !problem.empty()) {
        mistakes.push_back(name_of(*read_[i]) + " " + problem + ", not \"" + text + "\"");
      }
    }
  }

 private:
  /// As the user said it: the flag, or where there is none the variable.
  std::string name_of(const CLI::Option& option) const {
    const auto& order = app_.parse_order();
    const bool is_flag = std::find(order.begin(), order.end(), &option) != order.end();
    return is_flag ? option.get_name() : option.get_envname();
  }

  CLI::App app_;
  std::array<CLI::Option*, k_options.size()> read_{};
};

}  // namespace

Result<Config> read_config(const std::vector<std::string>& arguments) {
  std::vector<std::string> mistakes;
  Config config;
  Flags flags;
  flags.read(arguments, mistakes);
  flags.apply(config, mistakes);
  if (config.certificate_file.empty() != config.key_file.empty()) {
    mistakes.emplace_back("--certificate-file and --key-file go together");
  }
  // `issue` would cut it to the authority's end, and the figure that was asked for never be met.
  if (config.certificate_life > config.authority_life) {
    mistakes.emplace_back("--certificate-life must not be longer than --authority-life");
  }
  // All at once: in a container each attempt is another restart, later every time.
  if (!mistakes.empty()) {
    return Error::invalid_argument(fmt::format("{}", fmt::join(mistakes, "\n")))
        .with_hint("kubectl-redis-webhook --help");
  }
  return config;
}

std::string usage_text() { return Flags().help(); }

}  // namespace kredis::webhook
