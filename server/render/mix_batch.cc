#include "render/mix_batch.h"

namespace shmd::render {

void MixBatch::Add(audio::SampleFormat format, const shm::RingRuns<const std::byte>& runs,
                   float gain) noexcept {
    if (!runs.second.empty()) {
        const size_t first = runs.first.size() / audio::SampleBytes(format);
        const audio::MixInput begin{runs.first.data(), gain};
        const audio::MixInput rest{runs.second.data(), gain};
        audio::MixInputs(format, {&begin, 1}, mix_.first(first));
        return audio::MixInputs(format, {&rest, 1}, mix_.subspan(first));
    }
    if (count_ == kMost || format != format_) Flush();
    format_ = format;
    inputs_[count_++] = {runs.first.data(), gain};
}

void MixBatch::Flush() noexcept {
    if (count_ > 0) audio::MixInputs(format_, std::span{inputs_}.first(count_), mix_);
    count_ = 0;
}

}  // namespace shmd::render
