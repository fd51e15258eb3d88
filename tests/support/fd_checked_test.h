#pragma once

#include <gtest/gtest.h>
#include <filesystem>
#include <iterator>

namespace shmd::test {

/** Descriptors that this process has open. Thread: any. */
inline long OpenFdCount() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

/** A fixture after which as many descriptors must be open as before it. */
class FdCheckedTest : public ::testing::Test {
  protected:
    FdCheckedTest() : fds_before_{OpenFdCount()} {}
    // A derived fixture's members are gone by now, and with them their descriptors.
    ~FdCheckedTest() override {
        EXPECT_EQ(OpenFdCount(), fds_before_) << "descriptors have leaked";
    }

  private:
    long fds_before_;
};

}  // namespace shmd::test
