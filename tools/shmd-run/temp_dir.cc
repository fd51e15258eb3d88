#include "tools/shmd-run/temp_dir.h"

#include <sys/un.h>
#include <algorithm>
#include <cassert>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace shmd::run {
namespace {

constexpr std::string_view kTemplate = "/shmd-run-XXXXXX";

bool IsPlain(std::string_view path) {
    return std::all_of(path.begin(), path.end(), [](char character) {
        return std::isalnum(static_cast<unsigned char>(character)) != 0 ||
               std::string_view{"/._-+,@%"}.find(character) != std::string_view::npos;
    });
}

bool IsUsable(std::string_view parent) {
    // The zero that ends the address, and the slash before the name.
    constexpr size_t kRest = kTemplate.size() + 1 + TempDir::kLongestName + 1;
    return parent.starts_with('/') && IsPlain(parent) &&
           parent.size() + kRest <= sizeof(sockaddr_un{}.sun_path);
}

/** The new directory in `parent`, or nothing. */
std::string TryMakeIn(const char* parent) {
    if (parent == nullptr || !IsUsable(parent)) return "";
    std::string path = std::string{parent} + std::string{kTemplate};
    return mkdtemp(path.data()) == nullptr ? "" : path;
}

}  // namespace

TempDir::TempDir() {
    for (const char* parent : {static_cast<const char*>(std::getenv("XDG_RUNTIME_DIR")),
                               static_cast<const char*>(std::getenv("TMPDIR")), "/tmp"}) {
        path_ = TryMakeIn(parent);
        if (!path_.empty()) return;
    }
    throw std::runtime_error(
        "cannot make a directory in XDG_RUNTIME_DIR, TMPDIR or /tmp (short names without "
        "spaces are needed)");
}

TempDir::~TempDir() {
    std::error_code ignored;  // nobody is left who could act on it
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::PathOf(const std::string& name) const {
    assert(name.size() <= kLongestName);
    return path_ + "/" + name;
}

}  // namespace shmd::run
