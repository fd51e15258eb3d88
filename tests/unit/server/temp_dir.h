#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace shmd::testing {

/** A directory of the test's own; removed with all that is in it. Thread: any. */
class TempDir {
  public:
    TempDir() {
        path_ = ::testing::TempDir() + "/shmd-XXXXXX";
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::string& Path() const noexcept { return path_; }

    /** @return the path of a file `name` with this text */
    std::string Write(const std::string& name, std::string_view text) const {
        const std::string path = path_ + "/" + name;
        std::ofstream{path, std::ios::binary} << text;
        return path;
    }

  private:
    std::string path_;
};

}  // namespace shmd::testing
