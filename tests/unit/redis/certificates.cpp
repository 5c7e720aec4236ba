// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/redis/certificates.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace kredis::tests {
namespace {

void run(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) {
    throw std::runtime_error("failed: " + command);
  }
}

}  // namespace

Certificates::Certificates() {
  make_ca("ca");
  make_ca("other-ca");
}

void Certificates::make_ca(const std::string& name) {
  run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" +
      name + " -keyout " + path(name + ".key") + " -out " + path(name + ".crt"));
}

void Certificates::sign(const std::string& name, const std::string& san) {
  std::ofstream(path(name + ".ext")) << "subjectAltName=" << san << "\n";
  run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
      " -keyout " + path(name + ".key") + " -out " + path(name + ".csr"));
  run("openssl x509 -req -in " + path(name + ".csr") + " -CA " + path("ca.crt") + " -CAkey " +
      path("ca.key") + " -CAcreateserial -days 2 -extfile " + path(name + ".ext") + " -out " +
      path(name + ".crt"));
}

std::string Certificates::text(const std::string& file) const {
  std::ifstream in(path(file));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace kredis::tests
