#include "engine/device_keeper.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace shmd::engine {

namespace {

// No event tells when some devices work again: when another program has released a card,
// or when a new USB card is ready.
constexpr int64_t kRetryNs = 2 * base::kNsPerSecond;
// A new card's nodes come one by one, and then get their owners.
constexpr int64_t kSettleNs = 100 * base::kNsPerMs;

/** Whether the card is not there at all: the monitor reports when it comes. For PCMs that
 * are not a card's own there is no such report. */
bool IsAbsent(const std::string& spec, const std::exception& error) {
    if (!spec.starts_with("hw:")) return false;
    const auto* system_error = dynamic_cast<const std::system_error*>(&error);
    if (system_error == nullptr) return false;
    const int code = system_error->code().value();
    return code == ENOENT || code == ENODEV || code == ENXIO;
}

}  // namespace

DeviceKeeper::DeviceKeeper(loop::Loop& loop, base::Clock& clock, Options options,
                           std::unique_ptr<device::Device> fallback, Report report)
    : loop_{loop},
      clock_{clock},
      options_{std::move(options)},
      fallback_{std::move(fallback)},
      report_{std::move(report)},
      retry_timer_{loop, [this] { TryBetter(); }},
      idle_timer_{loop, [this] { CloseIdle(); }} {
    device::CheckSpec(options_.spec);
}

std::unique_ptr<device::Device> DeviceKeeper::TakeFirst() {
    std::unique_ptr<device::Device> best = MakeBest("");
    return best ? std::move(best) : std::move(fallback_);
}

void DeviceKeeper::Bind(DeviceRunner& runner) {
    runner_ = &runner;
    ReportUse();
    OnStopped();
}

/** The best that works of those before `worse_than` in the list. */
std::unique_ptr<device::Device> DeviceKeeper::MakeBest(const std::string& worse_than) {
    bool may_work_later = false;
    for (const std::string& spec :
         device::Candidates(options_.spec, options_.direction)) {
        if (spec == worse_than) break;
        if (spec == failing_ && clock_.NowNs() < failing_until_ns_) {
            may_work_later = true;
            continue;
        }
        try {
            auto device = device::MakeDevice(spec, options_.direction);
            current_ = spec;
            taken_ns_ = clock_.NowNs();
            complaints_.clear();
            return device;
        } catch (const std::exception& error) {
            Complain(spec + ": " + error.what());
            may_work_later = may_work_later || !IsAbsent(spec, error);
        }
    }
    if (may_work_later) retry_timer_.ArmAtNs(clock_.NowNs() + kRetryNs);
    return nullptr;
}

/** Returns nothing if there is no memory for the search; it is repeated later. */
std::unique_ptr<device::Device> DeviceKeeper::FindBest(const std::string& worse_than) {
    try {
        return MakeBest(worse_than);
    } catch (const std::bad_alloc&) {
        retry_timer_.ArmAtNs(clock_.NowNs() + kRetryNs);
        return nullptr;
    }
}

void DeviceKeeper::Complain(const std::string& what) {
    if (complaints_.insert(what).second) report_("cannot use " + what);
}

void DeviceKeeper::OnFailed() {
    loop_.Defer([this] {
        if (runner_->Device().HasFailed()) LeaveFailed();  // else it is exchanged already
    });
}

void DeviceKeeper::OnClosed() {
    loop_.Defer([this] {
        if (runner_->Device().HasFailed()) return LeaveFailed();  // it was open
        try {
            runner_->Device().Open();
            runner_->Kick();
        } catch (const std::exception& error) {
            Complain(current_ + ": " + error.what());
            Leave();
        }
    });
}

void DeviceKeeper::LeaveFailed() {
    report_("lost " + current_);
    // It may be as good as new when it is opened again; if it was not, not so soon.
    const int64_t now_ns = clock_.NowNs();
    if (now_ns - taken_ns_ < kRetryNs) {
        failing_ = current_;
        failing_until_ns_ = now_ns + kRetryNs;
    }
    Leave();
}

/** Away from a device that does not work, to whatever does. */
void DeviceKeeper::Leave() {
    Release();
    auto next = FindBest("");
    Use(next ? std::move(next) : std::move(fallback_));
}

/** Without a device for a moment: the search for one may end at the same card. */
void DeviceKeeper::Release() {
    auto old = runner_->Detach();
    if (current_.empty()) fallback_ = std::move(old);
    current_.clear();
}

void DeviceKeeper::TryBetter() {
    if (auto better = FindBest(current_)) {
        auto old = runner_->Detach();
        if (!fallback_) fallback_ = std::move(old);
        Use(std::move(better));
    }
}

void DeviceKeeper::Use(std::unique_ptr<device::Device> device) {
    runner_->Attach(std::move(device));
    OnStopped();  // perhaps no stream ever starts it
    ReportUse();
}

void DeviceKeeper::ReportUse() {
    if (!current_.empty()) return report_("uses " + runner_->Device().Description());
    // Of a card that does not work the reason was told; auto may find none to tell of.
    const bool is_told = !complaints_.empty() || !failing_.empty();
    report_(is_told ? "uses the fallback" : "uses the fallback: there is no card");
}

void DeviceKeeper::OnCardsChanged() {
    failing_.clear();
    retry_timer_.ArmAtNs(clock_.NowNs() + kSettleNs);
}

void DeviceKeeper::OnStopped() {
    // At the earliest when its last frames were heard.
    const device::Device& device = runner_->Device();
    const int64_t latency_ns = base::MulDiv(device.LatencyFrames(), base::kNsPerSecond,
                                            device.PlaybackFormat().rate_hz);
    idle_timer_.ArmAtNs(clock_.NowNs() + std::max(options_.idle_timeout_ns, latency_ns));
}

void DeviceKeeper::CloseIdle() {
    // A stream runs, or a client maps the ring and so keeps the card open anyway. This is
    // called again when that ends.
    if (runner_->DeviceIsRunning() || runner_->HasGrants()) return;
    if (!runner_->Device().Close())
        idle_timer_.ArmAtNs(clock_.NowNs() + device::Device::kServicePeriodNs);
}

void DeviceKeeper::SetSpec(const std::string& spec, int64_t idle_timeout_ns) {
    device::CheckSpec(spec);
    options_.idle_timeout_ns = idle_timeout_ns;
    if (spec == options_.spec) return;
    options_.spec = spec;
    // A card cannot be set anew while a client maps its ring.
    runner_->Recall([this] { Leave(); });
}

}  // namespace shmd::engine
