// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/flags.hpp"

#include <algorithm>
#include <iterator>

namespace kredis::plugin {

Flag add_cluster(Verb& verb, ClusterWish& wish) {
  Flag name = verb.positional("NAME", wish.name, "Name of the cluster, or of one of its workloads");
  add_selector(verb, wish.selector, name);
  add_access(verb, wish.access);
  return name;
}

Flag add_selector(Verb& verb, std::string& selector, const Flag& name) {
  return verb.option("-l,--selector", selector, "Labels of the pods, instead of a NAME")
      .excludes(name);
}

void add_access(Verb& verb, observe::RedisAccess& access) {
  verb.option("--auth-secret", access.auth_secret, "Secret with the password");
  verb.option("--tls-secret", access.tls_secret, "Secret with ca.crt, tls.crt and tls.key");
}

Flag add_timeout(Verb& verb, std::chrono::milliseconds& timeout, const std::string& about) {
  return verb.option("--timeout", timeout, about);
}

Flag add_output(Verb& verb, Output& output, const std::vector<Output>& printable) {
  static const Choices<Output> k_all = {{"text", Output::text},
                                        {"wide", Output::wide},
                                        {"json", Output::json},
                                        {"yaml", Output::yaml},
                                        {"name", Output::name},
                                        {"prometheus", Output::prometheus}};
  Choices<Output> choices;
  std::ranges::copy_if(k_all, std::back_inserter(choices), [&](const auto& choice) {
    return std::ranges::find(printable, choice.second) != printable.end();
  });
  return verb.choice("-o,--output", output, choices, "How it is printed");
}

Flag add_dry_run(Verb& verb, DryRun& dry_run, const std::string& about) {
  const Choices<DryRun> choices = {
      {"none", DryRun::none}, {"client", DryRun::client}, {"server", DryRun::server}};
  return verb.choice("--dry-run", dry_run, choices, about).alone_means("client");
}

const Choices<manifest::Layout>& layouts() {
  static const Choices<manifest::Layout> k_layouts = {
      {"statefulset", manifest::Layout::statefulset}, {"deployment", manifest::Layout::deployment}};
  return k_layouts;
}

Flag add_yes(Verb& verb, bool& yes) { return verb.flag("-y,--yes", yes, "Do not ask"); }

}  // namespace kredis::plugin
