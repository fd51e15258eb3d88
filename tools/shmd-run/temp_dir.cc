#include "tools/shmd-run/temp_dir.h"

#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace shmd::run {

namespace fs = std::filesystem;

namespace {

constexpr auto kSearchable =
    fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec;
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

/** Whether all users may look up names in `folder` and in all folders above it. */
bool IsOpenToAll(const fs::path& folder) {
    std::error_code error;
    fs::path path = fs::canonical(folder, error);
    while (!error && path.has_relative_path()) {
        const fs::perms may = fs::status(path, error).permissions();
        if (error || (may & fs::perms::others_exec) == fs::perms::none) return false;
        path = path.parent_path();
    }
    return !error;
}

/** The new directory in `parent`, or nothing. */
std::string TryMakeIn(const char* parent) {
    if (parent == nullptr || !IsUsable(parent)) return "";
    std::string path = std::string{parent} + std::string{kTemplate};
    return mkdtemp(path.data()) == nullptr ? "" : path;
}

}  // namespace

TempDir::TempDir() : is_shared_{geteuid() == 0} {
    const std::array<const char*, 3> parents{std::getenv("XDG_RUNTIME_DIR"),
                                             std::getenv("TMPDIR"), "/tmp"};
    for (const bool may_be_closed : {false, true}) {
        for (const char* parent : parents) {
            const bool is_fit = !is_shared_ || may_be_closed ||
                                (parent != nullptr && IsOpenToAll(parent));
            path_ = is_fit ? TryMakeIn(parent) : "";
            if (path_.empty()) continue;
            Share("", kSearchable);
            return;
        }
    }
    throw std::runtime_error(
        "cannot make a directory in XDG_RUNTIME_DIR, TMPDIR or /tmp (short names without "
        "spaces are needed)");
}

TempDir::~TempDir() {
    std::error_code ignored;  // nobody is left who could act on it
    fs::remove_all(path_, ignored);
}

void TempDir::Share(const std::string& name, fs::perms mode) const {
    if (is_shared_) fs::permissions(name.empty() ? path_ : PathOf(name), mode);
}

std::string TempDir::PathOf(const std::string& name) const {
    assert(name.size() <= kLongestName);
    return path_ + "/" + name;
}

}  // namespace shmd::run
