#include "device/wav_source.h"

#include "device/snd_file.h"
#include "device/wav_format.h"
#include "wire/limits.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace shmd::device {

namespace {

using audio::SampleFormat;

constexpr size_t kFramesAtOnce = 4096;

[[noreturn]] void Refuse(const std::string& path, std::string_view why) {
    throw std::runtime_error{"cannot capture from the file \"" + path +
                             "\": " + std::string{why}};
}

SndFile Open(const std::string& path, SF_INFO& info) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) Refuse(path, "there is no such file");
    // Opening a FIFO would wait for a writer, and the server with it.
    if (!std::filesystem::is_regular_file(status)) Refuse(path, "it is no regular file");
    SndFile file{::sf_open(path.c_str(), SFM_READ, &info)};
    if (!file) Refuse(path, ::sf_strerror(nullptr));
    return file;
}

audio::StreamFormat RequireFormat(const std::string& path, const SF_INFO& info,
                                  uint32_t rate_hz) {
    if (info.samplerate < 0 || static_cast<uint32_t>(info.samplerate) != rate_hz)
        Refuse(path, "its rate is " + std::to_string(info.samplerate) +
                         " Hz, but the device's is " + std::to_string(rate_hz) + " Hz");
    if (info.channels < 1 || static_cast<uint32_t>(info.channels) > wire::kMaxChannels)
        Refuse(path, "it has " + std::to_string(info.channels) + " channels, but " +
                         std::to_string(wire::kMaxChannels) + " is the most");
    return {FormatOfSoundFile(info.format), rate_hz,
            static_cast<uint32_t>(info.channels)};
}

/** The low `count` bytes of `value`, the least first. */
std::byte* PutLittle(std::byte* out, uint64_t value, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i)
        *out++ = static_cast<std::byte>(value >> (8 * i) & 0xff);
    return out;
}

/** One sample as libsndfile gives it, to the bytes of `format`. */
std::byte* PutSample(std::byte* out, double sample, SampleFormat) {
    return PutLittle(out, std::bit_cast<uint64_t>(sample), 8);
}

std::byte* PutSample(std::byte* out, float sample, SampleFormat) {
    return PutLittle(out, std::bit_cast<uint32_t>(sample), 4);
}

/** libsndfile gives whole numbers in the upper end of 32 bits, and U8 signed. */
std::byte* PutSample(std::byte* out, int sample, SampleFormat format) {
    const uint32_t bytes = audio::SampleBytes(format);
    uint32_t bits = static_cast<uint32_t>(sample) >> (32 - 8 * bytes);
    if (format == SampleFormat::kU8) bits ^= 0x80;
    return PutLittle(out, bits, bytes);
}

sf_count_t ReadFrames(SNDFILE* file, double* to, sf_count_t frames) {
    return ::sf_readf_double(file, to, frames);
}
sf_count_t ReadFrames(SNDFILE* file, float* to, sf_count_t frames) {
    return ::sf_readf_float(file, to, frames);
}
sf_count_t ReadFrames(SNDFILE* file, int* to, sf_count_t frames) {
    return ::sf_readf_int(file, to, frames);
}

/**
 * Fill `bytes` with the file's frames. Not sf_read_raw: the order of the bytes differs
 * with the kind of file, and a FLAC has no raw samples.
 * @return how many bytes there were: a file may hold less than its header claims
 */
template <typename Sample>
size_t ReadAll(SNDFILE* file, const audio::StreamFormat& format,
               std::span<std::byte> bytes) {
    std::vector<Sample> part(kFramesAtOnce * format.channels);
    std::byte* out = bytes.data();
    const std::byte* const end = out + bytes.size();
    while (out != end) {
        const size_t left = static_cast<size_t>(end - out) / format.FrameBytes();
        const sf_count_t got = ReadFrames(
            file, part.data(), static_cast<sf_count_t>(std::min(left, kFramesAtOnce)));
        if (got <= 0) break;
        for (size_t i = 0; i < static_cast<size_t>(got) * format.channels; ++i)
            out = PutSample(out, part[i], format.sample);
    }
    return static_cast<size_t>(out - bytes.data());
}

size_t ReadSamples(SNDFILE* file, const audio::StreamFormat& format,
                   std::span<std::byte> bytes) {
    switch (format.sample) {
        case SampleFormat::kFloatLe:
            return ReadAll<float>(file, format, bytes);
        case SampleFormat::kFloat64Le:
            return ReadAll<double>(file, format, bytes);
        default:
            return ReadAll<int>(file, format, bytes);
    }
}

}  // namespace

WavSource::WavSource(const std::string& path, uint32_t rate_hz) {
    SF_INFO info{};
    const SndFile file = Open(path, info);
    format_ = RequireFormat(path, info, rate_hz);
    if (info.frames > static_cast<sf_count_t>(kMostBytes / format_.FrameBytes()))
        Refuse(path, "it takes more than the " + std::to_string(kMostBytes >> 20) +
                         " MiB of memory that are allowed");
    bytes_.resize(static_cast<size_t>(std::max<sf_count_t>(info.frames, 0)) *
                  format_.FrameBytes());
    bytes_.resize(ReadSamples(file.get(), format_, bytes_));
    if (bytes_.empty()) Refuse(path, "it holds no frames");
}

uint64_t WavSource::Frames() const noexcept {
    return bytes_.size() / format_.FrameBytes();
}

}  // namespace shmd::device
