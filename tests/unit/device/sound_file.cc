#include "tests/unit/device/sound_file.h"

#include "device/snd_file.h"
#include "device/wav_format.h"

#include <random>
#include <stdexcept>

namespace shmd::device {

namespace {

SndFile OpenToRead(const std::string& path, SF_INFO& info) {
    SndFile file{::sf_open(path.c_str(), SFM_READ, &info)};
    if (!file) throw std::runtime_error{path + ": " + ::sf_strerror(nullptr)};
    return file;
}

SndFile OpenToWrite(const std::string& path, int sndfile_format, uint32_t rate_hz,
                    uint32_t channels) {
    SF_INFO info{};
    info.samplerate = static_cast<int>(rate_hz);
    info.channels = static_cast<int>(channels);
    info.format = sndfile_format;
    SndFile file{::sf_open(path.c_str(), SFM_WRITE, &info)};
    if (!file) throw std::runtime_error{path + ": " + ::sf_strerror(nullptr)};
    return file;
}

sf_count_t ReadItems(SNDFILE* file, int* to, sf_count_t items) {
    return ::sf_read_int(file, to, items);
}
sf_count_t ReadItems(SNDFILE* file, float* to, sf_count_t items) {
    return ::sf_read_float(file, to, items);
}
sf_count_t ReadItems(SNDFILE* file, double* to, sf_count_t items) {
    return ::sf_read_double(file, to, items);
}

void RequireAll(sf_count_t done, sf_count_t wanted, const std::string& path) {
    if (done != wanted) throw std::runtime_error{path + ": short"};
}

}  // namespace

SoundFile LoadSoundFile(const std::string& path) {
    SoundFile loaded;
    const SndFile file = OpenToRead(path, loaded.info);
    const uint32_t frame_bytes =
        audio::SampleBytes(FormatOfSoundFile(loaded.info.format)) *
        static_cast<uint32_t>(loaded.info.channels);
    loaded.raw.resize(static_cast<size_t>(loaded.info.frames) * frame_bytes);
    const auto size = static_cast<sf_count_t>(loaded.raw.size());
    RequireAll(::sf_read_raw(file.get(), loaded.raw.data(), size), size, path);
    return loaded;
}

template <typename Sample>
std::vector<Sample> LoadSamples(const std::string& path) {
    SF_INFO info{};
    const SndFile file = OpenToRead(path, info);
    std::vector<Sample> samples(static_cast<size_t>(info.frames * info.channels));
    const auto items = static_cast<sf_count_t>(samples.size());
    RequireAll(ReadItems(file.get(), samples.data(), items), items, path);
    return samples;
}

template std::vector<int> LoadSamples<int>(const std::string&);
template std::vector<float> LoadSamples<float>(const std::string&);
template std::vector<double> LoadSamples<double>(const std::string&);

void StoreSamples(const std::string& path, int sndfile_format, uint32_t rate_hz,
                  uint32_t channels, std::span<const int> samples) {
    const SndFile file = OpenToWrite(path, sndfile_format, rate_hz, channels);
    const auto items = static_cast<sf_count_t>(samples.size());
    RequireAll(::sf_write_int(file.get(), samples.data(), items), items, path);
}

void StoreSamples(const std::string& path, int sndfile_format, uint32_t rate_hz,
                  uint32_t channels, std::span<const double> samples) {
    const SndFile file = OpenToWrite(path, sndfile_format, rate_hz, channels);
    const auto items = static_cast<sf_count_t>(samples.size());
    RequireAll(::sf_write_double(file.get(), samples.data(), items), items, path);
}

std::vector<std::byte> Noise(size_t count, uint32_t seed) {
    std::mt19937 random{seed};
    std::vector<std::byte> bytes(count);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random() & 0xff);
    return bytes;
}

}  // namespace shmd::device
