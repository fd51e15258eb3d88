#include "machine_limits.h"

#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace shmd {

namespace {

using session::kUnlimited;

constexpr uint64_t kKib = 1024;
constexpr uint64_t kMib = kKib * 1024;

// Descriptors for the server's own needs: cards and their mixers, files, messages that
// are on their way in (server.cc: kReceiveBuffers), connections about to be refused.
constexpr uint64_t kReservedDescriptors = 192;
// However few there are: a server without clients is of no use.
constexpr uint64_t kLeastDescriptors = 16;

// Of 32 bits the kernel keeps a quarter (on a 64-bit one: nothing), libraries have some.
constexpr uint64_t kAddressableBytes =
    sizeof(void*) == 4 ? uint64_t{3} << 30 : kUnlimited;

/** The first word of a file, as a number; nothing if there is none ("max"). */
std::optional<uint64_t> FindNumber(const std::string& path) {
    uint64_t value = 0;
    std::ifstream file{path};
    if (file >> value) return value;
    return {};
}

/** The least limit of a control group and of those above it. */
uint64_t GroupLimit(const std::string& hierarchy, const std::string& group,
                    std::initializer_list<const char*> files) {
    uint64_t least = kUnlimited;
    for (std::filesystem::path path = group;; path = path.parent_path()) {
        for (const char* const file : files)
            least = std::min(
                least,
                FindNumber(hierarchy + path.string() + "/" + file).value_or(kUnlimited));
        if (path == path.parent_path()) return least;
    }
}

/** What the process's control groups allow: a line is number:controllers:path. */
uint64_t GroupMemory(const std::string& root) {
    uint64_t least = kUnlimited;
    std::ifstream groups{root + "/proc/self/cgroup"};
    for (std::string line; std::getline(groups, line);) {
        std::istringstream fields{line};
        std::string number;
        std::string controllers;
        std::string group;
        std::getline(fields, number, ':');
        std::getline(fields, controllers, ':');
        std::getline(fields, group);
        const std::string mount = root + "/sys/fs/cgroup";
        if (controllers.empty())
            for (const char* const below : {"", "/unified"})
                least = std::min(least, GroupLimit(mount + below, group,
                                                   {"memory.max", "memory.high"}));
        else if (("," + controllers + ",").find(",memory,") != std::string::npos)
            least = std::min(
                least, GroupLimit(mount + "/memory", group, {"memory.limit_in_bytes"}));
    }
    return least;
}

uint64_t AvailableMemory(const std::string& root) {
    std::ifstream file{root + "/proc/meminfo"};
    for (std::string name; file >> name;) {
        uint64_t kib = 0;
        if (name == "MemAvailable:" && file >> kib) return kib * kKib;
        std::getline(file, name);
    }
    return kUnlimited;
}

uint64_t LimitOf(__rlimit_resource resource) noexcept {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return kUnlimited;
    return limit.rlim_cur;
}

uint64_t CountEntries(const std::string& folder) {
    std::error_code error;
    uint64_t count = 0;
    for (std::filesystem::directory_iterator entry{folder, error}, end;
         !error && entry != end; entry.increment(error))
        ++count;
    return count;
}

uint64_t Less(uint64_t amount, uint64_t used) noexcept {
    return amount == kUnlimited ? kUnlimited : amount - std::min(amount, used);
}

std::string ShowMib(uint64_t bytes) {
    return bytes == kUnlimited ? "unlimited" : std::to_string(bytes / kMib);
}

}  // namespace

void RaiseDescriptorLimit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

Machine LookAtMachine(const std::string& root) {
    const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    return {.memory_bytes = std::min(AvailableMemory(root), GroupMemory(root)),
            .descriptors = LimitOf(RLIMIT_NOFILE),
            .address_bytes = std::min(kAddressableBytes, LimitOf(RLIMIT_AS)),
            .used_descriptors = CountEntries("/proc/self/fd"),
            .used_address_bytes = FindNumber("/proc/self/statm").value_or(0) * page};
}

session::Accounts::Limits LimitsOn(const Machine& machine, const Settings& settings) {
    session::Accounts::Limits limits;
    limits.total.connections = settings.max_clients;
    limits.per_user.connections = settings.max_clients_per_user;
    limits.total.descriptors = std::max(
        kLeastDescriptors,
        Less(machine.descriptors, machine.used_descriptors + kReservedDescriptors));
    // The rest is for the kernel's side of the sockets, and for everything else that
    // runs.
    const uint64_t half = machine.memory_bytes / 2;
    limits.total.memory_bytes =
        settings.max_memory_mib > 0 ? settings.max_memory_mib * kMib : half;
    limits.per_user.memory_bytes = settings.max_memory_per_user_mib > 0
                                       ? settings.max_memory_per_user_mib * kMib
                                       : limits.total.memory_bytes / 2;
    // A quarter stays free for threads, devices and the heap.
    const uint64_t address_bytes =
        Less(machine.address_bytes, machine.used_address_bytes);
    limits.total.mapped_bytes =
        address_bytes == kUnlimited ? kUnlimited : address_bytes / 4 * 3;
    return limits;
}

std::string Describe(const session::Accounts::Limits& limits) {
    return "limits max_clients=" + std::to_string(limits.total.connections) +
           " max_clients_per_user=" + std::to_string(limits.per_user.connections) +
           " max_memory_mib=" + ShowMib(limits.total.memory_bytes) +
           " max_memory_per_user_mib=" + ShowMib(limits.per_user.memory_bytes) +
           " descriptors=" +
           (limits.total.descriptors == kUnlimited
                ? "unlimited"
                : std::to_string(limits.total.descriptors)) +
           " address_space_mib=" + ShowMib(limits.total.mapped_bytes);
}

}  // namespace shmd
