// Times the server's own mixing loops, a stream and stereo frame: see bench/run.

#include "audio/convert.h"
#include "audio/mix.h"

#include <benchmark/benchmark.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

namespace {

using shmd::audio::MixInput;
using shmd::audio::SampleFormat;

constexpr size_t kFrames = 128;  // a cycle: 32 streams of it are in any processor's cache
constexpr size_t kSamples = 2 * kFrames;
// As many at once as the server adds (render/mix_batch.h).
constexpr size_t kAtOnce = 16;

/** Streams of noise, each in memory of its own, as rings are. */
class Streams {
  public:
    Streams(SampleFormat format, size_t count) : samples_(count) {
        std::mt19937 random{1};
        std::uniform_real_distribution<float> quiet{-0.001F, 0.001F};
        std::vector<float> noise(kSamples);
        for (auto& stream : samples_) {
            for (auto& sample : noise)
                sample = quiet(random);
            stream.resize(kSamples * shmd::audio::SampleBytes(format));
            shmd::audio::FromFloat(format, noise, stream);
            inputs_.push_back({.samples = stream.data(), .gain = 1.0F});
        }
    }

    [[nodiscard]] std::span<const MixInput> Inputs() const noexcept { return inputs_; }

  private:
    std::vector<std::vector<std::byte>> samples_;
    std::vector<MixInput> inputs_;
};

/** Of one of `streams`, one frame: what "real_time" is to be multiplied with. */
void Count(benchmark::State& state, size_t streams) {
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(streams * kFrames));
}

/** What Renderer::Mix does: clear, add all, and store in the device's format. */
void Mix(benchmark::State& state, SampleFormat format) {
    const Streams streams{format, static_cast<size_t>(state.range(0))};
    std::vector<float> mix(kSamples);
    std::vector<std::byte> out(kSamples * shmd::audio::SampleBytes(format));
    for ([[maybe_unused]] auto turn : state) {
        std::ranges::fill(mix, 0.0F);
        const auto all = streams.Inputs();
        for (size_t i = 0; i < all.size(); i += kAtOnce)
            shmd::audio::MixInputs(
                format, all.subspan(i, std::min(kAtOnce, all.size() - i)), mix);
        shmd::audio::FromFloat(format, mix, out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    Count(state, streams.Inputs().size());
}

/** A copy of each stream's bytes: the least that reading and writing them takes. */
void Copy(benchmark::State& state, SampleFormat format) {
    const Streams streams{format, static_cast<size_t>(state.range(0))};
    std::vector<std::byte> out(kSamples * shmd::audio::SampleBytes(format));
    for ([[maybe_unused]] auto turn : state) {
        for (const auto& input : streams.Inputs()) {
            std::memcpy(out.data(), input.samples, out.size());
            benchmark::DoNotOptimize(out.data());
            benchmark::ClobberMemory();
        }
    }
    Count(state, streams.Inputs().size());
}

void Register(const char* name, void (*run)(benchmark::State&, SampleFormat),
              SampleFormat format) {
    auto* made = benchmark::RegisterBenchmark(name, run, format);
    for (const int streams : {1, 2, 8, 32, 128, 512})
        made->Arg(streams);
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    Register("shmd/FLOAT", Mix, SampleFormat::kFloatLe);
    Register("shmd/S16", Mix, SampleFormat::kS16Le);
    Register("memcpy/FLOAT", Copy, SampleFormat::kFloatLe);
    Register("memcpy/S16", Copy, SampleFormat::kS16Le);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
