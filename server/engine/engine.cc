#include "engine/engine.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <thread>

namespace shmd::engine {

namespace {

constexpr std::string_view kMonitor = "monitor";
constexpr std::string_view kMonitorSuffix = ".monitor";

// For capture, which needs only the silence of a fallback, not what the user set.
constexpr const char* kSilentFallback = "virtual";

EndpointKind KindOf(bool is_capture) {
    return is_capture ? EndpointKind::kCapture : EndpointKind::kPlayback;
}

}  // namespace

Engine::Engine(loop::Loop& loop, base::Clock& clock, DeviceRunner::Options options,
               Report report, uint64_t last_stream_id)
    : loop_{loop},
      clock_{clock},
      options_{std::move(options)},
      report_{std::move(report)},
      machine_{std::max(std::thread::hardware_concurrency(), 1U), options_.owner},
      realtime_timer_{loop, [this] { TakeUpRealtime(); }},
      last_stream_id_{last_stream_id} {
    options_.machine = &machine_;
}

Engine::~Engine() = default;

DeviceRunner& Engine::AddRunner(const std::string& name,
                                std::unique_ptr<device::Device> device) {
    const size_t index = devices_.size();
    DeviceCallbacks callbacks{
        .on_event = [this, index](const auto& record) { OnDeviceEvent(index, record); },
        .on_mail = [this] { OnMail(); },
        .on_problem =
            [this, index](const std::string& problem) {
                report_(true, {.kind = "device", .device = devices_[index]->Name()},
                        "device=" + devices_[index]->Name() + " " + problem);
            },
        .on_stopped =
            [this, index] {
                if (keepers_[index]) keepers_[index]->OnStopped();
            },
        .on_recall = [this,
                      index] { TellListeners(index, &StreamListener::OnRingRecall); },
        .on_exchanged =
            [this, index] { TellListeners(index, &StreamListener::OnDeviceExchanged); },
    };
    devices_.push_back(std::make_unique<DeviceRunner>(
        name, std::move(device), loop_, clock_, options_, std::move(callbacks)));
    keepers_.resize(devices_.size());
    return *devices_.back();
}

void Engine::AddDevice(std::string name, std::unique_ptr<device::Device> device) {
    DeviceRunner& runner = AddRunner(name, std::move(device));
    names_.push_back({std::move(name), &runner, &runner});
}

void Engine::AddDevice(const std::string& name, const std::string& spec,
                       const CardOptions& options) {
    if (device::IsVirtual(spec)) return AddDevice(name, device::MakeDevice(spec));
    using device::Direction;
    if (!device::IsVirtual(options.fallback))
        throw std::invalid_argument{"fallback " + options.fallback +
                                    " is not a virtual device"};
    DeviceRunner& playback = AddCard(
        name, {spec, Direction::kPlayback, options.idle_timeout_ns}, options.fallback);
    DeviceRunner& capture = AddCard(
        name, {spec, Direction::kCapture, options.idle_timeout_ns}, kSilentFallback);
    names_.push_back({name, &playback, &capture});
    if (!monitor_)
        monitor_ = std::make_unique<CardMonitor>(loop_, [this] {
            for (const auto& keeper : keepers_)
                if (keeper) keeper->OnCardsChanged();
        });
}

DeviceRunner& Engine::AddCard(const std::string& name,
                              const DeviceKeeper::Options& options,
                              const std::string& fallback) {
    const char* const direction =
        options.direction == device::Direction::kPlayback ? " playback: " : " capture: ";
    auto keeper = std::make_unique<DeviceKeeper>(
        loop_, clock_, options, device::MakeDevice(fallback),
        [this, name, direction](const std::string& line) {
            report_(false, {.kind = "device", .device = name},
                    "device=" + name + direction + line);
        });
    DeviceRunner& runner = AddRunner(name, keeper->TakeFirst());
    keeper->Bind(runner);
    keepers_.back() = std::move(keeper);
    return runner;
}

bool Engine::ChangeDevice(const std::string& name, const std::string& spec,
                          const CardOptions& options) {
    bool is_changed = false;
    for (size_t i = 0; i < devices_.size() && !device::IsVirtual(spec); ++i) {
        if (!keepers_[i] || devices_[i]->Name() != name) continue;
        keepers_[i]->SetSpec(spec, options.idle_timeout_ns);
        is_changed = true;
    }
    return is_changed;
}

const Engine::NamedDevice* Engine::FindNumber(std::string_view digits) const {
    size_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [parsed, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc{} || parsed != end) return nullptr;
    return number == 0 || number > names_.size() ? nullptr : &names_[number - 1];
}

const Engine::NamedDevice* Engine::FindDevice(std::string_view name) const {
    if (name.empty()) return names_.empty() ? nullptr : &names_.front();
    if (name.front() == '#') return FindNumber(name.substr(1));
    const auto found = std::ranges::find(names_, name, &NamedDevice::name);
    return found == names_.end() ? nullptr : &*found;
}

std::optional<Endpoint> Engine::FindEndpoint(std::string_view name,
                                             bool is_capture) const {
    if (const NamedDevice* found = FindDevice(name); found != nullptr)
        return Endpoint{is_capture ? found->capture : found->playback,
                        KindOf(is_capture)};
    if (!is_capture || !name.ends_with(kMonitor)) return {};
    std::string_view device;
    if (name != kMonitor) {
        if (!name.ends_with(kMonitorSuffix)) return {};
        device = name.substr(0, name.size() - kMonitorSuffix.size());
        if (device.empty()) return {};
    }
    const NamedDevice* found = FindDevice(device);
    if (found == nullptr) return {};
    return Endpoint{found->playback, EndpointKind::kMonitor};
}

void Engine::Identify(render::StreamSetup& setup) {
    setup.stream_id = ++last_stream_id_;
    setup.counters = std::make_shared<render::StreamCounters>();
}

void Engine::Add(const Endpoint& endpoint, const MadeStream& stream, StreamOwner owner,
                 StreamListener& listener) {
    const render::StreamSetup& setup = stream.Setup();
    const uint32_t uid = owner.uid;
    records_.push_back({.stream_id = setup.stream_id,
                        .owner = std::move(owner),
                        .device = endpoint.runner->Name(),
                        .kind = endpoint.kind,
                        .format = setup.format,
                        .period_frames = setup.period_frames,
                        .buffer_frames = setup.buffer_frames,
                        .ended = false,
                        .direct = {},
                        .counters = setup.counters});
    try {
        streams_.try_emplace(setup.stream_id, Stream{.runner = endpoint.runner,
                                                     .listener = &listener,
                                                     .mailbox = setup.mailbox,
                                                     .uid = uid});
        endpoint.runner->Add(stream);
    } catch (...) {
        streams_.erase(setup.stream_id);
        records_.pop_back();
        throw;
    }
}

void Engine::Remove(uint64_t stream_id) {
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

void Engine::SetGain(uint64_t stream_id, float gain) {
    if (const auto found = streams_.find(stream_id); found != streams_.end())
        found->second.runner->SetGain(stream_id, gain);
}

void Engine::OnDeviceEvent(size_t index, const base::EventRecord& record) {
    switch (static_cast<render::Event>(record.code)) {
        case render::Event::kLate:
            return report_(false, {.kind = "late", .device = devices_[index]->Name()},
                           "device=" + devices_[index]->Name() +
                               " late frames=" + std::to_string(record.a));
        case render::Event::kClosed:
            if (keepers_[index]) keepers_[index]->OnClosed();
            return;
        case render::Event::kFailed:
            if (keepers_[index]) keepers_[index]->OnFailed();
            return;
        default:
            return OnStreamEvent(record);
    }
}

void Engine::OnStreamEvent(const base::EventRecord& record) {
    const auto found = streams_.find(record.subject);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    switch (static_cast<render::Event>(record.code)) {
        case render::Event::kUnderrun:
            return OnXrun(stream, " underrun", record);
        case render::Event::kOverrun:
            return OnXrun(stream, " overrun", record);
        case render::Event::kOverload:
            return OnOverload(stream, record);
        case render::Event::kFault:
            return stream.listener->OnStreamFault(
                Describe(static_cast<render::Fault>(record.a)), record.b);
        default:
            return;
    }
}

/** Once a second of each stream. */
bool Engine::IsToBeReported(Stream& stream, const base::EventRecord& record) {
    if (record.time_ns >= stream.next_report_ns) return true;
    ++stream.unreported_xruns;
    return false;
}

void Engine::OnOverload(Stream& stream, const base::EventRecord& record) {
    if (realtime_timer_.Armed())
        realtime_timer_.ArmAtNs(realtime_pause_.Extend(clock_.NowNs()));
    if (!IsToBeReported(stream, record)) return;
    report_(false,
            {.kind = "overload", .uid = stream.uid, .device = stream.runner->Name()},
            "stream=" + std::to_string(record.subject) +
                " stopped: the audio thread's time is used up, cost_us=" +
                std::to_string(record.a) + " at=" + std::to_string(record.b));
    stream.next_report_ns = record.time_ns + base::kNsPerSecond;
}

void Engine::GiveUpRealtime() {
    if (realtime_timer_.Armed()) return;  // the signal came for each of some threads
    for (const auto& runner : devices_)
        runner->GiveUpRealtime();
    const int64_t now_ns = clock_.NowNs();
    const int64_t again_ns = realtime_pause_.Begin(now_ns);
    realtime_timer_.ArmAtNs(again_ns);
    report_(true, {.kind = "realtime"},
            "an audio thread computed for too long without a pause: ordinary "
            "scheduling for " +
                std::to_string((again_ns - now_ns) / base::kNsPerSecond) + " s");
}

void Engine::TakeUpRealtime() {
    LimitRealtimeTime();  // the kernel moves the limit when it is met
    for (const auto& runner : devices_)
        runner->TakeUpRealtime();
    report_(false, {.kind = "realtime"},
            "the audio threads have real-time scheduling again");
}

void Engine::OnXrun(Stream& stream, const char* what, const base::EventRecord& record) {
    if (!IsToBeReported(stream, record)) return;
    std::string line = "stream=" + std::to_string(record.subject) + what +
                       " frames=" + std::to_string(record.a) +
                       " at=" + std::to_string(record.b);
    if (stream.unreported_xruns > 0)
        line += " and_before=" + std::to_string(stream.unreported_xruns);
    report_(false, {.kind = "xrun", .uid = stream.uid, .device = stream.runner->Name()},
            line);
    stream.unreported_xruns = 0;
    stream.next_report_ns = record.time_ns + base::kNsPerSecond;
}

void Engine::TellListeners(size_t index, void (StreamListener::*what)()) {
    std::vector<uint64_t> ids;
    for (const auto& [id, stream] : streams_)
        if (stream.runner == devices_[index].get()) ids.push_back(id);
    // A listener may drop its client, and with it the stream it was told of.
    for (const uint64_t id : ids)
        if (const auto found = streams_.find(id); found != streams_.end())
            (found->second.listener->*what)();
}

void Engine::NoteDirect(uint64_t stream_id, const std::string& note) {
    const auto record = std::ranges::find(records_, stream_id, &StreamRecord::stream_id);
    if (record != records_.end()) record->direct = note;
}

void Engine::OnMail() {
    // A listener may drop its client, and with it the stream it was told of.
    for (auto next = streams_.begin(); next != streams_.end();) {
        const Stream& stream = (next++)->second;
        if (stream.mailbox->wake.exchange(false, std::memory_order_acquire))
            stream.listener->OnStreamWake();
    }
}

}  // namespace shmd::engine
