#include "device/wav_sink.h"

#include "base/error.h"
#include "device/wav_format.h"

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace shmd::device {

namespace {

constexpr size_t kFifoSeconds = 4;
constexpr size_t kLeastFifoBytes = size_t{1} << 20;
constexpr size_t kMostFifoBytes = size_t{256} << 20;

/** One write(2) of the file; at least a frame of 32 doubles. */
constexpr size_t kStagingBytes = 65536;

base::UniqueFd Create(const std::string& path) {
    // Not sf_open: that forgets O_CLOEXEC and hides errno. The mode is the umask's to
    // narrow. O_NONBLOCK: opening a FIFO must not wait for a reader; it changes nothing
    // for files.
    constexpr int kFlags =
        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    base::UniqueFd fd{::open(path.c_str(), kFlags, 0666)};
    if (!fd) base::ThrowErrno(("cannot write the WAV file \"" + path + "\"").c_str());
    return fd;
}

SndFile OpenOn(int fd, const std::string& path, const audio::StreamFormat& format) {
    SF_INFO info{};
    info.samplerate = static_cast<int>(format.rate_hz);
    info.channels = static_cast<int>(format.channels);
    info.format = (format.channels > 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV) |
                  WavSubtype(format.sample);
    SndFile file{::sf_open_fd(fd, SFM_WRITE, &info, SF_FALSE)};
    if (!file)
        throw std::runtime_error{"cannot write the WAV file \"" + path +
                                 "\": " + ::sf_strerror(nullptr)};
    // Raw writes do not work out a peak, so a PEAK chunk would lie.
    ::sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
    ::sf_command(file.get(), SFC_UPDATE_HEADER_NOW, nullptr, 0);
    return file;
}

size_t WholeFrames(size_t bytes, size_t frame_bytes) {
    return (bytes + frame_bytes - 1) / frame_bytes * frame_bytes;
}

}  // namespace

size_t WavSink::CapacityFor(const audio::StreamFormat& format) noexcept {
    const uint64_t wanted = uint64_t{kFifoSeconds} * format.rate_hz * format.FrameBytes();
    return static_cast<size_t>(
        std::clamp<uint64_t>(wanted, kLeastFifoBytes, kMostFifoBytes));
}

WavSink::WavSink(const std::string& path, const audio::StreamFormat& format,
                 size_t capacity_bytes, uint64_t most_data_bytes)
    : path_{path},
      format_{format},
      most_data_bytes_{most_data_bytes},
      // Whole frames, so that the FIFO's end never parts one.
      fifo_{WholeFrames(capacity_bytes, format.FrameBytes())},
      staging_(kStagingBytes),
      fd_{Create(path)},
      file_{OpenOn(fd_.Get(), path, format)} {}

WavSink::~WavSink() {
    Drain();
}

void WavSink::Drain() noexcept {
    // Only what is there now: a producer that is fast must not hold the loop here.
    size_t pending = fifo_.ReadableBytes();
    const bool had_data = pending > 0 && fault_ == Fault::kNone;
    const size_t chunk = kStagingBytes / format_.FrameBytes() * format_.FrameBytes();
    while (pending > 0) {
        const auto front = fifo_.Front();
        const auto frames = front.first(std::min({front.size(), pending, chunk}));
        if (fault_ == Fault::kNone) Write(frames);
        fifo_.Discard(frames.size());
        pending -= frames.size();
    }
    // After a fault too: what did get into the file is to be readable.
    if (had_data) ::sf_command(file_.get(), SFC_UPDATE_HEADER_NOW, nullptr, 0);
}

void WavSink::Write(std::span<const std::byte> frames) noexcept {
    auto data = ToFileLayout(frames);
    const uint64_t room = most_data_bytes_ - data_bytes_;
    if (data.size() > room) {
        fault_ = Fault::kTooLong;
        const size_t frame = size_t{WavSampleBytes(format_.sample)} * format_.channels;
        data = data.first(static_cast<size_t>(room) / frame * frame);
    }
    errno = 0;
    const sf_count_t size = static_cast<sf_count_t>(data.size());
    if (::sf_write_raw(file_.get(), data.data(), size) != size) {
        fault_ = Fault::kWrite;
        fault_errno_ = errno;
    }
    data_bytes_ += data.size();
}

std::span<const std::byte> WavSink::ToFileLayout(
    std::span<const std::byte> frames) noexcept {
    if (IsWavLayout(format_.sample)) return frames;
    const size_t samples = frames.size() / audio::SampleBytes(format_.sample);
    const auto wav = std::span{staging_}.first(samples * WavSampleBytes(format_.sample));
    ConvertToWav(format_.sample, frames, wav);
    return wav;
}

std::string WavSink::Error() {
    if (fault_ == Fault::kNone || fault_reported_) return {};
    fault_reported_ = true;
    const std::string head = "the WAV file \"" + path_ + "\" ends here: ";
    if (fault_ == Fault::kTooLong)
        return head + "it has reached the 4 GiB that WAV can hold";
    if (fault_errno_ == 0) return head + "a write came back short";
    return head + std::generic_category().message(fault_errno_);
}

}  // namespace shmd::device
