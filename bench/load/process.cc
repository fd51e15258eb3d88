#include "bench/load/process.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace shmd::bench {
namespace {

/** The number after `key` in a file of lines "key: number"; 0 if there is none. */
uint64_t NumberIn(const std::filesystem::path& path, const std::string& key) {
    std::ifstream file{path};
    std::string line;
    while (std::getline(file, line))
        if (line.rfind(key, 0) == 0) return std::stoull(line.substr(key.size()));
    return 0;
}

}  // namespace

int64_t ProcessorNs(pid_t pid) {
    clockid_t clock{};
    timespec used{};
    if (const int error = clock_getcpuclockid(pid, &clock); error != 0)
        throw std::system_error{error, std::system_category(), "clock_getcpuclockid"};
    if (clock_gettime(clock, &used) != 0)
        throw std::system_error{errno, std::system_category(), "clock_gettime"};
    return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

uint64_t ContextSwitches(pid_t pid) {
    uint64_t sum = 0;
    std::error_code none;
    const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
    for (const auto& task : std::filesystem::directory_iterator{tasks, none})
        sum += NumberIn(task.path() / "status", "voluntary_ctxt_switches:");
    return sum;
}

uint64_t PssKib(pid_t pid) {
    return NumberIn("/proc/" + std::to_string(pid) + "/smaps_rollup", "Pss:");
}

}  // namespace shmd::bench
