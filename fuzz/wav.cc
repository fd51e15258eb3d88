// A file that a virtual device captures: any file is read or refused.

#include "device/wav_format.h"
#include "device/wav_source.h"
#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "wire/limits.h"

#include <cstring>
#include <stdexcept>
#include <vector>

namespace shmd::fuzz {

namespace {

// Where a WAV file says its rate: a source wants the file's own.
constexpr size_t kRateOffset = 24;

uint32_t RateOf(std::span<const std::byte> file) {
    uint32_t rate_hz = 48000;
    if (file.size() >= kRateOffset + sizeof rate_hz)
        std::memcpy(&rate_hz, file.data() + kRateOffset, sizeof rate_hz);
    return rate_hz;
}

void CheckSource(const std::string& path, uint32_t rate_hz) {
    device::WavSource source{path, rate_hz};
    const auto& format = source.Format();
    Require(source.Frames() > 0 && format.channels >= 1 &&
                format.channels <= wire::kMaxChannels,
            "a file that is played has frames and channels");
    // Once around, and some more.
    const size_t frame_bytes = format.FrameBytes();
    std::vector<std::byte> block(97 * frame_bytes);
    for (int blocks = 0; blocks < 8; ++blocks)
        source.Read(block);
    std::vector<std::byte> wav(97 * format.channels *
                               device::WavSampleBytes(format.sample));
    device::ConvertToWav(format.sample, block, wav);
}

int Run(Input input) {
    const auto bytes = input.TakeBytes(1 << 20);
    const MemoryFile file{bytes};
    try {
        CheckSource(file.Path(), RateOf(bytes));
    } catch (const std::runtime_error&) {
    }
    return 0;
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return shmd::fuzz::Run({data, size});
}
