#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace shmd::bench {

/** One set-up resampler of stereo float frames. Thread: one at a time. */
class Candidate {
  public:
    virtual ~Candidate() = default;

    struct Progress {
        size_t in_frames = 0;
        size_t out_frames = 0;
    };

    /** Take what can be taken of `in` and give what there is, interleaved stereo. */
    virtual Progress Process(std::span<const float> in, std::span<float> out) = 0;
};

/** A library at one of its qualities. */
struct CandidateKind {
    std::string name;
    std::function<std::unique_ptr<Candidate>(uint32_t in_rate_hz, uint32_t out_rate_hz)>
        make;
};

/** Those of which the library was there when this was built. */
std::vector<CandidateKind> AllCandidates();

inline constexpr uint32_t kChannels = 2;

}  // namespace shmd::bench
