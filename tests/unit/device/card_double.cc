#include "tests/unit/device/card_double.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace shmd::device {

namespace {

std::string Module() {
    const char* const build = std::getenv("abs_top_builddir");
    const std::filesystem::path top = build != nullptr ? build : ".";
    return std::filesystem::absolute(
        top / "tests/support/card_double/.libs/libasound_module_pcm_shmdtest.so");
}

std::string Config(const TempDir& dir, const CardDouble::Options& options) {
    return "pcm_type.shmdtest { lib \"" + Module() + "\" }\npcm.card { type shmdtest" +
           " panel \"" + dir.File("panel") + "\" heard \"" + dir.File("heard") +
           "\" rate " + std::to_string(options.rate_hz) + " channels " +
           std::to_string(options.channels) + " format " + options.format + " }\n";
}

testing::Panel* MapPanel(const std::string& path) {
    const base::UniqueFd file{base::RequireNonNegative(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open")};
    base::RequireNonNegative(::ftruncate(file.Get(), sizeof(testing::Panel)),
                             "ftruncate");
    void* const map = ::mmap(nullptr, sizeof(testing::Panel), PROT_READ | PROT_WRITE,
                             MAP_SHARED, file.Get(), 0);
    if (map == MAP_FAILED) base::ThrowError(errno, "mmap");
    return static_cast<testing::Panel*>(map);
}

}  // namespace

CardDouble::CardDouble(const Options& options)
    : config_{Config(dir_, options)},
      rate_hz_{options.rate_hz},
      panel_{MapPanel(dir_.File("panel"))} {}

CardDouble::~CardDouble() {
    ::munmap(panel_, sizeof(testing::Panel));
}

void CardDouble::Fail(int error, uint64_t kinds, uint64_t after, uint64_t count) {
    panel_->fault_calls = 0;
    panel_->fault = static_cast<uint64_t>(error);
    panel_->fault_from = panel_->calls + after;
    panel_->fault_until = panel_->fault_from + std::min(count, UINT64_MAX / 2);
    panel_->fault_calls = kinds;
}

void CardDouble::SetTime(int64_t time_ns) {
    panel_->frame =
        static_cast<uint64_t>(base::MulDiv(time_ns, rate_hz_, base::kNsPerSecond));
    panel_->is_manual = 1;
}

std::vector<std::byte> CardDouble::Heard() const {
    std::ifstream file{dir_.File("heard"), std::ios::binary};
    const std::vector<char> text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::byte> bytes(text.size());
    std::ranges::transform(text, bytes.begin(),
                           [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

}  // namespace shmd::device
