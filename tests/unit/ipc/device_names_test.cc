#include "ipc/device_names.h"

#include "base/unique_fd.h"
#include "tests/unit/device/temp_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace shmd::ipc {
namespace {

using Names = std::vector<std::string>;

/** SHMD_SOCKET is a socket that would be in a folder of the test. */
class DeviceNamesTest : public ::testing::Test {
  protected:
    DeviceNamesTest() { ::setenv("SHMD_SOCKET", socket_.c_str(), 1); }
    ~DeviceNamesTest() override { ::unsetenv("SHMD_SOCKET"); }

    void Write(const std::string& text) { std::ofstream{path_} << text; }
    /** As a live server does. */
    [[nodiscard]] base::UniqueFd Lock() const {
        base::UniqueFd file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
        EXPECT_EQ(::flock(file.Get(), LOCK_EX), 0);
        return file;
    }

    device::TempDir directory_;
    std::string socket_ = directory_.File("socket");
    std::string path_ = DeviceNamesPath(socket_);
};

TEST_F(DeviceNamesTest, AreThoseOfALiveServer) {
    Write("default\ntv\n");
    const base::UniqueFd lock = Lock();
    EXPECT_EQ(FindDeviceNames(), (Names{"default", "tv"}));
}

TEST_F(DeviceNamesTest, AreNoneWhenTheServerIsDead) {
    Write("default\ntv\n");
    EXPECT_EQ(FindDeviceNames(), Names{});
}

TEST_F(DeviceNamesTest, AreNoneWithoutAFile) {
    EXPECT_EQ(FindDeviceNames(), Names{});
}

TEST_F(DeviceNamesTest, AreNotReadThroughALink) {
    const std::string other = directory_.File("other");
    Write("default\n");
    const base::UniqueFd lock = Lock();
    ASSERT_EQ(::rename(path_.c_str(), other.c_str()), 0);
    ASSERT_EQ(::symlink(other.c_str(), path_.c_str()), 0);
    EXPECT_EQ(FindDeviceNames(), Names{});
}

TEST_F(DeviceNamesTest, AreNotReadFromAFifo) {
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(FindDeviceNames(), Names{});
}

TEST(DeviceNamesIn, HasTheLinesThatAreNames) {
    EXPECT_EQ(DeviceNamesIn("a\nB-2_c\nlast"), (Names{"a", "B-2_c", "last"}));
    EXPECT_EQ(DeviceNamesIn(""), Names{});
}

TEST(DeviceNamesIn, HasNoLineThatCouldBeConfiguration) {
    EXPECT_EQ(DeviceNamesIn("a\"b\nx }\n\n#1\n@func\n" + std::string(64, 'a') + "\nok\n"),
              Names{"ok"});
}

}  // namespace
}  // namespace shmd::ipc
