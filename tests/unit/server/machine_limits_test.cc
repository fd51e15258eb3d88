#include "machine_limits.h"

#include "tests/unit/server/temp_dir.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <filesystem>

namespace shmd {
namespace {

constexpr uint64_t kMib = 1 << 20;

/** A made-up /proc and /sys. */
class Root {
  public:
    Root& Write(const std::string& path, const std::string& text) {
        std::filesystem::create_directories(
            std::filesystem::path{dir_.Path() + path}.parent_path());
        dir_.Write(path.substr(1), text);
        return *this;
    }
    [[nodiscard]] uint64_t MemoryBytes() const {
        return LookAtMachine(dir_.Path()).memory_bytes;
    }

  private:
    testing::TempDir dir_;
};

const char* const kMeminfo = "MemTotal:  2048000 kB\nMemAvailable:  1024000 kB\n";

TEST(LookAtMachine, TakesWhatIsAvailableOfTheMachine) {
    EXPECT_EQ(Root{}.Write("/proc/meminfo", kMeminfo).MemoryBytes(), 1000 * kMib);
}

TEST(LookAtMachine, TakesTheLeastOfItsControlGroupsAbove) {
    Root root;
    root.Write("/proc/meminfo", kMeminfo)
        .Write("/proc/self/cgroup", "0::/system.slice/shmd.service\n")
        .Write("/sys/fs/cgroup/system.slice/shmd.service/memory.max", "max\n")
        .Write("/sys/fs/cgroup/system.slice/memory.max", "209715200\n");
    EXPECT_EQ(root.MemoryBytes(), 200 * kMib);
}

TEST(LookAtMachine, TakesTheLimitFromWhichTheKernelSlowsDown) {
    Root root;
    root.Write("/proc/meminfo", kMeminfo)
        .Write("/proc/self/cgroup", "0::/a\n")
        .Write("/sys/fs/cgroup/a/memory.high", "104857600\n")
        .Write("/sys/fs/cgroup/a/memory.max", "209715200\n");
    EXPECT_EQ(root.MemoryBytes(), 100 * kMib);
}

TEST(LookAtMachine, KnowsTheFirstVersionOfControlGroups) {
    Root root;
    root.Write("/proc/meminfo", kMeminfo)
        .Write("/proc/self/cgroup", "5:cpu,memory:/docker/x\n3:cpuset:/\n0::/\n")
        .Write("/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "209715200\n");
    EXPECT_EQ(root.MemoryBytes(), 200 * kMib);
}

TEST(LookAtMachine, LooksAtTheTopWhereAContainerSeesItsGroupThere) {
    Root root;
    root.Write("/proc/meminfo", kMeminfo)
        .Write("/proc/self/cgroup", "4:memory:/docker/not/seen/here\n")
        .Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n");
    EXPECT_EQ(root.MemoryBytes(), 200 * kMib);
}

TEST(LookAtMachine, KnowsNoLimitWhereThereIsNothingToRead) {
    EXPECT_EQ(Root{}.MemoryBytes(), session::kUnlimited);
}

TEST(LookAtMachine, SeesThisProcess) {
    const Machine machine = LookAtMachine();
    EXPECT_GT(machine.memory_bytes, kMib);
    EXPECT_GE(machine.used_descriptors, 3U);
    EXPECT_GT(machine.used_address_bytes, kMib);
}

TEST(LimitsOn, AreHalfOfTheMemoryAndAQuarterForAUser) {
    const auto limits = LimitsOn({.memory_bytes = 200 * kMib}, {});
    EXPECT_EQ(limits.total.memory_bytes, 100 * kMib);
    EXPECT_EQ(limits.per_user.memory_bytes, 50 * kMib);
}

TEST(LimitsOn, AreWhatTheSettingsSay) {
    Settings settings;
    settings.max_clients = 7;
    settings.max_clients_per_user = 5;
    settings.max_memory_mib = 30;
    settings.max_memory_per_user_mib = 20;
    const auto limits = LimitsOn({.memory_bytes = 200 * kMib}, settings);
    EXPECT_EQ(limits.total.connections, 7U);
    EXPECT_EQ(limits.per_user.connections, 5U);
    EXPECT_EQ(limits.total.memory_bytes, 30 * kMib);
    EXPECT_EQ(limits.per_user.memory_bytes, 20 * kMib);
}

TEST(LimitsOn, KeepDescriptorsForTheServer) {
    EXPECT_EQ(
        LimitsOn({.descriptors = 1024, .used_descriptors = 24}, {}).total.descriptors,
        1024U - 24 - 192);
    EXPECT_EQ(LimitsOn({.descriptors = 64, .used_descriptors = 24}, {}).total.descriptors,
              16U);
    EXPECT_EQ(LimitsOn({}, {}).total.descriptors, session::kUnlimited);
}

TEST(LimitsOn, KeepAQuarterOfTheAddressSpaceThatIsLeft) {
    EXPECT_EQ(
        LimitsOn({.address_bytes = 500 * kMib, .used_address_bytes = 100 * kMib}, {})
            .total.mapped_bytes,
        300 * kMib);
    EXPECT_EQ(LimitsOn({}, {}).total.mapped_bytes, session::kUnlimited);
}

TEST(Describe, SaysAllLimitsInOneLine) {
    const auto limits = LimitsOn(
        {.memory_bytes = 200 * kMib, .descriptors = 1024, .used_descriptors = 32}, {});
    EXPECT_EQ(Describe(limits),
              "limits max_clients=1024 max_clients_per_user=512 max_memory_mib=100 "
              "max_memory_per_user_mib=50 descriptors=800 address_space_mib=unlimited");
}

TEST(RaiseDescriptorLimit, RaisesItAsFarAsItMay) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 256;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    RaiseDescriptorLimit();
    rlimit after{};
    ::getrlimit(RLIMIT_NOFILE, &after);
    EXPECT_EQ(after.rlim_cur, before.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace shmd
