#include "statistics.h"

#include "base/error.h"
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>

namespace shmd {

namespace {

using nlohmann::json;

const char* NameOf(engine::EndpointKind kind) {
    switch (kind) {
        case engine::EndpointKind::kPlayback:
            return "playback";
        case engine::EndpointKind::kCapture:
            return "capture";
        case engine::EndpointKind::kMonitor:
            return "monitor";
    }
    return "unknown";
}

json FormatJson(const audio::StreamFormat& format) {
    return {{"sample", audio::FormatName(format.sample)},
            {"rate", format.rate_hz},
            {"channels", format.channels}};
}

json StreamJson(const engine::StreamRecord& record) {
    return {{"stream", record.stream_id},
            {"client",
             {{"id", record.owner.client_id},
              {"name", record.owner.client_name},
              {"pid", record.owner.pid},
              {"uid", record.owner.uid}}},
            {"transport", record.owner.transport},
            {"device", record.device},
            {"kind", NameOf(record.kind)},
            {"format", FormatJson(record.format)},
            {"period", record.period_frames},
            {"buffer", record.buffer_frames},
            {"ended", record.ended},
            {"direct", record.direct},
            {"direct_frames", record.counters->direct_frames.load()},
            {"frames", record.counters->frames.load()},
            {"xruns", record.counters->xruns.load()},
            {"wakes", record.counters->wakes.load()}};
}

json DeviceJson(const engine::DeviceRunner& runner) {
    const render::Counters& count = runner.Count();
    return {{"name", runner.Name()},
            {"playback", FormatJson(runner.Device().PlaybackFormat())},
            {"capture", FormatJson(runner.Device().CaptureFormat())},
            {"turns", count.turns.load()},
            {"cycles", count.cycles.load()},
            {"exact_cycles", count.exact_cycles.load()},
            {"wakes", count.wakes.load()},
            {"audio_system_calls", count.system_calls.load()},
            {"most_late_us", count.most_late_ns.load() / base::kNsPerUs},
            {"audio_processor_seconds",
             static_cast<double>(runner.AudioTimeNs()) / base::kNsPerSecond},
            {"dropped_events", runner.DroppedEvents()}};
}

double Seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/** Field `name` of /proc/self/status, in KiB; 0 if it is not there. */
uint64_t StatusKib(const std::string& name) {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ":"))
            return std::stoull(line.substr(name.size() + 1));
    return 0;
}

json ServerJson(const loop::Loop& loop) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {{"processor_seconds", Seconds(usage.ru_utime) + Seconds(usage.ru_stime)},
            {"memory_kib", StatusKib("VmRSS")},
            {"memory_peak_kib", StatusKib("VmHWM")},
            {"loop_system_calls", loop.EnterCalls()}};
}

}  // namespace

std::string StatisticsJson(const engine::Engine& engine, const loop::Loop& loop) {
    json devices = json::array();
    for (const auto& runner : engine.Devices())
        devices.push_back(DeviceJson(*runner));
    json streams = json::array();
    for (const auto& record : engine.Records())
        streams.push_back(StreamJson(record));
    const json all{
        {"server", ServerJson(loop)}, {"devices", devices}, {"streams", streams}};
    // A client's name may be any bytes.
    return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

void RequireWritable(const std::string& path) {
    // Without waiting for a reader: a FIFO may get one later (ENXIO).
    constexpr int kFlags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    constexpr mode_t kMode = 0600;
    if (base::UniqueFd made{::open(path.c_str(), kFlags | O_CREAT | O_EXCL, kMode)};
        made) {
        ::unlink(path.c_str());
        return;
    }
    if (errno == EEXIST && base::UniqueFd{::open(path.c_str(), kFlags)}) return;
    if (errno != ENXIO) base::ThrowErrno(path.c_str());
}

void WriteFile(const std::string& path, const std::string& text) {
    std::ofstream file{path, std::ios::trunc};
    file << text << std::flush;
    if (!file) base::ThrowError(errno == 0 ? EIO : errno, path.c_str());
}

}  // namespace shmd
