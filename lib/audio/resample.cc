#include "audio/resample.h"

#include "audio/channel_map.h"
#include "audio/library_turn.h"
#include "base/error.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include <zita-resampler/resampler.h>
#include <zita-resampler/vresampler.h>

namespace shmd::audio {
namespace {

// The filter has twice as many taps at the lower of the two rates. Why this many:
// doc/decisions/0001-resampler.md.
constexpr uint32_t kHalfLength = 64;

// zita-resampler's exact resampler has a filter for each of its phases, at most so many.
constexpr uint32_t kMostPhases = 1000;

// Its interpolating one, for the other ratios, goes from 1/16 to 64. The ratios beyond
// take an exact stage before it, which brings all that there are (1/96 to 96) into that
// range.
constexpr uint32_t kMostDown = 16;
constexpr uint32_t kMostUp = 64;
constexpr uint32_t kFirstDown = 8;
constexpr uint32_t kFirstUp = 2;

// zita-resampler's VResampler has a filter at each of so many phases.
constexpr uint64_t kInterpolatedPhases = 256;

// Its objects, and a first stage (its filters are 64 x 8 x 9 at most): for MostBytes.
constexpr uint64_t kStageBytes = 24 * 1024;
constexpr uint64_t kFirstStageFrames = 250 + 250 + 2 * 8 * kHalfLength;

bool IsExact(uint32_t in_rate, uint32_t out_rate) noexcept {
    return out_rate / std::gcd(in_rate, out_rate) <= kMostPhases;
}

/**
 * The factor of a first stage upwards, 1 for none. It also makes two exact stages of
 * ratios like 44100 to 384000, which are cleaner at the top of the band than an
 * interpolated filter.
 */
uint32_t FirstUp(uint32_t in_rate, uint32_t out_rate) noexcept {
    for (uint32_t factor = 1; factor <= 8 && in_rate * factor <= out_rate; factor *= 2)
        if (IsExact(in_rate * factor, out_rate)) return factor;
    return out_rate > kMostUp * in_rate ? kFirstUp : 1;
}

/** One resampler of the library, whichever. */
class Stage : public MadeByLibrary {
  public:
    virtual Resampler::Progress Process(std::span<const float> in,
                                        std::span<float> out) noexcept = 0;
    /** In frames of its own input. */
    [[nodiscard]] virtual double LatencyFrames() const noexcept = 0;
    virtual void Reset() noexcept = 0;
};

struct DestroyStage {
    void operator()(Stage* stage) const noexcept {
        LibraryTurn::Destroy(std::unique_ptr<MadeByLibrary>{stage});
    }
};

using StagePtr = std::unique_ptr<Stage, DestroyStage>;

template <typename Library>
class LibraryStage final : public Stage {
  public:
    /** `setup` is what the library calls it; it returns 0 for success. */
    template <typename... Ratio>
    explicit LibraryStage(uint32_t channels, Ratio... ratio)
        : channels_{channels}, unused_(channels) {
        if (library_.setup(ratio..., channels, kHalfLength) != 0)
            base::ThrowError(EINVAL, "zita-resampler cannot do this ratio");
        LibraryStage::Reset();
    }

    Resampler::Progress Process(std::span<const float> in,
                                std::span<float> out) noexcept override {
        const auto in_frames = static_cast<uint32_t>(in.size() / channels_);
        const auto out_frames = static_cast<uint32_t>(out.size() / channels_);
        library_.inp_count = in_frames;
        library_.out_count = out_frames;
        // The library only reads there, but says so nowhere.
        library_.inp_data = const_cast<float*>(in.data());
        library_.out_data = out.data();
        library_.process();
        return {in_frames - library_.inp_count, out_frames - library_.out_count};
    }

    [[nodiscard]] double LatencyFrames() const noexcept override {
        return library_.inpsize() / 2.0;
    }

    void Reset() noexcept override {
        library_.reset();
        // One frame short of a full filter: the first frame of input gives output.
        // No input data means silence, and none of it can come out yet.
        library_.inp_count = static_cast<uint32_t>(library_.inpsize() - 1);
        library_.out_count = 1;
        library_.inp_data = nullptr;
        library_.out_data = unused_.data();
        library_.process();
        assert(library_.inp_count == 0 && library_.out_count == 1);
    }

  private:
    Library library_;
    uint32_t channels_;
    std::vector<float> unused_;
};

template <typename Library, typename... Ratio>
StagePtr MakeLibraryStage(uint32_t channels, Ratio... ratio) {
    return StagePtr{
        std::make_unique<LibraryStage<Library>>(channels, ratio...).release()};
}

/** @pre it is this thread's turn */
StagePtr MakeStage(uint32_t in_rate, uint32_t out_rate, uint32_t channels) {
    if (IsExact(in_rate, out_rate))
        return MakeLibraryStage<::Resampler>(channels, in_rate, out_rate);
    // Its other one interpolates filters, at a ratio that is a double: off by less than
    // 2^-53, a frame in thousands of years.
    const double ratio = static_cast<double>(out_rate) / in_rate;
    return MakeLibraryStage<::VResampler>(channels, ratio);
}

void RequireInRange(uint32_t value, uint32_t least, uint32_t most, const char* what) {
    if (value < least || value > most) base::ThrowError(EINVAL, what);
}

}  // namespace

struct Resampler::State {
    uint32_t channels;
    StagePtr first;          // null if one stage is enough
    double first_ratio = 1;  // frames in for one frame out
    StagePtr main;
    std::vector<float> between;  // one frame: the first stage must not read ahead
    bool between_full = false;

