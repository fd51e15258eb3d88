#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace shmd::audio {

inline constexpr uint32_t kRateMinHz = 4000;
inline constexpr uint32_t kRateMaxHz = 384000;

/**
 * Changes the rate of interleaved frames by the exact ratio of two whole rates.
 *
 * It starts primed with silence, so it keeps pace from the first frame on: to give n
 * frames since Reset it takes at most ceil(n * in_rate / out_rate) + 1 frames, fed in
 * blocks of any size. What comes out is late by LatencyFrames().
 *
 * Thread: one at a time.
 */
class Resampler {
  public:
    /**
     * @param in_rate_hz   kRateMinHz to kRateMaxHz
     * @param out_rate_hz  kRateMinHz to kRateMaxHz
     * @param channels     1 to kMaxChannels
     *
     * It may compute a table, which takes up to tens of milliseconds. It waits while
     * threads that came before it do so, one table each.
     *
     * Realtime: no.  Errors: std::system_error EINVAL for what is out of range;
     * std::bad_alloc.
     */
    Resampler(uint32_t in_rate_hz, uint32_t out_rate_hz, uint32_t channels);

    /**
     * The most memory that one takes: its filters, which it may share with others of the
     * same ratio, and its input. Nothing for equal rates, which need none.
     * Ranges as above.  Realtime: no.  Errors: none.
     */
    static uint64_t MostBytes(uint32_t in_rate_hz, uint32_t out_rate_hz,
                              uint32_t channels) noexcept;
    Resampler(Resampler&& other) noexcept;
    Resampler& operator=(Resampler&& other) noexcept;
    /** Never waits for another thread that makes one. Realtime: no. */
    ~Resampler();

    /** What one Process call took and gave, in frames. */
    struct Progress {
        uint32_t in_frames = 0;
        uint32_t out_frames = 0;
    };

    /**
     * Run until `in` is used up or `out` is full.
     *
     * @param in   interleaved, a whole number of frames; may be empty
     * @param out  interleaved, a whole number of frames; does not alias `in`
     *
     * Realtime: yes.  Errors: none.
     */
    Progress Process(std::span<const float> in, std::span<float> out) noexcept;

    /** The group delay, in input frames. Realtime: yes. */
    [[nodiscard]] double LatencyFrames() const noexcept;

    /** Forget all input and be primed with silence again. Realtime: yes. */
    void Reset() noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/**
 * A resampler that several streams may use one after another; null for equal rates, which
 * need none. Arguments and errors as Resampler's.  Realtime: no.
 */
[[nodiscard]] std::shared_ptr<Resampler> MakeResampler(uint32_t in_rate_hz,
                                                       uint32_t out_rate_hz,
                                                       uint32_t channels);

}  // namespace shmd::audio
