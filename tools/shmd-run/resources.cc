#include "tools/shmd-run/resources.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace shmd::run {
namespace {

namespace fs = std::filesystem;

/** The rest of a line of /proc/PID/maps from "/memfd:" on; empty: no memfd. */
std::string MemfdOf(const std::string& line) {
    const size_t start = line.find("/memfd:");
    return start == std::string::npos ? "" : line.substr(start);
}

/** The path of an established connection's socket in a line of /proc/net/unix. */
std::string ConnectedPathOf(const std::string& line) {
    constexpr std::string_view kConnected = "03";  // SS_CONNECTED, linux/net.h
    std::istringstream stream{line};
    std::string number, references, protocol, flags, type, state, inode, path;
    stream >> number >> references >> protocol >> flags >> type >> state >> inode >> path;
    return state == kConnected ? path : "";
}

std::string ReadAll(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool IsProcess(const fs::path& directory) {
    return directory.filename().string().find_first_not_of("0123456789") ==
           std::string::npos;
}

std::string NameOf(const fs::path& process) {
    const std::string name = ReadAll(process / "comm");
    return process.filename().string() + " (" + name.substr(0, name.find('\n')) + ")";
}

}  // namespace

Resources Resources::Of(pid_t pid) {
    const fs::path process = "/proc/" + std::to_string(pid);
    Resources resources;
    for (const auto& entry : fs::directory_iterator{process / "fd"}) {
        std::error_code gone;  // closed since it was listed
        const fs::path target = fs::read_symlink(entry.path(), gone);
        // Cards are opened and closed as they are used, come and go.
        if (gone || target.string().starts_with("/dev/snd/")) continue;
        ++resources.counts_["fd " + target.string()];
    }
    std::ifstream maps{process / "maps"};
    for (std::string line; std::getline(maps, line);)
        if (const std::string memfd = MemfdOf(line); !memfd.empty())
            ++resources.counts_["mapping " + memfd];
    return resources;
}

std::vector<std::string> Resources::BeyondThose(const Resources& before) const {
    std::vector<std::string> lines;
    for (const auto& [what, count] : counts_) {
        const auto found = before.counts_.find(what);
        const int more = count - (found == before.counts_.end() ? 0 : found->second);
        if (more > 0) lines.push_back(std::to_string(more) + " x " + what);
    }
    return lines;
}

size_t CountConnections(const std::string& path) {
    std::ifstream table{"/proc/net/unix"};
    size_t count = 0;
    for (std::string line; std::getline(table, line);)
        if (ConnectedPathOf(line) == path) ++count;
    return count;
}

std::vector<std::string> ProcessesWith(const std::string& variable) {
    const std::string wanted = std::string{'\0'} + variable + '\0';
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
        if (!IsProcess(entry.path())) continue;
        const std::string environment =
            std::string{'\0'} + ReadAll(entry.path() / "environ");
        if (environment.find(wanted) != std::string::npos)
            found.push_back(NameOf(entry.path()));
    }
    return found;
}

}  // namespace shmd::run