    void MakeStages(uint32_t in_rate_hz, uint32_t out_rate_hz);
    Progress ProcessBoth(std::span<const float> in, std::span<float> out) noexcept;
    uint32_t FillBetween(std::span<const float> in) noexcept;
};

void Resampler::State::MakeStages(uint32_t in_rate_hz, uint32_t out_rate_hz) {
    if (in_rate_hz > kMostDown * out_rate_hz) {
        first = MakeStage(kFirstDown, 1, channels);
        first_ratio = kFirstDown;
        // The output's rate times 8, not the input's by 8, which may be no whole number.
        out_rate_hz *= kFirstDown;
    } else if (const uint32_t up = FirstUp(in_rate_hz, out_rate_hz); up > 1) {
        first = MakeStage(1, up, channels);
        first_ratio = 1.0 / up;
        in_rate_hz *= up;
    }
    main = MakeStage(in_rate_hz, out_rate_hz, channels);
}

/** @return the frames taken of `in` */
uint32_t Resampler::State::FillBetween(std::span<const float> in) noexcept {
    if (between_full) return 0;
    const Progress step = first->Process(in, between);
    between_full = step.out_frames == 1;
    return step.in_frames;
}

Resampler::Progress Resampler::State::ProcessBoth(std::span<const float> in,
                                                  std::span<float> out) noexcept {
    Progress done;
    while (!out.empty()) {
        const uint32_t taken = FillBetween(in);
        in = in.subspan(size_t{taken} * channels);
        done.in_frames += taken;
        if (!between_full) break;
        const Progress step = main->Process(between, out);
        between_full = step.in_frames == 0;
        out = out.subspan(size_t{step.out_frames} * channels);
        done.out_frames += step.out_frames;
    }
    return done;
}

uint64_t Resampler::MostBytes(uint32_t in_rate_hz, uint32_t out_rate_hz,
                              uint32_t channels) noexcept {
    if (in_rate_hz == out_rate_hz) return 0;
    if (in_rate_hz > kMostDown * out_rate_hz) out_rate_hz *= kFirstDown;
    const uint64_t phases =
        std::min(out_rate_hz / std::gcd(in_rate_hz, out_rate_hz), kMostPhases);
    const uint64_t down = std::max(1U, (in_rate_hz + out_rate_hz - 1) / out_rate_hz);
    const uint64_t half_length = kHalfLength * down;
    const uint64_t filters = half_length * (std::max(phases, kInterpolatedPhases) + 1);
    // The library's input: a filter's length and 250 frames. The first stage's has its
    // own.
    const uint64_t input = uint64_t{channels} * (2 * half_length + kFirstStageFrames);
    return sizeof(float) * (filters + input) + kStageBytes;
}

Resampler::Resampler(uint32_t in_rate_hz, uint32_t out_rate_hz, uint32_t channels) {
    RequireInRange(in_rate_hz, kRateMinHz, kRateMaxHz, "resampler: input rate");
    RequireInRange(out_rate_hz, kRateMinHz, kRateMaxHz, "resampler: output rate");
    RequireInRange(channels, 1, kMaxChannels, "resampler: channels");
    state_ = std::make_unique<State>();
    state_->channels = channels;
    state_->between.resize(channels);
    const LibraryTurn turn;
    turn.RequireMemory(MostBytes(in_rate_hz, out_rate_hz, channels));
    state_->MakeStages(in_rate_hz, out_rate_hz);
}

Resampler::Resampler(Resampler&& other) noexcept = default;
Resampler& Resampler::operator=(Resampler&& other) noexcept = default;
Resampler::~Resampler() = default;

Resampler::Progress Resampler::Process(std::span<const float> in,
                                       std::span<float> out) noexcept {
    assert(in.size() % state_->channels == 0 && out.size() % state_->channels == 0);
    if (state_->first != nullptr) return state_->ProcessBoth(in, out);
    return state_->main->Process(in, out);
}

double Resampler::LatencyFrames() const noexcept {
    const double main = state_->main->LatencyFrames() * state_->first_ratio;
    return state_->first == nullptr ? main : state_->first->LatencyFrames() + main;
}

void Resampler::Reset() noexcept {
    if (state_->first != nullptr) state_->first->Reset();
    state_->main->Reset();
    state_->between_full = false;
}

std::shared_ptr<Resampler> MakeResampler(uint32_t in_rate_hz, uint32_t out_rate_hz,
                                         uint32_t channels) {
    if (in_rate_hz == out_rate_hz) return nullptr;
    return std::make_shared<Resampler>(in_rate_hz, out_rate_hz, channels);
}

}  // namespace shmd::audio
