#include "loop/event.h"

#include "loop/read.h"

namespace shmd::loop {

EventWatch::EventWatch(Loop& loop, int eventfd, std::function<void(uint64_t)> on_event)
    : operation_{
          std::make_shared<ReadOperation<uint64_t>>(loop, eventfd, std::move(on_event))} {
    operation_->Start();
}

EventWatch::~EventWatch() = default;

}  // namespace shmd::loop
