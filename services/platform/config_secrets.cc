#include "platform/config_secrets.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "platform/yaml_value.h"

namespace qc::platform {
namespace {

constexpr std::string_view kFile = "file:";
constexpr std::string_view kEnvironment = "env:";
constexpr std::size_t kSecretBytesMax = 64 << 10;  // a chain of certificates has a few thousand

Result<std::string> content_of(std::string_view what, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kSecretBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.eof() || text.size() > kSecretBytesMax) {
    return fail(Errc::config_invalid,
                std::string(what) + ": the file " + shown(path.string()) + " cannot be read, or has more than 64 kB");
  }
  return text;
}

}  // namespace

bool stands_elsewhere(std::string_view written) {
  return written.starts_with(kFile) || written.starts_with(kEnvironment);
}

Result<std::string> meant_value(std::string_view what, const std::string& written, const std::string& directory) {
  std::string value = written;
  if (written.starts_with(kFile)) {
    auto content = content_of(what, std::filesystem::path(directory) / written.substr(kFile.size()));
    if (!content) return content;
    value = std::move(*content);
  } else if (written.starts_with(kEnvironment)) {
    const std::string variable = written.substr(kEnvironment.size());
    const char* content = std::getenv(variable.c_str());
    if (content == nullptr) {
      return fail(Errc::config_invalid,
                  std::string(what) + ": there is no variable " + shown(variable) + " in the environment");
    }
    value = content;
  } else {
    return value;
  }
  while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
  return value;
}

}  // namespace qc::platform
