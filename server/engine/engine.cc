#include "engine/engine.h"

#include <algorithm>

namespace shmd::engine {

namespace {

constexpr std::string_view kMonitor = "monitor";
constexpr std::string_view kMonitorSuffix = ".monitor";

EndpointKind KindOf(bool is_capture) {
    return is_capture ? EndpointKind::kCapture : EndpointKind::kPlayback;
}

}  // namespace

Engine::Engine(loop::Loop& loop, base::Clock& clock, DeviceRunner::Options options,
               Report report)
    : loop_{loop},
      clock_{clock},
      options_{std::move(options)},
      report_{std::move(report)} {}

Engine::~Engine() = default;

void Engine::AddDevice(std::string name, std::unique_ptr<device::Device> device) {
    const size_t index = devices_.size();
    DeviceCallbacks callbacks{
        .on_event = [this,
                     index](const auto& record) { OnEvent(*devices_[index], record); },
        .on_mail = [this] { OnMail(); },
        .on_problem =
            [this, index](const std::string& problem) {
                report_(true, "device=" + devices_[index]->Name() + " " + problem);
            },
    };
    devices_.push_back(std::make_unique<DeviceRunner>(std::move(name), std::move(device),
                                                      loop_, clock_, options_,
                                                      std::move(callbacks)));
}

DeviceRunner* Engine::FindDevice(std::string_view name) const {
    if (name.empty()) return devices_.empty() ? nullptr : devices_.front().get();
    const auto found =
        std::ranges::find_if(devices_, [=](const auto& d) { return d->Name() == name; });
    return found == devices_.end() ? nullptr : found->get();
}

std::optional<Endpoint> Engine::FindEndpoint(std::string_view name,
                                             bool is_capture) const {
    if (DeviceRunner* runner = FindDevice(name); runner != nullptr)
        return Endpoint{runner, KindOf(is_capture)};
    if (!is_capture || !name.ends_with(kMonitor)) return {};
    std::string_view device;
    if (name != kMonitor) {
        if (!name.ends_with(kMonitorSuffix)) return {};
        device = name.substr(0, name.size() - kMonitorSuffix.size());
        if (device.empty()) return {};
    }
    DeviceRunner* runner = FindDevice(device);
    if (runner == nullptr) return {};
    return Endpoint{runner, EndpointKind::kMonitor};
}

uint32_t Engine::Add(const Endpoint& endpoint, render::StreamSetup setup,
                     StreamOwner owner, StreamListener& listener) {
    setup.stream_id = ++last_stream_id_;
    setup.counters = std::make_shared<render::StreamCounters>();
    endpoint.runner->Add(endpoint.kind, setup);
    streams_[setup.stream_id] = {endpoint.runner, &listener, setup.mailbox};
    records_.push_back({.stream_id = setup.stream_id,
                        .owner = std::move(owner),
                        .device = endpoint.runner->Name(),
                        .kind = endpoint.kind,
                        .format = setup.format,
                        .period_frames = setup.period_frames,
                        .buffer_frames = setup.buffer_frames,
                        .ended = false,
                        .counters = setup.counters});
    return setup.stream_id;
}

void Engine::Remove(uint32_t stream_id) {
    const auto found = streams_.find(stream_id);
    if (found == streams_.end()) return;
    found->second.runner->Remove(stream_id);
    streams_.erase(found);
    const auto record = std::ranges::find(records_, stream_id, &StreamRecord::stream_id);
    if (record != records_.end()) {
        record->ended = true;
        // Behind those that ended before, which are forgotten before.
        std::rotate(record, record + 1, records_.end());
    }
    ForgetOldest();
}

void Engine::ForgetOldest() {
    if (records_.size() - streams_.size() <= kMaxEnded) return;
    records_.erase(std::ranges::find(records_, true, &StreamRecord::ended));
}

void Engine::SetGain(uint32_t stream_id, float gain) {
    if (const auto found = streams_.find(stream_id); found != streams_.end())
        found->second.runner->SetGain(stream_id, gain);
}

void Engine::OnEvent(const DeviceRunner& runner, const base::EventRecord& record) {
    const auto event = static_cast<render::Event>(record.code);
    if (event == render::Event::kLate)
        return report_(false, "device=" + runner.Name() +
                                  " late frames=" + std::to_string(record.a));
    const auto found = streams_.find(record.subject);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    switch (event) {
        case render::Event::kUnderrun:
            return OnXrun(stream, " underrun", record);
        case render::Event::kOverrun:
            return OnXrun(stream, " overrun", record);
        case render::Event::kFault:
            return stream.listener->OnStreamFault(
                Describe(static_cast<render::Fault>(record.a)), record.b);
        case render::Event::kLate:
            break;
    }
}

void Engine::OnXrun(Stream& stream, const char* what, const base::EventRecord& record) {
    if (record.time_ns < stream.next_report_ns) {
        ++stream.unreported_xruns;
        return;
    }
    std::string line = "stream=" + std::to_string(record.subject) + what +
                       " frames=" + std::to_string(record.a) +
                       " at=" + std::to_string(record.b);
    if (stream.unreported_xruns > 0)
        line += " and_before=" + std::to_string(stream.unreported_xruns);
    report_(false, line);
    stream.unreported_xruns = 0;
    stream.next_report_ns = record.time_ns + base::kNsPerSecond;
}

void Engine::OnMail() {
    // A listener may drop its client, and with it the stream it was told of.
    for (auto next = streams_.begin(); next != streams_.end();) {
        const Stream& stream = (next++)->second;
        if (stream.mailbox &&
            stream.mailbox->wake.exchange(false, std::memory_order_acquire))
            stream.listener->OnStreamWake();
    }
}

}  // namespace shmd::engine
