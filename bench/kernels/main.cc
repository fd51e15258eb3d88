// Times the server's own mixing loops, a stream and stereo frame: see bench/run.

#include "audio/convert.h"
#include "bench/kernels/dmix_mixer.h"
#include "render/block_mix.h"
#ifdef HAVE_SPA
#include "bench/kernels/spa_mixer.h"
#endif

#include <benchmark/benchmark.h>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

namespace {

using shmd::audio::MixInput;
using shmd::audio::SampleFormat;

constexpr size_t kFrames = 128;  // a cycle: 32 streams of it are in any processor's cache
constexpr size_t kSamples = 2 * kFrames;

/** Streams of noise, each in memory of its own and at a whole line of the cache, as whole
 * periods of a ring are. */
class Streams {
  public:
    Streams(SampleFormat format, size_t count) : lines_(count) {
        std::mt19937 random{1};
        std::uniform_real_distribution<float> quiet{-0.001F, 0.001F};
        std::vector<float> noise(kSamples);
        const size_t bytes = kSamples * shmd::audio::SampleBytes(format);
        for (auto& lines : lines_) {
            for (auto& sample : noise)
                sample = quiet(random);
            lines.resize(bytes / sizeof(Line));
            const std::span stream{lines.front().data(), bytes};
            shmd::audio::FromFloat(format, noise, stream);
            inputs_.push_back({.samples = stream.data(), .gain = 1.0F});
        }
    }

    [[nodiscard]] std::span<const MixInput> Inputs() const noexcept { return inputs_; }

  private:
    struct alignas(64) Line : std::array<std::byte, 64> {};

    std::vector<std::vector<Line>> lines_;
    std::vector<MixInput> inputs_;
};

/** Of one of `streams`, one frame: what "real_time" is to be multiplied with. */
void Count(benchmark::State& state, size_t streams) {
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(streams * kFrames));
}

/** What the renderer does, for a device of the same format. */
void Mix(benchmark::State& state, SampleFormat format) {
    const Streams streams{format, static_cast<size_t>(state.range(0))};
    shmd::render::BlockMix mix{kSamples};
    std::vector<std::byte> out(kSamples * shmd::audio::SampleBytes(format));
    for ([[maybe_unused]] auto turn : state) {
        mix.Begin(kSamples);
        for (const MixInput& input : streams.Inputs())
            mix.Add(format, {{input.samples, out.size()}, {}}, input.gain);
        mix.Store(format, out);
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

/** The S16 samples that `input` is made of. */
std::span<const int16_t> Samples(const MixInput& input) {
    return {reinterpret_cast<const int16_t*>(input.samples), kSamples};
}

/** dmix's clients add their streams one after the other, to what the last one left. */
void MixByDmix(benchmark::State& state, const char* library) {
    const Streams streams{SampleFormat::kS16Le, static_cast<size_t>(state.range(0))};
    shmd::bench::DmixMixer mixer{library, kSamples};
    for ([[maybe_unused]] auto turn : state) {
        mixer.Clear();
        for (const MixInput& input : streams.Inputs())
            mixer.Add(Samples(input));
        benchmark::ClobberMemory();
    }
    Count(state, streams.Inputs().size());
}

/** Whether it mixes two streams as it should. Errors: std::runtime_error. */
void RequireDmix(const char* library) {
    shmd::bench::DmixMixer mixer{library, kSamples};
    const Streams streams{SampleFormat::kS16Le, 2};
    const auto one = Samples(streams.Inputs()[0]);
    const auto other = Samples(streams.Inputs()[1]);
    mixer.Clear();
    mixer.Add(one);
    mixer.Add(other);
    for (size_t i = 0; i < kSamples; ++i)
        if (mixer.Mixed()[i] != one[i] + other[i])
            throw std::runtime_error{"it mixed something else"};
}

/** dmix's own loop, if it was compiled. */
void RegisterDmix() {
    const char* library = std::getenv("DMIX_LOOP");
    if (library == nullptr) return;
    try {
        RequireDmix(library);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "dmix's loop is left out: %s\n", error.what());
        return;
    }
    auto* made = benchmark::RegisterBenchmark("dmix/S16", MixByDmix, library);
    for (const int streams : {1, 2, 8, 32, 128})
        made->Arg(streams);
}

#ifdef HAVE_SPA
/** Two channels, each mixed by itself: PipeWire's streams are one channel each. */
void MixBySpa(benchmark::State& state, const char* plugin_dir) {
    const auto streams = static_cast<size_t>(state.range(0));
    shmd::bench::SpaMixer left{plugin_dir, streams, kFrames};
    shmd::bench::SpaMixer right{plugin_dir, streams, kFrames};
    for ([[maybe_unused]] auto turn : state) {
        benchmark::DoNotOptimize(left.Process());
        benchmark::DoNotOptimize(right.Process());
        benchmark::ClobberMemory();
    }
    Count(state, streams);
}

/** One processor's loops of the plugin that is there, if one is. */
void RegisterSpa() {
    const char* plugin_dir = std::getenv("SPA_PLUGIN_DIR");
    if (plugin_dir == nullptr) return;
    try {
        const float mixed = shmd::bench::SpaMixer{plugin_dir, 2, kFrames}.Process()[0];
        if (mixed != 2 * shmd::bench::SpaMixer::kSample)
            throw std::runtime_error{"it mixed something else"};
    } catch (const std::exception& error) {
        std::fprintf(stderr, "PipeWire's mixer is left out: %s\n", error.what());
        return;
    }
    auto* made = benchmark::RegisterBenchmark("pipewire/FLOAT", MixBySpa, plugin_dir);
    for (const int streams : {2, 8, 32, 128})
        made->Arg(streams);
}
#else
void RegisterSpa() {
    if (std::getenv("SPA_PLUGIN_DIR") != nullptr)
        std::fputs("PipeWire's mixer is left out: configure found no libspa-0.2-dev\n",
                   stderr);
}
#endif

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
    RegisterDmix();
    RegisterSpa();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
